/**
 * The nodes of a graph in the order in which they can be computed.
 */
import { type Tensor, Variable } from '@ag/tensor';
import { topologicalOrder } from './gradients.ts';

/**
 * Everything that `outputs` are computed from, inputs first, `outputs` included. Works on graphs of any depth.
 */
export function topologicalSort(outputs: Tensor | Variable | readonly (Tensor | Variable)[]): Tensor[] {
  const list = Array.isArray(outputs) ? outputs : [outputs as Tensor | Variable];
  return [
    ...topologicalOrder(list.map((x: Tensor | Variable) => (x instanceof Variable ? x.value : x))).nodes,
  ];
}
