/** How much work a computation is, known from its plan before anything is computed. */

import type { Expression, Kernel, Launch, Program } from '../kernel/kernel.ts';
import { makePlan } from '../plan/plan.ts';
import { traverse } from '../plan/signature.ts';
import { checkTensor, type Tensor } from '../tensor.ts';
import { withoutGrowth } from './growth.ts';

/** Arithmetic operations and launches. */
export interface Workload {
  /** Kernels launched, those of a loop's step once. */
  readonly launches: number;
  /** Arithmetic operations of all of them; a multiplication and an addition are two. */
  readonly operations: number;
  /** Those of the launch that has most. */
  readonly largest: number;
}

/** What evaluating these tensors together would take. Nothing is computed, and what has a value takes nothing. */
export function workloadOf(tensors: readonly Tensor[]): Workload {
  for (const tensor of tensors) checkTensor(tensor, 'workloadOf', 'tensor');
  const outputs = [...new Set(tensors)].filter(({ op }) => op !== null);
  if (outputs.length === 0) return { launches: 0, operations: 0, largest: 0 };
  return withoutGrowth(() => sum(makePlan(traverse(outputs, []), outputs, [], { fusion: true }).program));
}

function sum(program: Program): Workload {
  const parts = program.launches.map((launch) =>
    launch.kernel.form === 'loop'
      ? launch.kernel.programs.map(sum).reduce(add, { launches: 0, operations: 0, largest: 0 })
      : { launches: 1, operations: operationsOf(launch), largest: operationsOf(launch) },
  );
  return parts.reduce(add, { launches: 0, operations: 0, largest: 0 });
}

function add(a: Workload, b: Workload): Workload {
  return {
    launches: a.launches + b.launches,
    operations: a.operations + b.operations,
    largest: Math.max(a.largest, b.largest),
  };
}

function operationsOf({ kernel, dims }: Launch): number {
  return dims.reduce((product, size) => product * size, 1) * perElement(kernel);
}

function perElement(kernel: Kernel): number {
  switch (kernel.form) {
    case 'contract':
      return 2;
    case 'map':
      return arithmetic(kernel.expression);
    case 'reduce':
      return 1 + arithmetic(kernel.prologue);
    default:
      return 1;
  }
}

/** Instructions that compute: loads, literals and coordinates do not. */
function arithmetic({ instructions }: Expression): number {
  return instructions.filter((instruction) => 'a' in instruction).length;
}
