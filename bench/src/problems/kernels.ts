/** W7 and W8: single operations, by the names of their cases. */
import { random, type Values } from './problem.ts';

export interface Product {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** The operand that is stored the other way round. */
  readonly transposed?: 'a' | 'b';
}

const square = (n: number): Product => ({ m: n, k: n, n });

/** W7; `peers/numpy_peer.py` has the same names. */
export const products: Readonly<Record<string, Product>> = {
  ...Object.fromEntries([50, 64, 128, 256, 510, 512, 1000, 1024, 2048].map((n) => [`${n}`, square(n)])),
  'AB 128×784×512': { m: 128, k: 784, n: 512 },
  'AᵀB 784×128×512': { m: 784, k: 128, n: 512, transposed: 'a' },
  'ABᵀ 128×512×784': { m: 128, k: 512, n: 784, transposed: 'b' },
  'AB 100×784×50': { m: 100, k: 784, n: 50 },
  'AB 100×100×10': { m: 100, k: 100, n: 10 },
  'AᵀB 512': { ...square(512), transposed: 'a' },
  'ABᵀ 512': { ...square(512), transposed: 'b' },
  'AᵀB 1024': { ...square(1024), transposed: 'a' },
  'ABᵀ 1024': { ...square(1024), transposed: 'b' },
};

/** As they are stored. */
export function operands({ m, k, n, transposed }: Product): { readonly a: Values; readonly b: Values } {
  return {
    a: random(transposed === 'a' ? [k, m] : [m, k], 71, 1),
    b: random(transposed === 'b' ? [n, k] : [k, n], 72, 1),
  };
}

/** Two numbers of a product, as stored by rows. */
export function checkProduct({ m, n }: Product, result: ArrayLike<number>): Record<string, number> {
  return { 'c[0, 1]': result[1], 'c[m−1, n−1]': result[m * n - 1] };
}

/** How a participant does the work of W8. */
export interface Elementwise<Run> {
  readonly sigmoid: (a: Values, b: Values, c: Values) => Run;
  readonly sum: (a: Values) => Run;
  /** Over the rows. */
  readonly softmax: (x: Values) => Run;
}

/** The cases of W8. */
export function elementwise<Run>({ sigmoid, sum, softmax }: Elementwise<Run>): Record<string, () => Run> {
  const cases: Record<string, () => Run> = {};
  for (const [size, count] of [
    ['1M', 1e6],
    ['10M', 1e7],
  ] as const) {
    const values = (seed: number): Values => random([count], seed, 1);
    cases[`sigmoid(a·b+c) ${size}`] = () => sigmoid(values(81), values(82), values(83));
    cases[`sum ${size}`] = () => sum(values(81));
  }
  cases['softmax 1024×1024'] = () => softmax(random([1024, 1024], 84, 1));
  return cases;
}

/** The first and the last number of a result. */
export function checkEnds(result: ArrayLike<number>): Record<string, number> {
  return { first: result[0], last: result[result.length - 1] };
}
