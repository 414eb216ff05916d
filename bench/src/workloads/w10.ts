/** W10: what 2000 steps of W4 hold when the user frees nothing. */
import { stats } from '@ag/tensor';
import type { Workload } from '../workload.ts';
import { w4 } from './perceptrons.ts';

const warm = 300;
const steps = 2000;

export const w10 = (data: string): Workload => ({
  variants: ['define-by-run'],
  cases: {
    'W4, 2000 steps': async (variant) => {
      const run = await Object.values(w4(data).cases)[0]!(variant);
      const figures: Record<string, number> = {};
      const note = async (when: string): Promise<void> => {
        // Finalisers run between turns of the event loop.
        for (let i = 0; i < 3; i++) {
          (globalThis as { gc?: () => void }).gc?.();
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        const { rss, heapUsed } = process.memoryUsage();
        figures[`device bytes ${when}`] = stats().bytes;
        figures[`heap bytes ${when}`] = heapUsed;
        figures[`resident bytes ${when}`] = rss;
      };
      await note(`after ${warm} steps`);
      for (let i = 0; i < steps; i++) run.step!();
      await note(`${steps} steps later`);
      figures['plans made'] = stats().plansMade;
      return { check: run.check, figures };
    },
  },
});
