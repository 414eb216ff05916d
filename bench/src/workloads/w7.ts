/** W7: matrix products: square ones, ragged ones, the shapes of training, and transposed operands. */
import { evaluate } from '@ag/tensor';
import { checkProduct, operands, type Product, products } from '../problems/kernels.ts';
import { values } from '../process/training.ts';
import type { Run, Workload } from '../process/workload.ts';

export const w7: Workload = {
  variants: ['kept on the device'],
  cases: Object.fromEntries(Object.entries(products).map(([name, product]) => [name, () => run(product)])),
};

function run(of: Product): Run {
  const { transposed } = of;
  const stored = operands(of);
  const a = values(stored.a).mul(1);
  const b = values(stored.b).mul(1);
  evaluate([a, b], { keep: true });
  const product = () =>
    (transposed === 'a' ? a.transpose() : a).matmul(transposed === 'b' ? b.transpose() : b);
  return {
    check: checkProduct(of, product().dataSync()),
    step: () => {
      const c = product();
      evaluate([c], { keep: true });
      c.dispose();
    },
  };
}
