/** Numbers, goals and timing: against other implementations and by hand. */
import { describe, expect, it } from 'vitest';
import { median, randomArray, randomAt } from './numbers.ts';
import { timeChunk } from './process/workload.ts';
import { goalOf, reports } from './report/goals.ts';

describe('the counter generator', () => {
  it('gives the numbers of NumPy', () => {
    // random_at(71, 4), random_at(77, 70000)[-1] and parameter((3,), 11, 0.5) of peers/numpy_kit.py, NumPy 2.4.6
    expect([0, 1, 2, 3].map((i) => randomAt(71, i))).toEqual([
      0.7626883224584162, 0.1596074199769646, 0.6049508412834257, 0.6784193101339042,
    ]);
    expect(randomAt(77, 69_999)).toBe(0.8678128013852984);
    expect([...randomArray(11, 3, 0.5)]).toEqual([
      0.011587048880755901, 0.029946409165859222, 0.10811856389045715,
    ]);
  });
});

describe('reports', () => {
  it('count the operations of products by the names of their cases', () => {
    // 2·100³ operations in 1 ms are 2 GFLOP/s; 2·128·784·512 in 1 ms are 102.76.
    expect(reports.W7.value(1, '100')).toBeCloseTo(2, 12);
    expect(reports.W7.value(1, 'AB 128×784×512')).toBeCloseTo(102.760448, 9);
  });

  it('know the goal of a variant, and what it means beside NumPy', () => {
    expect(goalOf('W1', 'compiled', '2-2-1', 20)?.value).toBe(1_000_000);
    expect(goalOf('W1', 'define-by-run', '2-2-1', 20)?.value).toBe(80_000);
    expect(goalOf('W4', 'compiled', '784-50-100-10', 24)).toEqual({ value: 0.14, ratio: 0.155 / 0.14 });
    expect(goalOf('W7', 'kept on the device', '64', 20)).toBeNull();
  });

  it('take the middle one', () => {
    expect(median([3, 1, 2])).toBe(2);
  });
});

describe('timeChunk', () => {
  it('counts every step', async () => {
    let calls = 0;
    const { steps, ms } = await timeChunk(() => {
      calls++;
    }, 2);
    expect(steps).toBe(calls);
    expect(ms * steps).toBeGreaterThanOrEqual(2);
  });

  it('waits for steps that take their time', async () => {
    let finished = 0;
    const { steps } = await timeChunk(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      finished++;
    }, 5);
    expect(steps).toBe(finished);
  });
});
