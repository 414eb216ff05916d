/**
 * What a training step costs, counted by a backend that computes nothing: kernels by form, and bytes moved. The numbers
 * below are limits: a change that raises one has made training slower and needs a reason; one that lowers them lowers
 * the limits too.
 */
import { backend, oneHot, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { commitUpdates, dynamicScalar } from '@ag/tensor/engine';
import { type NullBackend, nullBackend } from '@ag/tensor/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backward, compile, gradients } from './index.ts';

const before = backend();
let device: NullBackend;
beforeEach(() => {
  device = nullBackend();
  use(device);
});
afterEach(() => use(before));

const sizes = [784, 50, 100, 10] as const;
const batch = 100;
const blank = (shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((n, x) => n * x, 1)), { shape });

interface Network {
  readonly weights: Variable[];
  readonly biases: Variable[];
}

function network(): Network {
  return {
    weights: [0, 1, 2].map((i) => new Variable(blank([sizes[i], sizes[i + 1]]), { name: `weight${i}` })),
    biases: [0, 1, 2].map((i) => new Variable(blank([sizes[i + 1]]), { name: `bias${i}` })),
  };
}

/** 784-50-100-10, sigmoid, softmax cross-entropy. */
function lossOf({ weights, biases }: Network, x: Tensor, labels: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < 3; i++) {
    y = y.matmul(weights[i].value).add(biases[i].value);
    if (i < 2) y = y.sigmoid();
  }
  return y
    .logSumExp(-1)
    .sub(y.mul(oneHot(labels, 10)).sum(-1))
    .mean();
}

function descend(net: Network, rate: Tensor): void {
  const all = [...net.weights, ...net.biases];
  commitUpdates(new Map(all.map((v) => [v, v.value.sub(v.grad!.mul(rate))])));
}

const activations = batch * (50 + 100 + 10) * 4;
const parameters = (784 * 50 + 50 * 100 + 100 * 10 + 50 + 100 + 10) * 4;

describe('a training step of 784-50-100-10, batch 100', () => {
  const step = (x: Tensor, net: Network): void => {
    const loss = lossOf(net, x, tensor(new Uint8Array(batch)));
    backward(loss);
    descend(
      net,
      dynamicScalar(() => 0.1),
    );
  };

  it('with float32 inputs', () => {
    const net = network();
    const x = blank([batch, 784]);
    step(x, net);
    // 3 products forward, with bias and sigmoid; 2 gradients of hidden layers, with the sigmoid's derivative; 3 gradients of
    // weights, with the update. None for the input, which nobody asked for.
    expect(device.last.byForm.contract, device.last.labels.join('\n')).toBe(8);
    // Gradients of 3 biases with their updates; of the loss: the largest logit, Σ exp, the target's logit, the mean.
    expect(device.last.byForm.reduce, device.last.labels.join('\n')).toBeLessThanOrEqual(7);
    // the gradient of the logits, exp of the shifted logits within.
    expect(device.last.byForm.map ?? 0, device.last.labels.join('\n')).toBeLessThanOrEqual(1);
    // Each activation and its gradient once, new parameters once, and what the loss needs: one more
    // matrix in the shape of the logits, and four numbers for each row.
    expect(device.last.bytesWritten).toBeLessThanOrEqual(2 * activations + parameters + 5_604);
    // The input twice (forward, gradient of the first weights); parameters twice (forward, update), those of the hidden
    // layers a third time (gradients of activations); each activation and its gradient in the products and sums that need it.
    expect(device.last.bytesRead).toBeLessThanOrEqual(1_384_280);
  });

  it('with bytes as inputs: one kernel more, which converts them', () => {
    const net = network();
    const raw = tensor(new Uint8Array(batch * 784), { shape: [batch, 784] });
    step(raw.cast('float32').div(255), net);
    expect(device.last.byForm.contract, device.last.labels.join('\n')).toBe(8);
    expect(device.last.byForm.reduce, device.last.labels.join('\n')).toBeLessThanOrEqual(7);
    expect(device.last.byForm.map ?? 0, device.last.labels.join('\n')).toBeLessThanOrEqual(2);
    expect(device.last.bytesWritten).toBeLessThanOrEqual(
      batch * 784 * 4 + 2 * activations + parameters + 5_604,
    );
  });

  it('compiled, runs the same kernels and nothing besides', () => {
    const net = network();
    const x = blank([batch, 784]);
    step(x, net);
    const { labels } = device.last;
    const compiled = compile((input: Tensor) => {
      const loss = lossOf(net, input, tensor(new Uint8Array(batch)));
      backward(loss);
      descend(
        net,
        dynamicScalar(() => 0.1),
      );
      return loss;
    });
    for (let i = 0; i < 3; i++) compiled(x);
    const { runs } = device.total;
    compiled(x);
    expect(device.total.runs).toBe(runs + 1);
    expect(device.last.launches).toBeLessThanOrEqual(labels.length);
  });

  it('takes no new memory after the first steps', () => {
    const net = network();
    const steps = (n: number): number => {
      for (let i = 0; i < n; i++) step(blank([batch, 784]), net);
      return device.stats().bytes;
    };
    const bytes = steps(3);
    expect(steps(20)).toBe(bytes);
  });
});

describe('an update of Adam', () => {
  it('is one kernel for each parameter, in place for its state', () => {
    const n = 784 * 50;
    const p = new Variable(blank([784, 50]), { name: 'p' });
    const m = new Variable(blank([784, 50]), { name: 'm', trainable: false, inPlace: true });
    const v = new Variable(blank([784, 50]), { name: 'v', trainable: false, inPlace: true });
    const g = blank([784, 50]);
    const update = (step: number): void => {
      const mean = m.value.mul(0.9).add(g.mul(0.1));
      const square = v.value.mul(0.999).add(g.square().mul(0.001));
      const rate = dynamicScalar(() => 1e-3 / (1 - 0.9 ** step));
      const root = square.mul(dynamicScalar(() => 1 / (1 - 0.999 ** step))).sqrt();
      commitUpdates(
        new Map([
          [p, p.value.sub(mean.mul(rate).div(root.add(1e-8)))],
          [m, mean],
          [v, square],
        ]),
      );
    };
    update(1);
    update(2);
    expect(device.last.byForm).toEqual({ map: 1 });
    // p, m, v and g are read, p, m and v written.
    expect(device.last.bytesRead).toBe(4 * n * 4);
    expect(device.last.bytesWritten).toBe(3 * n * 4);
    // p in two versions, m and v once; g was uploaded or is bound from the host.
    expect(device.stats().bytes).toBeLessThanOrEqual(5 * n * 4 + 4096);
  });
});

describe('a weight that is used at each of 20 steps', () => {
  it('has one product for its gradient, whatever the number of steps', () => {
    const [steps, rows, width] = [20, 4, 16];
    const weight = new Variable(blank([width, width]), { name: 'weight' });
    const inputs = blank([steps, rows, width]);
    let state = blank([rows, width]);
    for (let t = 0; t < steps; t++)
      state = state.matmul(weight.value.transpose()).add(inputs.index(t)).tanh();
    gradients(state.sum(), [weight])[0].dataSync();
    // 20 steps forward, 19 gradients of states (nobody asked for that of the first), the weight's.
    expect(device.last.byForm.contract, device.last.labels.join('\n')).toBe(steps + steps - 1 + 1);
  });

  it('keeps products apart that are smaller than their factors', () => {
    const weight = new Variable(blank([4, 3]), { name: 'weight' });
    const [x, y] = [blank([500, 4]), blank([400, 4])];
    const loss = x.matmul(weight.value).square().sum().add(y.matmul(weight.value).square().sum());
    gradients(loss, [weight])[0].dataSync();
    expect(device.last.byForm, device.last.labels.join('\n')).toMatchObject({ contract: 4 });
    expect(device.last.labels.filter((label) => label.includes('place'))).toEqual([]);
  });
});
