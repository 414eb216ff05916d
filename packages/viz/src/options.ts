/**
 * Options that a chart does not know are refused: a misspelt name must not be ignored.
 *
 * The other packages have this from @ag/tensor, which is not known here.
 */
import { optionError } from './errors.ts';

/**
 * @param known the names of the options, separated by spaces
 * @throws TypeError for anything but an object, and naming the nearest for an option that is not known
 */
export function checkOptions(chart: string, options: unknown, known: string): void {
  if (options === undefined) return;
  const names = known.split(' ');
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw optionError(`${chart}: options must be an object with ${names.join(', ')}`);
  for (const name in options) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    throw optionError(
      `${chart}: there is no option '${name}'${near === undefined ? ',' : `; did you mean '${near}'?`} known: ${names.join(', ')}`,
    );
  }
}

/** A name that begins like the given one, or differs from it in a few letters. */
function nearest(given: string, names: readonly string[]): string | undefined {
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(given);
  const away = (name: string): number => {
    const own = plain(name);
    return wanted.length > 1 && (own.startsWith(wanted) || wanted.startsWith(own))
      ? 0.5
      : distance(own, wanted);
  };
  const best = [...names].sort((a, b) => away(a) - away(b))[0];
  return best !== undefined && away(best) <= Math.max(2, Math.floor(wanted.length / 3)) ? best : undefined;
}

/** How many letters have to be put in, left out or replaced (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (a[i] === b[j] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}
