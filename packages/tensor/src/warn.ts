/**
 * The one place that warnings go through: each is said once, names the user's line, has a code, and can be silenced.
 *
 * Whoever warns has found something already, so nothing here is on the way of a computation.
 */
import { callersLine } from './userLine.ts';

/** The codes of warnings. */
export type WarningCode =
  // How it computes
  | 'AG_SLOW_BACKEND' // the reference backend computes
  | 'AG_ONE_THREAD' // no threads where they were asked for
  | 'AG_DUPLICATE_WORK' // the same work is done a second time
  | 'AG_CHANGING_PLANS' // the structure of the computation changes at almost every evaluation
  | 'AG_DROPPED_ASSIGNMENT' // an assignment that cannot be computed
  | 'AG_VALUES_LOST' // values that were lost with their device
  | 'AG_OPERATOR' // an operator of the language between tensors
  // How a model is put together
  | 'AG_SOFTMAX_TWICE' // softmax before a loss that has one of its own
  | 'AG_SIGMOID_TWICE' // sigmoid before a loss that has one of its own
  | 'AG_NOT_PROBABILITIES' // raw outputs where probabilities are needed
  | 'AG_IMPOSSIBLE_TARGET' // a target that is no class
  | 'AG_UNOWNED_PARAMETERS' // parameters that no optimizer moves
  | 'AG_STEP_MISSING' // gradients add up, and nobody takes a step
  // How a training goes
  | 'AG_DIVERGING' // the loss grows
  | 'AG_STANDING' // the loss stays where it was
  | 'AG_SORTED_DATA' // batches of one class after the other
  | 'AG_SAME_VALIDATION' // the validation data are the training data
  | 'AG_NO_EPOCHS' // a training of no epochs
  | 'AG_MONITOR_MODE'; // a metric that is watched in the wrong direction

/** One warning. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  /** The user's line that led to it, where it is known. */
  readonly line: string | null;
}

type Listener = (warning: Warning) => void;

const said = new Set<string>();
const silent = new Set<WarningCode>();
let listener: Listener = print;

/**
 * What becomes of warnings: `listener` gets each, in place of the console, until the returned function is called.
 *
 * ```ts
 * const stop = onWarning(({ code, message, line }) => log.warn({ code, message, line }));
 * ```
 */
export function onWarning(warned: (warning: Warning) => void): () => void {
  const former = listener;
  listener = warned;
  return () => {
    if (listener === warned) listener = former;
  };
}

/**
 * Leaves out the warnings with these codes from now on.
 *
 * ```ts
 * silenceWarnings('AG_SLOW_BACKEND', 'AG_ONE_THREAD');
 * ```
 */
export function silenceWarnings(...codes: readonly WarningCode[]): void {
  for (const code of codes) silent.add(code);
}

/**
 * Warns, unless it has been said or is silenced.
 *
 * @param what for warnings that may be said several times, each about something else: what this one is about
 */
export function warn(code: WarningCode, message: string, what = ''): void {
  if (silent.has(code) || said.has(code + what)) return;
  said.add(code + what);
  listener({ code, message, line: callersLine() });
}

/** Whether a warning would be heard, for who would have to look for it. */
export function wouldWarn(code: WarningCode): boolean {
  return !silent.has(code) && !said.has(code);
}

/** As if nothing had been said; for tests. */
export function forgetWarnings(): void {
  said.clear();
  silent.clear();
}

function print({ code, message, line }: Warning): void {
  globalThis.console?.warn(`ag: ${message}${line === null ? '' : ` (${line})`} [${code}]`);
}
