/**
 * Random graphs and their gradients: fused and unfused evaluation agree. A failure prints the seed and the graph.
 * Tolerance: both round in float32, in different orders; results of means of at most some thousand numbers near 1 agree
 * to 2e-5 of the largest, gradients of compositions of up to 17 steps to 2e-4.
 */
import { evaluateGraph, expectAgreement, randomGraph } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { gradients } from './index.ts';

const full = process.env.AG_TEST === 'full';
const count = full ? 5_000 : 400;

describe('random graphs', () => {
  for (let from = 0; from < count; from += 100) {
    it(`seeds ${from} … ${from + 99}: fused as unfused, gradients included`, () => {
      for (let seed = from; seed < from + 100; seed++) {
        const graph = randomGraph(seed);
        let fused: number[][];
        let plain: number[][];
        try {
          fused = evaluateGraph(graph, true, gradients);
          plain = evaluateGraph(graph, false, gradients);
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).stack}\n${graph.text}`);
        }
        expectAgreement(graph, fused, plain, 2e-4);
      }
    });
  }

  it('are graphs of some size, with finite results', () => {
    const values = Array.from({ length: 50 }, (_, seed) => evaluateGraph(randomGraph(seed), true).flat());
    expect(values.every((list) => list.every(Number.isFinite))).toBe(true);
    expect(values.filter((list) => list.length > 3).length).toBeGreaterThan(30);
  });
});
