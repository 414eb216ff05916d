/**
 * Random graphs and their gradients: fused and unfused evaluation agree. A failure prints the seed and the graph.
 * Tolerance: both round in float32, in different orders; results of means of at most some thousand numbers near 1 agree
 * to 2e-5 of the largest, gradients of compositions of up to 17 steps to 2e-4.
 */
import { atSeed, evaluateGraph, expectAgreement, randomGraph, testSeeds } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { gradients } from './index.ts';

const seeds = testSeeds(400, 5_000);

describe('random graphs', () => {
  for (let at = 0; at < seeds.length; at += 100) {
    const some = seeds.slice(at, at + 100);
    it(`seeds ${some[0]} … ${some.at(-1)}: fused as unfused, gradients included`, () => {
      for (const seed of some) {
        atSeed(seed, () => {
          const graph = randomGraph(seed);
          const fused = evaluateGraph(graph, true, gradients);
          expectAgreement(graph, fused, evaluateGraph(graph, false, gradients), 2e-4);
        });
      }
    });
  }

  it('are graphs of some size, with finite results', () => {
    const values = Array.from({ length: 50 }, (_, seed) => evaluateGraph(randomGraph(seed), true).flat());
    expect(values.every((list) => list.every(Number.isFinite))).toBe(true);
    expect(values.filter((list) => list.length > 3).length).toBeGreaterThan(30);
  });
});
