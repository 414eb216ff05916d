/**
 * What a training step asks of a device, counted on one that computes nothing. The numbers are limits, as in `plans.test.ts` of
 * @ag/graph: a change that raises one has made steps dearer and needs a reason; one that lowers them lowers the limits, too.
 */
import { backward } from '@ag/graph';
import {
  conv2d as convolution,
  crossEntropy,
  flatten,
  linear,
  type Module,
  maxPool2d,
  relu,
  sequential,
  sigmoid,
} from '@ag/nn';
import { adam, type Optimizer, sgd } from '@ag/optim';
import { reference, split, type Tensor, take, tensor, use, Variable } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { type WebGpuBackend, webgpu } from './index.ts';
import { countingDevice } from './testing/countingDevice.ts';

afterAll(() => use(reference()));

interface Asked {
  readonly dispatches: number;
  readonly bindGroups: number;
  readonly submits: number;
  readonly readbacks: number;
  readonly bytesWritten: number;
  readonly bytesRead: number;
  /** Made for all steps so far. */
  readonly pipelines: number;
  /** Most memory that was in use at a time, in bytes. */
  readonly peakBytes: number;
}

/** Seven steps, of which the last is counted; its loss is read. */
async function countStep(
  backend: WebGpuBackend,
  loss: () => Tensor,
  optimizer: () => Optimizer,
): Promise<Asked> {
  use(backend);
  const own = optimizer();
  const step = async (): Promise<void> => {
    const value = loss();
    backward(value);
    own.step();
    await value.item();
  };
  for (let i = 0; i < 6; i++) await step();
  const before = { ...backend.counters };
  await step();
  const { counters } = backend;
  expect(counters.pipelines, 'pipelines are reused').toBe(before.pipelines);
  return {
    dispatches: counters.dispatches - before.dispatches,
    bindGroups: counters.bindGroups - before.bindGroups,
    submits: counters.submits - before.submits,
    readbacks: counters.readbacks - before.readbacks,
    bytesWritten: counters.bytesWritten - before.bytesWritten,
    bytesRead: counters.bytesRead - before.bytesRead,
    pipelines: counters.pipelines,
    peakBytes: backend.stats().peakBytes,
  };
}

function expectAtMost(asked: Asked, limits: Asked): void {
  for (const [name, limit] of Object.entries(limits))
    expect.soft(asked[name as keyof Asked], `${name} of ${JSON.stringify(asked)}`).toBeLessThanOrEqual(limit);
}

const blank = (shape: number[], dtype: 'float32' | 'int32' = 'float32'): Tensor => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(dtype === 'int32' ? new Int32Array(size) : new Float32Array(size), { shape, copy: false });
};

/** A batch is new at each step, as it is where somebody trains. */
const classified = (model: Module & { forward(x: Tensor): Tensor }, shape: number[]) => (): Tensor =>
  crossEntropy(model.forward(blank(shape)), blank([shape[0]], 'int32'));

describe('a training step', () => {
  it('of 784-50-100-10, batch 100, by gradient descent', async () => {
    const model = sequential(linear(784, 50), sigmoid(), linear(50, 100), sigmoid(), linear(100, 10));
    const asked = await countStep(
      await webgpu({ device: countingDevice() }),
      classified(model, [100, 784]),
      () => sgd(model.parameters(), { learningRate: 0.1 }),
    );
    expectAtMost(asked, limitsOfSteps.perceptron);
  });

  it('takes its kernels from plans for other sizes, and from other models', async () => {
    const backend = await webgpu({ device: countingDevice() });
    const made = async (sizes: readonly number[], batch: number): Promise<number> => {
      const before = backend.counters.pipelines;
      const [first, ...layers] = sizes.slice(1).map((size, i) => linear(sizes[i], size));
      const model = sequential(first, ...layers.flatMap((layer) => [sigmoid(), layer]));
      use(backend);
      const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
      for (let i = 0; i < 2; i++) {
        const loss = classified(model, [batch, sizes[0]])();
        backward(loss);
        optimizer.step();
        await loss.item();
      }
      return backend.counters.pipelines - before;
    };
    expect(await made([784, 50, 100, 10], 100)).toBeGreaterThan(8);
    expect(await made([784, 50, 100, 10], 96)).toBe(0);
    expect(await made([784, 54, 92, 10], 100)).toBe(0);
    // Means over fewer are shared by a smaller workgroup.
    expect(await made([784, 50, 100, 10], 60)).toBeLessThanOrEqual(1);
  });

  it('of two convolutions with pooling and a dense layer, batch 64, by Adam', async () => {
    const model = sequential(
      convolution(1, 16, 5, { padding: 2 }),
      relu(),
      maxPool2d(2),
      convolution(16, 32, 5, { padding: 2 }),
      relu(),
      maxPool2d(2),
      flatten(),
      linear(1568, 10),
    );
    const asked = await countStep(
      await webgpu({ device: countingDevice() }),
      classified(model, [64, 1, 28, 28]),
      () => adam(model.parameters(), { learningRate: 1e-3 }),
    );
    expectAtMost(asked, limitsOfSteps.convolutional);
  });

  it('of a transformer of four blocks, by Adam', async () => {
    const { loss, parameters } = transformer();
    const asked = await countStep(await webgpu({ device: countingDevice() }), loss, () =>
      adam(parameters, { learningRate: 1e-3 }),
    );
    expectAtMost(asked, limitsOfSteps.transformer);
  });
});

const limitsOfSteps: Readonly<Record<'perceptron' | 'convolutional' | 'transformer', Asked>> = {
  // The batch is all that is written, and a block of arguments.
  perceptron: {
    dispatches: 15,
    bindGroups: 0,
    submits: 2,
    readbacks: 1,
    bytesWritten: 314000,
    bytesRead: 4,
    pipelines: 14,
    peakBytes: 592484,
  },
  convolutional: {
    dispatches: 28,
    bindGroups: 0,
    submits: 2,
    readbacks: 1,
    bytesWritten: 208128,
    bytesRead: 4,
    pipelines: 23,
    peakBytes: 11859620,
  },
  transformer: {
    dispatches: 209,
    bindGroups: 0,
    submits: 2,
    readbacks: 1,
    bytesWritten: 57600,
    // Of 16 bytes each read learns whether all indices were there.
    bytesRead: 20,
    pipelines: 36,
    peakBytes: 40384516,
  },
};

/** Pre-norm, causal attention of four heads, GELU by tanh: 64 tokens of 256, width 128, batch 8. */
function transformer(): { readonly loss: () => Tensor; readonly parameters: Variable[] } {
  const [width, heads, length, batch, vocabulary] = [128, 4, 64, 8, 256];
  const parameters: Variable[] = [];
  const parameter = (...shape: number[]): Variable => {
    const variable = new Variable(blank(shape));
    parameters.push(variable);
    return variable;
  };
  const norm = (): ((x: Tensor) => Tensor) => {
    const gain = parameter(width);
    const shift = parameter(width);
    return (x) => {
      const centered = x.sub(x.mean(-1, { keepDims: true }));
      const scale = centered.square().mean(-1, { keepDims: true }).add(1e-5).rsqrt();
      return centered.mul(scale).mul(gain.value).add(shift.value);
    };
  };
  const tokens = parameter(vocabulary, width);
  const positions = parameter(length, width);
  const blocks = Array.from({ length: 4 }, () => ({
    first: norm(),
    attention: parameter(width, 3 * width),
    projection: parameter(width, width),
    second: norm(),
    up: parameter(width, 4 * width),
    upBias: parameter(4 * width),
    down: parameter(4 * width, width),
    downBias: parameter(width),
  }));
  const last = norm();
  const head = parameter(width, vocabulary);
  const mask = blank([length, length]);
  return {
    parameters,
    loss: () => {
      let h = take(tokens.value, blank([batch * length], 'int32'))
        .reshape([batch, length, width])
        .add(positions.value)
        .reshape([batch * length, width]);
      for (const block of blocks) {
        const [q, k, v] = split(block.first(h).matmul(block.attention.value), [width, width, width], 1).map(
          (part) => part.reshape([batch, length, heads, width / heads]).permute([0, 2, 1, 3]),
        );
        const weights = q
          .matmul(k.transpose())
          .mul((width / heads) ** -0.5)
          .add(mask)
          .softmax();
        const attended = weights
          .matmul(v)
          .permute([0, 2, 1, 3])
          .reshape([batch * length, width]);
        const middle = h.add(attended.matmul(block.projection.value));
        const inner = block.second(middle).matmul(block.up.value).add(block.upBias.value).gelu('tanh');
        h = middle.add(inner.matmul(block.down.value).add(block.downBias.value));
      }
      return crossEntropy(last(h).matmul(head.value), blank([batch * length], 'int32'));
    },
  };
}
