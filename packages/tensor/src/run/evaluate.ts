/**
 * Reading a value runs a plan: everything that one evaluation does, in this order.
 *
 * *Gather* what is asked for and what belongs to it; *traverse* its graph; find or make the *plan*; *bind* leaves to memory;
 * *run*; *commit* new values of variables; *adopt* the results: tensors become values. Nothing changes when a step on
 * the way throws: variables keep their values, tensors stay lazy, and `recover.ts` puts right what was queued.
 */
import type { TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { Binding } from '../kernel/backend.ts';
import type { Leaf } from '../node.ts';
import { checkOptions } from '../options.ts';
import { type Traversal, traverse } from '../plan/signature.ts';
import type { Tensor } from '../tensor.ts';
import type { Update, Variable } from '../variable.ts';
import { carriedNodes, noteComputed } from './carried.ts';
import { collectivesOf } from './collective.ts';
import type { EvaluationGroup } from './group.ts';
import { pendingGraph, withoutGrowth } from './growth.ts';
import { forgetNow, forgetOrigins, remember } from './history.ts';
import {
  checkAssignable,
  forgetAside,
  holdingAssignments,
  isBuiltOn,
  pendingAssignments,
  queuedAssignments,
  settleAssignments,
} from './pending.ts';
import { freeMemoryOrThrow, planFor } from './planCache.ts';
import { giveUp, recover } from './recover.ts';
import { bindLeaf, isRunning, runPlan } from './runPlan.ts';
import { backend } from './runtime.ts';
import { activeTrace, type Trace } from './tracing.ts';
import { warnDuplicateWork } from './warnDuplicateWork.ts';
import { evaluationWatch } from './watch.ts';

export interface EvaluateOptions {
  /** Leave the results on the device and do not count them towards the budget. */
  readonly keep?: boolean;
  /** Copy the results to the host whatever their size. */
  readonly toHost?: boolean;
  readonly updates?: readonly Update[];
}

/** What one evaluation computes. */
interface Request {
  /** What was asked for, with all that was tied to it. */
  readonly asked: readonly Tensor[];
  /** Values that later assignments are built on, computed along so that they are not computed again with those. */
  readonly shared: readonly Tensor[];
  /** New values that were asked for. */
  readonly own: readonly Update[];
  /** Assignments that waited and are committed along. */
  readonly queued: readonly Update[];
  /** The walk over all of these. */
  readonly traversal: Traversal;
}

/** Looks at results before anything is committed. */
type Check = ((elements: TypedArray) => void) | null;

const noUpdates: readonly Update[] = [];
const noTensors: readonly Tensor[] = [];

/**
 * Computes tensors (and what was tied to them) in one plan, together with new values of variables.
 *
 * @throws Error for a tensor that depends on a placeholder or on a value of a variable that is gone.
 */
export function evaluate(tensors: readonly Tensor[], options: EvaluateOptions = {}): void {
  checkOptions('evaluate', options, 'keep toHost updates');
  if (isRunning())
    throw codedError(
      Error,
      'AG_WRONG_TIME',
      'evaluate: called while a plan runs; a custom operation must not read tensors',
    );
  const trace = activeTrace();
  if (trace) {
    recordEvaluation(trace, tensors, options);
    return;
  }
  const request = gather(tensors, options.updates);
  if (request === null) return;
  const { asked, shared, own, queued, traversal } = request;
  const outputs = shared.length > 0 ? [...asked, ...shared] : asked;
  const updates = queued.length > 0 ? [...own, ...queued] : own;
  const verdict = { refused: false };
  try {
    compute(traversal, outputs, updates, options, verdict);
  } catch (error) {
    // Looking for what can be computed would meet other processes out of turn.
    if (collectivesOf(traversal).length > 0) {
      giveUp({ outputs: asked, own, queued });
      throw error;
    }
    const again = {
      evaluate: (rest: readonly Tensor[], values: readonly Update[]) =>
        compute(traverse(rest, values), rest, values, options, { refused: false }),
      attempt,
    };
    evaluationWatch()?.failed?.([...outputs, ...updates.map(({ value }) => value)], error, attempt);
    recover(error, { outputs: asked, own, queued }, again, verdict.refused);
  }
}

/** Commits new values of variables, computing `outputs` in the same plan. Optimizers call this. */
export function commitUpdates(updates: ReadonlyMap<Variable, Tensor>, outputs: readonly Tensor[] = []): void {
  const list: Update[] = [];
  for (const [variable, value] of updates) list.push({ variable, value });
  evaluate(outputs, { updates: list });
}

/** Commits what `variable.assign` has queued; what cannot be computed is dropped, with a warning. */
export function commitAssignments(): void {
  if (queuedAssignments(noUpdates).length > 0) evaluate([], { updates: noUpdates });
}

/** While a function is traced, steps are recorded and reading is impossible. */
function recordEvaluation(trace: Trace, tensors: readonly Tensor[], options: EvaluateOptions): void {
  if (!options.updates) {
    if (tensors.every((tensor) => tensor.op === null)) return;
    throw codedError(
      Error,
      'AG_READ_WHILE_TRACING',
      'compile: a tensor was read while the function was traced, when there are no numbers yet. Return the tensor and read it ' +
        'outside, or choose between values with where(condition, x, y).',
    );
  }
  for (const { variable, value } of options.updates) {
    checkAssignable(variable);
    trace.updates.set(variable, value);
    variable.gradPending = false;
    variable.gradGroup = null;
  }
  trace.outputs.push(...tensors);
}

/** Everything that has to be computed for `tensors` and `updates`; null when nothing has to. */
function gather(tensors: readonly Tensor[], updates: readonly Update[] | undefined): Request | null {
  const own = updates ?? noUpdates;
  // A step commits all that is queued: it may depend on values that the step replaces.
  const queued = updates ? queuedAssignments(own) : [];
  const known = queued.length > 0 ? [...own, ...queued] : own;
  const asked = withGroups(tensors, known);
  if (asked.length === 0 && known.length === 0) return null;
  const traversal = traverse(asked, known);
  const met = pendingAssignments(traversal.visitMark, known);
  if (met.length === 0) return { asked, shared: noTensors, own, queued, traversal };
  queued.push(...met);
  const shared = met.filter(isBuiltOn).map(({ value }) => value);
  return { asked, shared, own, queued, traversal: traverse([...asked, ...shared], [...known, ...met]) };
}

/** Tensors without a value, with all that was tied to them and to the gradients that wait on the updated variables. */
function withGroups(tensors: readonly Tensor[], updates: readonly Update[]): readonly Tensor[] {
  if (tensors.length === 1 && updates.length === 0 && tensors[0].group === null)
    return tensors[0].op === null ? noTensors : [tensors[0]];
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

/** One evaluation, tried once more where memory could be freed for it. `verdict` is told when anomaly detection refused it. */
function compute(
  walked: Traversal,
  asked: readonly Tensor[],
  updates: readonly Update[],
  options: EvaluateOptions,
  verdict: { refused: boolean },
): void {
  let traversal = walked;
  checkNothingOpen(traversal);
  const carried = carriedNodes(traversal, asked, updates);
  if (carried.length === 0) warnDuplicateWork(traversal);
  const met = collectivesOf(traversal).filter((node) => !asked.includes(node) && !carried.includes(node));
  let outputs = [...asked, ...met, ...carried];
  const check = addProbe(outputs, updates, verdict);
  if (check || outputs.length > asked.length) traversal = traverse(outputs, updates);
  let leaves: readonly Leaf[];
  try {
    leaves = run(traversal, outputs, updates, options, check);
  } catch (error) {
    freeMemoryOrThrow(backend(), error);
    if (carried.length > 0 && !check) {
      outputs = [...asked, ...met];
      traversal = traverse(outputs, updates);
    }
    leaves = run(traversal, outputs, updates, options, check);
  }
  for (let i = 0; i < outputs.length; i++) adopt(outputs[i], leaves[i], i >= asked.length);
  if (updates.length > 0) endWaiting(updates);
  noteComputed(traversal);
}

/** Computes tensors to see whether they can be: they stay as they are, and nothing is committed. */
function attempt(wanted: readonly Tensor[]): void {
  const outputs = [...new Set(wanted)].filter((tensor) => tensor.op !== null);
  if (outputs.length === 0) return;
  checkNothingOpen(traverse(outputs, []));
  const check = addProbe(outputs, [], { refused: false });
  const traversal = traverse(outputs, []);
  const once = (): void => {
    for (const leaf of run(traversal, outputs, [], {}, check))
      if (leaf.kind === 'device') leaf.device.release();
  };
  try {
    once();
  } catch (error) {
    freeMemoryOrThrow(backend(), error);
    once();
  }
}

function checkNothingOpen(traversal: Traversal): void {
  for (const { leaf } of traversal.leaves) {
    if (leaf!.kind !== 'placeholder') continue;
    throw codedError(
      Error,
      'AG_NOT_FED',
      `placeholder '${leaf!.name}' has no value here; feed it with new Graph({ inputs, outputs }).run({ ${leaf!.name}: … })`,
    );
  }
}

/** Adds what the watch in force wants to the outputs; how it checks that, null without a watch. */
function addProbe(outputs: Tensor[], updates: readonly Update[], verdict: { refused: boolean }): Check {
  const watch = evaluationWatch();
  if (watch === null) return null;
  const results = [...outputs, ...updates.map(({ value }) => value)];
  const probe = withoutGrowth(() => watch.probe(results));
  if (probe === null) return null;
  outputs.push(probe);
  return (elements) => {
    verdict.refused = true;
    holdingAssignments(() => watch.check(results, elements));
    verdict.refused = false;
  };
}

/** Plans, binds, runs and commits; where each output's elements are. */
function run(
  traversal: Traversal,
  outputs: readonly Tensor[],
  updates: readonly Update[],
  options: EvaluateOptions,
  check: Check,
): Leaf[] {
  const plan = planFor(traversal, outputs, updates);
  // Variables that are met for the first time are computed by plans of their own, which must not push this one out.
  plan.pins++;
  try {
    const { leaves, literals } = traversal;
    computeInitialValues(leaves, updates);
    const bindings = new Array<Binding>(plan.program.bindingCount);
    const scalars = new Float64Array(literals.length);
    for (let i = 0; i < scalars.length; i++)
      scalars[i] = (literals[i].leaf as Extract<Leaf, { kind: 'literal' }>).value;
    for (let i = 0; i < leaves.length; i++) {
      const binding = plan.leafBindings[i];
      if (binding >= 0) bindings[binding] = bindLeaf(leaves[i]);
    }
    const destination = options.keep ? 'keep' : options.toHost ? 'host' : 'small to host';
    return runPlan(plan, bindings, scalars, leaves, updates, destination, check);
  } finally {
    plan.pins--;
  }
}

/** Computes what the variables of a plan start with in one plan, where each would make one of its own when it is bound. */
export function computeInitialValues(leaves: readonly Tensor[], updates: readonly Update[]): void {
  const waiting = new Map<Variable, Tensor>();
  const meet = (variable: Variable): void => {
    if (variable.initial !== null) waiting.set(variable, variable.initial);
  };
  for (const { leaf } of leaves) if (leaf?.kind === 'variable') meet(leaf.variable);
  for (const { variable } of updates) meet(variable);
  if (backend().idle !== undefined) beginOnDevice(waiting);
  else if (waiting.size > 1) evaluate([...waiting.values()], { toHost: true });
}

/**
 * Variables start on a device that cannot be read at once: a copy of each initial value is computed, all in one plan, and
 * its memory becomes the variable's.
 */
export function beginOnDevice(initial: ReadonlyMap<Variable, Tensor>): void {
  if (initial.size === 0) return;
  const copies = [...initial.values()].map((value) => value.detach());
  evaluate(copies, { keep: true });
  let i = 0;
  for (const variable of initial.keys()) {
    const { leaf } = copies[i++];
    if (leaf?.kind === 'device') variable.begin(leaf.device.backend, leaf.device.take());
  }
}

/** From now on the tensor is a leaf; what it was made of can go. */
function adopt(tensor: Tensor, leaf: Leaf, carried: boolean): void {
  remember(tensor, carried);
  tensor.op = null;
  tensor.inputs = noTensors;
  tensor.attributes = undefined;
  tensor.leaf = leaf;
  if (tensor.group) {
    tensor.group.done = true;
    tensor.group.earlier = null;
    tensor.group = null;
  }
}

/** Nothing waits on variables any more that have been committed. */
function endWaiting(updates: readonly Update[]): void {
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

/**
 * Computes a tensor that nobody reads and whose graph keeps growing, so that the graph can go. What is wrong with it, if
 * anything, is said when it is read.
 */
export function cutGraph(tensor: Tensor): void {
  const overlong = !activeTrace() && pendingGraph(tensor);
  tensor.chainLength = 0;
  if (!overlong) return;
  try {
    evaluate([tensor]);
  } catch {
    return;
  }
  forgetNow(tensor);
}
