/** TensorFlow.js on the backend that the task names, and training as its documentation does it. */
import { folderOf, later, load, task, train } from '../peer.mjs';

export const tf = load('@tensorflow/tfjs');
if (task.backend === 'wasm') {
  const wasm = load('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${folderOf('@tensorflow/tfjs-backend-wasm')}/dist/`);
}
if (later) load('@tensorflow/tfjs-backend-webgpu');
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
    if (later) return wanted ? l.data().then(([value]) => value) : 0;
    return wanted ? l.dataSync()[0] : 0;
  };
}

/** A run whose steps stand in `tf.tidy`, which frees what they made. */
export function tidyRun(problem, parameters, batch, loss) {
  const step = minimizing(problem, parameters, batch, loss);
  if (later) return train(scoped(step), problem, settle);
  return train((i, wanted) => tf.tidy(() => step(i, wanted)), problem);
}

/** What `tf.tidy` does, for functions that give a promise. */
const scoped =
  (step) =>
  (...given) => {
    tf.engine().startScope();
    try {
      return step(...given);
    } finally {
      tf.engine().endScope();
    }
  };

/** Resolves when the device has done all that it was given. */
export async function settle() {
  const backend = tf.backend();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
}

export const dense = (x, weight, bias) => tf.add(tf.matMul(x, weight), bias);

/** @param target one-hot */
export const crossEntropy = (scores, target) =>
  tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(scores)), -1)));
