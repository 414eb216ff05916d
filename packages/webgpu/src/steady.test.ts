/**
 * A loop that goes on for long: the same buffers and bind groups at every step, whether somebody reads the loss or not, and losses that
 * wait to be read while others take their buffers.
 */
import { backward } from '@ag/graph';
import { crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { backend as backendInUse, manualSeed, reference, type Tensor, tensor, use } from '@ag/tensor';
import { expectCloseData } from '@ag/tensor/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { webgpu } from './index.ts';
import { countingDevice } from './testing/countingDevice.ts';
import { testGpu } from './testing/device.ts';

const { gpu } = await testGpu();
afterEach(() => use(reference()));

/** What makes a step of training on a batch of its own. */
function training(): (step: number) => Tensor {
  manualSeed(1);
  const model = sequential(linear(6, 12), relu(), linear(12, 3));
  const optimizer = adam(model.parameters(), { learningRate: 0.02 });
  return (step) => {
    const x = tensor(
      Float32Array.from({ length: 120 }, (_, i) => Math.sin(i * (step + 1))),
      { shape: [20, 6] },
    );
    const loss = crossEntropy(model.forward(x), tensor(Int32Array.from({ length: 20 }, (_, i) => i % 3)));
    backward(loss);
    optimizer.step();
    return loss;
  };
}

describe('500 steps', () => {
  it.each([
    ['whose losses nobody reads', () => null],
    ['whose losses are read', (loss: Tensor) => loss.item()],
    ['whose losses are read ten steps later', readLater()],
  ])('%s need what 50 do', async (_, read) => {
    const device = countingDevice();
    const backend = await webgpu({ device });
    use(backend);
    const step = training();
    const states: object[] = [];
    for (let i = 0; i < 500; i++) {
      await read(step(i));
      // As a program does that lets pages be drawn.
      if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 0));
      const { bindGroups, pipelines, dispatches } = backend.counters;
      if (i === 49 || i === 499)
        states.push({ bindGroups, pipelines, ...device.held, each: dispatches / (i + 1) });
    }
    const [early, late] = states as [{ each: number }, { each: number }];
    expect({ ...late, each: 0 }).toEqual({ ...early, each: 0 });
    expect(late.each).toBeLessThanOrEqual(early.each);
  });

  it('hold what small results hold, not buffers for each', async () => {
    const device = countingDevice();
    const backend = await webgpu({ device });
    use(backend);
    const step = training();
    // What is not read waits behind kernels being made, so the first steps are.
    for (let i = 0; i < 4; i++) await step(i).item();
    for (let i = 4; i < 20; i++) step(i);
    const [buffers, bytes] = [device.held.count, backend.stats().bytes];
    const kept: Tensor[] = [];
    for (let i = 0; i < 300; i++) kept.push(step(i));
    expect(device.held.count).toBe(buffers);
    expect(backend.stats().bytes - bytes).toBe(300 * 4);
    // All of them are still there, each of its own.
    const { submits } = backend.counters;
    await Promise.all(kept.map((loss) => loss.item()));
    expect(backend.counters.submits - submits).toBe(300);
  });
});

function readLater(): (loss: Tensor) => Promise<unknown> {
  const waiting: Tensor[] = [];
  return async (loss) => {
    waiting.push(loss);
    return waiting.length > 10 ? waiting.shift()?.item() : null;
  };
}

describe.skipIf(gpu === undefined)('small results on a device', () => {
  it('are read later, used in later kernels and on the host, as if they had stayed', async () => {
    const follow = async (): Promise<number[]> => {
      const step = training();
      const losses = Array.from({ length: 12 }, (_, i) => step(i));
      // The last has a buffer, the others wait elsewhere: read, used by a kernel, computed with in float64, and dropped.
      const doubled = losses[3].mul(2).add(losses[11]);
      const exact = losses[5].cast('float64').mul(1e3);
      const values = await Promise.all([...losses, doubled, exact].map((value) => value.item()));
      const again = await Promise.all(losses.slice(0, 4).map((value) => value.mul(1).item()));
      return [...values, ...again, await step(12).item()];
    };
    use(reference());
    const expected = await follow();
    const device = await webgpu({ gpu });
    use(device);
    expectCloseData(await follow(), expected, { relative: 1e-4 }, 'losses');
    expect(backendInUse()).toBe(device);
    device.close();
  });
});
