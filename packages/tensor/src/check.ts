/**
 * What comes from outside is checked here, so that every operation reports a wrong argument in the same words: the
 * operation, the argument, what it may be and what was given.
 */

import { typeError, valueError } from './errors.ts';
import { warn } from './warn.ts';

/** A value as messages show it: numbers and texts as they are, everything else by its kind. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return String(value);
    case 'string':
      return value.length > 40 ? `a text of ${value.length} characters` : `'${value}'`;
    case 'bigint':
      return `the BigInt ${value}n`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
  }
  if (Array.isArray(value)) return 'an array';
  const object = value as object;
  if (typeof (object as { then?: unknown }).then === 'function') return 'a promise, which has to be awaited';
  if ('dtype' in object && 'shape' in object) return 'value' in object ? 'a variable' : 'a tensor';
  const kind = object.constructor?.name;
  return kind === undefined || kind === 'Object' ? 'an object' : `an object of ${kind}`;
}

/** A number of any size, NaN included. @throws TypeError for anything else */
export function checkNumber(value: unknown, operation: string, argument: string): number {
  if (typeof value !== 'number')
    throw typeError(`${operation}: ${argument} must be a number, got ${describeValue(value)}`);
  return value;
}

/** A finite number. @throws TypeError for what is no number, RangeError for NaN and infinities */
export function checkFinite(value: unknown, operation: string, argument: string): number {
  if (!Number.isFinite(checkNumber(value, operation, argument)))
    throw valueError(`${operation}: ${argument} must be finite, got ${value}`);
  return value as number;
}

/** A whole number in least … most. @throws TypeError for what is no number, RangeError for other numbers */
export function checkInteger(
  value: unknown,
  operation: string,
  argument: string,
  least = Number.MIN_SAFE_INTEGER,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  if (fits) return value as number;
  const range =
    most !== Number.MAX_SAFE_INTEGER
      ? ` in ${least} … ${most}`
      : least !== Number.MIN_SAFE_INTEGER
        ? ` ≥ ${least}`
        : '';
  const message = `${operation}: ${argument} must be a whole number${range}, got ${describeValue(value)}`;
  throw typeof value === 'number' ? valueError(message) : typeError(message);
}

/** @throws TypeError for what is no array */
export function checkArray<T>(value: readonly T[], operation: string, argument: string): readonly T[] {
  if (!Array.isArray(value))
    throw typeError(`${operation}: ${argument} must be an array, got ${describeValue(value)}`);
  return value;
}

/**
 * What the language's operators get of a tensor or a variable: its text, where one is wanted. `a * b` would be NaN and
 * `a + b` a text, without a word.
 *
 * @throws TypeError where a number is wanted
 */
export function primitiveOf(value: object, hint: string): string {
  const remedy =
    'operators do not compute with tensors: write a.add(b), a.mul(2), a.less(b); the number of a scalar is await t.item()';
  if (hint === 'number') throw typeError(remedy);
  if (hint === 'default') warn('AG_OPERATOR', `+ makes a text of a tensor; ${remedy}`);
  return value.toString();
}
