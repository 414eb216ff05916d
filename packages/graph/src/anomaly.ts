/**
 * Finds the operation where NaN or infinity first appears. While detection is on, every plan also says whether the
 * elements of its results are finite; nothing else is checked, so it costs little. When one is not, the same graph,
 * which is pure, is computed again with a count for each node, and followed back from the bad result to the operation
 * that made something bad from good operands.
 *
 * Only what reaches a result counts: the −∞ of an attention mask that softmax turns into 0 is no anomaly.
 */

import { concat, evaluate, formatShape, isFloat, Tensor, type TypedArray } from '@ag/tensor';
import { checkOptions, codedError, setEvaluationWatch } from '@ag/tensor/engine';
import { sourceOf, topologicalOrder } from './gradients.ts';
import { creationOf, type ModuleTree, startCapture } from './provenance.ts';

/** Options of {@link detectAnomaly}. */
export interface AnomalyOptions {
  /** A model, so that messages name the module that was at work. */
  readonly model?: ModuleTree;
}

/** Where a value that is not finite was made. */
export interface Anomaly {
  readonly op: string;
  /** In the gradient of something, or in the computation itself. */
  readonly phase: 'forward' | 'backward';
  /** What was being differentiated, in the backward phase. */
  readonly gradientOf: string | null;
  readonly shape: readonly number[];
  /** How many of its elements are not finite. */
  readonly count: number;
  readonly inputs: readonly {
    readonly shape: readonly number[];
    readonly dtype: string;
    readonly least: number;
    readonly largest: number;
  }[];
  /** Path of the module; null outside of modules or when no model was given. */
  readonly module: string | null;
  /** The user's line; null for nodes made while detection was off. */
  readonly site: string | null;
  /** The loop that it is in, and the step that made it. */
  readonly loop?: { readonly op: string; readonly step: number };
}

/** What anomaly detection throws. */
export class AnomalyError extends Error {
  readonly code = 'AG_NOT_FINITE';
  readonly anomaly: Anomaly;

  constructor(message: string, anomaly: Anomaly) {
    super(message);
    this.name = 'AnomalyError';
    this.anomaly = anomaly;
  }
}

let depth = 0;

/** Whether detection is on. @internal */
export function detectingAnomalies(): boolean {
  return depth > 0;
}

/**
 * Runs `f` and throws at the first result that is not finite: a value that was read, a gradient, a new value of a
 * variable. The error names the operation, its operands' shapes and ranges, the line that called it (for a gradient: the
 * line of what was differentiated) and the module. Variables and the optimizer's state keep their values.
 *
 * ```ts
 * await detectAnomaly(async () => {
 *   const loss = crossEntropy(model.forward(x), y);
 *   backward(loss);
 *   optimizer.step();
 * }, { model });
 * // AnomalyError: log gives 1 element of 3 that is not finite … at train.ts:12:24, module 'head'
 * ```
 *
 * Tensors that `f` returns are computed and checked too. What was built before keeps working but its lines are unknown.
 * Functions made by `compile` run as they are written while detection is on.
 *
 * @param f may be async: detection then lasts until its promise settles
 * @returns what `f` returns
 */
export function detectAnomaly<T>(f: () => T, options: AnomalyOptions = {}): T {
  checkOptions('detectAnomaly', options, 'model');
  const stop = startAnomalyDetection(options);
  let pending = false;
  try {
    const result = f();
    if (result instanceof Promise) {
      pending = true;
      return result.then(checked).finally(stop) as T;
    }
    return checked(result);
  } finally {
    if (!pending) stop();
  }
}

/** Turns detection on until the returned function is called; for loops that `detectAnomaly` cannot enclose. */
export function startAnomalyDetection(options: AnomalyOptions = {}): () => void {
  checkOptions('startAnomalyDetection', options, 'model');
  const { model } = options;
  const stopCapture = startCapture(model ? { model } : {});
  if (depth++ === 0) setEvaluationWatch({ probe: probeOf, check, failed });
  let stopped = false;
  return () => {
    if (stopped) return;
    stopped = true;
    stopCapture();
    if (--depth === 0) setEvaluationWatch(null);
  };
}

/** Computes tensors in a result while detection is on. */
function checked<T>(result: T): T {
  const tensors: Tensor[] = [];
  const seen = new Set<unknown>();
  const collect = (x: unknown, level: number): void => {
    if (x instanceof Tensor) tensors.push(x);
    else if (typeof x === 'object' && x !== null && level < 4 && !seen.has(x) && isPlain(x)) {
      seen.add(x);
      for (const item of Object.values(x)) collect(item, level + 1);
    }
  };
  collect(result, 0);
  if (tensors.length > 0) evaluate(tensors);
  return result;
}

function isPlain(x: object): boolean {
  return Array.isArray(x) || Object.getPrototypeOf(x) === Object.prototype;
}

/** 0 where all elements of the results are finite, else NaN: one pass over each, since NaN · 0 and ∞ · 0 are NaN. */
function probeOf(results: readonly Tensor[]): Tensor | null {
  let checks = results.filter((x) => isFloat(x.dtype)).map((x) => x.mul(0).sum());
  if (checks.length === 0) return null;
  while (checks.length > 1) {
    const next: Tensor[] = [];
    for (let i = 0; i < checks.length; i += 8)
      next.push(checks.slice(i, i + 8).reduce((sum, check) => sum.add(check)));
    checks = next;
  }
  return checks[0];
}

/** How many elements are not finite. */
function notFinite(x: Tensor): Tensor {
  return x.isFinite().logicalNot().sum();
}

function check(results: readonly Tensor[], [check]: TypedArray): void {
  if (check === 0) return;
  const watch = setEvaluationWatch(null);
  try {
    throw explain(results);
  } finally {
    setEvaluationWatch(watch);
  }
}

/** Says in an error about a position, which only numbers can tell of, which operation it was and where that was called. */
function failed(
  results: readonly Tensor[],
  error: unknown,
  attempt: (tensors: readonly Tensor[]) => void,
): void {
  if ((error as { code?: unknown }).code !== 'AG_INDEX_OUT_OF_RANGE') return;
  const watch = setEvaluationWatch(null);
  try {
    const culprit = topologicalOrder(results).nodes.find((node) => cannotBeComputed(node, attempt));
    const made = culprit && creationOf(culprit);
    if (!made) return;
    const { name } = sourceOf(culprit)?.op ?? { name: 'an operation' };
    const from = (sourceOf(culprit)?.inputs ?? []).map(
      ({ shape, dtype }) => `${formatShape(shape)} ${dtype}`,
    );
    const where = `${made.module ? `, in module '${made.module}'` : ''}${made.site ? `, at ${made.site}` : ''}`;
    const { message, stack } = error as Error;
    const longer = `${message}\n  in ${name} of ${from.join(' and ')}${where}`;
    Object.assign(error as Error, { message: longer, stack: stack?.replace(message, () => longer) });
  } finally {
    setEvaluationWatch(watch);
  }
}

/** Whether a node that looks up positions fails where what it is made of does not. */
function cannotBeComputed(node: Tensor, attempt: (tensors: readonly Tensor[]) => void): boolean {
  const form = sourceOf(node)?.op.lower.form;
  if (form !== 'gather' && form !== 'scatter') return false;
  try {
    attempt([node]);
    return false;
  } catch {
    return true;
  }
}

/** Follows what is not finite back to where it arose. */
function explain(results: readonly Tensor[], within: Within | null = null): Error {
  const nodes = topologicalOrder(results).nodes.filter((node) => isFloat(node.dtype));
  const counts = countEach(nodes);
  const bad = new Map(nodes.flatMap((node, i) => (counts[i] > 0 ? [[node, counts[i]] as const] : [])));
  let at = results.find((x) => bad.has(x));
  if (!at)
    return codedError(
      Error,
      'AG_INTERNAL',
      'detectAnomaly: a result was not finite, but computing it again gave finite numbers; please report this',
    );
  for (;;) {
    const from: Tensor | undefined = madeOf(at).find((input) => bad.has(input));
    if (!from) break;
    at = from;
  }
  return explainStep(at, within) ?? describe(at, bad.get(at)!, within);
}

/** What a node is computed from: for a result of a loop, what the loop is. */
function madeOf(node: Tensor): readonly Tensor[] {
  const source = sourceOf(node);
  return source?.op.lower.form === 'result' ? source.inputs[0].inputs : (source?.inputs ?? []);
}

/** For a result of a loop: the first step that gives something bad, and what in it. */
function explainStep(result: Tensor, within: Within | null): Error | null {
  const loop = sourceOf(result)?.inputs[0];
  const lowering = loop?.op?.lower;
  if (!loop || lowering?.form !== 'loop' || loop === within?.loop) return null;
  const { length, reverse, carried, collected, step } = lowering.steps(loop);
  if (!Number.isFinite(length) || length === 0) return null;
  const order = Array.from({ length }, (_, i) => (reverse ? length - 1 - i : i));
  const firstBad = (stacks: readonly Tensor[]): number => {
    const rows = stacks.filter((x) => isFloat(x.dtype)).map((x) => [...notFiniteRows(x).dataSync()]);
    return order.findIndex((i) => rows.some((counts) => counts[i] > 0));
  };
  const begun = firstBad(carried());
  const given = firstBad(collected());
  // A step that starts from something bad got it from the one before; without any it is what the last one carried on.
  const before = begun < 0 ? length - 1 : begun - 1;
  const position = given >= 0 && given <= before ? given : before;
  if (position < 0) return null;
  const error = explain(step(order[position]), { result, loop, step: order[position] });
  return error instanceof AnomalyError ? error : null;
}

/** For each row, how many elements are not finite. */
function notFiniteRows(x: Tensor): Tensor {
  const bad = x.isFinite().logicalNot().cast('int32');
  return bad.reshape([x.shape[0], -1]).sum(1);
}

/** Where in a loop: the result that was bad, the loop and the step. */
interface Within {
  readonly result: Tensor;
  readonly loop: Tensor;
  readonly step: number;
}

/** Counts of all nodes, read as one tensor. */
function countEach(nodes: readonly Tensor[]): ArrayLike<number> {
  let parts = nodes.map((node) => notFinite(node).reshape([1]));
  do {
    const next: Tensor[] = [];
    for (let i = 0; i < parts.length; i += 64) next.push(concat(parts.slice(i, i + 64)));
    parts = next;
  } while (parts.length > 1);
  return parts[0].dataSync();
}

function describe(node: Tensor, count: number, within: Within | null): AnomalyError {
  const source = sourceOf(node);
  // The step was built anew to look at it: the user's line is that of the loop.
  const made = creationOf(within?.result ?? node);
  const inputs = (source?.inputs ?? []).map((input) => {
    let least = Number.POSITIVE_INFINITY;
    let largest = Number.NEGATIVE_INFINITY;
    for (const x of input.broadcastTo(input.shape).cast('float64').dataSync()) {
      least = Math.min(least, x);
      largest = Math.max(largest, x);
    }
    return { shape: input.shape, dtype: input.dtype, least, largest };
  });
  // The gradient of a gradient: down to what the user wrote.
  const gradients: Tensor[] = [];
  for (let at = made?.gradientOf; at; at = creationOf(at)?.gradientOf) gradients.push(at);
  const written = gradients.length > 0 ? creationOf(gradients[gradients.length - 1]) : made;
  const chain = gradients.map((at) => sourceOf(at)?.op.name ?? 'a leaf').join(', a gradient of ');
  const anomaly: Anomaly = {
    op: source?.op.name ?? 'leaf',
    phase: gradients.length > 0 ? 'backward' : 'forward',
    gradientOf: gradients.length > 0 ? chain : null,
    shape: node.shape,
    count,
    inputs,
    module: written?.module ?? null,
    site: written?.site ?? null,
    ...(within && { loop: { op: within.loop.op!.name, step: within.step } }),
  };
  return new AnomalyError(messageOf(node, anomaly), anomaly);
}

function messageOf(
  node: Tensor,
  { op, gradientOf, shape, count, inputs, module, site, loop }: Anomaly,
): string {
  const elements = node.size === 1 ? 'its only element' : `${count} of ${node.size} elements`;
  const where = `${module ? `, in module '${module}'` : ''}${site ? `, at ${site}` : '; build it inside detectAnomaly(() => …) to see the line'}`;
  if (!sourceOf(node)) {
    const leaf = node.leaf;
    const what = leaf?.kind === 'variable' ? `variable '${leaf.variable.name}'` : 'a tensor that was given';
    return `detectAnomaly: ${what} of shape ${formatShape(shape)} is not finite in ${elements}${where}`;
  }
  const operands = inputs.map(
    (x) =>
      `${formatShape(x.shape)} ${x.dtype}${x.shape.includes(0) ? '' : ` in ${short(x.least)} … ${short(x.largest)}`}`,
  );
  const phase = gradientOf ? ` in the backward pass (a gradient of ${gradientOf})` : ' in the forward pass';
  const step = loop ? `, step ${loop.step} of ${loop.op}` : '';
  return `detectAnomaly: ${op} gives values that are not finite${phase}${step}: ${elements} of its result ${formatShape(shape)}, from ${operands.join(' and ') || 'nothing'}${where}`;
}

function short(x: number): string {
  return String(Number(x.toPrecision(4)));
}
