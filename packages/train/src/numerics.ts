/** Watches a run for operations that lose digits of float32: what leads to the loss of a batch, computed in float64 as well. */
import { checkNumerics, type DigitLoss } from '@ag/graph';
import { forward } from './forward.ts';
import type { GroupedBatch } from './groups.ts';
import type { Objective } from './objective.ts';
import type { AnyFitOptions } from './options.ts';

export class NumericsWatch {
  readonly #told = new Set<string>();

  /** What is new since the last time: each operation of a line is told of once. */
  async losses(
    { model }: AnyFitOptions,
    objective: Objective,
    { x, y }: GroupedBatch,
  ): Promise<readonly DigitLoss[]> {
    const loss = () => objective.losses(forward(model, x, 'fit'), y);
    const { losses } = await checkNumerics(loss, [], { model });
    return losses.filter(({ op, site, module }) => {
      const key = `${op} ${site} ${module}`;
      return !this.#told.has(key) && this.#told.add(key);
    });
  }
}
