/** `fit({ workers })`: the same weights to the bit for any number of workers, whatever happens to them. */
import { Worker } from 'node:worker_threads';
import { dataLoader } from '@ag/datasets';
import { backward } from '@ag/graph';
import { accuracy } from '@ag/nn';
import { randomState, restoreRandomState, tensor, type Variable } from '@ag/tensor';
import { foldingKeys } from '@ag/tensor/engine';
import {
  type Callback,
  type Checkpoint,
  type FitOptions,
  fit as runFit,
  type TrainingEvent,
} from '@ag/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkerOrders } from './blockWorker.ts';
import { data, loss, type NetworkName, network, type OptimizerName, optimizerOf } from './networks.ts';
import { type Bundle, bundled } from './ranks.ts';

let script: Bundle;
beforeAll(async () => {
  script = await bundled(new URL('./blockWorker.ts', import.meta.url));
});
afterAll(() => script.remove());

interface Wanted {
  readonly network: NetworkName;
  readonly optimizer: OptimizerName;
  /** 0 for none: the blocks are computed here. */
  readonly workers: number;
  readonly options?: Partial<FitOptions>;
  readonly orders?: (started: number) => Partial<WorkerOrders>;
}

async function trained({ network: name, optimizer: kind, workers, options = {}, orders }: Wanted) {
  const model = network(name);
  let started = 0;
  const startWorker = (): Worker => {
    const workerData: WorkerOrders = { network: name, diesAt: 0, ...orders?.(started) };
    started++;
    return new Worker(script.file, { workerData, execArgv: [], stderr: true });
  };
  const events: TrainingEvent[] = [];
  const run = runFit({
    model,
    optimizer: optimizerOf(kind, model),
    loss,
    metrics: { accuracy },
    // Blocks of one example would have no variance.
    train: dataLoader(data(name === 'mlp' ? 45 : 34), { batchSize: 15, shuffle: true, seed: 5 }),
    epochs: 2,
    blocks: 5,
    ...(workers > 0 && { workers, startWorker }),
    ...options,
  });
  for await (const event of run) events.push(event);
  const state = await Promise.all(
    Object.values(model.stateDict()).map(async (value) => Array.from(await value.data())),
  );
  const figures = events.flatMap((event) =>
    event.type === 'step' ? [event.loss, event.metrics.accuracy] : [],
  );
  return { state, figures, started, random: randomState(), last: events.at(-1) };
}

const full = process.env.AG_TEST === 'full';

describe('fit({ workers })', () => {
  it.each<readonly [NetworkName, OptimizerName, readonly number[]]>([
    ['cnn', 'adamW', full ? [1, 2, 3, 8] : [2, 3]],
    ['mlp', 'sgd', full ? [1, 2, 3, 8] : [1, 8]],
    ['transformer', 'adamW', full ? [1, 2, 3, 8] : [3]],
  ])(
    'gives the bits of one process that adds up the same blocks: %s, %s, %o workers',
    async (name, optimizer, counts) => {
      for (const compile of [false, true]) {
        const { started: _, ...alone } = await trained({
          network: name,
          optimizer,
          workers: 0,
          options: { compile },
        });
        expect(alone.figures).toHaveLength(12);
        for (const workers of compile ? counts.slice(0, 1) : counts) {
          const { started, ...together } = await trained({
            network: name,
            optimizer,
            workers,
            options: { compile },
          });
          expect(started).toBe(Math.min(workers, 5));
          expect(together).toEqual({ ...alone, last: together.last });
        }
      }
    },
  );

  it('adds up by a tree over the blocks, as written out by hand', async () => {
    const model = network('transformer');
    const optimizer = optimizerOf('sgd', model);
    await Promise.all(model.parameters().map(({ value }) => value.data()));
    for await (const { x, y } of dataLoader(data(34), { batchSize: 15, shuffle: true, seed: 5 })) {
      const examples = x.shape[0];
      // The last batch has four examples, so four blocks.
      const blocks = Math.min(5, examples);
      const random = randomState();
      const gradients: Float32Array[][] = [];
      for (let block = 0; block < blocks; block++) {
        const [from, to] = [block, block + 1].map((i) => Math.floor((i * examples) / blocks));
        restoreRandomState(random);
        const own = foldingKeys(
          () => block,
          () => loss(model.forward(x.slice(from, to)), y.slice(from, to)),
        );
        backward(own.mul((to - from) / examples));
        gradients.push(
          await Promise.all(
            model.parameters().map(async ({ grad }) => Float32Array.from((await grad?.data()) ?? [])),
          ),
        );
        optimizer.zeroGrad();
      }
      const add = (a: Float32Array[], b: Float32Array[]) =>
        a.map((one, i) => one.map((value, j) => value + b[i][j]));
      const [a, b, c, d, e] = gradients;
      const four = add(add(a, b), add(c, d));
      const total = e ? add(four, e) : four;
      optimizer.step(
        new Map(
          model
            .parameters()
            .map((variable: Variable, i) => [variable, tensor(total[i], { shape: variable.shape })]),
        ),
      );
    }
    const byHand = await Promise.all(
      Object.values(model.stateDict()).map(async (value) => Array.from(await value.data())),
    );
    const { state } = await trained({
      network: 'transformer',
      optimizer: 'sgd',
      workers: 0,
      options: { epochs: 1 },
    });
    expect(state).toEqual(byHand);
  });

  it('replaces workers that die, and nothing changes', async () => {
    const wanted = { network: 'cnn', optimizer: 'adamW' } as const;
    const { started: _, last: __, ...whole } = await trained({ ...wanted, workers: 0 });
    const orders = (started: number) => ({ diesAt: [2, 4, 1][started] ?? 0 });
    const { started, last, ...replaced } = await trained({ ...wanted, workers: 2, orders });
    expect(started).toBe(5);
    expect(last).toMatchObject({ type: 'end', reason: 'completed' });
    expect(replaced).toEqual(whole);
  });

  it('goes on from a checkpoint with another number of workers', async () => {
    const wanted = { network: 'cnn', optimizer: 'adamW' } as const;
    const straight = await trained({ ...wanted, workers: 0 });
    let half: Checkpoint | null = null;
    const stops: Callback = {
      name: 'stops',
      async on(event, { stop, checkpoint }) {
        if (event.type !== 'step' || event.step !== 2) return;
        half = await checkpoint();
        stop();
      },
    };
    await trained({ ...wanted, workers: 2, options: { callbacks: [stops] } });
    if (half === null) throw new Error('there is no checkpoint');
    const rest = await trained({ ...wanted, workers: 0, options: { resume: half } });
    expect(rest.state).toEqual(straight.state);
    expect(rest.figures).toEqual(straight.figures.slice(4));
  });

  it('says what is wrong', async () => {
    const wanted = { network: 'mlp', optimizer: 'sgd', workers: 1 } as const;
    await expect(trained({ ...wanted, orders: () => ({ fails: true }) })).rejects.toThrow(/no such class/);
    await expect(trained({ ...wanted, orders: () => ({ diesAt: 1 }) })).rejects.toThrow(
      /3 workers in a row ended over the same blocks.*it ended with code 3/,
    );
    await expect(trained({ ...wanted, orders: () => ({ idle: true }) })).rejects.toThrow(
      /could not be started: it ended with code 0. Does its script call serveWorker/,
    );
    await expect(trained({ ...wanted, orders: () => ({ network: 'cnn' }) })).rejects.toThrow(
      /of the workers are others than here/,
    );
    await expect(trained({ ...wanted, workers: 0, options: { workers: 2 } })).rejects.toThrow(
      /2 workers need startWorker/,
    );
    await expect(trained({ ...wanted, options: { accumulate: 2 } })).rejects.toThrow(
      /accumulate and workers exclude/,
    );
  });
});
