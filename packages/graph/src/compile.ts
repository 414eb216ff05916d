/**
 * `compile(f)`: run `f` once on placeholders, keep the plan, and from then on only bind numbers and run.
 */
import {
  activeTrace,
  checkTensor,
  commitAssignments,
  evaluate,
  tensor as fromData,
  PreparedGraph,
  placeholderLeaf,
  recordTrace,
  Tensor,
  withRunKeys,
} from '@ag/tensor';
import { detectAnomaly, detectingAnomalies } from './anomaly.ts';
import { keepingGradients } from './backward.ts';
import { type TensorTree, treeFrom, treeLeaves } from './tree.ts';

export interface CompileOptions {
  /** Anything else that decides what `f` computes, such as a model's train/eval mode. A new value traces anew. */
  readonly key?: () => string;
  /** Trace again at the second call and compare, to find functions whose structure varies. Default true. */
  readonly check?: boolean;
  /** Run `f` as it is written, checking every result: see `detectAnomaly`. Default false. */
  readonly detectAnomaly?: boolean;
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
  let last: Traced<Y> | null = null;
  let lastKey = '';
  return (...x) => {
    // Inside another trace the function is simply part of what is recorded.
    if (activeTrace()) return f(...x);
    // Lines can only be named of what runs as it is written.
    if (options.detectAnomaly || detectingAnomalies()) return detectAnomaly(() => f(...x));
    const leaves = x.every((argument) => argument instanceof Tensor)
      ? (x as Tensor[])
      : treeLeaves(x as TensorTree);
    const feeds = leaves.map(atHand);
    const userKey = options.key?.() ?? '';
    let traced = last !== null && lastKey === userKey && sameTypes(last.inputs, leaves) ? last : null;
    if (traced === null) {
      const key = leaves.reduce((text, leaf) => `${text}|${leaf.dtype},${leaf.shape.join()}`, userKey);
      traced = traces.get(key) ?? trace(f, x);
      traces.delete(key);
      traces.set(key, traced);
      if (traces.size > maximalTraces) {
        const [oldest, { graph }] = traces.entries().next().value!;
        traces.delete(oldest);
        graph.release();
      }
      last = traced;
      lastKey = userKey;
    }
    if (++traced.calls === 2 && options.check !== false) compare(traced, trace(f, x));
    const results = traced.graph.run(feeds);
    return traced.result instanceof Tensor ? (results[0] as unknown as Y) : treeFrom(traced.result, results);
  };
}

/** A tensor with elements at hand. */
function atHand(tensor: Tensor): Tensor {
  if (checkTensor(tensor).op !== null) evaluate([tensor]);
  if (tensor.leaf?.kind !== 'literal') return tensor;
  return fromData(tensor.dataSync(), { shape: [], dtype: tensor.dtype });
}

function sameTypes(a: readonly Tensor[], b: readonly Tensor[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (x.dtype !== y.dtype || x.shape.length !== y.shape.length) return false;
    for (let axis = 0; axis < x.shape.length; axis++) if (x.shape[axis] !== y.shape[axis]) return false;
  }
  return true;
}

interface Traced<Y> {
  readonly inputs: readonly Tensor[];
  readonly result: Y;
  readonly graph: PreparedGraph;
  calls: number;
}

function trace<X extends TensorTree[], Y extends TensorTree>(f: (...x: X) => Y, x: X): Traced<Y> {
  const leaves = treeLeaves(x as TensorTree);
  const inputs = leaves.map((leaf, i) => placeholderLeaf(leaf.shape, leaf.dtype, `argument ${i}`));
  // What waits outside is part of the variables' values, not of what is recorded.
  commitAssignments();
  const recorded = recordTrace(() =>
    withRunKeys(() => keepingGradients(() => f(...(treeFrom(x as TensorTree, inputs) as X)))),
  );
  const outputs = treeLeaves(recorded.result);
  const updates = [...recorded.trace.updates].map(([variable, value]) => ({ variable, value }));
  for (const { variable } of updates) variable.gradPending = false;
  return {
    inputs,
    result: recorded.result,
    graph: new PreparedGraph(inputs, outputs, updates, recorded.trace.atRun),
    calls: 0,
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
