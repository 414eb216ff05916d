/**
 * Forward and gradient hooks of modules. A hook replaces `forward` on the one module it watches, so modules without
 * hooks pay nothing.
 */
import { apply, defineOp, type Op, Tensor, view } from '@ag/tensor';
import { noteHook, synchronous, typeError } from '@ag/tensor/engine';

/** A module, as far as hooks see one. */
interface Watched<Inputs extends readonly unknown[], Output> {
  forward(...inputs: Inputs): Output;
}

/** Sees an output, the inputs and the module; what it returns, if anything, replaces the output. */
type Hook<Output> = (
  output: Output,
  // biome-ignore lint/suspicious/noExplicitAny: the hooks of all modules stand in one table; each fits its module
  inputs: readonly any[],
  // biome-ignore lint/suspicious/noExplicitAny: as above
  module: any,
  // biome-ignore lint/suspicious/noConfusingVoidType: hooks that only look return nothing
) => Output | void;

// biome-ignore lint/suspicious/noExplicitAny: as above
const hooks = new WeakMap<object, Hook<any>[]>();

/** Implements `Module.onForward`. */
export function addForwardHook<Inputs extends readonly unknown[], Output>(
  module: Watched<Inputs, Output>,
  hook: Hook<Output>,
): () => void {
  const list = hooks.get(module) ?? [];
  if (list.length === 0) {
    hooks.set(module, list);
    const plain = module.forward;
    const watched = (...inputs: Inputs): Output => {
      let output = plain.call(module, ...inputs);
      for (const look of [...list])
        output = synchronous('onForward', look(output, inputs, module), 'the hook') ?? output;
      return output;
    };
    Object.defineProperty(module, 'forward', {
      value: watched,
      configurable: true,
      writable: true,
      enumerable: false,
    });
  }
  list.push(hook);
  const gone = noteHook();
  return () => {
    const at = list.indexOf(hook);
    if (at < 0) return;
    list.splice(at, 1);
    gone();
    // Without hooks the class's own method is found again.
    if (list.length === 0) Reflect.deleteProperty(module, 'forward');
  };
}

/** Implements `Module.onGradient`. */
export function addGradientHook<Inputs extends readonly unknown[]>(
  module: Watched<Inputs, Tensor>,
  // biome-ignore lint/suspicious/noConfusingVoidType: as above
  hook: (gradient: Tensor) => Tensor | void,
): () => void {
  // One operation for each hook: operations are compared by identity, so plans are found again.
  const watch: Op = defineOp<unknown>({
    name: 'watchGradient',
    type: ([x]) => x,
    lower: view((v) => v),
    vjp: (gradient) => [synchronous('onGradient', hook(gradient), 'the hook') ?? gradient],
  });
  return addForwardHook(module, (output) => {
    if (!(output instanceof Tensor)) throw typeError('onGradient: the module does not give one tensor');
    return apply(watch, [output]);
  });
}
