/**
 * Every operation, mapped over examples, gives what a loop over them gives, and so do its gradients.
 */
import { stack, type Tensor } from '@ag/tensor';
import { expectClose } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { gradients, vmap } from './index.ts';
import { type GradientCase, gradientCases } from './testing/index.ts';

/** Without those whose function reads a value, which vmap refuses, and without conventions, which are about points. */
const cases = gradientCases.filter(({ variant, expected }) => variant !== 'mask' && !expected);

/** Three examples of the inputs, all within the domain. */
const examplesOf = (one: GradientCase): Tensor[][] =>
  [1, 0.9, 0.8].map((factor) => one.inputs().map((x) => x.mul(factor)));

async function expectSame(actual: Tensor, expected: Tensor, what: string): Promise<void> {
  await expectClose(actual, { shape: expected.shape, data: await expected.data() }, { relative: 1e-9 }, what);
}

describe('vmap equals a loop', () => {
  it.each([...new Set(cases.map(({ operation }) => operation))])('%s', async (operation) => {
    for (const one of cases) {
      if (one.operation !== operation) continue;
      const examples = examplesOf(one);
      const stacked = examples[0].map((_, i) => stack(examples.map((x) => x[i])));
      const mapped = vmap((...x: Tensor[]) => one.f(x))(...stacked);
      const looped = stack(examples.map((x) => one.f(x)));
      await expectSame(mapped, looped, one.variant);

      const slopes = (x: readonly Tensor[]): Tensor[] => gradients(one.f(x).square().sum(), x);
      const together = gradients(mapped.square().sum(), stacked);
      const inside = vmap((...x: Tensor[]) => slopes(x))(...stacked);
      const apart = examples.map(slopes);
      for (const i of stacked.keys()) {
        const expected = stack(apart.map((own) => own[i]));
        await expectSame(together[i], expected, `${one.variant}, gradient ${i}`);
        await expectSame(inside[i], expected, `${one.variant}, mapped gradient ${i}`);
      }
    }
  });
});
