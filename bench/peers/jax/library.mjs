/**
 * jax-js on its WebAssembly backend or on WebGPU, and training at its best: a whole step under one `jit`. Its functions consume their
 * arguments; what is needed once more is passed as `.ref`.
 */
import { later, load, task, train } from '../peer.mjs';

export const jax = load('@jax-js/jax');
const { init, defaultDevice, jit, nn, numpy, tree, valueAndGrad } = jax;
const device = later ? task.backend : 'wasm';
await init(device);
defaultDevice(device);

export const array = ({ data, shape }) => numpy.array(data, { shape: [...shape] });

/** `step(i)` trains and returns the loss. */
export function stepping({ parameters, optimizer, learningRate }, batch, loss) {
  const rule = optimizer === 'sgd' ? sgd(learningRate) : adam(learningRate);
  const update = jit((before, state, scalars, ...arrays) => {
    const [l, gradients] = valueAndGrad(loss)(tree.ref(before), ...arrays);
    const [after, next] = rule.update(before, gradients, state, scalars);
    return [l, after, next];
  });
  let values = parameters.map(array);
  let state = rule.state(parameters);
  const step = (i, wanted) => {
    const [l, after, next] = update(values, state, rule.scalars(i), ...batch(i));
    values = after;
    state = next;
    if (later) return wanted ? l.data().then(([loss]) => loss) : l.dispose();
    // Arrays are lazy: reading one result runs the call, without it work would pile up.
    return l.dataSync()[0];
  };
  return Object.assign(step, { settle: () => jax.blockUntilReady(values) });
}

export const jitRun = (problem, batch, loss) => {
  const step = stepping(problem, batch, loss);
  return train(step, problem, step.settle);
};

const sgd = (rate) => ({
  state: () => [],
  scalars: () => [],
  update: (before, gradients) => [before.map((p, i) => p.sub(gradients[i].mul(rate))), []],
});

/** Kingma and Ba, with the corrections for the first steps computed in doubles. */
const adam = (rate) => ({
  state: (parameters) => {
    const zeros = () => parameters.map(({ shape }) => numpy.zeros([...shape]));
    return [zeros(), zeros()];
  },
  scalars: (i) => [
    numpy.array(rate / (1 - 0.9 ** (i + 1))),
    numpy.array(1 / Math.sqrt(1 - 0.999 ** (i + 1))),
  ],
  update: (before, gradients, [means, squares], [size, factor]) => {
    const nextMeans = means.map((m, i) => m.mul(0.9).add(gradients[i].ref.mul(0.1)));
    const nextSquares = squares.map((s, i) => s.mul(0.999).add(numpy.square(gradients[i]).mul(0.001)));
    const after = before.map((p, i) => {
      const scale = numpy.sqrt(nextSquares[i].ref).mul(factor.ref).add(1e-8);
      return p.sub(nextMeans[i].ref.mul(size.ref).div(scale));
    });
    tree.dispose([size, factor]);
    return [after, [nextMeans, nextSquares]];
  },
});

export const dense = (x, weight, bias) => numpy.matmul(x, weight).add(bias);

/** @param target one-hot */
export const crossEntropy = (scores, target) => {
  const [count] = scores.shape;
  return nn
    .logSoftmax(scores)
    .mul(target)
    .sum()
    .mul(-1 / count);
};
