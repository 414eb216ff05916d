/** Training in workers: the same events, errors and ends as in `fit`. */
import { MessageChannel, Worker as NodeWorker } from 'node:worker_threads';
import { loadSafetensors } from '@ag/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { TrainingError } from './errors.ts';
import type { TrainingEvent } from './events.ts';
import type { MessageEnd } from './messageEnd.ts';
import { collect, line, weightsOf } from './testTools.ts';
import { runInWorker, serveTraining } from './worker.ts';

const channels: MessageChannel[] = [];
/** Workers in which a run goes on. */
const running = new Set<MessageEnd>();
afterEach(() => {
  for (const { port1 } of channels.splice(0)) port1.close();
});

interface Wanted {
  readonly epochs: number;
  readonly learningRate?: number;
}

/** Both ends of a channel, with training served at one: what a worker and its owner have. */
async function worker(heard: number[] = [], prepare?: (wanted: Wanted) => unknown): Promise<MessageEnd> {
  const channel = new MessageChannel();
  const end = channel.port1;
  channels.push(channel);
  await serveTraining<Wanted>(async ({ epochs, ...options }) => {
    await prepare?.({ epochs, ...options });
    const run = line(options);
    const callbacks = [
      {
        name: 'heard',
        on(event: TrainingEvent): void {
          if (event.type === 'step') heard.push(event.step);
          if (event.type === 'end') running.delete(end);
        },
      },
    ];
    return { ...run, epochs, callbacks };
  }, channel.port2);
  return end;
}

const withoutTime = (events: readonly TrainingEvent[]) =>
  events.map(({ seconds: _, ...event }) => ({ ...event, epochSeconds: 0, examplesPerSecond: 0 }));

// Held by the compiler: either kind of worker can be handed over as it is.
((end: Worker | NodeWorker | MessagePort): MessageEnd => end) satisfies unknown;

describe('runInWorker', () => {
  it('gives the events that fit gives, and the weights', async () => {
    const run = runInWorker(await worker(), { settings: { epochs: 3, learningRate: 0.01 } });
    const events: TrainingEvent[] = [];
    let next = await run.next();
    for (; !next.done; next = await run.next()) events.push(next.value);
    const here = line({ learningRate: 0.01 });
    expect(withoutTime(events)).toEqual(withoutTime(await collect({ ...here, epochs: 3 })));
    const { weight } = loadSafetensors(next.value!).tensors;
    expect(Array.from(await weight.data())).toEqual(await weightsOf(here.model));
  });

  it('hands on what goes wrong', async () => {
    const run = async (): Promise<void> => {
      for await (const _ of runInWorker(await worker(), { settings: { epochs: 3, learningRate: 1e30 } }));
    };
    const error = await run().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TrainingError);
    expect(error).toMatchObject({
      kind: 'nonFiniteLoss',
      message: expect.stringContaining('ten times smaller'),
    });
  });

  it('pauses the training when nobody takes its events, and ends it when the caller leaves', async () => {
    const heard: number[] = [];
    const run = runInWorker(await worker(heard), { settings: { epochs: 100_000, learningRate: 0.001 } });
    /** Waits until nothing new was heard at several looks; a run that does not rest never gets there. */
    const rest = async (): Promise<number> => {
      let last = -1;
      for (let same = 0; same < 5; same = heard.length === last ? same + 1 : 0) {
        last = heard.length;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return last;
    };
    await run.next();
    expect(await rest()).toBeLessThan(64);
    for await (const event of run) if (event.type === 'epoch' && event.epoch === 50) break;
    await rest();
  });

  it('ends with the signal, in order', async () => {
    const controller = new AbortController();
    const events: TrainingEvent[] = [];
    const options = { settings: { epochs: 100_000, learningRate: 0.001 }, signal: controller.signal };
    for await (const event of runInWorker(await worker(), options)) {
      events.push(event);
      if (event.type === 'step' && event.step === 10) controller.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'aborted' });
  });
});

/** A whole run: what each event is, and the trained weight. */
async function outcomeOf(run: ReturnType<typeof runInWorker>): Promise<{ kinds: string[]; weight: number }> {
  const kinds: string[] = [];
  let next = await run.next();
  for (; !next.done; next = await run.next()) {
    const event = next.value;
    kinds.push(event.type === 'end' ? event.reason : event.type);
  }
  return { kinds, weight: await loadSafetensors(next.value!).tensors.weight.item() };
}

describe('a worker that is given many runs', () => {
  // w − 3 is multiplied by 1 − 5 r and by 1 − 25 r in each epoch: the data are {1, 2} and {3, 4}, the gradients 5 and 25 (w − 3).
  const weightAfter = (epochs: number, rate: number): number =>
    3 - 2 * ((1 - 5 * rate) * (1 - 25 * rate)) ** epochs;
  const steps = (epochs: number): string[] => [
    'start',
    ...Array.from({ length: epochs }, () => ['step', 'step', 'epoch']).flat(),
    'completed',
  ];

  it('gives each its own events and weights, whatever was broken off before, and when', async () => {
    const end = await worker();
    for (const after of [0, 1, 2, 3, 7, 40]) {
      let seen = 0;
      const first = runInWorker(end, { settings: { epochs: 100, learningRate: 0 } });
      if (after === 0) await first.return(null);
      else for await (const _ of first) if (++seen === after) break;
      const { kinds, weight } = await outcomeOf(
        runInWorker(end, { settings: { epochs: 20, learningRate: 0.01 } }),
      );
      expect(kinds).toEqual(steps(20));
      expect(weight).toBeCloseTo(weightAfter(20, 0.01), 5);
    }
  });

  it('trains one at a time when several are asked for at once', async () => {
    const end: MessageEnd = await worker([], () => {
      expect(running.has(end)).toBe(false);
      running.add(end);
    });
    const runs = [0.001, 0.002, 0.005].map((learningRate) =>
      runInWorker(end, { settings: { epochs: 30, learningRate } }),
    );
    const outcomes = await Promise.all(runs.map(outcomeOf));
    outcomes.forEach(({ kinds, weight }, i) => {
      expect(kinds).toEqual(steps(30));
      expect(weight).toBeCloseTo(weightAfter(30, [0.001, 0.002, 0.005][i]), 5);
    });
  });

  it('prepares nothing for a caller that has left while another run went on', async () => {
    const prepared: number[] = [];
    const end = await worker([], ({ epochs }) => prepared.push(epochs));
    const first = runInWorker(end, { settings: { epochs: 50, learningRate: 0.001 } });
    await first.next();
    const second = runInWorker(end, { settings: { epochs: 2, learningRate: 0.001 } });
    const asked = second.next();
    const third = runInWorker(end, { settings: { epochs: 3, learningRate: 0.001 } });
    const left = third.next();
    await first.return(null);
    await asked;
    // The third is asked for and left while the second waits to be heard.
    void third.return(null);
    await second.return(null);
    const { kinds } = await outcomeOf(runInWorker(end, { settings: { epochs: 1, learningRate: 0.001 } }));
    expect(kinds).toEqual(steps(1));
    await left;
    expect(prepared.filter((epochs) => epochs === 50 || epochs === 2)).toEqual([50, 2]);
    expect(prepared.at(-1)).toBe(1);
  });

  it('goes on after runs that failed, whatever they threw', async () => {
    const thrown: unknown[] = [new Error('no data'), 'a text', null, undefined];
    const end = await worker([], ({ epochs }) => {
      if (epochs < 0) throw thrown[-epochs - 1];
    });
    const messages: string[] = [];
    for (let i = 0; i < thrown.length; i++) {
      const failing = runInWorker(end, { settings: { epochs: -1 - i } });
      messages.push(await failing.next().then(String, (error: Error) => error.message));
    }
    expect(messages).toEqual(['no data', 'a text', 'null', 'undefined']);
    const diverging = outcomeOf(runInWorker(end, { settings: { epochs: 3, learningRate: 1e30 } }));
    await expect(diverging).rejects.toThrow(/the loss is/);
    const { weight } = await outcomeOf(runInWorker(end, { settings: { epochs: 5, learningRate: 0.01 } }));
    expect(weight).toBeCloseTo(weightAfter(5, 0.01), 5);
  });

  it('answers a signal that was aborted before, with the events of fit', async () => {
    const end = await worker();
    const signal = AbortSignal.abort();
    const { kinds, weight } = await outcomeOf(runInWorker(end, { settings: { epochs: 9 }, signal }));
    expect(kinds).toEqual(['start', 'aborted']);
    expect(weight).toBe(1);
  });

  it('is told when its owner is gone, and the owner when it is gone', async () => {
    const heard: number[] = [];
    const end = await worker(heard);
    const run = runInWorker(end, { settings: { epochs: 1e6, learningRate: 0.001 } });
    await run.next();
    channels[0].port1.close();
    await expect(
      (async () => {
        for await (const _ of run);
      })(),
    ).rejects.toThrow(/the worker failed: it was closed/);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const count = heard.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard.length).toBe(count);

    const thread = new NodeWorker('process.exit(3)', { eval: true });
    await expect(runInWorker(thread, {}).next()).rejects.toThrow(/the worker failed/);
    await expect(runInWorker(thread, {}).next()).rejects.toThrow(/the worker failed: it has ended/);
  });
});
