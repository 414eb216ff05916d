/** What the model of several machines says, computed by hand. */
import { describe, expect, it } from 'vitest';
import { inProcess, lastEvent } from '../testTools.ts';
import { efficiency, reductionTime } from './scaling.ts';

/** 10 Gb/s, 25 µs: 1.125 · 10⁹ bytes a second can be had. */
const network = { bandwidth: 1.25e9, latency: 25e-6 };

describe('the time of a sum over ranks', () => {
  it.each([
    // Little: three rounds of recursive doubling, 3 · (25 µs + 4 / 1.125e9).
    [4, 8, 7.501066667e-5],
    // Much: Rabenseifner, 2 · 3 · 25 µs + 2 · 7/8 · 100e6 / 1.125e9.
    [100e6, 8, 0.15570555556],
    // Two ranks: one round would move all bytes one way, 25 µs + 4000 / 1.125e9.
    [4000, 2, 2.85555556e-5],
  ])('of %d bytes over %d is %d s', (bytes, ranks, seconds) => {
    expect(reductionTime(bytes, ranks, network)).toBeCloseTo(seconds, 10);
  });
});

describe('what is left of the speed', () => {
  it('is as computed by hand for a transformer of 865,024 parameters that takes 36.5 ms', () => {
    // 6 · 25 µs + 1.75 · 3460096 / 1.125e9 = 5.5324 ms; 36.5 / (36.5 + 0.008 + 5.5324), and wholly hidden.
    const { plain, hidden, batchForMost } = efficiency(0.0365, 8, 4 * 865_024, 8, network);
    expect(plain).toBeCloseTo(0.8682, 4);
    expect(hidden).toBeCloseTo(36.5 / 36.508, 6);
    // (0.008 + 5.5324) / (1/9 + 2/3) = 7.1234 ms are enough: 8 · 7.1234 / 36.5 = 1.56 examples.
    expect(batchForMost).toBe(2);
  });
});

it('measures a recipe here and says what several machines would make of it', async () => {
  const given = ['bench', 'scaling', 'xor', '--ranks', '6', '--seconds', '0.1', '--backend', 'reference'];
  const { exitCode, stdout } = await inProcess(...given);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/xor: \d+ parameters; a step of 4 examples takes [\d.]+ ms on reference/);
  const outcome = await inProcess(...given, '--network', '100Gb/s', '--latency', '2us', '--json');
  expect(lastEvent(outcome)).toMatchObject({
    network: { bandwidth: 12.5e9, latency: 2e-6 },
    rows: [{ ranks: 2 }, { ranks: 4 }, { ranks: 6 }],
  });
});

it.each([
  [['scalling'], /bench: there is no 'scalling'/],
  [['scaling', '--network', 'fast'], /--network fast: expected a bandwidth such as 10Gb\/s/],
  [['scaling', '--latency', '3'], /--latency 3: expected a time such as 25us/],
])('refuses %j', async (given, message) => {
  const outcome = await inProcess('bench', ...given);
  expect(outcome).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) });
});
