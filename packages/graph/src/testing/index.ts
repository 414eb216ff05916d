/**
 * `@ag/graph/testing`: every differentiable operation of @ag/tensor as data, and the check of one case. What the
 * tests of backends, `agrad gradcheck` and the table in docs/gradients.md are made from.
 */
import {
  elementwiseCases,
  type GradientCase,
  indexingCases,
  linearAlgebraCases,
  movementCases,
  productCases,
  reductionCases,
} from '@ag/tensor/testing';
import { checkGradients } from '../check.ts';
import { gradients } from '../gradients.ts';

export { convention, type GradientCase, gradientCase, numbers, positions, sample } from '@ag/tensor/testing';
export {
  addedGradient,
  contributionMutations,
  frozenRule,
  type Mutation,
  rulesIn,
  termMutations,
  withMutation,
} from './mutate.ts';

/** All cases, by kind of operation. */
export const gradientGroups: Readonly<Record<string, readonly GradientCase[]>> = {
  Elementwise: elementwiseCases,
  Reductions: reductionCases,
  Movement: movementCases,
  Indexing: indexingCases,
  'Products, convolution, pooling': productCases,
  'Linear algebra': linearAlgebraCases,
};

/** All cases in one list. */
export const gradientCases: readonly GradientCase[] = Object.values(gradientGroups).flat();

/** Public functions of tensors that have no gradient, with the reason. */
export const withoutGradient: Readonly<Record<string, string>> = {
  equal: 'true or false',
  notEqual: 'true or false',
  less: 'true or false',
  lessEqual: 'true or false',
  greater: 'true or false',
  greaterEqual: 'true or false',
  logicalAnd: 'true or false',
  logicalOr: 'true or false',
  logicalNot: 'true or false',
  isNaN: 'true or false',
  isFinite: 'true or false',
  all: 'true or false',
  any: 'true or false',
  argmax: 'positions',
  argmin: 'positions',
  argsort: 'positions',
  nonzero: 'positions',
  oneHot: 'takes positions',
};

/** What became of one case. */
export interface GradientReport {
  readonly operation: string;
  readonly variant: string;
  /** Highest order checked. */
  readonly order: number;
  readonly passed: boolean;
  /** Largest relative error for each order, where the check went through. */
  readonly errors: readonly number[];
  /** What went wrong. */
  readonly message: string | null;
}

/** Checks one case on the backend in use, in float64. Never throws for a gradient that is wrong. */
export function runGradientCase(
  one: GradientCase,
  options: { readonly tolerance?: number } = {},
): GradientReport {
  const { operation, variant, order } = one;
  try {
    const errors = one.expected
      ? [checkConvention(one)]
      : checkGradients(one.f, one.inputs(), { order, ...options }).errors;
    return { operation, variant, order, passed: true, errors, message: null };
  } catch (error) {
    return {
      operation,
      variant,
      order,
      passed: false,
      errors: [],
      message: error instanceof Error ? error.message : String(error),
    };
  }
}

function checkConvention({ f, inputs, expected }: GradientCase): number {
  const x = inputs();
  let worst = 0;
  gradients(f(x).sum(), x).forEach((g, i) => {
    g.dataSync().forEach((value, position) => {
      const error = Math.abs(value - expected![i][position]);
      if (!(error <= 1e-12)) {
        throw new Error(
          `argument ${i}, element ${position}: the rule gives ${value}, the convention is ${expected![i][position]}`,
        );
      }
      worst = Math.max(worst, error);
    });
  });
  return worst;
}
