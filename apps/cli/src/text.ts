/**
 * Text on its way out. Names of files, classes, runs and recipes come from outside and may hold escape sequences that
 * move the cursor, hide what was written, or set a window's title. Whatever is written to a terminal or a page passes
 * here, where control characters become visible; only the colors that agrad itself adds pass as they are. These carry a
 * number that no file can know, so nobody has to remember to clean anything, and nobody can forget it.
 */
import pc from 'picocolors';

/** Colors, or the functions of the same names that add none. */
export type Colors = ReturnType<typeof pc.createColors>;

/** Drawn anew in each process: marks sequences as our own, in a form that other programs take for a color as well. */
const own = String(1e8 + Math.floor(9e8 * Math.random()));
const ownMark = `\u001b[${own};`;
const ownSequence = new RegExp(`\\u001b\\[${own};([\\d;]*)m`, 'g');

/**
 * C0 and C1 controls, DEL, the separators of lines and paragraphs, and what turns the direction of writing (Unicode
 * Standard Annex 9; "Trojan Source", Boucher and Anderson 2021, shows what that can hide).
 */
const controls = '\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';
const control = new RegExp(`[${controls}]`, 'g');
const notOurs = new RegExp(`\\u001b\\[${own};[\\d;]*m|[${controls}]`, 'g');
/** A page has lines; JSON has escaped what is below a space already. */
const controlInPage = new RegExp(`(?![\\n\\t])[${controls}]`, 'g');
const controlInJson = new RegExp(`[${controls.replace('\\u0000-\\u001f', '')}]`, 'g');

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(sign: string): string {
  const code = sign.charCodeAt(0);
  if (Object.hasOwn(named, sign)) return named[sign];
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Text as one line without any control character: `\x1b` stands for an escape, `\n` for the end of a line. */
export function plainText(text: string): string {
  return text.replace(control, visible);
}

/** The same, with our own colors still marked: for what is measured and put together before it is written. */
export function oneLine(text: string): string {
  return text.replace(notOurs, (found) => (found.length > 1 ? found : visible(found)));
}

/** A line as a terminal gets it: control characters visible, our own colors real. */
export function terminalText(line: string): string {
  return oneLine(line).replace(ownSequence, '\u001b[$1m');
}

/** A page or a picture as a file gets it: only ends of lines and tabs are left of control characters. */
export function pageText(page: string): string {
  return page.replace(controlInPage, visible);
}

/** A line of JSON with the same content in which nothing controls a terminal. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    controlInJson,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Marks the colors of a text as our own; to be used on what agrad makes itself, never on what it was given. */
export function ownColors(text: string): string {
  return text.replaceAll('\u001b[', ownMark);
}

/** Colors that pass; what they are put around does not become ours by that. */
export function createColors(supported: boolean): Colors {
  const plain = pc.createColors(supported);
  if (!supported) return plain;
  const marked = Object.entries(plain).map(([name, color]) => {
    if (typeof color !== 'function') return [name, color];
    return [name, (text: string | number | null | undefined) => ownColors(color(terminalText(String(text))))];
  });
  return Object.fromEntries(marked) as Colors;
}
