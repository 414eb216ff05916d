/** Regular expressions of tokenizer files, written for Oniguruma, as expressions of JavaScript. */
import { valueError } from '@ag/tensor/engine';

/** GPT-2's pattern of words (Radford et al. 2019). */
export const gpt2Pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * `\s` is Unicode's white space there, without U+FEFF and with U+0085; `(?i:…)` is spelled out, as few engines know it.
 *
 * A file may be anybody's: a group that repeats without a bound, as in `(a+)+b`, can take time that doubles with each letter of a text,
 * and no tokenizer needs one.
 *
 * @throws RangeError for what cannot be written in JavaScript, such as possessive quantifiers, and for groups that repeat
 */
export function pattern(source: string): RegExp {
  let result = '';
  /** Depth of parentheses, and the depth at which letters stopped to have a case. */
  let depth = 0;
  let folded = -1;
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const at = source[i];
    if (at === '\\') {
      const name = source[++i];
      if (name === 's') result += String.raw`\p{White_Space}`;
      else if (name === 'S') result += String.raw`\P{White_Space}`;
      else if (name === 'd') result += String.raw`\p{Nd}`;
      else if ('pPnrtuxbBwW'.includes(name) || /[\d^$\\.*+?()[\]{}|/-]/.test(name)) {
        result += at + name;
        const braces = /^\{[^}]*\}/.exec(source.slice(i + 1));
        if ('pPux'.includes(name) && braces) {
          result += braces[0];
          i += braces[0].length;
        }
      } else if (name === '#' || name === "'" || name === ' ' || name === '"') result += name;
      else throw unknown(source, `\\${name}`);
    } else if (source.startsWith('(?i:', i)) {
      result += '(?:';
      depth++;
      if (folded < 0) folded = depth;
      i += 3;
    } else if (source.startsWith('(?i)', i)) throw unknown(source, '(?i)');
    else if (at === '(' && !inClass) {
      depth++;
      result += at;
    } else if (at === ')' && !inClass) {
      const repeated = /^(?:[*+]|\{\d*,?\d*\})/.exec(source.slice(i + 1))?.[0];
      if (repeated !== undefined) throw unknown(source, `a group that repeats, )${repeated},`);
      if (folded === depth) folded = -1;
      depth--;
      result += at;
    } else if (folded >= 0 && /\p{L}/u.test(at)) {
      const both = [...new Set([at.toLowerCase(), at.toUpperCase()])].join('');
      // K and s have a third form each, which expressions without a case match as well.
      const third = { k: '\u212a', s: '\u017f' }[at.toLowerCase()] ?? '';
      result += inClass ? both + third : `[${both}${third}]`;
    } else {
      if (at === '[') inClass = true;
      else if (at === ']') inClass = false;
      result += at;
    }
  }
  try {
    return new RegExp(result, 'gu');
  } catch (cause) {
    throw valueError(
      `tokenizer: the pattern ${source} cannot be written in JavaScript: ${(cause as Error).message}`,
    );
  }
}

function unknown(source: string, part: string): RangeError {
  return valueError(`tokenizer: ${part} in the pattern ${source} is not known here`);
}

/** A text as an expression that matches it. */
export function literally(text: string): RegExp {
  return new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`), 'gu');
}
