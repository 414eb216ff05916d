/** What stands around training: run into every failure, then on as if nothing had been. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { linear, mseLoss } from '@ag/nn';
import { ema, sgd } from '@ag/optim';
import { type Tensor, tensor } from '@ag/tensor';
import * as train from '@ag/train';
import { expect, it } from 'vitest';
import { batch, clean, type Entry, spoil, type Trigger, type World } from './kit.ts';
import { matrix } from './matrix.ts';

const loss =
  (trigger: Trigger) =>
  (output: Tensor, y: Tensor): Tensor =>
    spoil(output.sub(y).square().mean(), trigger);

/** Two batches of which the second meets the failure. */
const batches = (trigger: Trigger) => ({
  length: 2,
  async *[Symbol.asyncIterator]() {
    yield batch(0);
    if (trigger.throws) throw new Error('a loader throws');
    yield { x: spoil(batch(1).x, trigger), y: spoil(batch(1).y, trigger) };
  },
});

const model = (own: World, trigger: Trigger) =>
  ({
    ...own.net,
    namedModules: () => own.net.namedModules(),
    eval: () => own.net.eval(),
    forward: (x: Tensor) => spoil(own.net.forward(x), trigger),
  }) as unknown as World['net'];

const folder = mkdtempSync(join(tmpdir(), 'ag-failures-'));

const entries: Record<string, Entry> = {
  validate: {
    make: (own) => (trigger) => train.validate(own.net, batches(clean), { loss: loss(trigger) }),
  },
  'validate, its data': {
    make: (own) => (trigger) => train.validate(own.net, batches(trigger), { loss: loss(clean) }),
  },
  predict: { make: (own) => (trigger) => train.predict(model(own, trigger), batch(2).x) },
  'predict, its data': { make: (own) => (trigger) => train.predict(own.net, batches(trigger)) },
  findLearningRate: {
    keepsKeys: true,
    makesVariables: true,
    make: (own) => (trigger) =>
      train.findLearningRate({
        model: own.net,
        loss: loss(trigger),
        train: batches(clean),
        optimizer: (learningRate) => sgd(own.net.parameters(), { learningRate, momentum: 0.5 }),
        steps: 4,
      }),
  },
  crossValidate: {
    makesVariables: true,
    make: () => (trigger) =>
      train.crossValidate([0, 1], (fold) => {
        const own = linear(1, 1, { weightInit: () => tensor([[1]]) });
        const data = {
          async *[Symbol.asyncIterator]() {
            yield { x: tensor([[1], [2]]), y: tensor([[2], [4]]) };
          },
        };
        return {
          model: own,
          optimizer: sgd(own.parameters(), { learningRate: 0.1 }),
          loss: fold === 1 ? loss(trigger) : mseLoss,
          train: data,
          validation: data,
          epochs: 2,
        };
      }),
  },
  'averages in place of the weights': {
    // Without any memory the weights cannot be put back.
    spared: ['no memory half-way'],
    make: (own) => {
      const average = ema(own.net.parameters());
      return (trigger) =>
        average.using(() => train.validate(own.net, batches(clean), { loss: loss(trigger) }));
    },
  },
  saveCheckpoint: {
    // It computes nothing but copies.
    spared: ['a position', 'a singular', 'a routine', 'a function'],
    make: ({ net, optimizer }) => {
      const path = join(folder, 'last.safetensors');
      return async () => {
        await train.saveCheckpoint(path, { model: net, optimizer });
        await train.loadCheckpoint(path, { model: net, optimizer });
        return net.stateDict();
      };
    },
  },
};

matrix(entries, ['reference', 'wasm, one thread']);

it('a worker serves the next run after one that failed', async () => {
  const { port1, port2 } = new MessageChannel();
  await train.serveTraining(async ({ fails }: { fails: boolean }) => {
    const own = linear(1, 1, { bias: false, weightInit: () => tensor([[1]]) });
    let calls = 0;
    return {
      model: own,
      optimizer: sgd(own.parameters(), { learningRate: 0.1, momentum: 0.9 }),
      loss: (output, y) => {
        if (fails && ++calls === 2) throw new Error('the loss throws');
        return mseLoss(output, y);
      },
      train: batchesOf([1, 2, 3]),
      epochs: 2,
    };
  }, port1 as never);
  const run = async (fails: boolean): Promise<unknown> => {
    const events = train.runInWorker(port2 as never, { settings: { fails } });
    const losses: unknown[] = [];
    for await (const event of events) if (event.type === 'step') losses.push(event.loss);
    return losses;
  };
  const first = await run(false);
  for (let i = 0; i < 3; i++) await expect(run(true)).rejects.toThrow('the loss throws');
  expect(await run(false)).toEqual(first);
  expect(first).toHaveLength(6);
  port1.close();
  port2.close();
});

function batchesOf(values: readonly number[]) {
  return {
    length: values.length,
    async *[Symbol.asyncIterator]() {
      for (const value of values) yield { x: tensor([[value]]), y: tensor([[2 * value]]) };
    },
  };
}
