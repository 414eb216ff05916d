/**
 * Launches over the same rows are marked as bands, and nothing else is: what a backend may run in turns gives the values of
 * whole passes also where it does.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { backend, evaluate, ones, type Program, type Tensor, tensor, use, Variable } from '../index.ts';
import { commitUpdates } from '../run/evaluate.ts';
import { setFusion } from '../run/planCache.ts';
import { nullBackend } from '../testing/index.ts';

const before = backend();
afterEach(() => {
  use(before);
  setFusion(true);
});

const rows = 403;
const columns = 900;
/** 1.4 MB: with the powers and the result more than what is worked through in one piece. */
const numbers = Float32Array.from({ length: rows * columns }, (_, i) => ((i * 7919) % 1009) / 100);
const large = (): Tensor => tensor(numbers, { shape: [rows, columns] });

/** The program that computes what `f` makes. */
function programOf(f: () => Tensor): Program {
  const device = nullBackend();
  let program: Program | undefined;
  const prepare = (given: Program) => {
    program = given;
    return device.prepare(given);
  };
  use({ ...device, prepare });
  evaluate([f()]);
  return program!;
}

describe('kernels over the same rows of large arrays', () => {
  it('are a band: the largest, the powers, their sum and the quotients of a softmax', () => {
    const { launches } = programOf(() => large().softmax());
    expect(launches.map(({ band }) => band)).toEqual([0, 0, 0, 0]);
  });

  it('are a band also where axes of some were merged', () => {
    // A mask that is the same for all of the first axis keeps the axes of the maps apart.
    const mask = tensor(numbers.subarray(0, 36), { shape: [6, 6] });
    const { launches } = programOf(() => ones([32, 6, 6]).mul(2).add(mask).softmax());
    const last = launches.slice(-4);
    expect(last[0].dims[0]).not.toBe(last[3].dims[0]);
    expect(new Set(last.map(({ band }) => band)).size).toBe(1);
    expect(last[0].band).toBeDefined();
  });

  it.each<readonly [string, () => Tensor]>([
    ['that are read one row further', () => large().mul(2).max(-1).slice(1).exp()],
    ['that are read in reverse', () => large().max(-1).flip([0]).exp().sum(-1)],
    ['that end in one number', () => large().exp().sum()],
  ])('are no band: rows %s', (_, f) => {
    for (const launch of programOf(f).launches) expect(launch.band).toBeUndefined();
  });

  it('compute what is computed by hand, in the first row as in the last', () => {
    const y = large().softmax().dataSync();
    for (const row of [0, 1, 96, 97, 98, 200, rows - 1]) {
      const own = [...numbers.subarray(row * columns, (row + 1) * columns)];
      const powers = own.map((value) => Math.exp(value - 11));
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (const column of [0, 5, columns - 1])
        expect(y[row * columns + column] / (powers[column] / total)).toBeCloseTo(1, 5);
    }
  });

  it.each<readonly [string, (x: Tensor) => Tensor]>([
    ['along columns', (x) => x.softmax(0)],
    ['of a view that is turned', (x) => x.transpose().softmax(-1)],
    ['of rows in reverse order', (x) => x.flip([0]).softmax(-1)],
    [
      'whose powers are read by something else too',
      (x) => {
        const powers = x.sub(x.max(-1, { keepDims: true })).exp();
        return powers
          .div(powers.sum(-1, { keepDims: true }))
          .sum(0)
          .add(powers.sum(0));
      },
    ],
    [
      'that normalizes',
      (x) => {
        const centered = x.sub(x.mean(-1, { keepDims: true }));
        return centered.div(centered.square().mean(-1, { keepDims: true }).sqrt()).mul(2);
      },
    ],
    [
      'of rows next to others',
      (x) => {
        const y = x.softmax();
        return y.slice(1).sub(y.slice(0, -1)).abs();
      },
    ],
  ])('agree with kernel after kernel: %s', (_, f) => {
    const cut = f(large()).dataSync();
    setFusion(false);
    const whole = f(large()).dataSync();
    let worst = 0;
    cut.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - whole[i]) / (Math.abs(whole[i]) + 1e-6));
    });
    expect(worst).toBeLessThan(2e-5);
  });

  it('leave new values of variables in one piece, which may lie over the old ones', () => {
    const device = nullBackend();
    use(device);
    const state = new Variable(large(), { inPlace: true });
    const step = (): void => {
      const scaled = state.value.sub(state.value.max(-1, { keepDims: true })).exp();
      commitUpdates(new Map([[state, scaled.div(scaled.sum(-1, { keepDims: true }))]]));
    };
    step();
    const { bytes } = device.stats();
    step();
    expect(device.stats().bytes).toBe(bytes);
    expect(device.last.labels.filter((label) => label.includes('div'))).toHaveLength(1);
  });
});
