/** W9 with jax-js, embeddings as products with one-hot rows. */
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
import { array, crossEntropy, dense, jax, jitRun } from './library.mjs';

const { nn, numpy } = jax;
const perHead = width / heads;
const rows = batchSize * length;

export function w9() {
  const problem = transformer();
  const mask = array(problem.mask);

  const attend = (x, b) => {
    const parts = numpy
      .matmul(x, b.attention)
      .reshape([batchSize, length, 3, heads, perHead])
      .transpose([2, 0, 3, 1, 4]);
    const [q, k, v] = [parts.ref.slice(0), parts.ref.slice(1), parts.slice(2)];
    const scores = numpy
      .matmul(q, k.transpose([0, 1, 3, 2]))
      .mul(perHead ** -0.5)
      .add(mask.ref);
    const attended = numpy.matmul(nn.softmax(scores), v).transpose([0, 2, 1, 3]);
    return numpy.matmul(attended.reshape([rows, width]), b.projection);
  };
  const block = (h, b) => {
    const middle = h.ref.add(attend(normalize(h, b.gain1, b.shift1), b));
    const inner = nn.gelu(dense(normalize(middle.ref, b.gain2, b.shift2), b.up, b.upBias));
    return middle.add(dense(inner, b.down, b.downBias));
  };
  const batch = (step) => problem.batch(step).map((labels) => array(oneHot(labels, vocabulary)));
  return jitRun(problem, batch, (parameters, current, next) => {
    const { tokens, positions, blocks, gain, shift, head } = roles(parameters);
    let h = numpy
      .matmul(current, tokens)
      .reshape([batchSize, length, width])
      .add(positions)
      .reshape([rows, width]);
    for (const b of blocks) h = block(h, b);
    return crossEntropy(numpy.matmul(normalize(h, gain, shift), head), next);
  });
}

function normalize(x, gain, shift) {
  const centered = x.ref.sub(numpy.mean(x, -1, { keepdims: true }));
  const variance = numpy.mean(numpy.square(centered.ref), -1, { keepdims: true });
  return centered
    .div(numpy.sqrt(variance.add(1e-5)))
    .mul(gain)
    .add(shift);
}
