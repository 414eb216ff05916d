/**
 * `fit`, run into everything that can throw in it, with the step as it is written and compiled: what follows is what follows a
 * run that ended before the batch that failed.
 */
import { dataLoader, memoryDataset, type Rows } from '@ag/datasets';
import { startAnomalyDetection } from '@ag/graph';
import { adam, ema } from '@ag/optim';
import { backend, randomState, type Tensor, tensor } from '@ag/tensor';
import * as train from '@ag/train';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  batch,
  clean,
  type Failing,
  failures,
  Net,
  snapshot,
  spoil,
  type Trigger,
  useFailing,
  world,
} from './kit.ts';

interface Labeled {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** A batch whose targets carry the trigger, so that a compiled step meets it as data. */
function carrying(i: number, { index, matrix, flag }: Trigger = clean): Labeled {
  const { x, y } = batch(i);
  const first = [...index.dataSync(), ...matrix.dataSync(), ...flag.dataSync()];
  const rows = [...y.dataSync()].map((target) => [target, ...first]);
  return { x, y: tensor(rows) };
}

function loss(output: Tensor, y: Tensor): Tensor {
  const first = y.index(0);
  const trigger: Trigger = {
    ...clean,
    index: first.slice(1, 2).cast('int32'),
    matrix: first.slice(2, 6).reshape([2, 2]),
    flag: first.slice(6, 7),
  };
  return spoil(
    output
      .sub(y.slice(0, 1, { axis: 1 }))
      .square()
      .mean(),
    trigger,
  );
}

/** Batches, and then perhaps an error. */
function data(batches: readonly (Labeled | (() => Labeled))[], error?: Error): train.FitOptions['train'] {
  return {
    async *[Symbol.asyncIterator]() {
      for (const one of batches) yield typeof one === 'function' ? one() : one;
      if (error) throw error;
    },
  };
}

const two = [carrying(0), carrying(1)];
const broken = new Error('broken');
const fail = (): never => {
  throw broken;
};

type Own = ReturnType<typeof world>;
type Options = Partial<train.FitOptions> & { readonly before?: (own: Own) => void };

/** A run that fails, and one that ends where that one did. */
interface Case {
  readonly fails: (own: Own) => Options;
  readonly never?: (own: Own) => Options;
  /** Done by the run that never fails, behind `fit`. */
  readonly after?: (own: Own) => unknown;
  readonly ways?: readonly ('dynamic' | 'compiled')[];
}

/** Throws at its third call. */
function third<A extends unknown[], R>(work: (...x: A) => R): (...x: A) => R {
  let calls = 0;
  return (...x) => (++calls === 3 ? fail() : work(...x));
}

const three = [...two, carrying(2)];
const untraced = ['dynamic'] as const;

const cases: Record<string, Case> = {
  'a loader that throws': { fails: () => ({ train: data(two, broken) }) },
  'a loader that throws, profiled': { fails: () => ({ train: data(two, broken), profile: { warmUp: 0 } }) },
  'a hook that throws behind the running statistics': {
    fails: (own) => ({ train: data(three), before: () => void own.net.drop.onForward(third((x) => x)) }),
    ways: untraced,
  },
  'a gradient hook that throws': {
    fails: (own) => ({ train: data(three), before: () => void own.net.head.onGradient(third((g) => g)) }),
    ways: untraced,
  },
  'a loss that throws': { fails: () => ({ train: data(three), loss: third(loss) }), ways: untraced },
  'a loss that is async': {
    fails: () => ({ train: data(three), loss: (async () => tensor(1)) as never }),
    never: () => ({ train: data([]), epochs: 0 }),
  },
  'a metric that throws': {
    fails: () => ({ train: data(three), metrics: { error: third(loss) } }),
    ways: untraced,
  },
  'a function of gradients that throws': {
    fails: () => ({ train: data(three), gradients: third(() => {}) }),
    ways: untraced,
  },
  'a function of gradients that throws, profiled': {
    fails: () => ({ train: data(three), gradients: third(() => {}), profile: { warmUp: 1 } }),
    ways: untraced,
  },
  'a schedule that throws': {
    fails: (own) => ({
      train: data(three),
      optimizer: scheduled(own, onceAt(2)),
    }),
    never: (own) => ({ train: data(two), optimizer: scheduled(own, () => 0.05) }),
  },
  'a callback that throws': { fails: () => ({ train: data(three), callbacks: [onStep(2, fail)] }) },
  'a callback that rejects': {
    fails: () => ({ train: data(three), callbacks: [onStep(2, () => Promise.reject(broken))] }),
  },
  'a callback that throws at the end': {
    fails: () => ({ train: data(two), callbacks: [{ name: 'last', on: () => {}, finish: fail }] }),
  },
  'a validation whose data throw': {
    fails: () => ({ train: data(two), validation: data([carrying(3)], broken) }),
  },
  'a validation whose loss throws': {
    fails: () => ({ train: data(two), loss: third(loss), validation: data([carrying(3)]) }),
    ways: untraced,
  },
  'a validation with averages that throws': {
    fails: (own) => ({
      train: data(two),
      average: ema(own.net.parameters()),
      validation: data([carrying(3)], broken),
    }),
  },
  'measured gradients': { fails: () => ({ train: data(two, broken), gradientNorms: 2 }) },
  'a micro-batch that fails': {
    fails: () => ({
      train: data([...two, carrying(2), carrying(3, failures['a singular matrix'])]),
      accumulate: 2,
    }),
    never: () => ({ train: data(two), accumulate: 2 }),
    // The third was computed, with its running statistics and random numbers.
    after: (own) => loss(own.net.forward(batch(2).x), carrying(2).y).itemSync(),
    ways: untraced,
  },
  // A group whose number of batches is not known is waited for, so the third was not computed.
  'a loader that throws between micro-batches': {
    fails: () => ({ train: data(three, broken), accumulate: 2 }),
    never: () => ({ train: data(two), accumulate: 2 }),
    ways: untraced,
  },
  'a loader that throws between micro-batches, their number known': {
    fails: () => ({ train: { ...data(three, broken), length: 4 }, accumulate: 2 }),
    never: () => ({ train: data(two), accumulate: 2 }),
    after: (own) => loss(own.net.forward(batch(2).x), carrying(2).y).itemSync(),
    ways: untraced,
  },
};

for (const [name, trigger] of Object.entries(failures)) {
  if (trigger.throws) continue;
  const meeting = (): Labeled => {
    (backend() as Failing).granted = trigger.granted;
    return carrying(2, trigger);
  };
  cases[name] = { fails: () => ({ train: data([...two, meeting]) }) };
  if (trigger.granted === Number.POSITIVE_INFINITY)
    cases[`${name}, while gradients are measured`] = {
      fails: () => ({ train: data([...two, meeting]), gradientNorms: 3 }),
    };
}
// What little is granted may be enough for a whole step.
delete cases['no memory half-way'];

/** A schedule that throws at a step, once. */
function onceAt(step: number): (step: number) => number {
  let thrown = false;
  return (now) => {
    if (now !== step || thrown) return 0.05;
    thrown = true;
    return fail();
  };
}

function scheduled(own: Own, learningRate: (step: number) => number) {
  own.optimizer = adam(own.net.parameters(), { learningRate });
  return own.optimizer;
}

function onStep(step: number, act: () => void | Promise<void>): train.Callback {
  return { name: 'own', on: (event) => (event.type === 'step' && event.step === step ? act() : undefined) };
}

/** Runs `fit` and answers the error it ended with. */
async function run(own: Own, { before, ...options }: Options, compiled: boolean): Promise<unknown> {
  before?.(own);
  try {
    const all = {
      model: own.net,
      optimizer: own.optimizer,
      loss,
      train: data(two),
      epochs: 1,
      compile: compiled,
    };
    for await (const _ of train.fit({ ...all, ...options }));
    return null;
  } catch (error) {
    return error;
  } finally {
    (backend() as Failing).granted = Number.POSITIVE_INFINITY;
  }
}

/** What comes afterwards: clean runs, a step by hand, and everything that can be seen. */
async function go(own: Own, compiled: boolean): Promise<unknown> {
  const error = await run(
    own,
    { train: data([carrying(4), carrying(0)]), epochs: 2, metrics: { loss } },
    compiled,
  );
  return [error, own.step(), own.step(), own.net.training, await snapshot(own)];
}

describe.each(['reference', 'wasm, one thread'])('%s', (name) => {
  let end = (): void => {};
  beforeAll(async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    end = await useFailing(name);
  });
  afterAll(() => {
    end();
    vi.restoreAllMocks();
  });

  for (const [what, { fails, never = () => ({ train: data(two) }), after, ways }] of Object.entries(cases)) {
    for (const way of ways ?? (['dynamic', 'compiled'] as const)) {
      it(`${what}, ${way}`, async () => {
        const before = backend();
        const one = world();
        expect(await run(one, fails(one), way === 'compiled')).not.toBeNull();
        expect(backend()).toBe(before);
        const met = await go(one, way === 'compiled');
        const other = world();
        expect(await run(other, never(other), way === 'compiled')).toBeNull();
        after?.(other);
        expect(met).toEqual(await go(other, way === 'compiled'));
      });
    }
  }
});

describe('fit', () => {
  it('goes on with a loader whose transform threw', async () => {
    const x = Int32Array.from({ length: 12 }, (_, i) => i % 5);
    const y = Float32Array.from({ length: 12 }, (_, i) => i);
    const set = memoryDataset({ x: { data: x, shape: [] }, y: { data: y, shape: [1] } });
    const phases = async (throws: boolean): Promise<unknown> => {
      const own = world();
      let armed = throws;
      const transform = (rows: Rows, { start }: { start: number }): Rows =>
        armed && start >= 8 ? fail() : rows;
      const loader = dataLoader(set, {
        batchSize: 4,
        shuffle: true,
        seed: 3,
        transform,
      }) as train.FitOptions['train'];
      const plain = (output: Tensor, target: Tensor): Tensor => output.sub(target).square().mean();
      const options = { model: own.net, optimizer: own.optimizer, loss: plain, train: loader, epochs: 1 };
      const first = async (): Promise<void> => {
        for await (const event of train.fit(options))
          if (!throws && event.type === 'step' && event.step === 2) break;
      };
      if (throws) await expect(first()).rejects.toThrow('broken');
      else await first();
      armed = false;
      for await (const _ of train.fit({ ...options, epochs: 2 }));
      return snapshot(own);
    };
    expect(await phases(true)).toEqual(await phases(false));
  });

  it('starts without gradients that wait from before, and says nothing of their NaN', async () => {
    const own = world();
    const bad = { x: batch(0).x, y: carrying(0).y.mul(Number.NaN) };
    const error = await run(own, { train: data([bad, carrying(1)]), accumulate: 2, loss: plainLoss }, false);
    expect(String(error)).toMatch(/the loss is NaN/);
    expect(own.net.parameters().some(({ gradPending }) => gradPending)).toBe(false);
    own.net.loadStateDict(new Net().stateDict());
    expect(await run(own, { train: data(two), accumulate: 2 }, false)).toBeNull();
    expect([...own.net.head.weight.value.dataSync()].every(Number.isFinite)).toBe(true);
  });

  it('leaves nothing when anomaly detection ends it, optimizer state included', async () => {
    const phases = async (detects: boolean): Promise<unknown> => {
      const own = world();
      const bad = { x: batch(2).x, y: carrying(2).y.mul(Number.POSITIVE_INFINITY) };
      const stop = startAnomalyDetection();
      const error = await run(own, { train: data(detects ? [...two, bad] : two), loss: plainLoss }, false);
      stop();
      if (detects) expect(String(error)).toMatch(/AnomalyError/);
      return [randomState(), await go(own, false)];
    };
    expect(await phases(true)).toEqual(await phases(false));
  });
});

function plainLoss(output: Tensor, y: Tensor): Tensor {
  return output
    .sub(y.slice(0, 1, { axis: 1 }))
    .square()
    .mean();
}
