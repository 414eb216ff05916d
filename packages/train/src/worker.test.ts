import { MessageChannel, type Worker as NodeWorker } from 'node:worker_threads';
import { loadSafetensors } from '@ag/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { TrainingError } from './errors.ts';
import type { TrainingEvent } from './events.ts';
import { collect, line, weightsOf } from './testTools.ts';
import { type MessageEnd, runInWorker, serveTraining } from './worker.ts';

const channels: MessageChannel[] = [];
afterEach(() => {
  for (const { port1 } of channels.splice(0)) port1.close();
});

interface Wanted {
  readonly epochs: number;
  readonly learningRate?: number;
}

/** Both ends of a channel, with training served at one: what a worker and its owner have. */
async function worker(heard: number[] = []): Promise<MessageEnd> {
  const channel = new MessageChannel();
  channels.push(channel);
  await serveTraining<Wanted>(({ epochs, ...options }) => {
    const run = line(options);
    const callbacks = [
      {
        name: 'heard',
        on: (event: TrainingEvent) => void (event.type === 'step' && heard.push(event.step)),
      },
    ];
    return { ...run, epochs, callbacks };
  }, channel.port2);
  return channel.port1;
}

const withoutTime = (events: readonly TrainingEvent[]) =>
  events.map(({ seconds: _, ...event }) => ({ ...event, epochSeconds: 0, examplesPerSecond: 0 }));

// Held by the compiler: either kind of worker can be handed over as it is.
((end: Worker | NodeWorker): MessageEnd => end) satisfies unknown;

describe('runInWorker', () => {
  it('gives the events that fit gives, and the weights', async () => {
    const run = runInWorker(await worker(), { settings: { epochs: 3, learningRate: 0.01 } });
    const events: TrainingEvent[] = [];
    let next = await run.next();
    for (; !next.done; next = await run.next()) events.push(next.value);
    const here = line({ learningRate: 0.01 });
    expect(withoutTime(events)).toEqual(withoutTime(await collect({ ...here, epochs: 3 })));
    const { weight } = loadSafetensors(next.value!).tensors;
    expect(Array.from(await weight!.data())).toEqual(await weightsOf(here.model));
  });

  it('hands on what goes wrong', async () => {
    const run = async (): Promise<void> => {
      for await (const _ of runInWorker(await worker(), { settings: { epochs: 3, learningRate: 1e30 } }));
    };
    const error = await run().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TrainingError);
    expect(error).toMatchObject({
      code: 'nonFiniteLoss',
      message: expect.stringContaining('ten times smaller'),
    });
  });

  it('pauses the training when nobody takes its events, and ends it when the caller leaves', async () => {
    const heard: number[] = [];
    const run = runInWorker(await worker(heard), { settings: { epochs: 100_000, learningRate: 0.001 } });
    await run.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const paused = heard.length;
    expect(paused).toBeLessThan(64);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard.length).toBe(paused);
    for await (const event of run) if (event.type === 'epoch' && event.epoch === 50) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const left = heard.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard.length).toBe(left);
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
