/**
 * What computes while the program goes on, as graphics processors do, by a backend that answers later and can be lost:
 * training, reading, moving a model elsewhere, memory that is full.
 */
import { backward, compile } from '@ag/graph';
import * as nn from '@ag/nn';
import { adam, ema, lbfgs, type Optimizer } from '@ag/optim';
import {
  evaluate,
  manualSeed,
  moveTo,
  normal,
  OutOfMemoryError,
  ones,
  onWarning,
  reference,
  stats,
  synchronize,
  type Tensor,
  tensor,
  use,
  Variable,
  type Warning,
} from '@ag/tensor';
import { type LaterBackend, laterBackend } from '@ag/tensor/testing';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  predict,
  takeCheckpoint,
  fit as training,
  validate,
} from '@ag/train';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let device: LaterBackend;
beforeEach(() => {
  device = laterBackend();
  use(device);
  manualSeed(3);
});
afterEach(() => use(reference()));

function network(): { model: nn.Module; optimizer: Optimizer } {
  manualSeed(7);
  const model = nn.sequential(nn.linear(6, 8), nn.batchNorm1d(8), nn.relu(), nn.linear(8, 3));
  return { model, optimizer: adam(model.parameters(), { learningRate: 0.02 }) };
}

const x = Float32Array.from({ length: 24 * 6 }, (_, i) => Math.sin(i * 1.7));
const y = Int32Array.from({ length: 24 }, (_, i) => i % 3);

/** The same batch again and again. */
const times = <Batch>(length: number, batch: Batch) => ({
  length,
  async *[Symbol.asyncIterator]() {
    for (let i = 0; i < length; i++) yield batch;
  },
});

async function steps({ model, optimizer }: ReturnType<typeof network>, count: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const loss = nn.crossEntropy(model.forward(tensor(x, { shape: [24, 6] })), tensor(y));
    backward(loss);
    optimizer.step();
    losses.push(await loss.item());
  }
  return losses;
}

/** The losses of a run that never left the reference backend. */
async function expected(count: number): Promise<number[]> {
  use(reference());
  const losses = await steps(network(), count);
  return losses;
}

describe('a device that answers later', () => {
  it('trains as the reference does, to the bit', async () => {
    const losses = await steps(network(), 5);
    expect(device.counts.reads).toBeGreaterThanOrEqual(5);
    expect(losses).toEqual(await expected(5));
  });

  it('trains by fit, validates and predicts, and is waited for now and then', async () => {
    const run = async () => {
      const { model, optimizer } = network();
      const batch = { x: tensor(x, { shape: [24, 6] }), y: tensor(y) };
      const train = times(20, batch);
      const losses: number[] = [];
      for await (const event of training({
        model,
        optimizer,
        loss: nn.crossEntropy,
        train,
        validation: times(1, batch),
        metrics: { accuracy: nn.accuracy },
        epochs: 2,
        gradientNorms: 5,
      }))
        if (event.type === 'step' || event.type === 'validation') losses.push(event.loss);
      losses.push((await validate(model, times(1, batch), { loss: nn.crossEntropy })).loss);
      losses.push(...(await (await predict(model, times(1, batch))).data()));
      return losses;
    };
    const later = await run();
    expect(device.counts.waits).toBe(2);
    use(reference());
    expect(later).toEqual(await run());
  });

  it('compiled steps bind scalars and lazy arguments without reading', async () => {
    const run = async () => {
      const { model, optimizer } = network();
      const step = compile((input: Tensor, scale: Tensor) => {
        const loss = nn.crossEntropy(model.forward(input.mul(scale)), tensor(y));
        backward(loss);
        optimizer.step();
        return loss;
      });
      const all = tensor(x, { shape: [24, 6] });
      const losses: number[] = [];
      for (const scale of [1, 0.5, 2]) losses.push(await step(all.add(scale), tensor(scale)).item());
      return losses;
    };
    const later = await run();
    use(reference());
    expect(later).toEqual(await run());
  });

  it('keeps at hand what was read, so that masks can be read at once', async () => {
    const values = normal([40]);
    const mask = values.greater(0);
    expect(() => values.index(mask)).toThrow(/index: the mask decides the shape.*await mask\.data\(\)/);
    const chosen = [...(await mask.data())].filter(Boolean).length;
    expect(values.index(mask).shape).toEqual([chosen]);
    expect(mask.dataSync()).toEqual(await mask.data());
  });

  it('L-BFGS, averages and state dicts work', async () => {
    const run = async () => {
      const { model } = network();
      const average = ema(model.parameters(), { decay: 0.5 });
      const optimizer = lbfgs(model.parameters());
      const batch = tensor(x, { shape: [24, 6] });
      const found = await optimizer.step(() => {
        const loss = nn.crossEntropy(model.forward(batch), tensor(y));
        backward(loss);
        return loss;
      });
      average.update();
      const [first] = Object.values(model.stateDict());
      return [found, ...(await first.data()), ...(await average.averages()[0].data())];
    };
    const later = await run();
    use(reference());
    expect(later).toEqual(await run());
  });
});

describe('moving', () => {
  it('goes on elsewhere as if nothing had happened, and back', async () => {
    const run = network();
    const losses = await steps(run, 3);
    await moveTo(reference(), run.model, run.optimizer);
    losses.push(...(await steps(run, 3)));
    const another = laterBackend({ name: 'another' });
    await moveTo(another, [run.model, run.optimizer]);
    losses.push(...(await steps(run, 2)));
    expect(another.counts.reads).toBeGreaterThan(0);
    expect(losses).toEqual(await expected(8));
    expect(device.stats().bytes).toBeLessThan(4096);
  });

  it('is what a message asks for when use alone does not do', async () => {
    const run = network();
    await steps(run, 1);
    use(reference());
    expect(() => run.model.forward(ones([2, 6])).dataSync()).toThrow(
      /variable '.*' lies on 'later'.*await moveTo\(backend, model, optimizer\)/,
    );
    await moveTo(reference(), run.model);
    expect(run.model.forward(ones([2, 6])).dataSync()).toHaveLength(6);
  });

  it('takes tensors, values before the last update, and variables that have no memory yet', async () => {
    const w = new Variable(tensor([1, 2]));
    const untouched = new Variable(normal([3]));
    const kept = tensor([3, 4]).mul(2);
    evaluate([kept], { keep: true });
    const made = new Variable(kept.add(1));
    const before = w.value.mul(10);
    w.assign(w.value.add(1));
    evaluate([w.value.add(0)]);
    await moveTo(reference(), w, untouched, kept, made);
    expect(before.dataSync()).toEqual(Float32Array.of(10, 20));
    expect(w.value.dataSync()).toEqual(Float32Array.of(2, 3));
    expect(kept.dataSync()).toEqual(Float32Array.of(6, 8));
    expect(made.value.dataSync()).toEqual(Float32Array.of(7, 9));
    expect(untouched.value.dataSync()).toHaveLength(3);
  });

  it('reads again what a step has changed in the meantime', async () => {
    const w = new Variable(tensor([1, 2]));
    evaluate([w.value.add(0)]);
    const moving = moveTo(reference(), w);
    w.assign(tensor([5, 6]));
    await moving;
    expect(w.value.dataSync()).toEqual(Float32Array.of(5, 6));
  });

  it('two devices compute side by side', async () => {
    const other = laterBackend({ name: 'other' });
    const first = network();
    const second = network();
    const losses: number[][] = [[], []];
    for (let i = 0; i < 3; i++) {
      use(device);
      losses[0].push(...(await steps(first, 1)));
      use(other);
      losses[1].push(...(await steps(second, 1)));
    }
    const right = await expected(3);
    expect(losses).toEqual([right, right]);
  });

  it('refuses what holds no variables', async () => {
    await expect(moveTo(reference(), 3 as unknown as Tensor)).rejects.toThrow(
      'moveTo: expected variables, tensors, modules or optimizers, got number',
    );
  });
});

describe('a lost device', () => {
  const lostCode = { code: 'AG_DEVICE_LOST' };
  let warnings: Warning[] = [];
  let stop: () => void;
  beforeEach(() => {
    warnings = [];
    stop = onWarning((warning) => warnings.push(warning));
  });
  afterEach(() => stop());

  it('fails reads that wait and all that follow', async () => {
    const run = network();
    await steps(run, 1);
    const pending = run.model.forward(ones([2, 6])).data();
    device.lose();
    await expect(pending).rejects.toMatchObject(lostCode);
    await expect(steps(run, 1)).rejects.toMatchObject(lostCode);
    await expect(synchronize()).rejects.toMatchObject(lostCode);
  });

  it('leaves a model that goes on from its last checkpoint', async () => {
    const run = network();
    const losses = await steps(run, 2);
    const saved = await encodeCheckpoint(takeCheckpoint(run));
    await steps(run, 1);
    device.lose();
    await moveTo(reference(), run.model, run.optimizer);
    expect(warnings).toMatchObject([{ code: 'AG_VALUES_LOST' }]);
    const lost = /value of variable '.*' was lost with its device; load a state/;
    await expect(run.model.parameters()[0].value.data()).rejects.toThrow(lost);
    expect(() => run.model.forward(ones([2, 6])).dataSync()).toThrow(lost);
    const batch = { x: tensor(x, { shape: [24, 6] }), y: tensor(y) };
    const checkpoint = decodeCheckpoint(saved);
    for await (const event of training({
      ...run,
      loss: nn.crossEntropy,
      train: times(2, batch),
      epochs: 1,
      resume: checkpoint,
    }))
      if (event.type === 'step') losses.push(event.loss);
    expect(losses).toEqual(await expected(4));
  });
});

describe('memory', () => {
  it('that is full is freed of results nobody has read, when these have come', async () => {
    device = laterBackend({ maxMemory: 5 * 2 ** 20 });
    use(device);
    const all: Tensor[] = [];
    for (let i = 0; i < 8; i++) {
      const each = ones([2 ** 18]).mul(i);
      all.push(each);
      evaluate([each.add(1)]);
      await each.sum().item();
    }
    const sums = [];
    for (const each of all) sums.push(await each.sum().item());
    expect(sums).toEqual(all.map((_, i) => i * 2 ** 18));
  });

  it('that does not suffice is an error that says so', async () => {
    use(laterBackend({ maxMemory: 2 ** 20 }));
    await expect(
      ones([2 ** 20])
        .mul(2)
        .data(),
    ).rejects.toThrow(OutOfMemoryError);
  });

  it('stays the same over hundreds of steps, and unread results move to the host', async () => {
    const run = network();
    await steps(run, 20);
    const before = stats().bytes;
    await steps(run, 300);
    expect(stats().bytes).toBeLessThan(before + 2 ** 16);
  });
});
