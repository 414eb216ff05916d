/** Pictures, spectra, matrices and densities go through `vmap`: the same for each example as alone. */
import { stack, type Tensor } from '@ag/tensor';
import { gradientGroups } from '@ag/tensor/testing';
import { expect, it } from 'vitest';
import { vmap } from './vmap.ts';

const groups = ['Spaces, pictures, spectra', 'Linear algebra', 'Distributions'] as const;

it.each(groups)('%s', (group) => {
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const { operation, variant, f, inputs } of gradientGroups[group]) {
    if (seen.has(operation)) continue;
    seen.add(operation);
    const first = inputs();
    const second = first.map((x) => x.mul(0.9));
    const both = first.map((x, i) => stack([x, second[i]]));
    const together = vmap((...x: Tensor[]) => f(x))(...both) as Tensor;
    const apart = stack([f(first), f(second)]);
    const difference = together.sub(apart).abs().max().itemSync();
    if (!(difference < 1e-9)) wrong.push(`${operation}, ${variant}: ${difference}`);
  }
  expect(seen.size).toBeGreaterThan(9);
  expect(wrong).toEqual([]);
});
