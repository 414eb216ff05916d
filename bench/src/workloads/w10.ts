/** W10: what 2000 steps of W4 hold when the user frees nothing. */
import { stats } from '@ag/tensor';
import { caseNames } from '../problems/problem.ts';
import { growth } from '../process/memory.ts';
import type { Workload } from '../process/workload.ts';
import { w4 } from './perceptrons.ts';

export const w10 = (data: string): Workload => ({
  variants: ['define-by-run'],
  cases: {
    [caseNames.W10]: async (variant) => {
      const run = await w4(data).cases[caseNames.W4](variant);
      const figures = await growth(run.step!, () => stats().bytes);
      return { check: run.check, figures: { ...figures, 'plans made': stats().plansMade } };
    },
  },
});
