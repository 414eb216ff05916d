/** What a cell of a table may hold: gaps, numbers, dates, truth values, names, as people write them. */
import type { Cell } from './rows.ts';

/** The texts that mean a missing value, unless others are given: those of pandas in common use, and a question mark. */
export const usualMissingTexts: readonly string[] = [
  '',
  'NA',
  'N/A',
  'n/a',
  '#N/A',
  '<NA>',
  'NaN',
  'nan',
  'NULL',
  'Null',
  'null',
  'None',
  '?',
];

/** A cell without the spaces around it. */
export function trimmed(cell: Cell): Cell {
  return typeof cell === 'string' ? cell.trim() : cell;
}

export function isGap(cell: Cell, missing: ReadonlySet<string>): boolean {
  if (typeof cell === 'string') return missing.has(cell.trim());
  return cell === undefined || cell === null || Number.isNaN(cell);
}

/** A decimal number as people write it: sign, digits, point, exponent. */
export const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** The finite number of a cell; undefined where it holds none. */
export function numberOf(cell: Cell): number | undefined {
  let value: number;
  if (typeof cell === 'number') value = cell;
  else if (typeof cell === 'bigint') value = Number(cell);
  else if (typeof cell === 'string' && decimal.test(cell.trim())) value = Number(cell);
  else return undefined;
  return Number.isFinite(value) ? value : undefined;
}

/** A date, or date and time, of ISO 8601; without a zone it is taken for UTC, so that every machine reads it alike. */
const isoDate =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** Days since 1970-01-01 UTC, with fractions for the time of day; undefined for what is no date. */
export function daysOf(cell: Cell): number | undefined {
  if (cell instanceof Date) {
    const time = cell.getTime();
    return Number.isNaN(time) ? undefined : time / 86_400_000;
  }
  const parts = typeof cell === 'string' ? isoDate.exec(cell.trim()) : null;
  if (parts === null) return undefined;
  const [year, month, day, hours, minutes, seconds] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const start = new Date(Date.UTC(year, month - 1, day));
  // The 31st of February is no date, though Date takes it for one of March.
  if (start.getUTCMonth() !== month - 1 || start.getUTCDate() !== day) return undefined;
  if (hours > 23 || minutes > 59 || seconds >= 60) return undefined;
  const zone = /^([+-])(\d{2}):?(\d{2})$/.exec(parts[7] ?? '');
  const ahead = zone === null ? 0 : (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]));
  return start.getTime() / 86_400_000 + (hours * 3600 + (minutes - ahead) * 60 + seconds) / 86_400;
}

const truths = new Map<string, boolean>([
  ...['true', 't', 'yes', 'y', 'on', '1'].map((text) => [text, true] as const),
  ...['false', 'f', 'no', 'n', 'off', '0'].map((text) => [text, false] as const),
]);

/** Whether a cell says true or false; undefined where it says neither. */
export function truthOf(cell: Cell): boolean | undefined {
  if (typeof cell === 'boolean') return cell;
  if (typeof cell !== 'string' && typeof cell !== 'number') return undefined;
  return truths.get(String(cell).trim().toLowerCase());
}

/** The name of a category; numbers and truth values are named as they are written. */
export function categoryOf(cell: Cell): string {
  return cell instanceof Date ? cell.toISOString() : String(cell).trim();
}

/** The words of a text as scikit-learn's CountVectorizer finds them: lower case, two letters or digits at least. */
export function tokensOf(cell: Cell): string[] {
  return (
    categoryOf(cell)
      .toLowerCase()
      .match(/[\p{L}\p{N}_]{2,}/gu) ?? []
  );
}

/** How a cell is shown in a message. */
export function shown(cell: Cell): string {
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? 'an invalid date' : cell.toISOString();
  if (typeof cell === 'bigint') return `${cell}n`;
  const text = cell === undefined || typeof cell === 'number' ? String(cell) : JSON.stringify(cell);
  return text.length > 60 ? `${text.slice(0, 57)}…${typeof cell === 'string' ? '"' : ''}` : text;
}

/** Names for a message; of many the first. */
export function listed(names: readonly string[], most = 20): string {
  return names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
