/** Runs that outlive their device tell each step once, with the loss of an uninterrupted run. */
import { dataLoader, moons } from '@ag/datasets';
import { crossEntropy, dropout, linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { backend, manualSeed, reference, use } from '@ag/tensor';
import { type LaterBackend, laterBackend } from '@ag/tensor/testing';
import { fit, type TrainingEvent } from '@ag/train';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LastingRun } from './lastingRun.ts';

afterEach(() => {
  use(reference());
  vi.restoreAllMocks();
});

const batches = 8;

/** Three epochs of eight batches, with dropout, so that random numbers count too. */
function makeRun() {
  manualSeed(3);
  const model = sequential(linear(2, 6), tanh(), dropout(0.2), linear(6, 2));
  const optimizer = adam(model.parameters(), { learningRate: 0.05 });
  const data = moons({ count: 10 * batches, noise: 0.1, seed: 2 });
  const run = new LastingRun(
    (keeper, resume) =>
      fit({
        model,
        optimizer,
        loss: (output, y) => crossEntropy(output, y.cast('int32')),
        train: dataLoader(data, { batchSize: 10, shuffle: true, seed: 1 }),
        validation: dataLoader(data, { batchSize: 40 }),
        epochs: 3,
        compile: true,
        callbacks: [keeper],
        ...(resume && { resume }),
      }),
    [model, optimizer],
  );
  return { run, model };
}

/** All events in a few words and their losses; `during` is called with each. */
async function told(
  { run }: ReturnType<typeof makeRun>,
  during: (event: TrainingEvent) => unknown = () => undefined,
): Promise<{ names: string[]; losses: number[] }> {
  const names: string[] = [];
  const losses: number[] = [];
  for (let next = await run.next(); !next.done; next = await run.next()) {
    const event = next.value;
    names.push(`${event.type} ${event.step}`);
    if ('loss' in event && event.loss !== null) losses.push(event.loss);
    await during(event);
  }
  return { names, losses };
}

function onDevice(): LaterBackend {
  const device = laterBackend();
  use(device);
  return device;
}

const quiet = () => vi.spyOn(console, 'warn').mockImplementation(() => undefined);

const firstWeights = ({ model }: ReturnType<typeof makeRun>): Promise<unknown> =>
  model.parameters()[0].value.toArray();

/** What a run tells that is not interrupted, and its first weights after step 21. */
let uninterrupted: ReturnType<typeof runToEnd> | undefined;
function whole(): ReturnType<typeof runToEnd> {
  uninterrupted ??= runToEnd();
  return uninterrupted;
}
async function runToEnd() {
  onDevice();
  const made = makeRun();
  let weights: unknown;
  const all = await told(made, async (event) => {
    if (event.type === 'step' && event.step === 21) weights = await firstWeights(made);
  });
  return { ...all, weights };
}

describe('a run whose device is lost', () => {
  it.each([1, 16, 23])('goes on after step %i, and tells each event once', async (lostAt) => {
    const expected = await whole();
    const warn = quiet();
    const device = onDevice();
    const found = await told(makeRun(), (event) => {
      if (event.type === 'step' && event.step === lostAt) device.lose();
    });
    expect(found.names).toEqual(expected.names);
    expect(found.names.filter((name) => name.startsWith('step'))).toHaveLength(3 * batches);
    for (const [i, loss] of found.losses.entries()) expect(loss).toBeCloseTo(expected.losses[i], 5);
    expect(backend().name).toBe('wasm');
    // What was lost was kept: the values that the warning names have been loaded since.
    expect(warn.mock.calls.every(([text]) => String(text).includes('AG_VALUES_LOST'))).toBe(true);
  });

  it('has its weights again before anything is read that needs them', async () => {
    const { weights: expected } = await whole();
    quiet();
    const device = onDevice();
    const broken = makeRun();
    let found: unknown;
    await told(broken, async (event) => {
      if (event.type !== 'step' || event.step !== 21) return;
      device.lose();
      const read = () => firstWeights(broken);
      // Two that read at the same time notice at the same time.
      [found] = await Promise.all([broken.run.safely(read), broken.run.safely(read)]);
    });
    const [numbers, wanted] = [found, expected].map((each) => (each as number[][]).flat());
    for (const [i, number] of numbers.entries()) expect(number).toBeCloseTo(wanted[i], 5);
  });

  it('can be recovered from its start on', async () => {
    quiet();
    const device = onDevice();
    const made = makeRun();
    await made.run.start();
    device.lose();
    const { names } = await told(made);
    expect(names[0]).toBe('step 1');
  });

  it('throws what is no loss of a device', async () => {
    onDevice();
    const { run } = makeRun();
    await expect(run.safely(() => Promise.reject(new Error('another')))).rejects.toThrow('another');
    expect(backend().name).toBe('later');
  });

  it('keeps nothing where nothing can be lost', async () => {
    use(reference());
    const made = makeRun();
    const checkpoints = vi.spyOn(made.model, 'stateDict');
    await told(made);
    expect(checkpoints).not.toHaveBeenCalled();
  });
});
