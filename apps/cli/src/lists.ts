/** Lists as people write them into a flag. */

/** Parts between commas; those inside brackets belong to a part: `[1,2],3` is `[1,2]` and `3`. */
export function splitOutsideBrackets(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const sign of text) {
    if (sign === '[') depth++;
    if (sign === ']') depth--;
    if (sign === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += sign;
  }
  return parts.filter((part) => part.trim() !== '');
}
