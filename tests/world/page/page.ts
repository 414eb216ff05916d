/** Trains in the page, with workers or without, and hands what came of it to the test that opened the page. */
import { dataLoader, digits } from '@ag/datasets';
import { adam } from '@ag/optim';
import { fit as runFit } from '@ag/train';
import { build, loss, metrics } from './network.ts';

/** What the page is asked for. */
export interface Order {
  /** 0 for none. */
  readonly workers: number;
  readonly steps: number;
  /** Ends a worker when so many steps are done, as a browser does that is out of memory. */
  readonly killAt?: number;
  readonly blocks?: number;
  readonly compile?: boolean;
}

/** What came of it. */
export interface Answer {
  readonly weights: number[];
  readonly isolated: boolean;
  readonly started: number;
  /** Milliseconds of each step but the first three. */
  readonly times: number[];
}

async function train({ workers, steps, killAt = 0, blocks = 8, compile = true }: Order): Promise<Answer> {
  const model = build();
  const all: Worker[] = [];
  const startWorker = (): Worker => {
    const worker = new Worker('./network.js', { type: 'module' });
    all.push(worker);
    return worker;
  };
  const times: number[] = [];
  let before = performance.now();
  const run = runFit({
    model,
    optimizer: adam(model.parameters(), { learningRate: 1e-3 }),
    loss,
    metrics,
    train: dataLoader(digits({ count: 64 * steps, seed: 2 }), { batchSize: 64 }),
    epochs: 1,
    compile,
    ...(blocks > 0 && { blocks }),
    ...(workers > 0 && { workers, startWorker }),
  });
  for await (const event of run) {
    if (event.type !== 'step') continue;
    if (event.step > 3) times.push(performance.now() - before);
    before = performance.now();
    if (event.step === killAt) all[0].terminate();
  }
  const read = await Promise.all(model.parameters().map(({ value }) => value.data()));
  return {
    weights: read.flatMap((part) => Array.from(part)),
    isolated: crossOriginIsolated,
    started: all.length,
    times,
  };
}

Object.assign(window, { train });
