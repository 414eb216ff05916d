/** Finds what the user probably meant. */
import { distance } from 'fastest-levenshtein';

/** The nearest of some names, if one is near; upper and lower case count as the same. */
export function nearest(given: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(given.length / 3)) + 1;
  for (const name of names) {
    const away = distance(given.toLowerCase(), name.toLowerCase());
    const starts = given.length >= 2 && name.toLowerCase().startsWith(given.toLowerCase());
    const score = starts ? Math.min(away, 1) : away;
    if (score < least) {
      least = score;
      best = name;
    }
  }
  return best;
}

/** `Did you mean 'x'?`, or the list of what there is. */
export function didYouMean(given: string, names: readonly string[], what: string): string {
  const near = nearest(given, names);
  const all = `${what}: ${names.join(', ')}.`;
  return near === undefined ? all : `Did you mean '${near}'? ${all}`;
}
