/** W9 with TensorFlow.js. Embeddings are products with one-hot rows: its WebAssembly backend has no gradient of `gather`. */
import { oneHot } from '../../src/problems/problem.ts';
import {
  batchSize,
  heads,
  length,
  roles,
  transformer,
  vocabulary,
  width,
} from '../../src/problems/transformer.ts';
import { crossEntropy, dense, tensor, tf, tidyRun, variables } from './library.mjs';

const perHead = width / heads;
const rows = batchSize * length;

export function w9() {
  const problem = transformer();
  const parameters = variables(problem);
  const { tokens, positions, blocks, gain, shift, head } = roles(parameters);
  const mask = tensor(problem.mask);

  const attend = (x, b) => {
    const [q, k, v] = tf
      .split(tf.matMul(x, b.attention), 3, 1)
      .map((part) => tf.transpose(tf.reshape(part, [batchSize, length, heads, perHead]), [0, 2, 1, 3]));
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), perHead ** -0.5), mask);
    const attended = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
    return tf.matMul(tf.reshape(attended, [rows, width]), b.projection);
  };
  const block = (h, b) => {
    const middle = tf.add(h, attend(normalize(h, b.gain1, b.shift1), b));
    const inner = gelu(dense(normalize(middle, b.gain2, b.shift2), b.up, b.upBias));
    return tf.add(middle, dense(inner, b.down, b.downBias));
  };
  const batch = (step) => problem.batch(step).map((array) => tensor(oneHot(array, vocabulary)));
  return tidyRun(problem, parameters, batch, (current, next) => {
    const embedded = tf.reshape(tf.matMul(current, tokens), [batchSize, length, width]);
    let h = tf.reshape(tf.add(embedded, positions), [rows, width]);
    for (const b of blocks) h = block(h, b);
    return crossEntropy(tf.matMul(normalize(h, gain, shift), head), next);
  });
}

function normalize(x, gain, shift) {
  const centered = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centered), -1, true);
  return tf.add(tf.mul(tf.div(centered, tf.sqrt(tf.add(variance, 1e-5))), gain), shift);
}

/** Hendrycks and Gimpel's approximation by tanh. */
function gelu(x) {
  const cubed = tf.mul(x, tf.square(x));
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, cubed)));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
}
