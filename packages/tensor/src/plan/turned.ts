/**
 * Products that are only ever read with their axes in one other order are written in that order.
 *
 * So the gradient of a weight that a layer reads transposed lies as the weight does, and the update can follow it in the same kernel.
 */
import { contract } from '../ops/contract.ts';
import { permute } from '../ops/movement.ts';
import type { ContractionLabels } from '../ops/op.ts';
import type { Tensor } from '../tensor.ts';
import type { Traversal } from './signature.ts';

/** For each such product, the order of its axes in which it is read. */
export function turnedProducts(
  { nodes }: Traversal,
  results: readonly Tensor[],
): ReadonlyMap<Tensor, readonly number[]> {
  const orders = new Map<Tensor, readonly number[]>();
  const straight = new Set(results);
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (input.op !== contract || straight.has(input)) continue;
      const order =
        node.op === permute ? (node.attributes as { readonly order: readonly number[] }).order : [];
      const known = orders.get(input) ?? order;
      if (fits(input, order) && order.every((axis, i) => axis === known[i])) orders.set(input, order);
      else {
        straight.add(input);
        orders.delete(input);
      }
    }
  }
  return orders;
}

/** Whether the last axis stays one along which kernels write whole vectors: not that of a batch. */
function fits({ attributes }: Tensor, order: readonly number[]): boolean {
  const { a, b, out } = attributes as ContractionLabels;
  const last = out[order[order.length - 1]];
  return order.length > 0 && a.includes(last) !== b.includes(last);
}
