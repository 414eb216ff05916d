/**
 * Reading a value runs a plan: find or make it, bind the leaves, submit, and turn the tensors that were asked for
 * into values. Nothing changes when a step on the way throws: variables keep their values, tensors stay lazy.
 */

import { convertElements, type TypedArray } from '../dtype.ts';
import type { Binding } from '../kernel/backend.ts';
import { type Traversal, traverse, type Update } from '../plan/signature.ts';
import type { Leaf, Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import { carriedNodes, noteComputed } from './carried.ts';
import type { EvaluationGroup } from './group.ts';
import { overgrown, withoutGrowth } from './growth.ts';
import { forgetNow, forgetOrigins, remember } from './history.ts';
import {
  forgetAside,
  holdingAssignments,
  isBuiltOn,
  pendingAssignments,
  queuedAssignments,
  settleAssignments,
} from './pending.ts';
import { recover } from './recover.ts';
import { bindLeaf, isRunning, runPlan } from './runPlan.ts';
import { backend, planFor, relieve } from './runtime.ts';
import { activeTrace, type Trace } from './tracing.ts';
import { warnRecomputed } from './warnDuplicateWork.ts';
import { evaluationWatch } from './watch.ts';

export interface EvaluateOptions {
  /** Leave the results on the device and do not count them towards the budget. */
  readonly keep?: boolean;
  /** Copy the results to the host whatever their size. */
  readonly toHost?: boolean;
  readonly updates?: readonly Update[];
}

const none: readonly Update[] = [];

/**
 * Computes tensors (and what was tied to them) in one plan, together with new values of variables.
 *
 * @throws Error for a tensor that depends on a placeholder or on a value of a variable that is gone.
 */
export function evaluate(tensors: readonly Tensor[], options: EvaluateOptions = {}): void {
  if (isRunning())
    throw new Error('evaluate: called while a plan runs; a custom operation must not read tensors');
  const trace = activeTrace();
  if (trace) {
    recordEvaluation(trace, tensors, options);
    return;
  }
  const own = options.updates ?? none;
  // A step commits all that is queued: it may depend on values that the step replaces.
  const queued = options.updates ? queuedAssignments(own) : [];
  const asked = collectOutputs(tensors, queued.length > 0 ? [...own, ...queued] : own);
  let outputs = asked;
  if (outputs.length === 0 && own.length === 0 && queued.length === 0) return;
  let updates = queued.length > 0 ? [...own, ...queued] : own;
  let traversal = traverse(outputs, updates);
  const assigned = pendingAssignments(traversal.mark, updates);
  if (assigned.length > 0) {
    queued.push(...assigned);
    // What later assignments are built on is kept, so that it is not computed again with them.
    const kept = assigned.filter(isBuiltOn);
    if (kept.length > 0) outputs = [...asked, ...kept.map(({ value }) => value)];
    updates = [...updates, ...assigned];
    traversal = traverse(outputs, updates);
  }
  const judged = { refused: false };
  try {
    compute(traversal, outputs, updates, options, judged);
  } catch (error) {
    const again = {
      evaluate: (rest: readonly Tensor[], values: readonly Update[]) =>
        compute(traverse(rest, values), rest, values, options, { refused: false }),
      attempt,
    };
    recover(error, { outputs: asked, own, queued }, again, judged.refused);
  }
}

/** One evaluation, tried once more where memory could be freed for it. `judged` is told when anomaly detection refused it. */
function compute(
  walked: Traversal,
  asked: readonly Tensor[],
  updates: readonly Update[],
  options: EvaluateOptions,
  judged: { refused: boolean },
): void {
  let traversal = walked;
  checkNothingOpen(traversal);
  const carried = carriedNodes(traversal, asked, updates);
  if (carried.length === 0) warnRecomputed(traversal);
  let outputs = [...asked, ...carried];
  const judge = watching(outputs, updates, judged);
  if (judge || carried.length > 0) traversal = traverse(outputs, updates);
  try {
    run(traversal, outputs, asked.length, updates, options, judge);
  } catch (error) {
    relieve(backend(), error);
    if (carried.length > 0 && !judge) {
      outputs = [...asked];
      traversal = traverse(outputs, updates);
    }
    run(traversal, outputs, asked.length, updates, options, judge);
  }
  if (updates.length > 0) {
    settleAssignments(updates);
    for (const { variable } of updates) {
      variable.gradPending = false;
      variable.gradGroup = null;
    }
    // Running statistics, which reading a loss commits, are no end of a step.
    if (updates.some(({ variable }) => variable.trainable)) {
      forgetOrigins();
      forgetAside();
    }
  }
  noteComputed(traversal);
}

/** Adds what the watch in force wants to the outputs; answers how it judges that, null without a watch. */
function watching(
  outputs: Tensor[],
  updates: readonly Update[],
  judged: { refused: boolean },
): ((elements: TypedArray) => void) | null {
  const watch = evaluationWatch();
  if (watch === null) return null;
  const results = [...outputs, ...updates.map((update) => update.value)];
  const also = withoutGrowth(() => watch.also(results));
  if (also === null) return null;
  outputs.push(also);
  return (elements) => {
    judged.refused = true;
    holdingAssignments(() => watch.judge(results, elements));
    judged.refused = false;
  };
}

/** Computes tensors to see whether they can be: they stay as they are, and nothing is committed. */
function attempt(wanted: readonly Tensor[]): void {
  const outputs = [...new Set(wanted)].filter((tensor) => tensor.op !== null);
  if (outputs.length === 0) return;
  checkNothingOpen(traverse(outputs, []));
  const judge = watching(outputs, [], { refused: false });
  const traversal = traverse(outputs, []);
  const once = (): void => {
    for (const leaf of runTraversal(traversal, outputs, [], {}, judge))
      if (leaf.kind === 'device') leaf.device.release();
  };
  try {
    once();
  } catch (error) {
    relieve(backend(), error);
    once();
  }
}

/**
 * Computes a tensor that nobody reads and whose graph keeps growing, so that the graph can go. What is wrong with it, if
 * anything, is said when it is read.
 */
export function settle(tensor: Tensor): void {
  const overlong = !activeTrace() && overgrown(tensor);
  tensor.chain = 0;
  if (!overlong) return;
  try {
    evaluate([tensor]);
  } catch {
    return;
  }
  forgetNow(tensor);
}

/** While a function is traced, steps are recorded and reading is impossible. */
function recordEvaluation(trace: Trace, tensors: readonly Tensor[], options: EvaluateOptions): void {
  if (!options.updates) {
    if (tensors.every((tensor) => tensor.op === null)) return;
    throw new Error(
      'compile: a tensor was read while the function was traced, when there are no numbers yet. Return the tensor and read it ' +
        'outside, or choose between values with where(condition, x, y).',
    );
  }
  for (const { variable, value } of options.updates) {
    trace.updates.set(variable, value);
    variable.gradPending = false;
    variable.gradGroup = null;
  }
  trace.outputs.push(...tensors);
}

/** Tensors without a value, with all that was tied to them. */
function collectOutputs(tensors: readonly Tensor[], updates: readonly Update[]): Tensor[] {
  if (tensors.length === 1 && updates.length === 0 && tensors[0].group === null)
    return tensors[0].op === null ? [] : [tensors[0]];
  const outputs = new Set<Tensor>();
  for (const tensor of tensors) {
    if (tensor.op === null) continue;
    outputs.add(tensor);
    if (tensor.group === null || tensor.group.done) continue;
    addLazy(outputs, tensor.group.tensors);
    addLazy(outputs, tensor.group.gradients);
  }
  let last: EvaluationGroup | null = null;
  for (const { variable } of updates) {
    const group = variable.gradPending ? variable.gradGroup : null;
    if (group === null || group.done || group === last) continue;
    last = group;
    addLazy(outputs, group.tensors);
  }
  return [...outputs];
}

function addLazy(outputs: Set<Tensor>, tensors: readonly Tensor[]): void {
  for (const tensor of tensors) if (tensor.op !== null) outputs.add(tensor);
}

function checkNothingOpen(traversal: Traversal): void {
  for (const leaf of traversal.leaves) {
    if (leaf.leaf!.kind === 'placeholder') {
      throw new Error(
        `placeholder '${leaf.leaf!.name}' has no value here; feed it with new Graph({ inputs, outputs }).run({ ${leaf.leaf!.name}: … })`,
      );
    }
  }
}

/** The first `asked` of the outputs were asked for, the others are kept on the way. */
function run(
  traversal: Traversal,
  outputs: readonly Tensor[],
  asked: number,
  updates: readonly Update[],
  options: EvaluateOptions,
  judge: ((elements: TypedArray) => void) | null,
): void {
  const results = runTraversal(traversal, outputs, updates, options, judge);
  for (let i = 0; i < outputs.length; i++) becomeValue(outputs[i], results[i], i >= asked);
}

/** Finds or makes the plan of a walk and runs it; where each output's elements are. */
function runTraversal(
  traversal: Traversal,
  outputs: readonly Tensor[],
  updates: readonly Update[],
  options: EvaluateOptions,
  judge: ((elements: TypedArray) => void) | null,
): Leaf[] {
  const plan = planFor(traversal, outputs, updates);
  // Variables that are met for the first time are computed by plans of their own, which must not push this one out.
  plan.pins++;
  try {
    const leaves = traversal.leaves;
    computeInitialValues(leaves, updates);
    const bindings = new Array<Binding>(plan.program.bindingCount);
    const scalars = new Float64Array(traversal.literals.length);
    for (let i = 0; i < scalars.length; i++)
      scalars[i] = (traversal.literals[i].leaf as Extract<Leaf, { kind: 'literal' }>).value;
    for (let i = 0; i < leaves.length; i++) {
      const binding = plan.leafBindings[i];
      if (binding >= 0) bindings[binding] = bindLeaf(leaves[i]);
    }
    const place = options.keep ? 'keep' : options.toHost ? 'all to the host' : 'small results to the host';
    return runPlan(plan, bindings, scalars, leaves, updates, place, judge);
  } finally {
    plan.pins--;
  }
}

/** Computes what the variables of a plan start with in one plan, where each would make one of its own when it is bound. */
export function computeInitialValues(leaves: readonly Tensor[], updates: readonly Update[]): void {
  const initial: Tensor[] = [];
  for (const { leaf } of leaves) {
    const value = leaf?.kind === 'variable' ? leaf.variable.initial : null;
    if (value !== null) initial.push(value);
  }
  for (const { variable } of updates) if (variable.initial !== null) initial.push(variable.initial);
  if (initial.length > 1) evaluate(initial, { toHost: true });
}

const noInputs: readonly Tensor[] = [];

/** From now on the tensor is a leaf; what it was made of can go. */
function becomeValue(tensor: Tensor, leaf: Leaf, carried: boolean): void {
  remember(tensor, carried);
  tensor.op = null;
  tensor.inputs = noInputs;
  tensor.attributes = undefined;
  tensor.leaf = leaf;
  if (tensor.group) {
    tensor.group.done = true;
    tensor.group.earlier = null;
    tensor.group = null;
  }
}

/** The elements, when they can be read at once and nothing needs to be computed for it. */
export function valueAtHand(tensor: Tensor): TypedArray | null {
  const leaf = tensor.leaf;
  if (leaf === null) return null;
  switch (leaf.kind) {
    case 'host':
      return leaf.data;
    case 'device':
      return leaf.device.atHand();
    case 'variable':
      return leaf.variable.atHand(leaf.version);
    case 'literal':
      return literalArray(tensor, leaf.value);
    case 'placeholder':
      return null;
  }
}

/** Implements `Tensor.data`. */
export async function readTensor(tensor: Tensor): Promise<TypedArray> {
  if (tensor.op !== null) evaluate([tensor], { toHost: true });
  const leaf = tensor.leaf!;
  if (leaf.kind === 'device') return leaf.device.read();
  if (leaf.kind === 'variable') return leaf.variable.read(leaf.version);
  return readLeafSync(tensor);
}

/** Implements `Tensor.dataSync`. */
export function readTensorSync(tensor: Tensor): TypedArray {
  if (tensor.op !== null) evaluate([tensor], { toHost: true });
  return readLeafSync(tensor);
}

function readLeafSync(tensor: Tensor): TypedArray {
  const leaf = tensor.leaf!;
  switch (leaf.kind) {
    case 'host':
      return leaf.data.slice();
    case 'device':
      return leaf.device.readSync();
    case 'variable':
      return leaf.variable.readSync(leaf.version);
    case 'literal':
      return literalArray(tensor, leaf.value);
    case 'placeholder':
      throw new Error(
        `placeholder '${leaf.name}' has no value here; feed it with new Graph({ inputs, outputs }).run(feeds)`,
      );
  }
}

function literalArray(tensor: Tensor, value: number): TypedArray {
  return convertElements([value], tensor.dtype);
}

/** Commits what `variable.assign` has queued; what cannot be computed is dropped, with a warning. @internal */
export function commitAssignments(): void {
  if (queuedAssignments(none).length > 0) evaluate([], { updates: none });
}

/** Commits new values of variables, computing `outputs` in the same plan. Optimizers call this. */
export function commitUpdates(updates: ReadonlyMap<Variable, Tensor>, outputs: readonly Tensor[] = []): void {
  evaluate(outputs, { updates: [...updates].map(([variable, value]) => ({ variable, value })) });
}
