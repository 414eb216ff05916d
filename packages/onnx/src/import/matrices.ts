/**
 * Which weights of a graph are matrices of products, and how they lie. `lora` asks.
 */
import type { Variable } from '@ag/tensor';
import type { PreparedGraph } from './call.ts';

type Lie = 'outputsFirst' | 'inputsFirst';

/** Matrices of `MatMul` and `Gemm`, also behind a `Transpose`. */
export function matricesOf(graph: PreparedGraph): Map<Variable, Lie> {
  const found = new Map<Variable, Lie>();
  /** Values that are weights, with whether they are turned. */
  const weights = new Map<string, readonly [variable: Variable, turned: boolean]>();
  const weightOf = (name: string | undefined): readonly [Variable, boolean] | undefined => {
    if (name === undefined) return undefined;
    const known = weights.get(name);
    if (known) return known;
    const variable = graph.stored.get(name)?.().variable;
    return variable ? [variable, false] : undefined;
  };
  for (const { proto, attributes, constant } of graph.nodes) {
    const { opType, input, output } = proto;
    const variable = constant?.().variable;
    if (variable) weights.set(output[0], [variable, false]);
    if (opType === 'Transpose') {
      const weight = weightOf(input[0]);
      if (weight?.[0].shape.length === 2) weights.set(output[0], [weight[0], !weight[1]]);
    }
    if (opType !== 'MatMul' && opType !== 'Gemm') continue;
    // x · W, and W · x where the matrix comes first.
    for (const place of [0, 1]) {
      const weight = weightOf(input[place]);
      if (weight?.[0].shape.length !== 2) continue;
      const flag = opType === 'Gemm' && attributes.get(place === 0 ? 'transA' : 'transB')?.i === 1n;
      const inputsFirst = (place === 1) !== (flag !== weight[1]);
      found.set(weight[0], inputsFirst ? 'inputsFirst' : 'outputsFirst');
    }
  }
  return found;
}
