/**
 * Checks of an optimizer's options and parameters, so that mistakes are reported alike.
 */
import { isFloat, Variable } from '@ag/tensor';
import { codedError, valueError } from '@ag/tensor/engine';
import type { Rate } from './schedules.ts';

/** @throws RangeError unless each number, by the name of its option, is in [0, 1) */
export function checkShares(optimizer: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) checkRange(value, 0, 1, `${optimizer}: ${name}`);
}

/** @throws RangeError unless each number, by the name of its option, is at least 0 and finite */
export function checkNotNegative(optimizer: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    checkRange(value, 0, Number.POSITIVE_INFINITY, `${optimizer}: ${name}`);
  }
}

/** The decay of a running mean and a running mean square, as Adam and its relatives take them. @throws RangeError */
export function checkBetas(optimizer: string, betas: readonly [number, number]): void {
  checkShares(optimizer, { 'betas[0]': betas[0], 'betas[1]': betas[1] });
}

/** @throws RangeError unless the number is in [low, high) */
export function checkRange(value: number, low: number, high: number, what: string): void {
  if (!(value >= low && value < high)) {
    throw valueError(
      `${what} must be in [${low}, ${high === Number.POSITIVE_INFINITY ? '∞' : high}), got ${value}`,
    );
  }
}

/** @throws RangeError unless the rate is a schedule or a number ≥ 0 */
export function checkLearningRate(rate: Rate): void {
  if (typeof rate !== 'function' && !(Number.isFinite(rate) && rate >= 0)) {
    throw valueError(`optimizer: the learning rate must be a number ≥ 0 or a schedule, got ${rate}`);
  }
}

/**
 * Notes a parameter among those seen, and that it has an optimizer.
 * @throws TypeError unless it is a float variable; RangeError when it was seen before
 */
export function checkParameter(parameter: Variable, seen: Set<Variable>): void {
  if (!(parameter instanceof Variable)) {
    throw codedError(
      TypeError,
      'AG_PARAMETERS',
      'optimizer: parameters must be variables; pass model.parameters()',
    );
  }
  if (!isFloat(parameter.dtype)) {
    throw codedError(
      TypeError,
      'AG_PARAMETERS',
      `optimizer: parameter '${parameter.name}' is ${parameter.dtype}; only floats can be trained`,
    );
  }
  if (seen.has(parameter))
    throw codedError(
      RangeError,
      'AG_PARAMETERS',
      `optimizer: parameter '${parameter.name}' is given twice; modules that share it list it twice, [...new Set(parameters)] has it once`,
    );
  seen.add(parameter);
  parameter.hasOptimizer = true;
}
