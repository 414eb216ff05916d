/** Sums over ranks as operations: computed once, differentiated, started early and waited for late. */
import { backward, compile, vmap } from '@ag/graph';
import { batchNorm2d, linear } from '@ag/nn';
import { sgd } from '@ag/optim';
import { evaluate, reference, type Tensor, tensor, use, zeros } from '@ag/tensor';
import { explain } from '@ag/tensor/debug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinWorld, memoryWorld } from '../../packages/train/src/world/memoryWorld.ts';
import { reduceGradients } from '../../packages/train/src/world/reduceGradients.ts';
import { sumOverRanks, sumTogether } from '../../packages/train/src/world/sums.ts';
import { singleWorld, type World } from '../../packages/train/src/world/world.ts';
import { type Ranks, ranksOf } from './ranks.ts';
import type { byHand, normalizes, readsAlone } from './scenarios.ts';

let ranks: Ranks;
beforeAll(async () => {
  ranks = await ranksOf(new URL('./scenarios.ts', import.meta.url));
});
afterAll(() => ranks.remove());

/** A world of two whose other rank has the same numbers, and which counts. */
function mirror(): World & { readonly calls: string[] } {
  const calls: string[] = [];
  const double = (values: Float32Array | Float64Array): void => {
    for (let i = 0; i < values.length; i++) values[i] *= 2;
  };
  return {
    ...singleWorld(),
    size: 2,
    calls,
    allReduce(values, what) {
      calls.push(what);
      double(values);
    },
    startReduce(values, what) {
      calls.push(`start ${what}`);
      return {
        finish() {
          calls.push(`finish ${what}`);
          double(values);
        },
      };
    },
  };
}

describe('sums over ranks', () => {
  it('are computed once, whatever is read and built on them', async () => {
    const world = mirror();
    const x = tensor([1, 2, 3]);
    const sum = sumOverRanks(x.mul(2), world, 'numbers');
    expect(await sum.add(1).data()).toEqual(Float32Array.of(5, 9, 13));
    expect(await sum.mul(3).data()).toEqual(Float32Array.of(12, 24, 36));
    expect(await sum.data()).toEqual(Float32Array.of(4, 8, 12));
    expect(world.calls).toEqual(['numbers']);
  });

  it('are never one where two were asked for, and come in the order in which they were made', async () => {
    const world = mirror();
    const x = tensor([1, 2]);
    const first = sumOverRanks(x, world, 'first');
    const second = sumOverRanks(x, world, 'second');
    evaluate([second.add(0), first]);
    const same = [sumOverRanks(x, world, 'same'), sumOverRanks(x, world, 'same')];
    evaluate([same[0].add(same[1])]);
    expect(world.calls).toEqual(['first', 'second', 'same', 'same']);
  });

  it('have the sum of the gradients as gradient', async () => {
    const world = mirror();
    const layer = linear(2, 1, { bias: false, weightInit: () => tensor([[1, 2]]) });
    backward(
      sumOverRanks(layer.forward(tensor([[3, 4]])), world, 'outputs')
        .square()
        .sum(),
    );
    // y = 2·(3 + 8) = 22; dL/dy = 44, from both ranks 88; times x.
    expect(await layer.weight.grad?.data()).toEqual(Float32Array.of(264, 352));
    expect(world.calls).toEqual(['outputs', 'gradient of outputs']);
  });

  it('are not tried again after a failure, and leave nothing half done', async () => {
    let calls = 0;
    const world: World = {
      ...singleWorld(),
      size: 2,
      allReduce() {
        calls++;
        throw new Error('the line is dead');
      },
    };
    const layer = linear(2, 1);
    const optimizer = sgd(layer.parameters(), { learningRate: 1 });
    const before = await layer.weight.value.data();
    backward(layer.forward(tensor([[1, 2]])).sum());
    reduceGradients(layer.parameters(), world);
    expect(() => optimizer.step()).toThrow(
      expect.objectContaining({
        code: 'AG_COLLECTIVE_FAILED',
        message: expect.stringContaining('the line is dead'),
      }),
    );
    expect(calls).toBe(1);
    expect(layer.weight.gradPending).toBe(false);
    expect(await layer.weight.value.data()).toEqual(before);
  });

  it('are refused where other ranks could not follow', () => {
    const world = mirror();
    const rows = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(() => vmap((x: Tensor) => sumOverRanks(x, world))(rows)).toThrow(
      /once, not for each example of vmap/,
    );
    expect(() => sumOverRanks(tensor([1], { dtype: 'int32' }), world)).toThrow(
      /float32 and float64, got int32/,
    );
  });

  it('of many numbers are begun as soon as they can be and waited for when nothing else is left', async () => {
    const world = mirror();
    const big = 1_200_000;
    const build = () => {
      const made = [zeros([big]).add(1), zeros([big]).add(2), zeros([3]).add(3)];
      const { tensors, buckets } = sumTogether(
        made.map((one, i) => ({ name: `part ${i}`, tensor: one.exp().log() })),
        world,
        'parts',
      );
      return [...buckets, ...tensors.map((one) => one.sum()), tensor([1, 2]).matmul(tensor([[1], [1]]))];
    };
    const program = explain(build(), { stages: ['program'] });
    const order = [...program.matchAll(/^.*?(host startReduce|host finishReduce|contract|reduce sum)/gm)].map(
      ([, what]) => what,
    );
    expect(order).toEqual([
      'host startReduce',
      'host startReduce',
      'host startReduce',
      'contract',
      'host finishReduce',
      'host finishReduce',
      'host finishReduce',
      'reduce sum',
      'reduce sum',
      'reduce sum',
    ]);
    const built = build();
    evaluate(built);
    const read = await Promise.all(built.map((one) => one.data()));
    expect(read.slice(3).map(([value]) => Math.round(value))).toEqual([2 * big, 4 * big, 18, 3]);
    expect(world.calls.map((call) => call.split(' ')[0])).toEqual([
      ...['start', 'start', 'start'],
      ...['finish', 'finish', 'finish'],
    ]);
  });

  it('inside of a compiled function happen at each call', async () => {
    const world = mirror();
    const f = compile((x: Tensor) => sumOverRanks(x.square(), world, 'squares').add(1));
    for (const value of [1, 2, 3]) expect(await f(tensor([value])).item()).toBe(2 * value * value + 1);
    expect(world.calls).toEqual(['squares', 'squares', 'squares']);
  });
});

describe('reduceGradients', () => {
  it('gives the mean over all examples, with figures, on ranks of other sizes', async () => {
    const given = await ranks.values<Awaited<ReturnType<typeof byHand>>>(3, 'byHand');
    // y = w·x, L = mean (w·x)² with w = 1: dL/dw = 2·mean x². Ranks have the examples 1; 2, 3; none (and NaN).
    for (const { gradient, mean, weight } of given) {
      expect(gradient).toBeCloseTo((2 * (1 + 4 + 9)) / 3, 5);
      expect(mean).toBeCloseTo(14 / 3, 5);
      expect(weight).toBeCloseTo(1 - (0.1 * 28) / 3, 5);
    }
  });

  it('lets a gradient, a loss or an output be read on one rank alone', async () => {
    const given = await ranks.values<Awaited<ReturnType<typeof readsAlone>>>(2, 'readsAlone');
    expect(given[1]).toEqual({ ...given[0], read: given[1].read });
    expect(given[0].read.length).toBeGreaterThan(0);
  });

  it('leaves a world of one alone and says when nothing waits', () => {
    const layer = linear(1, 1);
    expect(() => reduceGradients(layer.parameters(), singleWorld())).toThrow(/call backward\(loss\) before/);
    expect(() => reduceGradients(layer.parameters(), singleWorld(), { examples: -1 })).toThrow(
      /from 0, got -1/,
    );
    expect(joinWorld(memoryWorld(1), 0).size).toBe(1);
  });
});

describe('syncBatchNorm', () => {
  it('normalizes as one process does by the whole batch, forward, backward and in its running statistics', async () => {
    use(reference());
    const parts = await ranks.values<Awaited<ReturnType<typeof normalizes>>>(3, 'normalizes');
    const x = tensor(
      Array.from({ length: 7 * 2 * 3 }, (_, i) => Math.sin(i) * 3 + 5),
      { shape: [7, 2, 3, 1] },
    );
    const norm = batchNorm2d(2);
    const y = norm.forward(x);
    backward(y.pow(3).mean());
    const expected = await y.data();
    expect(parts.flatMap(({ output }) => Array.from(output))).toEqual(
      Array.from(expected, (value) => expect.closeTo(value, 4)),
    );
    const [scale, mean, variance] = await Promise.all(
      [norm.weight?.grad, norm.runningMean?.value, norm.runningVariance?.value].map((one) => one?.data()),
    );
    for (const part of parts) {
      expect([...part.scale]).toEqual(Array.from(scale ?? [], (value) => expect.closeTo(value, 4)));
      expect([...part.mean]).toEqual(Array.from(mean ?? [], (value) => expect.closeTo(value, 4)));
      expect([...part.variance]).toEqual(Array.from(variance ?? [], (value) => expect.closeTo(value, 4)));
    }
  });
});
