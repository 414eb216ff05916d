/**
 * Watching a module at work. A hook replaces `forward` on the one module it watches, so modules without hooks pay
 * nothing.
 */
import { apply, defineOp, type Op, Tensor, view } from '@ag/tensor';
import type { Module } from './module.ts';

/** Sees a module's output and inputs; what it returns, if anything, replaces the output. */
export type ForwardHook<Inputs extends readonly unknown[] = [Tensor], Output = Tensor> = (
  output: Output,
  inputs: Inputs,
  module: Module<Inputs, Output>,
  // biome-ignore lint/suspicious/noConfusingVoidType: hooks that only look return nothing
) => Output | void;

/** Sees a lazy gradient; what it returns, if anything, goes on in its place. */
// biome-ignore lint/suspicious/noConfusingVoidType: hooks that only look return nothing
export type GradientHook = (gradient: Tensor) => Tensor | void;

/** Implements `Module.onForward`. */
export function addForwardHook<Inputs extends readonly unknown[], Output>(
  module: Module<Inputs, Output>,
  hook: ForwardHook<Inputs, Output>,
): () => void {
  const inner = module.forward;
  let active = true;
  const watched = (...inputs: Inputs): Output => {
    const output = inner.call(module, ...inputs);
    if (!active) return output;
    const replaced = hook(output, inputs, module);
    return replaced === undefined ? output : (replaced as Output);
  };
  Object.defineProperty(module, 'forward', {
    value: watched,
    configurable: true,
    writable: true,
    enumerable: false,
  });
  return () => {
    active = false;
    // A hook added later wraps this one, which then only passes on.
    if (module.forward === watched) {
      if (Object.getPrototypeOf(module).forward === inner) Reflect.deleteProperty(module, 'forward');
      else
        Object.defineProperty(module, 'forward', {
          value: inner,
          configurable: true,
          writable: true,
          enumerable: false,
        });
    }
  };
}

/** Implements `Module.onGradient`. */
export function addGradientHook<Inputs extends readonly unknown[]>(
  module: Module<Inputs, Tensor>,
  hook: GradientHook,
): () => void {
  // One operation for each hook: operations are compared by identity, so plans are found again.
  const watch: Op = defineOp<unknown>({
    name: 'watchGradient',
    type: ([x]) => x!,
    lower: view((v) => v),
    vjp: (gradient) => [hook(gradient) ?? gradient],
  });
  return addForwardHook(module, (output) => {
    if (!(output instanceof Tensor)) throw new TypeError('onGradient: the module does not give one tensor');
    return apply(watch, [output]);
  });
}
