/**
 * `compile(f)`: runs `f` once on placeholders, then only binds arguments and runs its plan.
 */

import { evaluate, Tensor, type Variable } from '@ag/tensor';
import {
  activeTrace,
  capturedNodes,
  checkOptions,
  codedError,
  commitAssignments,
  type Decisions,
  nextSerial,
  PreparedGraph,
  placeholderLeaf,
  recordTrace,
  synchronous,
  traverse,
  type Update,
  withRunKeys,
} from '@ag/tensor/engine';
import { detectAnomaly, detectingAnomalies } from './anomaly.ts';
import { type Arguments, argumentsOf, TracedArguments } from './arguments.ts';
import { keepingGradients } from './backward.ts';
import { topologicalOrder } from './gradients.ts';
import { isTransforming } from './transforming.ts';
import { type TensorTree, treeForm, treeFrom, treeLeaves } from './tree.ts';

/** Options of {@link compile}. */
export interface CompileOptions {
  /** Anything else that decides what `f` computes, such as an option of your own. A new value traces anew. */
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
 * It is traced anew when something has changed that decides what `f` computes: the mode of a module that looks at it, which
 * variables train, hooks, the variables and modules that the modules in it are made of. Traces that were made before are kept and
 * found again. Anything else (numbers and options in variables of your own) must be an argument, a `dynamicScalar`, or part of
 * `options.key`.
 *
 * Arguments may be lazy: a slice of a data set that lies on the device, bytes to be scaled. Views and elementwise steps are then
 * part of the recorded plan and nothing is copied; anything longer is evaluated before.
 *
 * Its results are values: differentiate inside of `f`, or transform the function, as in `grad(compiled)`.
 *
 * @throws Error when `f` reads a tensor while it is traced (there are no numbers yet)
 * @throws TypeError when `f` is async
 */
export function compile<X extends TensorTree[], Y extends TensorTree>(
  f: (...x: X) => Y,
  options: CompileOptions = {},
): (...x: X) => Y {
  checkOptions('compile', options, 'key check detectAnomaly');
  /** The one used last at the end. */
  const traces: Traced<Y>[] = [];
  return (...x) => {
    // Inside another trace or transformation the function is simply part of what is recorded.
    if (activeTrace() || isTransforming()) return f(...x);
    // Lines can only be named of what runs as it is written.
    if (options.detectAnomaly || detectingAnomalies()) return detectAnomaly(() => f(...x));
    const plain = x.every((argument) => argument instanceof Tensor);
    const leaves = plain ? (x as Tensor[]) : treeLeaves(x as TensorTree, 'compile: arguments');
    const given = argumentsOf(leaves);
    const userKey = options.key?.() ?? '';
    // Trees of other names or in another order have tensors of other meanings at the same places.
    const form = plain ? '' : treeForm(x as TensorTree);
    const serves = (one: Traced<Y>): boolean =>
      one.key === userKey && one.form === form && one.arguments.fit(given) && one.decisions.hold();
    let traced = traces[traces.length - 1];
    if (traced === undefined || !serves(traced)) {
      const known = traces.findIndex(serves);
      traced = known < 0 ? trace(f, x, leaves, given, userKey, form) : traces.splice(known, 1)[0];
      traces.push(traced);
      if (traces.length > maximalTraces) traces.shift()!.graph.release();
    }
    if (traced.calls === 1 && options.check !== false) {
      const again = trace(f, x, leaves, given, userKey, form);
      compare(traced, again);
    }
    traced.arguments.take(given);
    const results = traced.graph.run(given.fed);
    traced.calls++;
    return traced.result instanceof Tensor ? (results[0] as unknown as Y) : treeFrom(traced.result, results);
  };
}

interface Traced<Y> {
  readonly arguments: TracedArguments;
  readonly result: Y;
  readonly graph: PreparedGraph;
  readonly decisions: Decisions;
  /** What the user's key said. */
  readonly key: string;
  /** The form of the arguments; empty where each is a tensor. */
  readonly form: string;
  /** Calls that succeeded. */
  calls: number;
}

function trace<X extends TensorTree[], Y extends TensorTree>(
  f: (...x: X) => Y,
  x: X,
  leaves: readonly Tensor[],
  given: Arguments,
  key: string,
  form: string,
): Traced<Y> {
  const inputs = given.fed.map((leaf, i) => placeholderLeaf(leaf.shape, leaf.dtype, `argument ${i}`));
  const since = nextSerial();
  // What waits outside is part of the variables' values, not of what is recorded.
  commitAssignments();
  let traced!: TracedArguments;
  const recorded = recordTrace(() => {
    traced = new TracedArguments(leaves, given, inputs);
    return withRunKeys(() =>
      keepingGradients(() => synchronous('compile', f(...(treeFrom(x as TensorTree, traced.tensors) as X)))),
    );
  });
  const outputs = treeLeaves(recorded.result, 'compile: the result of the function');
  const updates = [...recorded.trace.updates].map(([variable, value]) => ({ variable, value }));
  for (const { variable } of updates) variable.gradPending = false;
  // What was made outside and does not change is computed now, not at each run.
  evaluate(capturedNodes(traverse(outputs, updates), since));
  const { decisions, beforeEachRun } = recorded.trace;
  decisions.complete(variablesOf(outputs, updates));
  return {
    arguments: traced,
    result: recorded.result,
    graph: new PreparedGraph(inputs, outputs, updates, beforeEachRun),
    decisions,
    key,
    form,
    calls: 0,
  };
}

/** The variables that a trace computes with. */
function variablesOf(outputs: readonly Tensor[], updates: readonly Update[]): Set<Variable> {
  const found = new Set(updates.map(({ variable }) => variable));
  for (const { leaf } of topologicalOrder([...outputs, ...updates.map(({ value }) => value)]).nodes)
    if (leaf?.kind === 'variable') found.add(leaf.variable);
  return found;
}

/** @throws Error when two traces of the same arguments differ in structure or in the numbers written into them. */
function compare<Y>(first: Traced<Y>, second: Traced<Y>): void {
  const difference = first.graph.differenceFrom(second.graph);
  if (difference) {
    throw codedError(
      Error,
      'AG_IMPURE_FUNCTION',
      `compile: the function does not compute the same each time it is called: ${difference}. A compiled function is traced once, ` +
        'so whatever changes must be an argument, a variable, or a dynamicScalar(() => …).',
    );
  }
}
