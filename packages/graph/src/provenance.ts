/**
 * Records where nodes were made. That is the user's line, the module whose `forward` made them, and for nodes of a
 * gradient the node whose rule made them. Nothing is recorded unless a development tool asks (anomaly detection,
 * inspection), so the stacks that this takes cost nothing otherwise.
 */

import type { Tensor } from '@ag/tensor';
import { checkOptions, currentCall, listenToCreation, synchronous, userLine } from '@ag/tensor/engine';

/** What is known of a node's making. */
export interface Creation {
  /** File, line and column of the first frame outside of this library, when sites were captured. */
  readonly site: string | null;
  /** Path of the module whose `forward` made it: `encoder.0.linear`; null outside of modules. */
  readonly module: string | null;
  /** For a node of a gradient: the node that was being differentiated. */
  readonly gradientOf: Tensor | null;
}

/** Anything that lists modules by path as `Module` of @ag/nn does. */
export interface ModuleTree {
  namedModules(): Iterable<readonly [string, object]>;
}

/** Options of {@link captureCreation}. */
export interface CaptureOptions {
  /** Take the line of each node. Default true. */
  readonly sites?: boolean;
  /** A model, so that nodes get the path of the module that made them. */
  readonly model?: ModuleTree;
}

interface Record {
  /** Formatted only when it is asked for: taking a stack is much cheaper than writing it. */
  readonly stack: { readonly stack?: string } | null;
  readonly module: string | null;
  readonly gradientOf: Tensor | null;
}

const records = new WeakMap<Tensor, Record>();

/** The node whose gradient rule is running. */
let differentiating: Tensor | null = null;

/** Notes that the rule of `node` runs from now on; returns what `endRule` takes. @internal */
export function beginRule(node: Tensor): Tensor | null {
  const outer = differentiating;
  differentiating = node;
  return outer;
}

/** @internal */
export function endRule(outer: Tensor | null): void {
  differentiating = outer;
}

/**
 * Runs `work` and remembers for each node that it makes the user's line and the module. `inspect` shows both.
 *
 * ```ts
 * const loss = captureCreation(() => crossEntropy(model.forward(x), y), { model });
 * inspect(loss).nodes[3].module; // 'hidden'
 * ```
 */
export function captureCreation<T>(work: () => T, options: CaptureOptions = {}): T {
  checkOptions('captureCreation', options, 'sites model');
  const stop = startCapture(options);
  try {
    return synchronous('captureCreation', work());
  } finally {
    stop();
  }
}

/** Captures until the returned function is called; for loops that {@link captureCreation} cannot enclose. */
export function startCapture(options: CaptureOptions = {}): () => void {
  checkOptions('startCapture', options, 'sites model');
  const { sites = true, model } = options;
  const path: string[] = [];
  const restore = model ? watchModules(model, path) : null;
  const unlisten = listenToCreation((tensor) => record(tensor, sites, path[path.length - 1] ?? null));
  return () => {
    unlisten();
    restore?.();
  };
}

/** Remembers how `tensor` was made; called while it is being made. @internal */
export function record(tensor: Tensor, sites: boolean, module: string | null): void {
  // What a rule makes belongs to the line of what is differentiated.
  const stack = sites && differentiating === null ? stackOfCall() : null;
  // Somebody else may listen as well and know more.
  const known = records.get(tensor);
  records.set(tensor, {
    stack: stack ?? known?.stack ?? null,
    module: module ?? known?.module ?? null,
    gradientOf: differentiating,
  });
}

/** What is known of a node, null when nothing was captured. */
export function creationOf(tensor: Tensor): Creation | null {
  const known = records.get(tensor);
  if (!known) return null;
  return {
    site: known.stack ? userLine(known.stack.stack) : null,
    module: known.module,
    gradientOf: known.gradientOf,
  };
}

/** Who wants to know when a module is at work, and by which name. */
interface Watcher {
  readonly name: string;
  readonly path: string[];
}

/** The stand-in for the `forward` of a module that is watched. */
interface Stand {
  readonly watchers: Set<Watcher>;
  /** Puts back what was there. */
  readonly remove: () => void;
}

const stands = new WeakMap<object, Stand>();

/** Keeps the path of the module at work at the end of `path`. Returns what undoes it. @internal */
export function watchModules(model: ModuleTree, path: string[]): () => void {
  const undo = [...model.namedModules()].map(([name, module]) =>
    name === '' ? () => {} : watchModule(module, { name, path }),
  );
  return () => {
    for (const restore of undo.reverse()) restore();
  };
}

/** All who watch a module share one stand-in, so that whoever ends first leaves nothing of his own behind. */
function watchModule(module: object, watcher: Watcher): () => void {
  const stand = stands.get(module) ?? standFor(module as { forward?: (...x: unknown[]) => unknown });
  if (stand === null) return () => {};
  stands.set(module, stand);
  stand.watchers.add(watcher);
  return () => {
    stand.watchers.delete(watcher);
    if (stand.watchers.size > 0) return;
    stands.delete(module);
    stand.remove();
  };
}

function standFor(target: { forward?: (...x: unknown[]) => unknown }): Stand | null {
  const own = Object.getOwnPropertyDescriptor(target, 'forward');
  const inner = target.forward;
  if (typeof inner !== 'function') return null;
  const watchers = new Set<Watcher>();
  const watched = function (this: unknown, ...x: unknown[]): unknown {
    const now = [...watchers];
    for (const { path, name } of now) path.push(name);
    try {
      return inner.apply(this, x);
    } finally {
      for (const { path } of now) path.pop();
    }
  };
  Object.defineProperty(target, 'forward', {
    value: watched,
    configurable: true,
    writable: true,
    enumerable: own?.enumerable ?? false,
  });
  const remove = (): void => {
    // A hook added meanwhile wraps this one; it then stays and only passes on.
    if (target.forward !== watched) return;
    if (own) Object.defineProperty(target, 'forward', own);
    else Reflect.deleteProperty(target, 'forward');
  };
  return { watchers, remove };
}

/** Frames that are looked through for the user's own: more than modules in modules take, few enough to be quick. */
const frames = 24;

let lastCall: object | null = null;
let lastStack: { readonly stack?: string } = {};

/** Taking a stack is what costs: one is enough for an optimizer's step. */
function stackOfCall(): { readonly stack?: string } {
  const call = currentCall();
  if (call === null) return takeStack();
  if (call !== lastCall) lastStack = takeStack();
  lastCall = call;
  return lastStack;
}

function takeStack(): { readonly stack?: string } {
  const limited = Error as { stackTraceLimit?: number };
  const before = limited.stackTraceLimit;
  limited.stackTraceLimit = frames;
  const holder: { stack?: string } = new Error();
  if (before === undefined) delete limited.stackTraceLimit;
  else limited.stackTraceLimit = before;
  return holder;
}
