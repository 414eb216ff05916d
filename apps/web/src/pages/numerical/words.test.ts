/**
 * What is said of the comparison is true for 2 to 128 hidden units, and for any step size h.
 *
 * The numbers that the words are held against are found here from the losses and with finite differences of their own.
 */
import { describe, expect, it } from 'vitest';
import { type CompareUpdate, openComparison } from './compare.ts';
import { atTheStart, decidedBy, looksAlike, lossesAgree, whyParted } from './words.ts';

async function compare(
  hidden: number,
  steps: number,
  difference = 1e-6,
  learningRate = 3,
): Promise<CompareUpdate> {
  const session = await openComparison({ hidden, learningRate, difference, seed: 2, steps });
  let update = await session.advance(0);
  while (!update.done) update = await session.advance(1e6);
  return update;
}

describe('the words of the comparison', () => {
  it.each([
    [2, 40, 1e-6],
    [8, 40, 1e-6],
    [32, 50, 1e-6],
    [128, 12, 1e-6],
    [2, 40, 0.1],
    [4, 40, 1e-10],
    [32, 20, 0.1],
  ])('hold for %i hidden units, %i steps and h = %f', async (hidden, steps, h) => {
    const update = await compare(hidden, steps, h);
    const { losses } = update.numerical;
    const differences = losses.map((loss, i) => Math.abs(loss - update.automatic.losses[i]));
    const apart = Math.max(...differences);
    expect(update.apart).toBe(apart);
    expect(update.parameters).toBe(4 * hidden + 1);
    expect(update.factor).toBe(2 * update.parameters + 1);
    expect(lossesAgree(update)).toBe(apart <= 1e-4 * losses[0]);
    if (looksAlike(update))
      for (const [i, difference] of differences.entries())
        expect(difference).toBeLessThanOrEqual(0.01 * Math.max(losses[i], update.automatic.losses[i]));

    const { parting } = update;
    const words = whyParted(update).map(({ en }) => en);
    const first = differences.findIndex((difference) => difference > 1e-4 * losses[0]);
    expect(parting === null).toBe(first === -1);
    expect(words).toHaveLength(first === -1 ? 0 : 3);
    if (!parting) return;
    expect(parting.step).toBe(first + 1);
    expect(words[0]).toContain(`step ${first + 1}:`);
    if (words[2].includes('has grown')) {
      // From a difference that nobody sees, by a factor above one a step.
      expect(parting.error).toBeLessThan(1e-4);
      expect(parting.growth).toBeGreaterThan(1);
      const rises = losses.slice(0, first + 1).filter((loss, i) => i > 0 && loss > losses[i - 1]).length;
      expect(words[2]).toContain(`rose in ${rises} of the ${first} steps`);
    } else expect(parting.error).toBeGreaterThanOrEqual(1e-4);
  });

  it('say what decides the error of a numerical gradient', async () => {
    // Of central differences the error is h²/6 · f‴: half the step leaves a quarter.
    const coarse = await compare(3, 1, 0.01);
    expect(coarse.start.halved / coarse.start.error).toBeCloseTo(0.25, 2);
    expect(decidedBy(coarse.start)).toBe('coarse');
    expect(atTheStart(coarse).en).toContain('because h is coarse');
    // And rounding errors of about 1e-16 are divided by h.
    const fine = await compare(3, 1, 1e-10);
    expect(fine.start.error).toBeGreaterThan(1e-8);
    expect(fine.start.error).toBeLessThan(1e-3);
    expect(decidedBy(fine.start)).toBe('rounding');
    expect(decidedBy({ error: 0, halved: 0 })).toBe('exact');
  });
});
