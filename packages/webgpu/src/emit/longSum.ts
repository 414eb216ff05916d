/**
 * Long sums of float32: up to 64 terms are added, then up to 64 of these sums, and so on, so that the error grows with the logarithm of
 * their number. Shorter ones are added as they come.
 */

export interface LongSum {
  /** Statements before the first term. The sum is `total`. */
  readonly begin: readonly string[];
  /** Statements that add a term. */
  add(term: string): readonly string[];
  /** Statements after the last. */
  readonly end: readonly string[];
}

/** Statements for a sum of at most `terms` terms. */
export function longSum(terms: number): LongSum {
  if (terms <= 128) return { begin: ['var total = 0.0;'], add: (term) => [`total += ${term};`], end: [] };
  const deep = terms > 8192;
  return {
    begin: ['var total = 0.0;', 'var part = 0.0;', 'var terms = 0u;', ...(deep ? ['var block = 0.0;'] : [])],
    add: (term) => [
      `part += ${term};`,
      'terms++;',
      `if ((terms & 63u) == 0u) { ${deep ? 'block' : 'total'} += part; part = 0.0; }`,
      ...(deep ? ['if ((terms & 4095u) == 0u) { total += block; block = 0.0; }'] : []),
    ],
    end: [...(deep ? ['total += block;'] : []), 'total += part;'],
  };
}
