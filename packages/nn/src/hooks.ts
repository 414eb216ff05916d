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

/** Entered before `forward`; what it gives is called after it, also after an error. */
type Around = () => () => void;

/** What watches a module. */
interface Watchers {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly hooks: Hook<any>[];
  readonly around: Around[];
}

const watchers = new WeakMap<object, Watchers>();

/** Implements `Module.onForward`. */
export function addForwardHook<Inputs extends readonly unknown[], Output>(
  module: Watched<Inputs, Output>,
  hook: Hook<Output>,
): () => void {
  const watching = watched(module);
  return added(module, watching, watching.hooks, hook);
}

/** Enters something around each `forward`. Returns a function that removes it. */
export function addAround<Inputs extends readonly unknown[], Output>(
  module: Watched<Inputs, Output>,
  around: Around,
): () => void {
  const watching = watched(module);
  return added(module, watching, watching.around, around);
}

/** The watchers of a module, whose `forward` asks them from now on. */
function watched<Inputs extends readonly unknown[], Output>(module: Watched<Inputs, Output>): Watchers {
  const known = watchers.get(module);
  if (known !== undefined && known.hooks.length + known.around.length > 0) return known;
  const watching: Watchers = known ?? { hooks: [], around: [] };
  watchers.set(module, watching);
  const plain = module.forward;
  const forward = (...inputs: Inputs): Output => {
    let output = enclosed(watching.around, () => plain.call(module, ...inputs));
    for (const look of [...watching.hooks])
      output = synchronous('onForward', look(output, inputs, module), 'the hook') ?? output;
    return output;
  };
  Object.defineProperty(module, 'forward', {
    value: forward,
    configurable: true,
    writable: true,
    enumerable: false,
  });
  return watching;
}

function enclosed<Output>(around: readonly Around[], compute: () => Output): Output {
  if (around.length === 0) return compute();
  const leave = around.map((enter) => enter());
  try {
    return compute();
  } finally {
    for (const one of leave) one();
  }
}

/** Adds to one of the lists; returns what takes it out again. */
function added<T>(module: object, { hooks, around }: Watchers, list: T[], one: T): () => void {
  list.push(one);
  const gone = noteHook();
  return () => {
    const at = list.indexOf(one);
    if (at < 0) return;
    list.splice(at, 1);
    gone();
    // Without watchers the class's own method is found again.
    if (hooks.length + around.length === 0) Reflect.deleteProperty(module, 'forward');
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
