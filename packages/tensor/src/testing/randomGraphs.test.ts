/**
 * What the random graphs reach: every kernel form that operations are lowered to, every dtype, every scalar operation.
 * A graph generator that quietly stopped making one of them would leave it untested.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypes } from '../dtype.ts';
import type { Backend } from '../kernel/backend.ts';
import { binaryOperations, type Kernel, unaryOperations } from '../kernel/kernel.ts';
import { reference } from '../reference/index.ts';
import { use } from '../run/runtime.ts';
import { evaluateGraph, randomGraph } from './randomGraphs.ts';

const graphs = 400;

describe('random graphs', () => {
  const kernels: Kernel[] = [];

  beforeAll(() => {
    const inner = reference();
    const watched = Object.create(inner) as Backend;
    const bound: Pick<Backend, 'prepare'> = {
      prepare(program) {
        kernels.push(...program.launches.map(({ kernel }) => kernel));
        return inner.prepare(program);
      },
    };
    for (const name of [
      'allocate',
      'release',
      'write',
      'read',
      'readSync',
      'run',
      'dispose',
      'stats',
    ] as const)
      Object.assign(watched, { [name]: (inner[name] as (...x: unknown[]) => unknown).bind(inner) });
    use(Object.assign(watched, bound));
    for (let seed = 0; seed < graphs; seed++) evaluateGraph(randomGraph(seed), seed % 2 === 0);
  });
  afterAll(() => use(reference()));

  const list = (found: Iterable<string>): string[] => [...new Set(found)].sort();

  it('reach every form of kernel', () => {
    const forms = ['contract', 'gather', 'host', 'map', 'reduce', 'scan', 'scatter', 'sort'];
    expect(list(kernels.map(({ form }) => form))).toEqual(forms);
  });

  it('reduce in every way', () => {
    const combines = kernels.flatMap((kernel) => (kernel.form === 'reduce' ? [kernel.combine] : []));
    expect(list(combines)).toEqual(['argmax', 'argmin', 'max', 'min', 'prod', 'sum']);
  });

  it('compute with every operation and dtype', () => {
    const expressions = kernels.flatMap((kernel) =>
      'expression' in kernel
        ? [kernel.expression]
        : 'epilogue' in kernel
          ? [...('prologue' in kernel ? [kernel.prologue] : []), kernel.epilogue]
          : [],
    );
    const instructions = expressions.flatMap((expression) => expression.instructions);
    const made = new Set(instructions.map(({ op }) => op as string));
    expect([...unaryOperations, ...binaryOperations].filter((op) => !made.has(op))).toEqual([]);
    expect(
      ['cast', 'where', 'threefry', 'coordinate', 'literal', 'constant'].filter((op) => !made.has(op)),
    ).toEqual([]);
    expect(list(instructions.map(({ dtype }) => dtype))).toEqual([...dtypes].sort());
  });
});
