/** W7 and W8 with TensorFlow.js, whose operations are finished when they return. */
import { checkEnds, checkProduct, elementwise, operands, products } from '../../src/problems/kernels.ts';
import { later, task } from '../peer.mjs';
import { settle, tensor, tf } from './library.mjs';

/** On the cpu backend, a gigaflop per second, a larger product takes seconds and tells no more. */
const largest = task.backend === 'cpu' ? 512 ** 3 : Number.POSITIVE_INFINITY;

export const w7 = Object.fromEntries(
  Object.entries(products)
    .filter(([, { m, k, n }]) => m * k * n <= largest)
    .map(([name, product]) => [name, () => multiply(product)]),
);

function multiply(product) {
  const stored = operands(product);
  const [a, b] = [tensor(stored.a), tensor(stored.b)];
  const compute = () => tf.matMul(a, b, product.transposed === 'a', product.transposed === 'b');
  return timed(compute, (c) => checkProduct(product, c), [a, b]);
}

export const w8 = elementwise({
  sigmoid: (...arrays) => {
    const [a, b, c] = arrays.map(tensor);
    return timed(() => tf.sigmoid(tf.add(tf.mul(a, b), c)), checkEnds, [a, b, c]);
  },
  sum: (array) => {
    const a = tensor(array);
    return timed(
      () => tf.sum(a),
      ([sum]) => ({ sum }),
      [a],
    );
  },
  softmax: (array) => {
    const x = tensor(array);
    return timed(() => tf.softmax(x), checkEnds, [x]);
  },
});

/** What the former case had. */
let held = [];

function timed(compute, check, operandsOfCase) {
  tf.dispose(held);
  held = operandsOfCase;
  if (later) return timedLater(compute, check);
  return {
    check: tf.tidy(() => check(compute().dataSync())),
    step: () => tf.tidy(() => void compute()),
  };
}

async function timedLater(compute, check) {
  const first = tf.tidy(compute);
  const numbers = await first.data();
  first.dispose();
  return { check: check(numbers), step: () => tf.tidy(() => void compute()), settle };
}
