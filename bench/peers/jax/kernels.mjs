/** W7 and W8 with jax-js, each case under one `jit`. */
import { checkEnds, checkProduct, elementwise, operands, products } from '../../src/problems/kernels.ts';
import { array, jax } from './library.mjs';

const { jit, nn, numpy, tree } = jax;

export const w7 = Object.fromEntries(
  Object.entries(products).map(([name, product]) => [
    name,
    () => {
      const { a, b } = operands(product);
      const compute = (left, right) =>
        numpy.matmul(
          product.transposed === 'a' ? numpy.transpose(left) : left,
          product.transposed === 'b' ? numpy.transpose(right) : right,
        );
      return timed(compute, [a, b], (c) => checkProduct(product, c));
    },
  ]),
);

export const w8 = elementwise({
  sigmoid: (...arrays) => timed((a, b, c) => nn.sigmoid(a.mul(b).add(c)), arrays, checkEnds),
  sum: (values) =>
    timed(
      (a) => a.sum(),
      [values],
      ([sum]) => ({ sum }),
    ),
  softmax: (values) => timed((x) => nn.softmax(x), [values], checkEnds),
});

/** What the former case had. */
let held = [];

async function timed(compute, values, check) {
  tree.dispose(held);
  held = values.map(array);
  await jax.blockUntilReady(held);
  const compiled = jit(compute);
  const run = () => compiled(...held.map((a) => a.ref));
  return {
    check: check(await run().data()),
    step: async () => {
      const result = run();
      await result.blockUntilReady();
      result.dispose();
    },
  };
}
