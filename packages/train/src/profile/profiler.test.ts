/** Profiles: what is counted, by kernel, operation and module. */
import { dataLoader, tensorDataset } from '@ag/datasets';
import { wasm, wasmSupport } from '@ag/native-wasm';
import { crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { backend, manualSeed, reference, tensor, use } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import type { ProfileEvent } from '../events.ts';
import { fit } from '../fit.ts';
import { collect, line, weightsOf } from '../testTools.ts';

const before = backend();
const fast = wasmSupport().simd.available ? await wasm({ threads: 2 }) : null;
afterAll(() => {
  use(before);
  fast?.close();
});

const points = Array.from({ length: 60 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const classes = points.map(([a, b]) => (a * b > 0 ? 1 : 0));

function classifier(options: { readonly profile?: boolean; readonly compile?: boolean }) {
  manualSeed(2);
  const model = sequential(linear(2, 16), relu(), linear(16, 2));
  return {
    model,
    optimizer: adam(model.parameters(), { learningRate: 0.01 }),
    loss: crossEntropy,
    train: dataLoader(tensorDataset(points, tensor(classes, { dtype: 'int32' })), {
      batchSize: 10,
      shuffle: true,
    }),
    epochs: 5,
    ...options,
  };
}

const profileOf = (events: readonly { type: string }[]): ProfileEvent =>
  events.find((event) => event.type === 'profile') as ProfileEvent;

describe.each([['reference', before], ...(fast ? [['wasm', fast] as const] : [])] as const)(
  'a profile on %s',
  (_, computing) => {
    it.each([false, true])(
      'changes no bit of the weights, compiled %s, and computes as before after it',
      async (compile) => {
        use(computing);
        const plain = classifier({ compile });
        await collect(plain);
        const profiled = classifier({ compile, profile: true });
        const events = await collect(profiled);
        expect(await weightsOf(profiled.model)).toEqual(await weightsOf(plain.model));
        expect(backend()).toBe(computing);
        // 6 steps an epoch, 10 to warm up.
        const { steps, milliseconds, operations, kernels, modules } = profileOf(events);
        expect(steps).toBe(20);
        expect(events[events.length - 2].type).toBe('profile');
        // All three views share the same time out.
        for (const rows of [operations, kernels, modules]) {
          const sum = rows.reduce((total, row) => total + row.milliseconds, 0);
          expect(sum).toBeCloseTo(milliseconds.kernels, 6);
          expect(rows.reduce((total, row) => total + row.share, 0)).toBeCloseTo(1, 6);
          expect(rows.map((row) => row.milliseconds)).toEqual(
            rows.map((row) => row.milliseconds).sort((a, b) => b - a),
          );
        }
        expect(modules.map((row) => row.name)).toEqual(
          expect.arrayContaining(['0', '0 (backward)', '2', '2 (backward)', '(loss)']),
        );
        expect(operations.map((row) => row.name)).toContain('contract');
        expect(kernels.every(({ runs, modules }) => runs > 0 && modules.length > 0)).toBe(true);
      },
    );
  },
);

describe('a profile', () => {
  it('counts kernels and bytes as by hand', async () => {
    use(before);
    // One weight, four numbers: y = x·w, the squared error, its gradient, the step. The products have the form of
    // contractions: x [4, 1] · w [1, 1] reads 16 + 4 bytes and writes 16; its gradient reads 16 + 16 and writes 4.
    const options = line({ batchSize: 4 });
    const [optimizer] = [sgd(options.model.parameters(), { learningRate: 0.01 })];
    const events = await collect({ ...options, optimizer, epochs: 3, profile: { warmUp: 1 } });
    const { steps, kernels } = profileOf(events);
    expect(steps).toBe(2);
    const products = kernels.filter((row) => row.form === 'contract');
    expect(products.map(({ runs }) => runs)).toEqual(products.map(() => 1));
    expect(products.every(({ bytes }) => bytes >= 36)).toBe(true);
    expect(products.length).toBe(2);
  });

  it('says nothing of runs that end before it begins to count, and stops when the run is left', async () => {
    use(before);
    expect(profileOf(await collect({ ...line(), profile: true }))).toBeUndefined();
    for await (const event of fit({ ...line(), profile: true })) if (event.type === 'step') break;
    expect(backend()).toBe(before);
    await expect(collect({ ...line(), profile: { warmUp: -1 } })).rejects.toThrow(/warmUp/);
    expect(backend()).toBe(before);
  });
});

it('lets runs overlap, each with its own figures, and puts the backend back', async () => {
  const before = backend();
  const losses: Record<string, number[]> = {};
  const run = async (name: string, pause: number, profile: boolean): Promise<void> => {
    const own = line({ batchSize: 1 });
    const profiles: unknown[] = [];
    for await (const event of fit({ ...own, epochs: 3, profile: profile ? { warmUp: 2 } : false })) {
      if (event.type === 'step') losses[name] = [...(losses[name] ?? []), event.loss];
      if (event.type === 'profile')
        profiles.push([event.steps, event.operations.some((row) => row.runs > 0)]);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    expect(profiles).toEqual(profile ? [[10, true]] : []);
  };
  await run('alone', 0, false);
  // The first to begin is the first to end, and the other way round.
  for (const [one, other] of [
    [1, 3],
    [3, 1],
  ] as const) {
    await Promise.all([run('one', one, true), run('other', other, true)]);
    expect(backend()).toBe(before);
    expect([losses.one, losses.other]).toEqual([losses.alone, losses.alone]);
    losses.one = [];
    losses.other = [];
  }
  const counted = async (): Promise<number> => {
    let runs = 0;
    for await (const event of fit({ ...line({ batchSize: 1 }), epochs: 3, profile: { warmUp: 2 } }))
      if (event.type === 'profile') runs = event.operations.reduce((sum, row) => sum + row.runs, 0);
    return runs;
  };
  const alone = await counted();
  // Neither counts what the other computes.
  expect(await Promise.all([counted(), counted()])).toEqual([alone, alone]);
});

it('leaves a backend alone that somebody chose meanwhile', async () => {
  const before = backend();
  const chosen = reference();
  try {
    for await (const event of fit({ ...line(), profile: true })) if (event.type === 'step') use(chosen);
    expect(backend()).toBe(chosen);
  } finally {
    use(before);
  }
});
