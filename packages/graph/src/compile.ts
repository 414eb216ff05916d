/**
 * `compile(f)`: run `f` once on placeholders, keep the plan, and from then on only bind numbers and run.
 */
import {
  activeTrace,
  capturedNodes,
  commitAssignments,
  evaluate,
  nextSerial,
  PreparedGraph,
  placeholderLeaf,
  recordTrace,
  Tensor,
  traverse,
  withRunKeys,
} from '@ag/tensor';
import { detectAnomaly, detectingAnomalies } from './anomaly.ts';
import { type Arguments, argumentsOf, keyOf, TracedArguments } from './arguments.ts';
import { keepingGradients } from './backward.ts';
import { isTransforming } from './transforming.ts';
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
 * Arguments may be lazy: a slice of a data set that lies on the device, bytes to be scaled. Views and elementwise steps are then
 * part of the recorded plan and nothing is copied; anything longer is evaluated before.
 *
 * Its results are values: differentiate inside of `f`, or transform the function, as in `grad(compiled)`.
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
    // Inside another trace or transformation the function is simply part of what is recorded.
    if (activeTrace() || isTransforming()) return f(...x);
    // Lines can only be named of what runs as it is written.
    if (options.detectAnomaly || detectingAnomalies()) return detectAnomaly(() => f(...x));
    const leaves = x.every((argument) => argument instanceof Tensor)
      ? (x as Tensor[])
      : treeLeaves(x as TensorTree);
    const given = argumentsOf(leaves);
    const userKey = options.key?.() ?? '';
    let traced = last !== null && lastKey === userKey && last.arguments.fit(given) ? last : null;
    if (traced === null) {
      const key = `${userKey}|${keyOf(given)}`;
      traced = traces.get(key) ?? trace(f, x, leaves, given);
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
    if (++traced.calls === 2 && options.check !== false) compare(traced, trace(f, x, leaves, given));
    traced.arguments.take(given);
    const results = traced.graph.run(given.fed);
    return traced.result instanceof Tensor ? (results[0] as unknown as Y) : treeFrom(traced.result, results);
  };
}

interface Traced<Y> {
  readonly arguments: TracedArguments;
  readonly result: Y;
  readonly graph: PreparedGraph;
  calls: number;
}

function trace<X extends TensorTree[], Y extends TensorTree>(
  f: (...x: X) => Y,
  x: X,
  leaves: readonly Tensor[],
  given: Arguments,
): Traced<Y> {
  const inputs = given.fed.map((leaf, i) => placeholderLeaf(leaf.shape, leaf.dtype, `argument ${i}`));
  const since = nextSerial();
  // What waits outside is part of the variables' values, not of what is recorded.
  commitAssignments();
  let traced!: TracedArguments;
  const recorded = recordTrace(() => {
    traced = new TracedArguments(leaves, given, inputs);
    return withRunKeys(() => keepingGradients(() => f(...(treeFrom(x as TensorTree, traced.tensors) as X))));
  });
  const outputs = treeLeaves(recorded.result);
  const updates = [...recorded.trace.updates].map(([variable, value]) => ({ variable, value }));
  for (const { variable } of updates) variable.gradPending = false;
  // What was made outside and does not change is computed now, not at each run.
  evaluate(capturedNodes(traverse(outputs, updates), since));
  return {
    arguments: traced,
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
