/** W7: matrix products: square ones, ragged ones, the shapes of training, and transposed operands. */
import { evaluate } from '@ag/tensor';
import { randomArray } from '../numbers.ts';
import { values } from '../training.ts';
import type { Run, Workload } from '../workload.ts';

interface Product {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposed?: 'a' | 'b';
}

const square = (n: number): Product => ({ m: n, k: n, n });

/** The cases and their sizes; `peers/numpy_peer.py` has the same names. */
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

export const w7: Workload = {
  variants: ['kept on the device'],
  cases: Object.fromEntries(Object.entries(products).map(([name, product]) => [name, () => run(product)])),
};

function run({ m, k, n, transposed }: Product): Run {
  const a = values(randomArray(71, m * k, 1), transposed === 'a' ? [k, m] : [m, k]).mul(1);
  const b = values(randomArray(72, k * n, 1), transposed === 'b' ? [n, k] : [k, n]).mul(1);
  evaluate([a, b], { keep: true });
  const product = () =>
    (transposed === 'a' ? a.transpose() : a).matmul(transposed === 'b' ? b.transpose() : b);
  const result = product().dataSync();
  return {
    check: { 'c[0, 1]': result[1]!, 'c[m−1, n−1]': result[m * n - 1]! },
    step: () => {
      const c = product();
      evaluate([c], { keep: true });
      c.dispose();
    },
  };
}
