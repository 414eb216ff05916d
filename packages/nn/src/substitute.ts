/**
 * Tensors in the place of variables while something computes.
 */
import type { Tensor, Variable } from '@ag/tensor';
import { synchronous } from '@ag/tensor/engine';

/**
 * Lets variables read as other tensors while `compute` runs. What it assigns to them is read until its end, and then gone.
 *
 * @param called who calls, for the message when `compute` is asynchronous
 */
export function withValues<Output>(
  values: ReadonlyMap<Variable, Tensor>,
  compute: () => Output,
  called: string,
): Output {
  const before = [...values.keys()].map(
    (variable) => [variable, ...ways.map((way) => Object.getOwnPropertyDescriptor(variable, way))] as const,
  );
  const now = new Map(values);
  for (const [variable, value] of values) {
    Object.defineProperty(variable, 'value', { get: () => now.get(variable) ?? value, configurable: true });
    Object.defineProperty(variable, 'assign', {
      value: (next: Tensor) => void now.set(variable, next),
      configurable: true,
      writable: true,
    });
  }
  try {
    return synchronous(called, compute(), 'forward');
  } finally {
    for (const [variable, ...own] of before) {
      ways.forEach((way, i) => {
        const descriptor = own[i];
        if (descriptor) Object.defineProperty(variable, way, descriptor);
        else Reflect.deleteProperty(variable, way);
      });
    }
  }
}

const ways = ['value', 'assign'] as const;
