/** Watches a run for operations that lose digits of float32: what leads to the loss of a batch, computed in float64 as well. */
import { checkNumerics, type DigitLoss, type ModuleTree } from '@ag/graph';
import type { Tensor } from '@ag/tensor';

export class NumericsWatch {
  readonly #told = new Set<string>();

  /** What is new since the last time: each operation of a line is told of once. */
  async losses(model: ModuleTree, loss: () => Tensor[]): Promise<readonly DigitLoss[]> {
    const { losses } = await checkNumerics(loss, [], { model });
    return losses.filter(({ op, site, module }) => {
      const key = `${op} ${site} ${module}`;
      return !this.#told.has(key) && this.#told.add(key);
    });
  }
}
