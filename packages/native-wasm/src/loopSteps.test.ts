/** Steps taken in WebAssembly give the bits of the steps written out, whichever way threads share them. */
import { grad } from '@ag/graph';
import {
  cond,
  fori,
  key,
  normal,
  type Program,
  reference,
  scalar,
  scan,
  type Tensor,
  tensor,
  use,
  whileLoop,
  zeros,
} from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from './index.ts';
import { rowsOfBody } from './run/loopRows.ts';

const draw = (shape: readonly number[], seed: number): Tensor => normal(shape, { key: key(seed) });
const bits = (t: Tensor): Uint32Array => new Uint32Array((t.dataSync() as Float32Array).slice().buffer);

interface Case {
  readonly batch: number;
  readonly features: number;
  readonly steps: number;
  readonly reverse: boolean;
}

/** A cell with everything that a step may do: products, gates, sums over a row, the number of the step, a row by number. */
function run({ batch, features, steps, reverse }: Case, unroll: boolean): (w: Tensor) => Tensor {
  const x = draw([steps, batch, features], 1);
  const scale = draw([steps, features], 3);
  return (w) => {
    const { carry, ys } = scan(
      (state, row, step) => {
        const gates = row.add(state.h.matmul(w));
        const factor = scale.take(step, 0);
        const h = gates.tanh().mul(factor.sigmoid());
        const total = h.square().sum(-1, { keepDims: true }).add(1).sqrt();
        const c = state.c.mul(0.5).add(h.div(total)).add(step.cast('float32').mul(0.01));
        return [{ h: h.add(c.mul(0.1)), c }, c];
      },
      { h: zeros([batch, features]), c: draw([batch, features], 4) },
      x,
      { reverse, unroll },
    );
    return ys.sum(0).add(carry.h);
  };
}

describe('steps of loops', async () => {
  const one = await wasm({ threads: 1 });
  const two = await wasm({ threads: 2 });
  await two.startThreads();
  afterAll(() => {
    one.close();
    two.close();
  });

  const cases: Case[] = [1, 3, 8, 17, 33].flatMap((batch) =>
    [5, 40].flatMap((features) =>
      [1, 2, 3, 8].map((steps) => ({ batch, features, steps, reverse: (batch + steps) % 2 === 0 })),
    ),
  );

  it('agree with the steps written out, for all numbers of rows and steps, either way round', () => {
    for (const own of cases) {
      const w = draw([own.features, own.features], 2).mul(0.3);
      const results = [one, two].flatMap((backend) => {
        use(backend);
        return [bits(run(own, false)(w)), bits(run(own, true)(w))];
      });
      for (const result of results) expect(result, JSON.stringify(own)).toEqual(results[0]);
    }
  });

  it('have the same gradients for any number of threads, those of the reference backend', () => {
    for (const own of cases) {
      const w = draw([own.features, own.features], 2).mul(0.3);
      const gradient = (looped: boolean): Tensor =>
        grad((weight: Tensor) => run(own, !looped)(weight).square().mean())(w);
      use(two);
      const mine = bits(gradient(true));
      const again = bits(gradient(true));
      use(one);
      expect(bits(gradient(true)), JSON.stringify(own)).toEqual(mine);
      expect(again).toEqual(mine);
      use(reference());
      const expected = gradient(true).dataSync();
      const size = Math.max(...expected.map(Math.abs), 1e-3);
      const values = new Float32Array(mine.buffer);
      for (let i = 0; i < values.length; i++)
        expect(Math.abs(values[i] - expected[i])).toBeLessThan(1e-4 * size);
    }
  });

  it('read what outside has changed between two runs', () => {
    const own = { batch: 16, features: 24, steps: 5, reverse: false };
    const f = run(own, false);
    for (const backend of [one, two]) {
      use(backend);
      const [a, b] = [5, 6].map((seed) => draw([24, 24], seed).mul(0.3));
      const alone = [a, b].map((w) => bits(f(w)));
      use(backend);
      expect([a, b, a].map((w) => bits(f(w)))).toEqual([...alone, alone[0]]);
    }
  });

  it('end where a condition says so', () => {
    for (const backend of [reference(), one, two]) {
      use(backend);
      const root = whileLoop(
        (x) => x.square().sub(2).abs().max().greater(1e-6),
        (x) => x.add(x.reciprocal().mul(2)).mul(0.5),
        tensor([1, 2, 3, 4]),
      );
      for (const value of root.dataSync()) expect(value).toBeCloseTo(Math.SQRT2, 6);
      const counted = whileLoop(
        ({ i }) => i.less(7),
        ({ i, sum }, step) => ({ i: i.add(1), sum: sum.add(step.cast('float32')) }),
        { i: scalar(0), sum: scalar(0) },
        { maxSteps: 50 },
      );
      expect(counted.sum.itemSync()).toBe(21);
      const none = whileLoop(
        (x) => x.less(0),
        (x) => x.mul(2),
        scalar(3),
      );
      expect(none.itemSync()).toBe(3);
      expect(fori(0, (_, x) => x.mul(2), scalar(5)).itemSync()).toBe(5);
      expect(fori(1, (_, x) => x.mul(2), scalar(5)).itemSync()).toBe(10);
      expect(fori(10, (i, x) => x.add(i.cast('float32')), scalar(0)).itemSync()).toBe(45);
      const chosen = [1, -1].map((sign) =>
        cond(
          scalar(sign).greater(0),
          (x: Tensor) => x.mul(2),
          (x: Tensor) => x.sub(1),
          scalar(4),
        ).itemSync(),
      );
      expect(chosen).toEqual([8, 3]);
    }
  });

  it('name the step that met a position that does not exist', () => {
    const table = draw([4, 3], 7);
    const positions = tensor([0, 1, 9, 2], { dtype: 'int32' });
    for (const backend of [one, two]) {
      use(backend);
      const sum = () => scan((total, i) => [total.add(table.take(i, 0))], zeros([3]), positions).carry;
      expect(() => sum().dataSync()).toThrow(/scan, step 2: .*9/);
      const good = scan(
        (total, i) => [total.add(table.take(i, 0))],
        zeros([3]),
        tensor([0, 1, 3], { dtype: 'int32' }),
      );
      expect(good.carry.dataSync()).toHaveLength(3);
    }
  });

  it('leave what is summed over examples to the end, so that their rows stay apart', () => {
    const x = draw([6, 16, 8], 1);
    const cell = (b: Tensor) =>
      scan((h, row) => [h.mul(row.add(b.mul(h)).sigmoid()).add(row)], zeros([16, 8]), x)
        .carry.square()
        .sum();
    const b = draw([8], 2);
    const programs: Program[] = [];
    const watched = Object.assign(Object.create(two), {
      prepare: (program: Program) => {
        programs.push(program);
        return two.prepare(program);
      },
      run: two.run.bind(two),
      allocate: two.allocate.bind(two),
      release: two.release.bind(two),
      write: two.write.bind(two),
      readSync: two.readSync.bind(two),
      dispose: two.dispose.bind(two),
    });
    use(watched);
    const found = grad(cell)(b).dataSync();
    const rows = programs.flatMap(({ launches }) =>
      launches.flatMap(({ kernel }) =>
        kernel.form === 'loop' ? [rowsOfBody(kernel.programs[0], kernel.schedule)] : [],
      ),
    );
    expect(rows).toEqual([16, 16]);
    use(one);
    expect(grad(cell)(b).dataSync()).toEqual(found);
    // Central differences in float64.
    use(reference());
    const wide = (values: number[]): number => {
      const rows64 = x.cast('float64');
      return scan(
        (h, row) => [h.mul(row.add(tensor(values, { dtype: 'float64' }).mul(h)).sigmoid()).add(row)],
        zeros([16, 8], { dtype: 'float64' }),
        rows64,
      )
        .carry.square()
        .sum()
        .itemSync();
    };
    const at = [...b.dataSync()];
    for (let i = 0; i < 8; i++) {
      const [up, down] = [1e-4, -1e-4].map((step) =>
        wide(at.map((value, k) => (k === i ? value + step : value))),
      );
      expect(found[i]).toBeCloseTo((up - down) / 2e-4, 3);
    }
  });

  it('hold loops in loops', () => {
    const x = draw([12, 9, 6], 8);
    const w = draw([6, 6], 9).mul(0.3);
    const f = (checkpoint: boolean | number) => (weight: Tensor) =>
      scan((h, row) => [h.matmul(weight).add(row).tanh()], zeros([9, 6]), x, { checkpoint })
        .carry.square()
        .sum();
    for (const backend of [one, two]) {
      use(backend);
      const [plain, blocks] = [false, 4].map((checkpoint) => grad(f(checkpoint))(w).dataSync());
      for (let i = 0; i < plain.length; i++) expect(blocks[i]).toBeCloseTo(plain[i], 4);
    }
  });
});
