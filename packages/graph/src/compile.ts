/**
 * `compile(f)`: run `f` once on placeholders, keep the plan, and from then on only bind numbers and run.
 */
import {
  activeTrace,
  checkTensor,
  evaluate,
  placeholderLeaf,
  PreparedGraph,
  recordTrace,
  type Tensor,
  tensor,
  withRunKeys,
} from '@ag/tensor';
import { type TensorTree, treeFrom, treeLeaves } from './tree.ts';

export interface CompileOptions {
  /** Anything else that decides what `f` computes, such as a model's train/eval mode. A new value traces anew. */
  readonly key?: () => string;
  /** Trace again at the second call and compare, to find functions whose structure varies. Default true. */
  readonly check?: boolean;
}

/** Shapes for which a compiled function is kept ready. */
const maximalTraces = 32;

/**
 * A function that computes the same as `f` with almost no work on the host. `f` is run once for each structure of its
 * arguments (shapes and dtypes); what it computes, the updates of variables that `optimizer.step()` makes in it and
 * the random numbers it draws are recorded and repeated at each call with the arguments' and variables' current values.
 *
 * ```ts
 * const step = compile((x: Tensor, y: Tensor) => {
 *   const loss = crossEntropy(model.forward(x), y);
 *   backward(loss);
 *   optimizer.step();
 *   return loss;
 * });
 * ```
 *
 * @throws Error when `f` reads a tensor while it is traced (there are no numbers yet)
 */
export function compile<X extends TensorTree[], Y extends TensorTree>(
  f: (...x: X) => Y,
  options: CompileOptions = {},
): (...x: X) => Y {
  const traces = new Map<string, Traced<Y>>();
  return (...x) => {
    // Inside another trace the function is simply part of what is recorded.
    if (activeTrace()) return f(...x);
    const leaves = treeLeaves(x as TensorTree);
    for (const leaf of leaves) checkTensor(leaf);
    const lazy = leaves.filter((leaf) => leaf.op !== null);
    if (lazy.length > 0) evaluate(lazy);
    let key = options.key?.() ?? '';
    for (const leaf of leaves) key += `|${leaf.dtype},${leaf.shape.join()}`;
    let traced = traces.get(key);
    if (!traced) {
      traced = trace(f, x);
      traces.set(key, traced);
      if (traces.size > maximalTraces) traces.delete(traces.keys().next().value!);
    } else if (!traced.checked && options.check !== false) {
      compare(traced, trace(f, x));
      traced.checked = true;
    }
    const feeds = new Map<Tensor, Tensor>();
    for (let i = 0; i < leaves.length; i++) {
      const leaf = leaves[i]!;
      feeds.set(traced.inputs[i]!, leaf.leaf?.kind === 'literal' ? tensor(leaf.dataSync(), { shape: [], dtype: leaf.dtype }) : leaf);
    }
    return treeFrom(traced.result, traced.graph.run(feeds).slice(0, traced.count));
  };
}

interface Traced<Y> {
  readonly inputs: readonly Tensor[];
  readonly result: Y;
  readonly count: number;
  readonly graph: PreparedGraph;
  checked: boolean;
}

function trace<X extends TensorTree[], Y extends TensorTree>(f: (...x: X) => Y, x: X): Traced<Y> {
  const leaves = treeLeaves(x as TensorTree);
  const inputs = leaves.map((leaf, i) => placeholderLeaf(leaf.shape, leaf.dtype, `argument ${i}`));
  const recorded = recordTrace(() => withRunKeys(() => f(...(treeFrom(x as TensorTree, inputs) as X))));
  const outputs = treeLeaves(recorded.result);
  const updates = [...recorded.trace.updates].map(([variable, value]) => ({ variable, value }));
  for (const { variable } of updates) variable.gradPending = false;
  return {
    inputs,
    result: recorded.result,
    count: outputs.length,
    graph: new PreparedGraph(outputs, updates, recorded.trace.atRun),
    checked: false,
  };
}

/** @throws Error when two traces of the same arguments differ in structure or in the numbers written into them. */
function compare<Y>(first: Traced<Y>, second: Traced<Y>): void {
  const difference = first.graph.differenceFrom(second.graph);
  if (difference) {
    throw new Error(
      `compile: the function does not compute the same each time it is called: ${difference}. A compiled function is traced once, ` +
        'so whatever changes must be an argument, a variable, or a liveScalar(() => …).',
    );
  }
}
