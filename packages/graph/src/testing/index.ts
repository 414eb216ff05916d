/**
 * `@ag/graph/testing`: gradient cases of every operation, and the check of one. `agrad gradcheck` and docs/gradients.md are made from them.
 */
import { checkGradientCase, type GradientCase } from '@ag/tensor/testing';
import { checkGradients } from '../check.ts';
import { gradients } from '../gradients.ts';

export {
  convention,
  type GradientCase,
  gradientCase,
  gradientCases,
  gradientGroups,
  numbers,
  positions,
  sample,
  withoutGradient,
} from '@ag/tensor/testing';
export {
  addedGradient,
  contributionMutations,
  frozenRule,
  type Mutation,
  rulesIn,
  termMutations,
  withMutation,
} from './mutate.ts';

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
    const errors = checkGradientCase(one, { checkGradients, gradients }, options);
    return { operation, variant, order, passed: true, errors, message: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { operation, variant, order, passed: false, errors: [], message };
  }
}
