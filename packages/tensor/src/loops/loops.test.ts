import { afterEach, describe, expect, it } from 'vitest';
import {
  bernoulli,
  cond,
  fori,
  manualSeed,
  reference,
  scalar,
  scan,
  stats,
  type Tensor,
  tensor,
  uniform,
  use,
  Variable,
  whileLoop,
  zeros,
} from '../index.ts';

afterEach(() => use(reference()));

/** Running sums and products of 1 … 4, by hand. */
const numbers = tensor([1, 2, 3, 4]);

describe('scan', () => {
  it('carries a value over rows and collects', async () => {
    const { carry, ys } = scan((sum, x) => [sum.add(x), sum.mul(x)], scalar(0), numbers);
    expect(await carry.item()).toBe(10);
    expect(await ys.toArray()).toEqual([0, 2, 9, 24]);
  });

  it('goes from the last row to the first', async () => {
    const { carry, ys } = scan((sum, x) => [sum.mul(2).add(x), sum], scalar(0), numbers, { reverse: true });
    // 4; 11; 24; 49
    expect(await carry.item()).toBe(49);
    expect(await ys.toArray()).toEqual([24, 11, 4, 0]);
  });

  it('takes structures, named results and the number of the row', async () => {
    const { carry, ys } = scan(
      ({ sum, last: [before] }, { a, b }, i) => ({
        carry: { sum: sum.add(a.mul(b)), last: [a] as const },
        y: { at: i, before },
      }),
      { sum: scalar(0), last: [scalar(-1)] as const },
      { a: numbers, b: tensor([2, 2, 2, 3]) },
    );
    expect(await carry.sum.item()).toBe(24);
    expect(await carry.last[0].item()).toBe(4);
    expect(ys.at.dtype).toBe('int32');
    expect(await ys.at.toArray()).toEqual([0, 1, 2, 3]);
    expect(await ys.before.toArray()).toEqual([-1, 1, 2, 3]);
  });

  it('goes over nothing, and over a number of steps', async () => {
    const none = scan((c: Tensor, x: Tensor) => [c.add(x), c], scalar(5), zeros([0]));
    expect(await none.carry.item()).toBe(5);
    expect(none.ys.shape).toEqual([0]);
    expect(await none.ys.toArray()).toEqual([]);
    const { ys } = scan((c: Tensor) => [c.mul(2), c], scalar(1), null, { length: 5 });
    expect(await ys.toArray()).toEqual([1, 2, 4, 8, 16]);
    // Without anything carried it is a map.
    const squares = scan((_c: null, x: Tensor) => [null, x.square()], null, numbers);
    expect(await squares.ys.toArray()).toEqual([1, 4, 9, 16]);
  });

  it('keeps dtypes apart', async () => {
    const { carry } = scan(
      ([count, seen, total], x: Tensor) => [
        [count.add(1), seen.logicalOr(x.greater(2)), total.add(x.cast('float64'))] as const,
        null,
      ],
      [
        scalar(0, { dtype: 'int32' }),
        scalar(0, { dtype: 'bool' }),
        scalar(0, { dtype: 'float64' }),
      ] as readonly [Tensor, Tensor, Tensor],
      numbers,
    );
    expect(await Promise.all(carry.map((x) => x.item()))).toEqual([4, 1, 10]);
    expect(carry.map(({ dtype }) => dtype)).toEqual(['int32', 'bool', 'float64']);
  });

  it.each([{ unroll: 2 }, { unroll: 3 }, { unroll: true }, { checkpoint: 2 }, { checkpoint: true }])(
    'gives the same with %o',
    (options) => {
      const xs = tensor([1, 2, 3, 4, 5, 6, 7], { dtype: 'float64' });
      for (const reverse of [false, true]) {
        const of = (own: object): Tensor[] => {
          const { carry, ys } = scan(
            (c: Tensor, x: Tensor, i: Tensor) => [c.mul(0.5).add(x.mul(i)), c.sin()],
            scalar(0.1, { dtype: 'float64' }),
            xs,
            { reverse, ...own },
          );
          return [carry, ys];
        };
        const [given, plain] = [of(options), of({})].map((both) => both.map((x) => [...x.dataSync()]));
        expect(given).toEqual(plain);
      }
    },
  );

  it('reads variables and whatever else is outside', async () => {
    const w = new Variable(scalar(2));
    const lazy = numbers.sum();
    const of = (): Tensor =>
      scan((c: Tensor, x: Tensor) => [c.mul(w.value).add(x).sub(lazy), null], scalar(1), numbers).carry;
    // 2−9 = −7; −14−8 = −22; −44−7 = −51; −102−6 = −108
    expect(await of().item()).toBe(-108);
    w.assign(scalar(0));
    expect(await of().item()).toBe(-6);
  });

  it('makes one body whatever the length, and finds it again', () => {
    const of = (length: number): number => {
      const xs = zeros([length]).add(1);
      xs.dataSync();
      return scan((c: Tensor, x: Tensor) => [c.add(x).mul(0.5).cos(), null], scalar(0), xs).carry.itemSync();
    };
    of(10);
    const { kernels, plansMade } = stats();
    of(10);
    expect(stats()).toMatchObject({ kernels, plansMade });
    of(1000);
    expect(stats().kernels).toBe(kernels);
  });

  it('draws random numbers of its own at each step, the same for the same seed', () => {
    const draw = (): number[] => {
      manualSeed(7);
      const { ys } = scan((c: Tensor) => [c, [uniform([2]), bernoulli([], 0.5)] as const], scalar(0), null, {
        length: 4,
      });
      return ys.flatMap((y) => [...y.dataSync()]);
    };
    const first = draw();
    expect(new Set(first.slice(0, 8)).size).toBe(8);
    expect(draw()).toEqual(first);
  });
});

describe('errors of scan', () => {
  const step =
    (f: (c: { a: Tensor; b: Tensor }) => unknown): (() => unknown) =>
    () =>
      scan(f as never, { a: zeros([3]), b: scalar(1) }, numbers);

  it('name what changes, before and after', () => {
    expect(step(({ a, b }) => [{ a: a.reshape([3, 1]), b }])).toThrow(
      'scan: carry.a is float32 [3] before a step and float32 [3, 1] after it',
    );
    expect(step(({ a, b }) => [{ a, b: b.cast('float64') }])).toThrow(
      'scan: carry.b is float32 [] before a step and float64 [] after it',
    );
    expect(step(({ a }) => [{ a }])).toThrow('expected carry.a, carry.b, got carry.a');
  });

  it('say why a step cannot read values', () => {
    expect(step(({ a, b }) => [{ a, b: b.add(a.dataSync()[0]) }])).toThrow(
      /scan: the function of a step read a value.*where/,
    );
    expect(() => scan((async (c: Tensor) => [c]) as never, scalar(0), numbers)).toThrow(
      'scan: the function returned a promise',
    );
  });

  it('refuse to give variables values', () => {
    const v = new Variable(scalar(0), { name: 'mean', trainable: false });
    const assigning = (c: Tensor): [Tensor] => {
      v.assign(c);
      return [c];
    };
    expect(() => scan(assigning, scalar(0), numbers)).toThrow(/scan:.*variable.*mean/);
  });

  it('say at which step a computation failed, and leave everything as it was', () => {
    const table = tensor([1, 2, 3]);
    const { carry } = scan(
      (c: Tensor, i: Tensor) => [c.add(table.gather(i, 0)), null],
      zeros([1]),
      tensor([[0], [2], [5]], { dtype: 'int32' }),
    );
    expect(() => carry.dataSync()).toThrow(/scan, step 2: gather.*index 5/);
    expect(carry.op).not.toBe(null);
  });
});

describe('fori', () => {
  it('counts', async () => {
    expect(await fori(10, (_i, x) => x.mul(2), scalar(1)).item()).toBe(1024);
    expect(await fori(5, (i, x) => x.add(i), scalar(0, { dtype: 'int32' })).item()).toBe(10);
    expect(await fori(0, (_i, x) => x.mul(2), scalar(3)).item()).toBe(3);
  });

  it('nests', async () => {
    const table = fori(
      3,
      (i, rows) => fori(3, (j, own) => own.mul(10).add(i.mul(3).add(j)), rows),
      scalar(0, { dtype: 'float64' }),
    );
    expect(await table.item()).toBe(12345678);
  });
});

describe('whileLoop', () => {
  it("finds √2 by Newton's method, with and without a limit", async () => {
    for (const options of [{}, { maxSteps: 20 }]) {
      const root = whileLoop(
        (x) => x.square().sub(2).abs().greater(1e-12),
        (x) => x.add(x.reciprocal().mul(2)).mul(0.5),
        scalar(1, { dtype: 'float64' }),
        options,
      );
      expect(await root.item()).toBeCloseTo(Math.SQRT2, 12);
    }
  });

  it('takes no step, one, and as many as allowed', async () => {
    const of = (start: number, maxSteps?: number): Promise<number> =>
      whileLoop(
        (x) => x.less(100),
        (x) => x.mul(2),
        scalar(start),
        maxSteps === undefined ? {} : { maxSteps },
      ).item();
    expect(await of(200)).toBe(200);
    expect(await of(60)).toBe(120);
    expect(await of(1)).toBe(128);
    expect(await of(1, 3)).toBe(8);
    expect(await of(1, 0)).toBe(1);
  });

  it('refuses a condition of several elements', () => {
    expect(() =>
      whileLoop(
        (x) => x.less(1),
        (x) => x,
        zeros([2]),
      ),
    ).toThrow('whileLoop: condition gives [2]');
  });
});

describe('cond', () => {
  it('computes the one that was chosen only', async () => {
    const x = tensor([1, 2]);
    const table = tensor([1, 2, 3]);
    for (const chosen of [true, false]) {
      const predicate = scalar(chosen ? 1 : 0);
      const y = cond(
        predicate,
        () => x.mul(2),
        () => x.mul(3),
      );
      expect(await y.toArray()).toEqual(chosen ? [2, 4] : [3, 6]);
    }
    // What is not chosen cannot fail.
    const bad = cond(
      scalar(0),
      () => table.gather(tensor([7], { dtype: 'int32' }), 0),
      () => table.slice(0, 1),
    );
    expect(await bad.toArray()).toEqual([1]);
  });

  it('chooses structures, with operands', async () => {
    const both = cond(
      scalar(1),
      (a: Tensor, b: Tensor) => ({ sum: a.add(b), any: a.greater(b) }),
      (a: Tensor, b: Tensor) => ({ sum: a.sub(b), any: b.greater(a) }),
      scalar(1),
      scalar(2),
    );
    expect([await both.sum.item(), await both.any.item()]).toEqual([3, 0]);
  });

  it('says which results differ', () => {
    expect(() =>
      cond(
        scalar(1),
        () => zeros([2]),
        // @ts-expect-error: the shapes differ
        () => zeros([3]),
      ),
    ).toThrow('cond: result is float32 [2] from ifTrue and float32 [3] from ifFalse');
    expect(() =>
      cond(
        zeros([2]),
        () => zeros([2]),
        () => zeros([2]),
      ),
    ).toThrow('cond: the predicate has shape [2]');
  });
});
