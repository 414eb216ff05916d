/** A training as a service, over a channel as between a page and its worker: what is asked, kept, resumed and replaced. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { dataLoader } from '@ag/datasets';
import { loadSafetensors, mseLoss, saveSafetensors } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, tensor, uniform } from '@ag/tensor';
import { afterEach, describe, expect, it } from 'vitest';
import { fit } from '../fit.ts';
import { line, Noisy, saddle, weightsOf } from '../testTools.ts';
import { type ServedTraining, serveTraining } from '../worker.ts';
import type { CheckpointStore } from './checkpointStore.ts';
import { fingerprint } from './host.ts';
import type { ServiceEvent } from './protocol.ts';
import { type TrainingService, type TrainingServiceOptions, trainingService } from './trainingService.ts';

const services: { close(): void }[] = [];
const ports: MessagePort[] = [];
afterEach(() => {
  for (const service of services.splice(0)) service.close();
  for (const port of ports.splice(0)) port.close();
});

/** Keeps bytes as a browser does: what is read is a copy. */
function memory(): CheckpointStore & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    read: async (name) => kept.get(name)?.slice() ?? null,
    write: async (name, bytes) => void kept.set(name, bytes.slice()),
    remove: async (name) => void kept.delete(name),
  };
}

type Setup = (settings: { readonly epochs: number }) => ServedTraining;

/** A worker's end of a channel that serves; answers the page's end. */
function worker(setup: Setup): MessagePort {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  void serveTraining(setup, port2);
  return port1;
}

/** A service, what it told, and a promise of the first event that is looked for. */
function begin<Input = unknown, Answer = unknown>(
  start: () => MessagePort,
  options: TrainingServiceOptions<{ readonly epochs: number }>,
) {
  const events: ServiceEvent[] = [];
  const waiting = new Set<() => void>();
  const service: TrainingService<{ readonly epochs: number }, Input, Answer> = trainingService(start, {
    ...options,
    onEvent: (event) => {
      events.push(event);
      for (const look of waiting) look();
    },
  });
  services.push(service);
  const until = (wanted: (event: ServiceEvent) => boolean): Promise<ServiceEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(wanted);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { service, events, until };
}

const lineSetup =
  (store: CheckpointStore, asked: number[] = []): Setup =>
  ({ epochs }) => {
    const run = line({ learningRate: 0.001 });
    return {
      ...run,
      epochs,
      store,
      checkpointEvery: 0.1,
      predict: async (x: number) => {
        asked.push(x);
        return (await run.model.forward(tensor([[x]])).data())[0];
      },
    };
  };

/** A network that draws random numbers, as dropout does, and a prediction that draws some too. */
const noisySetup =
  (store: CheckpointStore): Setup =>
  ({ epochs }) => {
    manualSeed(7);
    const model = new Noisy();
    return {
      model,
      optimizer: adam(model.parameters(), { learningRate: 0.01 }),
      loss: mseLoss,
      train: dataLoader(saddle(), { batchSize: 5, shuffle: true, seed: 3 }),
      epochs,
      store,
      predict: async () => [model.training, (await uniform([1]).data())[0]],
    };
  };

/** By name: files hold them in another order. */
const numbersOf = async (bytes: Uint8Array | null): Promise<Record<string, number[]>> => {
  const { tensors } = loadSafetensors(bytes!);
  const parts = Object.entries(tensors).map(
    async ([name, value]) => [name, Array.from(await value.data())] as const,
  );
  return Object.fromEntries(await Promise.all(parts));
};

describe('a training service', () => {
  it('answers between steps by the weights as they are then, and drops stale requests', async () => {
    const weights: number[] = [1];
    const alone = line({ learningRate: 0.001 });
    for await (const event of fit({ ...alone, epochs: 1000 })) {
      if (event.type === 'step') weights.push((await weightsOf(alone.model))[0]);
    }
    const asked: number[] = [];
    const { service, until } = begin<number, number>(() => worker(lineSetup(memory(), asked)), {
      settings: { epochs: 1000 },
    });
    const steps: number[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = (await service.predict(2))!;
      expect(answer.value).toBe(Math.fround(2 * weights[answer.step]));
      steps.push(answer.step);
    }
    // While it trained, not before or after.
    expect(steps.at(-1)!).toBeGreaterThan(0);
    expect(steps.at(-1)!).toBeLessThan(2000);
    asked.length = 0;
    const answers = await Promise.all([10, 11, 12, 13, 14].map((x) => service.predict(x)));
    const other = service.predict(20, 'other');
    expect(answers.map((answer) => answer === null)).toEqual([false, true, true, true, false]);
    expect((await other)!.value).toBeGreaterThan(20);
    expect(asked).toEqual([10, 14, 20]);
    await until(({ type }) => type === 'end');
    expect(await numbersOf(await service.weights())).toEqual({ weight: [weights.at(-1)] });
    // After the end it answers still.
    expect((await service.predict(1))!).toEqual({ value: weights.at(-1), step: 2000 });
  });

  it('goes on after a reload to the weights of a run that was never left, whatever was asked', async () => {
    const store = memory();
    const open = (playing: boolean) =>
      begin<null, [boolean, number]>(() => worker(noisySetup(store)), { settings: { epochs: 30 }, playing });
    const first = open(true);
    await first.until((event) => event.type === 'step' && event.step >= 7);
    expect((await first.service.predict(null))!.value[0]).toBe(false);
    expect(await first.service.pause()).toBe(true);
    const paused = await numbersOf(await first.service.weights());
    const at = (await first.service.predict(null))!.step;
    first.service.close();

    const second = open(false);
    expect(await second.until(({ type }) => type === 'start')).toMatchObject({ step: at, run: 1 });
    expect(await numbersOf(await second.service.weights())).toEqual(paused);
    second.service.play();
    await second.until((event) => event.type === 'step' && event.step > at + 3);
    await second.service.predict(null);
    await second.until(({ type }) => type === 'end');
    const done = await numbersOf(await second.service.weights());
    second.service.close();

    const { store: _, predict: __, ...whole } = noisySetup(memory())({ epochs: 30 });
    for await (const _ of fit(whole));
    expect(done).toEqual(await numbersOf(await saveSafetensors(whole.model.stateDict())));
  });

  it('begins anew with other settings, a damaged checkpoint, or when it is told to', async () => {
    const store = memory();
    const open = (epochs: number) =>
      begin(() => worker(lineSetup(store)), { settings: { epochs }, name: 'line', playing: false });
    const startOf = async (run: ReturnType<typeof open>) =>
      (await run.until(({ type }) => type === 'start')) as { step: number };
    const first = open(2);
    first.service.play();
    await first.until(({ type }) => type === 'end');
    expect(await first.service.save()).toBe(true);
    first.service.close();
    expect((await startOf(open(2))).step).toBe(4);
    expect((await startOf(open(3))).step).toBe(0);
    const kept = store.kept.get('line')!;
    kept[kept.length - 1] ^= 1;
    const damaged = open(2);
    expect((await startOf(damaged)).step).toBe(0);
    expect(damaged.events[0]).toMatchObject({ type: 'unsaved', message: /cannot be read.*damaged/ });
    damaged.service.restart({ epochs: 5 });
    expect(await damaged.until(({ run, type }) => run === 2 && type === 'start')).toMatchObject({
      epochs: 5,
    });
    expect(store.kept.has('line')).toBe(false);
  });

  it('says once that nothing can be kept, and trains on', async () => {
    const store = { ...memory(), write: () => Promise.reject(new Error('the disk is full')) };
    const { service, events, until } = begin(() => worker(lineSetup(store)), { settings: { epochs: 2000 } });
    await until(({ type }) => type === 'end');
    expect(events.filter(({ type }) => type === 'unsaved')).toEqual([
      { type: 'unsaved', run: 1, message: 'the checkpoint could not be kept: the disk is full' },
    ]);
    expect(await service.save()).toBe(false);
  });

  it('goes on with another rate', async () => {
    const { service, until } = begin(() => worker(lineSetup(memory())), {
      settings: { epochs: 1_000_000 },
      name: null,
    });
    await until(({ type }) => type === 'step');
    service.setLearningRate(0.0005);
    await until((event) => event.type === 'step' && event.learningRate === 0.0005);
    expect(await service.pause()).toBe(false);
  });

  it('replaces a worker that hangs, from the checkpoint, and gives up where none works', async () => {
    const store = memory();
    const first = begin(() => worker(lineSetup(store)), { settings: { epochs: 2 } });
    await first.until((event) => event.type === 'saved' && event.step === 4);
    first.service.close();
    const silent = (): MessagePort => {
      const { port1, port2 } = new MessageChannel();
      ports.push(port1, port2);
      return port1;
    };
    const ends = [silent, () => worker(lineSetup(store))];
    const second = begin<number, number>(() => ends.shift()!(), { settings: { epochs: 2 }, patience: 80 });
    const lost = second.service.predict(1);
    expect(await second.until(({ type }) => type === 'restarted')).toMatchObject({
      run: 2,
      message: /the worker was lost: it did not answer for/,
    });
    expect(await lost).toBeNull();
    expect(await second.until(({ type }) => type === 'start')).toMatchObject({ run: 2, step: 4 });
    expect((await second.service.predict(1))!.step).toBe(4);
    const none = begin(silent, { patience: 40 });
    expect(await none.until(({ type }) => type === 'failed')).toMatchObject({
      run: 4,
      message: /replaced 3 times/,
    });
    expect(await none.service.predict(1)).toBeNull();
  });

  it('is heard by a script that awaits something first', async () => {
    const start = (): MessagePort => {
      const { port1, port2 } = new MessageChannel();
      ports.push(port1, port2);
      // Heard by nobody: it is lost.
      port2.on('message', () => undefined);
      setTimeout(() => {
        port2.removeAllListeners('message');
        void serveTraining(lineSetup(memory()), port2);
      }, 60);
      return port1;
    };
    const { service } = begin<number, number>(start, { settings: { epochs: 1 } });
    expect((await service.predict(1))!.value).toBeGreaterThanOrEqual(1);
  });

  it('hands on what goes wrong', async () => {
    const bad: Setup = ({ epochs }) => ({ ...line({ learningRate: 1e30 }), epochs });
    const { service, until } = begin(() => worker(bad), { settings: { epochs: 3 }, name: null });
    expect(await until(({ type }) => type === 'failed')).toMatchObject({ kind: 'nonFiniteLoss' });
    await expect(service.predict(1)).rejects.toThrow(/the loss is/);
    const mute: Setup = ({ epochs }) => ({ ...line(), epochs });
    const other = begin(() => worker(mute), { settings: { epochs: 1 }, name: null });
    await expect(other.service.predict(1)).rejects.toThrow(/the worker does not say how/);
    const lazy: Setup = ({ epochs }) => ({ ...line(), epochs, predict: () => tensor([1]) });
    const third = begin(() => worker(lazy), { settings: { epochs: 1 }, name: null });
    await expect(third.service.predict(1)).rejects.toThrow(/await y\.data\(\)/);
    expect(() => trainingService(() => worker(bad), { patience: 0 })).toThrow(/patience/);
  });

  it('says when its tab is hidden, and keeps a checkpoint then', async () => {
    const page = Object.assign(new EventTarget(), { hidden: false });
    Object.assign(globalThis, { document: page });
    try {
      const store = memory();
      const { service, until } = begin(() => worker(lineSetup(store)), {
        settings: { epochs: 5 },
        playing: false,
      });
      await until(({ type }) => type === 'start');
      page.hidden = true;
      page.dispatchEvent(new Event('visibilitychange'));
      expect(await until(({ type }) => type === 'visibility')).toMatchObject({ hidden: true, run: 1 });
      await until(({ type }) => type === 'saved');
      expect(store.kept.has('training')).toBe(true);
      service.close();
    } finally {
      Reflect.deleteProperty(globalThis, 'document');
    }
  });

  it('tells settings apart, numbers in typed arrays too', () => {
    expect(fingerprint({ x: new Float32Array([1, 2]) })).toBe(fingerprint({ x: new Float32Array([1, 2]) }));
    expect(fingerprint({ x: new Float32Array([1, 2]) })).not.toBe(
      fingerprint({ x: new Float32Array([1, 3]) }),
    );
    expect(fingerprint(undefined)).not.toBe(fingerprint(null));
  });
});
