/**
 * Options that a function does not know are refused: a name that is misspelt, or another library's, must not be ignored.
 */
import { describeValue } from './check.ts';
import { codedError } from './errors.ts';

/** Each text of names taken apart, once: options are checked at every step. */
const namesOf = /* @__PURE__ */ new Map<string, ReadonlySet<string>>();

/**
 * @param known the names of the options, separated by spaces
 * @throws TypeError for anything but an object, and naming the nearest for an option that is not known
 */
export function checkOptions(operation: string, options: unknown, known: string): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw codedError(
      TypeError,
      'AG_UNKNOWN_OPTION',
      `${operation}: options must be an object with ${known.replaceAll(' ', ', ')}, got ${describeValue(options)}`,
    );
  }
  for (const name in options) {
    let names = namesOf.get(known);
    if (names === undefined) {
      names = new Set(known.split(' '));
      namesOf.set(known, names);
    }
    if (names.has(name)) continue;
    const near = nearestName(name, [...names]);
    throw codedError(
      TypeError,
      'AG_UNKNOWN_OPTION',
      `${operation}: there is no option '${name}'${near ? `; did you mean '${near}'?` : ','} known: ${[...names].join(', ')}`,
    );
  }
}

/**
 * Which of some names was probably meant: the same in another spelling (`batch_size`), by initials (`lr`), by its beginning
 * (`pad`), or with a few letters changed. Undefined where none is near.
 */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const initials = (name: string): string => plain(name.replace(/(?<=.)[a-z0-9]+/g, ''));
  const wanted = plain(given);
  const begins = (a: string, b: string): boolean => b.length > 1 && a.startsWith(b);
  let best: string | undefined;
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const name of names) {
    const own = plain(name);
    const near =
      own === wanted
        ? 0
        : begins(own, wanted) || begins(wanted, own) || (wanted.length > 1 && initials(name) === wanted)
          ? 0.5
          : distance(own, wanted);
    if (near < least) {
      least = near;
      best = name;
    }
  }
  return best;
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
