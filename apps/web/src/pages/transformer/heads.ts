/**
 * What a head looks at, in numbers: which share of its attention goes where.
 */

/** Kinds of places that a character can look at, each at most one: what stands first here counts. */
export const places = ['itself', 'previous', 'same', 'mark', 'near', 'far'] as const;
export type Place = (typeof places)[number];

/** Marks of a text's structure. */
const marks = /[\s.,;:!?()[\]{}，。；：！？]/u;

/** So many characters back are near. */
const near = 8;

/** Where character `j` is, seen from character `i` ≥ j. */
export function placeOf(characters: readonly string[], i: number, j: number): Place {
  if (i === j) return 'itself';
  if (i - j === 1) return 'previous';
  if (characters[i] === characters[j]) return 'same';
  if (marks.test(characters[j])) return 'mark';
  return i - j <= near ? 'near' : 'far';
}

/**
 * The mean share of its attention that a head gives to each kind of place, over all characters but the first, which has
 * nothing but itself to look at. They are 1 in sum; all 0 where there is one character only.
 */
export function sharesOf(characters: readonly string[], attention: ArrayLike<number>): Record<Place, number> {
  const count = characters.length;
  const shares = Object.fromEntries(places.map((place) => [place, 0])) as Record<Place, number>;
  for (let i = 1; i < count; i++) {
    for (let j = 0; j <= i; j++) shares[placeOf(characters, i, j)] += attention[i * count + j] / (count - 1);
  }
  return shares;
}

/** The kind of place that gets most. */
export function favorite(shares: Readonly<Record<Place, number>>): Place {
  return places.reduce((best, place) => (shares[place] > shares[best] ? place : best));
}
