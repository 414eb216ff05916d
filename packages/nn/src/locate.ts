/**
 * Errors say in which module of the model they happened. The message goes on with the path, `model.2`, what that module is,
 * what it was given, and the user's line.
 *
 * The class of a module gets its `forward` wrapped when the first module of it is made, by a function that does nothing but
 * catch. Engines enter a `try` for nothing, so a call costs what one more call costs; everything else is done once an error
 * passes by. Each module that it passes puts its own part before the path.
 */
import { formatShape, Tensor } from '@ag/tensor';
import { userLine } from '@ag/tensor/engine';
import type { Described } from './description.ts';
import { headOf } from './tree.ts';

/** A module, as far as it is looked at here. */
interface Located extends Described {
  namedModules(): ReadonlyMap<string, object>;
}

/** What is known of an error on its way. */
interface Place {
  /** As it was thrown. */
  readonly message: string;
  /** What the innermost module is and what it was given. */
  readonly what: string;
  readonly line: string | null;
  /** From the module that it passed last to the innermost. */
  path: string;
  module: object;
}

const places = new WeakMap<Error, Place>();
const wrapped = new WeakSet<object>();

/** Makes the errors of all modules of a class say where they are. @param prototype of the class */
export function locateErrors(prototype: object): void {
  if (wrapped.has(prototype)) return;
  wrapped.add(prototype);
  for (let at = prototype; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    const own = Object.getOwnPropertyDescriptor(at, 'forward');
    if (own === undefined) continue;
    const inner: unknown = own.value;
    if (typeof inner === 'function' && !wrapped.has(inner)) wrap(at, own, inner as Forward);
    return;
  }
}

type Forward = (this: Located, ...inputs: unknown[]) => unknown;

function wrap(prototype: object, own: PropertyDescriptor, inner: Forward): void {
  const forward: Forward = function (...inputs) {
    try {
      return inner.apply(this, inputs);
    } catch (error) {
      locate(error, this, inputs);
      throw error;
    }
  };
  wrapped.add(forward);
  Object.defineProperty(forward, 'length', { value: inner.length, configurable: true });
  // Its source is that of what was written.
  Object.defineProperty(forward, 'toString', { value: () => String(inner), configurable: true });
  // A class that was frozen stays as it is.
  Reflect.defineProperty(prototype, 'forward', { ...own, value: forward });
}

/**
 * Notes that an error passed a module on its way out.
 *
 * @param step the position of a plain function in the module, where that failed
 */
export function locate(error: unknown, module: Located, inputs: readonly unknown[], step?: number): void {
  if (!(error instanceof Error) || !isOurs(error)) return;
  let place = places.get(error);
  if (place === undefined) {
    const what = `${step === undefined ? headOf(module) : 'a function'}${givenText(inputs)}`;
    const path = step === undefined ? '' : String(step);
    place = { message: error.message, what, line: userLine(error.stack), path, module };
    places.set(error, place);
  } else if (place.module !== module) {
    for (const [path, inside] of module.namedModules()) {
      if (inside === place.module && path !== '')
        place.path = place.path === '' ? path : `${path}.${place.path}`;
    }
    place.module = module;
  }
  const where = place.path === '' ? 'model' : `model.${place.path}`;
  const line = place.line === null ? '' : `\n  called from ${place.line}`;
  rewrite(error, `${place.message}\n  in ${where}: ${place.what}${line}`);
}

/** Errors of this library: what others throw is theirs. */
function isOurs(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith('AG_');
}

/** Where an engine writes the message into the stack as well, it is changed there; the frames stay. */
function rewrite(error: Error, message: string): void {
  const { stack, message: former } = error;
  try {
    error.message = message;
    if (stack?.includes(former)) error.stack = stack.replace(former, () => message);
  } catch {
    // One that was frozen stays as it is.
  }
}

function givenText(inputs: readonly unknown[]): string {
  const texts = inputs.map((input) => inputText(input)).filter((text) => text !== '');
  return texts.length === 0 ? '' : `, given ${texts.join(' and ')}`;
}

/** Tensors by shape and dtype, alone or in tuples and objects; nothing of anything else. */
function inputText(input: unknown): string {
  if (input instanceof Tensor) return `${formatShape(input.shape)} ${input.dtype}`;
  if (typeof input !== 'object' || input === null) return '';
  const parts = Object.entries(input).filter(([, part]) => part instanceof Tensor);
  if (parts.length === 0) return '';
  if (Array.isArray(input)) return `(${parts.map(([, part]) => inputText(part)).join(', ')})`;
  return `{ ${parts.map(([name, part]) => `${name}: ${inputText(part)}`).join(', ')} }`;
}
