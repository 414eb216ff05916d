/** W1 to W6, W10 and W11 with jax-js. */

import { convolutional } from '../../src/problems/convolutional.ts';
import {
  firstStep,
  houses,
  largePerceptron,
  smallPerceptron,
  twoLayers,
  xor,
} from '../../src/problems/perceptrons.ts';
import { oneHot } from '../../src/problems/problem.ts';
import { growth } from '../../src/process/memory.ts';
import { task } from '../peer.mjs';
import { array, crossEntropy, dense, jax, jitRun, stepping } from './library.mjs';

const { lax, nn, numpy } = jax;

export function w1() {
  const problem = xor();
  const [x, y] = [array(problem.x), array(problem.y)];
  return jitRun(
    problem,
    () => [x.ref, y.ref],
    ([w1, b1, w2, b2], input, target) => {
      const output = nn.sigmoid(dense(nn.sigmoid(dense(input, w1, b1)), w2, b2));
      return numpy.square(output.sub(target)).sum();
    },
  );
}

export function w2() {
  const problem = twoLayers();
  const [x, y] = [array(problem.x), array(problem.y)];
  return jitRun(
    problem,
    () => [x.ref, y.ref],
    ([first, second], input, target) =>
      numpy.square(numpy.matmul(nn.sigmoid(numpy.matmul(input, first)), second).sub(target)).sum(),
  );
}

export function w3() {
  const problem = houses(task.data);
  const { batchSize, features } = problem;
  const batch = (step) => {
    const [x, y] = problem.batch(step);
    return [array({ data: x, shape: [batchSize, features] }), array({ data: y, shape: [batchSize, 1] })];
  };
  return jitRun(problem, batch, ([w1, b1, w2, b2], x, y) =>
    numpy.square(dense(nn.sigmoid(dense(x, w1, b1)), w2, b2).sub(y)).mean(),
  );
}

/** The arguments of `jitRun` and `stepping`. */
function perceptron(problem) {
  const loss = (parameters, x, y) => {
    let h = x;
    for (let i = 0; i < parameters.length; i += 2) {
      if (i > 0) h = nn[problem.activation](h);
      h = dense(h, parameters[i], parameters[i + 1]);
    }
    return crossEntropy(h, y);
  };
  return [problem, digitsBatch(problem, [784]), loss];
}

function digitsBatch({ batch, batchSize }, shape) {
  return (step) => {
    const [x, labels] = batch(step);
    return [array({ data: x, shape: [batchSize, ...shape] }), array(oneHot(labels, 10))];
  };
}

export const w4 = () => jitRun(...perceptron(smallPerceptron(task.data)));

export const w5 = () => jitRun(...perceptron(largePerceptron(task.data)));

export function w6() {
  const problem = convolutional(task.data, 'first');
  const convolve = (x, kernel, bias) => {
    const h = nn.relu(lax.convGeneralDilated(x, kernel, [1, 1], 'SAME').add(bias));
    return lax.reduceWindow(h, numpy.max, [2, 2], [2, 2]);
  };
  return jitRun(
    problem,
    digitsBatch(problem, [1, 28, 28]),
    ([kernel1, bias1, kernel2, bias2, weight, bias], x, y) => {
      const h = convolve(convolve(x, kernel1, bias1), kernel2, bias2);
      return crossEntropy(dense(h.reshape([problem.batchSize, 1568]), weight, bias), y);
    },
  );
}

/** Its users own their arrays; all of them are consumed here. */
export async function w10() {
  const { check, step } = w4();
  return { check, figures: await growth(step) };
}

export const w11 = () => stepping(...perceptron(firstStep()))(0);
