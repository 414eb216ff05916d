/**
 * Batch normalization by the statistics of the whole batch, of which each rank has a part.
 */
import { type AnyModule, BatchNorm1d, BatchNorm2d, BatchNorm3d } from '@ag/nn';
import { countsHere } from './part.ts';
import { sumOverRanks } from './sums.ts';
import type { World } from './world.ts';

/**
 * Lets the batch normalizations of a model use the statistics of all ranks' parts: their sums are exchanged in the forward pass, one
 * small message a layer, and one in the backward pass. Without it each rank normalizes by its own part, which is quicker, and
 * good where parts are not small.
 *
 * ```ts
 * const model = syncBatchNorm(sequential(conv2d(1, 8, 3), batchNorm2d(8), relu(), flatten(), linear(5408, 10)), world);
 * ```
 *
 * @returns the model
 */
export function syncBatchNorm<Model extends AnyModule>(model: Model, world: World): Model {
  for (const [path, module] of model.namedModules()) {
    if (!isBatchNorm(module)) continue;
    module.sumOverParts =
      world.size === 1
        ? null
        : (sums, layer) => sumOverRanks(sums.mul(countsHere()), world, `statistics of ${path} (${layer})`);
  }
  return model;
}

function isBatchNorm(module: AnyModule): module is BatchNorm1d | BatchNorm2d | BatchNorm3d {
  return [BatchNorm1d, BatchNorm2d, BatchNorm3d].some((kind) => module instanceof kind);
}
