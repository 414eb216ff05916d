/** The backend on a device: the order of work, errors that are noticed later, memory, what becomes of a lost device. */
import { backward, gradients } from '@ag/graph';
import { crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import {
  backend as backendInUse,
  cholesky,
  gather,
  key,
  manualSeed,
  normal,
  reference,
  sort,
  svd,
  type Tensor,
  tensor,
  uniform,
  use,
  Variable,
} from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { expectCloseData } from '@ag/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from './device/facts.ts';
import { type WebGpuBackend, webgpu, webgpuSupport } from './index.ts';
import { countingDevice } from './testing/countingDevice.ts';
import { testGpu } from './testing/device.ts';

const { gpu } = await testGpu();

/** Trains on the backend in use; the losses of all steps. */
async function train(steps: number): Promise<number[]> {
  manualSeed(1);
  const model = sequential(linear(6, 12), relu(), linear(12, 3));
  const optimizer = adam(model.parameters(), { learningRate: 0.02 });
  const x = normal([20, 6], { key: key(5) });
  const labels = tensor(Int32Array.from({ length: 20 }, (_, i) => i % 3));
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const loss = crossEntropy(model.forward(x), labels);
    backward(loss);
    optimizer.step();
    losses.push(await loss.item());
  }
  return losses;
}

describe('without WebGPU', () => {
  it('says why, and what to do about it', async () => {
    const { adapter, facts } = await webgpuSupport();
    expect(adapter.available).toBe(false);
    expect(adapter.reason).toMatch(/npm package webgpu/);
    expect(facts).toBeNull();
    await expect(webgpu()).rejects.toThrow(/webgpu: this platform has no WebGPU/);
  });

  it('refuses what is no device and no GPU object', async () => {
    await expect(webgpu({ gpu: { requestAdapter: 1 } as never })).rejects.toThrow(/gpu must be a GPU object/);
    await expect(webgpu({ device: {} as never })).rejects.toThrow(/device must be a GPUDevice/);
    await expect(webgpu({ device: countingDevice(), maxMemory: 5 })).rejects.toThrow(
      /maxMemory must be at least/,
    );
  });

  it('counts memory, and refuses what is more than it may hold or a buffer can', async () => {
    const backend = await webgpu({ device: countingDevice(), maxMemory: 2 ** 21 });
    const held = backend.allocate(2 ** 20);
    expect(backend.stats().bytes).toBe(2 ** 20);
    expect(() => backend.allocate(2 ** 20 + 4)).toThrow(/maxMemory is 2097152; 1048576 bytes are held/);
    expect(() => backend.allocate(2 ** 30)).toThrow(/a buffer of this device has at most 134217728/);
    backend.release(held);
    expect(backend.stats().bytes).toBe(0);
  });
});

describe.skipIf(gpu === undefined)('WebGPU', () => {
  const oracle = reference();
  let device: WebGpuBackend;
  beforeAll(async () => {
    device = await webgpu({ gpu });
    use(device);
  });
  afterAll(() => use(oracle));

  it('says what the device offers', async () => {
    const support = await webgpuSupport({ gpu });
    expect(support.adapter).toEqual({ available: true, reason: '' });
    expect(support.facts?.maxBuffers).toBeGreaterThanOrEqual(8);
    expect(device.facts.maxBinding).toBe(support.facts?.maxBinding);
  });

  it('draws the numbers of the reference backend, to the bit where no function rounds', async () => {
    const draw = (): Tensor[] => [uniform([1000], { key: key(3) }), normal([1000], { key: key(4) })];
    const [here, hereNormal] = await Promise.all(draw().map((t) => t.data()));
    use(oracle);
    const [there, thereNormal] = await Promise.all(draw().map((t) => t.data()));
    use(device);
    expect([...here]).toEqual([...there]);
    expectCloseData(hereNormal, thereNormal, { relative: 1e-5 }, 'normal');
  });

  it('keeps float64 on the host, where it can be read at once', async () => {
    const x = tensor([1, 2, 3], { dtype: 'float64' });
    const { submits } = device.counters;
    expect(x.mul(0.1).sum().itemSync()).toBeCloseTo(0.6, 15);
    expect(device.counters.submits).toBe(submits);
    // To the device and back.
    const y = x.mul(2).cast('float32').add(1).cast('float64').mul(0.5);
    expect([...(await y.data())]).toEqual([1.5, 2.5, 3.5]);
    expect(() => x.cast('float32').add(1).dataSync()).not.toThrow();
    await expect(async () => tensor([1]).add(1).dataSync()).rejects.toThrow(/cannot read synchronously/);
  });

  it('keeps the order of work around a routine of the host', async () => {
    const a = tensor([
      [4, 1],
      [1, 3],
    ]).mul(
      tensor([
        [1, 1],
        [1, 1],
      ]),
    );
    const l = cholesky(a).mul(2);
    const after = l.matmul(l.transpose()).mul(0.25);
    const other = a.add(1);
    const [back, plus] = await Promise.all([after.data(), other.data()]);
    expectCloseData(back, [4, 1, 1, 3], { relative: 1e-5 }, 'L Lᵀ');
    expect([...plus]).toEqual([5, 2, 2, 4]);
    const { s } = svd(a.add(0));
    expectCloseData(await s.data(), [4.618034, 2.381966], { relative: 1e-5 }, 'singular values');
  });

  it('throws what a routine of the host throws at the next read, and goes on', async () => {
    const bad = tensor([
      [1, 2],
      [2, 1],
    ]).mul(1);
    await expect(cholesky(bad.add(0)).mul(1).data()).rejects.toThrow(/cholesky/);
    expect([...(await bad.add(1).data())]).toEqual([2, 3, 3, 2]);
  });

  it('names an index that does not exist, at the next read, and goes on', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).mul(1);
    const index = tensor(
      [
        [0, 1],
        [7, 0],
      ],
      { dtype: 'int32' },
    );
    await expect(gather(x, index, 0).data()).rejects.toThrow(
      /index 7 at position \[1, 0\] does not exist on an axis of size 2/,
    );
    expect([...(await x.add(1).data())]).toEqual([2, 3, 4, 5]);
  });

  it('writes new values over old ones, and beside them, as bound', async () => {
    const state = new Variable(tensor([1, 2, 3]), { inPlace: true });
    const update = (): void => commitUpdates(new Map([[state, state.value.mul(2).add(1)]]));
    for (let i = 0; i < 4; i++) update();
    expect([...(await state.value.data())]).toEqual([31, 47, 63]);
    const bytes = device.stats().bytes;
    for (let i = 0; i < 10; i++) update();
    await state.value.data();
    expect(device.stats().bytes).toBe(bytes);
  });

  it('follows the losses of the reference backend', async () => {
    use(oracle);
    const expected = await train(10);
    use(device);
    expectCloseData(await train(10), expected, { relative: 1e-4 }, 'losses');
  });

  it('follows them with no more than WebGPU promises', async () => {
    use(oracle);
    const expected = await train(4);
    use(await webgpu({ gpu, limits: defaultLimits }));
    expect(backendInUse().maximalBuffers).toBe(8);
    expectCloseData(await train(4), expected, { relative: 1e-4 }, 'losses');
    use(device);
  });

  it('computes derivatives of float32 as the reference does', async () => {
    const compute = async (): Promise<ArrayLike<number>[]> => {
      const x = normal([4, 5], { key: key(7) });
      const w = normal([5, 3], { key: key(8) });
      const y = x
        .matmul(w)
        .tanh()
        .softmax()
        .log()
        .mean()
        .add(x.exp().sum(0).sqrt().mean())
        .add(sort(w).cumsum(0).prod(1).mean());
      return Promise.all(gradients(y, [x, w]).map((g) => g.data()));
    };
    use(oracle);
    const expected = await compute();
    use(device);
    (await compute()).forEach((data, i) =>
      expectCloseData(data, expected[i], { relative: 1e-4, absolute: 1e-5 }, `gradient ${i}`),
    );
  });

  it('rejects reads when the device goes away, and another backend goes on', async () => {
    const adapter = await gpu?.requestAdapter();
    const raw = await adapter?.requestDevice();
    if (!raw) throw new Error('no device');
    const lost = await webgpu({ device: raw });
    use(lost);
    const x = tensor([1, 2, 3]).mul(2);
    const pending = x.data();
    raw.destroy();
    await pending.catch(() => {});
    await expect(x.add(1).data()).rejects.toMatchObject({ code: 'AG_DEVICE_LOST' });
    expect(() => tensor([1]).mul(3).dataSync()).toThrow(/device was lost: it was destroyed/);
    use(device);
    expect([...(await tensor([1]).mul(3).data())]).toEqual([3]);
  });
});
