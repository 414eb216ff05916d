/**
 * Reads the names in a JSON header: their order, and any that stands twice. `JSON.parse` puts names that look like
 * numbers first and keeps the last of two equal ones, so what a file says twice would go unnoticed.
 */

/** Names of the outermost object, in the order of the text. */
export interface HeaderKeys {
  readonly names: readonly string[];
  /** A name that stands twice in one object, if any does. */
  readonly twice: string | null;
}

/** @param json an object that `JSON.parse` takes: of its syntax nothing is checked here */
export function headerKeys(json: string): HeaderKeys {
  const names: string[] = [];
  /** Of each object that is open the names so far; null for arrays. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < json.length; at++) {
    const sign = json[at];
    if (sign === '{') open.push(new Set());
    else if (sign === '[') open.push(null);
    else if (sign === '}' || sign === ']') open.pop();
    else if (sign === '"') {
      const end = endOfText(json, at);
      const text = json.slice(at, end);
      at = end - 1;
      if (!isKey(json, end)) continue;
      const name = JSON.parse(text) as string;
      const known = open[open.length - 1]!;
      if (known.has(name)) return { names, twice: name };
      known.add(name);
      if (open.length === 1) names.push(name);
    }
  }
  return { names, twice: null };
}

/** Behind the quotation mark that ends the text which begins at `start`. */
function endOfText(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); ; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json[at - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

/** Whether a colon follows. */
function isKey(json: string, end: number): boolean {
  let at = end;
  while (/\s/.test(json[at] ?? '')) at++;
  return json[at] === ':';
}
