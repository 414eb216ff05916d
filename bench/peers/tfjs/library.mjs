/** TensorFlow.js on the backend that the task names, and training as its documentation does it. */
import { folderOf, load, task, train } from '../peer.mjs';

export const tf = load('@tensorflow/tfjs');
if (task.backend === 'wasm') {
  const wasm = load('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${folderOf('@tensorflow/tfjs-backend-wasm')}/dist/`);
}
if (!(await tf.setBackend(task.backend))) throw new Error(`the backend ${task.backend} does not start`);

export const tensor = ({ data, shape }) => tf.tensor(data, shape);

export const variables = ({ parameters }) => parameters.map((first) => tf.variable(tensor(first)));

/** `step(i, wanted)` trains: `optimizer.minimize`, without freeing the batch. */
export function minimizing({ optimizer, learningRate }, parameters, batch, loss) {
  const chosen =
    optimizer === 'sgd' ? tf.train.sgd(learningRate) : tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  return (i, wanted) => {
    const tensors = batch(i);
    const l = chosen.minimize(() => loss(...tensors), wanted, parameters);
    return wanted ? l.dataSync()[0] : 0;
  };
}

/** A run whose steps stand in `tf.tidy`, which frees what they made. */
export function tidyRun(problem, parameters, batch, loss) {
  const step = minimizing(problem, parameters, batch, loss);
  return train((i, wanted) => tf.tidy(() => step(i, wanted)), problem);
}

export const dense = (x, weight, bias) => tf.add(tf.matMul(x, weight), bias);

/** @param target one-hot */
export const crossEntropy = (scores, target) =>
  tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(scores)), -1)));
