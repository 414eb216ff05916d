/** W1 to W6, W10 and W11 with TensorFlow.js. */

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
import { crossEntropy, dense, minimizing, tensor, tf, tidyRun, variables } from './library.mjs';

const nothing = () => [];

export function w1() {
  const problem = xor();
  const [x, y] = [tensor(problem.x), tensor(problem.y)];
  const parameters = variables(problem);
  const [w1, b1, w2, b2] = parameters;
  return tidyRun(problem, parameters, nothing, () => {
    const output = tf.sigmoid(dense(tf.sigmoid(dense(x, w1, b1)), w2, b2));
    return tf.sum(tf.square(tf.sub(output, y)));
  });
}

export function w2() {
  const problem = twoLayers();
  const [x, y] = [tensor(problem.x), tensor(problem.y)];
  const parameters = variables(problem);
  const [first, second] = parameters;
  return tidyRun(problem, parameters, nothing, () =>
    tf.sum(tf.square(tf.sub(tf.matMul(tf.sigmoid(tf.matMul(x, first)), second), y))),
  );
}

export function w3() {
  const problem = houses(task.data);
  const { batchSize, features } = problem;
  const parameters = variables(problem);
  const [w1, b1, w2, b2] = parameters;
  const batch = (step) => {
    const [x, y] = problem.batch(step);
    return [tf.tensor(x, [batchSize, features]), tf.tensor(y, [batchSize, 1])];
  };
  return tidyRun(problem, parameters, batch, (x, y) =>
    tf.mean(tf.square(tf.sub(dense(tf.sigmoid(dense(x, w1, b1)), w2, b2), y))),
  );
}

/** The arguments of `tidyRun` and `minimizing`. */
function perceptron(problem) {
  const parameters = variables(problem);
  const loss = (x, y) => {
    let h = x;
    for (let i = 0; i < parameters.length; i += 2) {
      if (i > 0) h = tf[problem.activation](h);
      h = dense(h, parameters[i], parameters[i + 1]);
    }
    return crossEntropy(h, y);
  };
  return [problem, parameters, digitsBatch(problem, [784]), loss];
}

function digitsBatch({ batch, batchSize }, shape) {
  return (step) => {
    const [x, labels] = batch(step);
    return [tf.tensor(x, [batchSize, ...shape]), tensor(oneHot(labels, 10))];
  };
}

export const w4 = () => tidyRun(...perceptron(smallPerceptron(task.data)));

export const w5 = () => tidyRun(...perceptron(largePerceptron(task.data)));

export function w6() {
  const problem = convolutional(task.data, 'last');
  const parameters = variables(problem);
  const [kernel1, bias1, kernel2, bias2, weight, bias] = parameters;
  const convolve = (x, kernel, shift) =>
    tf.maxPool(tf.relu(tf.add(tf.conv2d(x, kernel, 1, 'same'), shift)), 2, 2, 'valid');
  return tidyRun(problem, parameters, digitsBatch(problem, [28, 28, 1]), (x, y) => {
    const h = convolve(convolve(x, kernel1, bias1), kernel2, bias2);
    return crossEntropy(dense(tf.reshape(h, [problem.batchSize, 1568]), weight, bias), y);
  });
}

/** With `tf.tidy` around each step. */
export async function w10() {
  const { check, step } = w4();
  return { check, figures: await growth(step, () => tf.memory().numBytes) };
}

/** By a user who frees nothing, as in `ag`. */
export async function w10Untidy() {
  const step = minimizing(...perceptron(smallPerceptron(task.data)));
  const check = { 'loss 0': step(0, true) };
  let i = 1;
  for (; i <= 300; i++) step(i, false);
  return {
    check,
    figures: await growth(
      () => void step(i++, false),
      () => tf.memory().numBytes,
    ),
  };
}

export const w11 = () => minimizing(...perceptron(firstStep()))(0, true);
