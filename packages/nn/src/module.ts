/**
 * `Module`: the base class of layers and models, with variables in plain fields. Names, modes, saved state and hooks
 * are derived from the fields, so a layer is an ordinary class that creates variables and says what `forward`
 * computes.
 */

import { evaluate, isFloat, type Tensor, Variable } from '@ag/tensor';
import { checkOptions, noteHolder, readFlag, writeFlag } from '@ag/tensor/engine';
import { describeModule, type ModuleDescription } from './description.ts';
import { addForwardHook, addGradientHook } from './hooks.ts';
import { locateErrors } from './locate.ts';
import { type LoadOptions, loadInto, type StateDict } from './state.ts';
import { treeOf } from './tree.ts';

/** Sees a module's output and the inputs of `forward`; what it returns, if anything, replaces the output. */
export type ForwardHook<Output = Tensor> = (
  output: Output,
  // biome-ignore lint/suspicious/noExplicitAny: with their own types, a module with optional inputs would be no Module<[Tensor]>
  inputs: readonly any[],
  module: AnyModule,
  // biome-ignore lint/suspicious/noConfusingVoidType: hooks that only look return nothing
) => Output | void;

/** Sees a lazy gradient; what it returns, if anything, goes on in its place. */
// biome-ignore lint/suspicious/noConfusingVoidType: hooks that only look return nothing
export type GradientHook = (gradient: Tensor) => Tensor | void;

const buffers = new WeakSet<Variable>();

/**
 * A variable that is saved with a module but never trained: running statistics, counters.
 *
 * ```ts
 * const runningMean = buffer(zeros([16]), 'runningMean'); // usually a field of a module
 * ```
 */
export function buffer(initial: Tensor, name?: string): Variable {
  const variable = new Variable(initial, { trainable: false, ...(name !== undefined && { name }) });
  buffers.add(variable);
  return variable;
}

/**
 * Base class of layers and models. Variables are found in public fields, in arrays (nested ones too) and in modules
 * held in either; a variable that is reachable on two ways (weight sharing) counts once, under its first name.
 *
 * ```ts
 * class Classifier extends Module {
 *   hidden = linear(784, 128);
 *   output = linear(128, 10);
 *   forward(x: Tensor) {
 *     return this.output.forward(this.hidden.forward(x).relu());
 *   }
 * }
 * ```
 *
 * @typeParam Inputs what `forward` takes, one tensor by default
 * @typeParam Output what `forward` gives, a tensor by default
 */
export abstract class Module<Inputs extends readonly unknown[] = [Tensor], Output = Tensor> {
  #training = true;

  constructor() {
    noteHolder(this);
    locateErrors(new.target.prototype);
  }

  /** True in training mode (the start), false after `eval()`. Dropout and batch normalization look at it. */
  get training(): boolean {
    return readFlag('training', this, this.#training);
  }

  set training(training: boolean) {
    writeFlag('training', this);
    this.#training = training;
  }

  /** What this module computes; builds lazy tensors and reads none. */
  abstract forward(...inputs: Inputs): Output;

  /**
   * The modules as a tree, with what each was made with.
   *
   * ```
   * sequential(
   *   0: linear(784, 128)
   *   1: relu()
   *   2: linear(128, 10, bias: false)
   * )
   * ```
   */
  toString(): string {
    return treeOf(this);
  }

  /** What Node's console shows. @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** What Deno's console shows. @internal */
  [Symbol.for('Deno.customInspect')](): string {
    return this.toString();
  }

  /** What notebooks show. @internal */
  [Symbol.for('Jupyter.display')](): Record<string, string> {
    return { 'text/plain': this.toString() };
  }

  /** Every trainable variable, frozen ones included, each once. What optimizers take. */
  parameters(): Variable[] {
    return [...this.namedParameters().values()];
  }

  /** The same by path: `'hidden.weight'`, `'layers.0.bias'`. */
  namedParameters(): Map<string, Variable> {
    return this.#named((variable) => !isBuffer(variable));
  }

  /** Variables that are saved but not trained, by path: see {@link buffer}. Integer variables count as such. */
  namedBuffers(): Map<string, Variable> {
    return this.#named(isBuffer);
  }

  /** This module and all inside, by path (`''` for this one), outer before inner, each once. */
  namedModules(): Map<string, AnyModule> {
    const found = new Map<string, AnyModule>();
    const seen = new Set<AnyModule>();
    const visit = (path: string, module: AnyModule): void => {
      if (seen.has(module)) return;
      seen.add(module);
      found.set(path, module);
      for (const [name, member] of module.members()) {
        if (member instanceof Module) visit(join(path, name), member);
      }
    };
    visit('', this);
    return found;
  }

  /** Training mode here and in all modules inside. */
  train(training = true): this {
    for (const module of this.namedModules().values()) module.training = training;
    return this;
  }

  /** Evaluation mode: dropout passes everything, batch normalization uses its running statistics. */
  eval(): this {
    return this.train(false);
  }

  /** Freezes all parameters: `backward` computes no gradients for them, optimizers leave them. */
  freeze(): this {
    for (const variable of this.parameters()) variable.trainable = false;
    return this;
  }

  /** Lets all parameters train again. */
  unfreeze(): this {
    for (const variable of this.parameters()) variable.trainable = true;
    return this;
  }

  /** A copy of all variables by path, parameters and buffers. Later training does not change it. */
  stateDict(): StateDict {
    const named = this.#named(() => true);
    const state = snapshot(named);
    origins.set(state, this);
    return state;
  }

  /**
   * Sets all variables from saved ones, all at once or, when something does not fit, none. Names are accepted as they
   * are here and as PyTorch writes them (`running_mean`, `weight_ih_l0`).
   * @throws Error listing names that are missing or unknown (unless `strict` is false) and shapes that differ
   */
  loadStateDict(state: StateDict, options: LoadOptions = {}): this {
    checkOptions('loadStateDict', options, 'strict rename');
    loadInto(this, new Map(variablesByPath(this)), state, options);
    return this;
  }

  /**
   * Calls `hook` after each `forward`; a tensor it returns replaces the output. Returns a function that removes it.
   *
   * ```ts
   * const seen: Tensor[] = [];
   * const remove = model.hidden.onForward((output) => void seen.push(output));
   * backward(crossEntropy(model.forward(x), y), { also: seen });
   * ```
   */
  onForward(hook: ForwardHook<Output>): () => void {
    return addForwardHook(this, hook);
  }

  /**
   * Calls `hook` with the gradient that arrives at this module's output while `backward` builds the gradients; a
   * tensor it returns goes on instead. Only for modules whose output is one tensor. Returns a function that removes it.
   */
  onGradient(this: Module<Inputs, Tensor>, hook: GradientHook): () => void {
    return addGradientHook(this, hook);
  }

  /** What this module is made of, as plain data: see `fromJSON`. `JSON.stringify(model)` uses it. */
  toJSON(): ModuleDescription {
    return describeModule(this);
  }

  /**
   * Variables and modules directly inside, by name. Override it to give other names than those of the fields.
   * @internal
   */
  *members(): Iterable<readonly [string, Variable | AnyModule]> {
    for (const [name, value] of Object.entries(this)) yield* membersOf(name, value);
  }

  /**
   * The name of the factory that makes such a module, and the arguments to give it. A layer of your own that says so is
   * saved by `toJSON`, made again by `fromJSON(description, { name: factory })`, and named in `summary`. Null (the
   * default) where plain data cannot make it.
   *
   * ```ts
   * class Scale extends Module {
   *   factor: number;
   *   constructor(factor: number) {
   *     super();
   *     this.factor = factor;
   *   }
   *   override forward(x: Tensor) { return x.mul(this.factor); }
   *   override describe() { return ['scale', this.factor] as const; }
   * }
   * const scale = (factor: number) => new Scale(factor);
   * ```
   */
  describe(): readonly [layer: string, ...parameters: unknown[]] | null {
    return null;
  }

  /** Names of variables in files of other libraries, with ours, or null for what is not needed. For layers to override. */
  foreignNames(): Readonly<Record<string, string | null>> {
    return {};
  }

  /**
   * Variables that are matrices of products with an input, by name, with the axes in the order in which they lie: outputs
   * first, as layers here have them, or inputs first. What `lora` adapts as a linear layer. For layers to override.
   */
  matrices(): Readonly<Record<string, 'outputsFirst' | 'inputsFirst'>> {
    return {};
  }

  #named(accept: (variable: Variable) => boolean): Map<string, Variable> {
    const found = new Map<string, Variable>();
    const seen = new Set<Variable>();
    for (const [path, variable] of variablesByPath(this)) {
      if (seen.has(variable)) continue;
      seen.add(variable);
      if (accept(variable)) found.set(path, variable);
    }
    return found;
  }
}

const origins = new WeakMap<StateDict, AnyModule>();

/** The model whose `stateDict()` gave this, if one did. */
export function modelOf(state: StateDict): AnyModule | undefined {
  return origins.get(state);
}

/** A module with any inputs and output. */
// biome-ignore lint/suspicious/noExplicitAny: inputs are contravariant; a container only passes them on
export type AnyModule = Module<any, unknown>;

/** All variables with every path that leads to them, shared ones several times. */
export function* variablesByPath(
  module: AnyModule,
  path = '',
  within: readonly AnyModule[] = [],
): Iterable<readonly [string, Variable]> {
  if (within.includes(module)) return;
  for (const [name, member] of module.members()) {
    if (member instanceof Module) yield* variablesByPath(member, join(path, name), [...within, module]);
    else yield [join(path, name), member];
  }
}

/** Copies of variables' values that stay what they are. */
export function snapshot(variables: ReadonlyMap<string, Variable>): StateDict {
  const copies = [...variables].map(([name, variable]) => [name, variable.value.detach()] as const);
  evaluate(copies.map(([, copy]) => copy));
  // Not by assignment, which for the name '__proto__' does something else.
  return Object.fromEntries(copies);
}

function isBuffer(variable: Variable): boolean {
  return buffers.has(variable) || !isFloat(variable.dtype);
}

function* membersOf(name: string, value: unknown): Iterable<readonly [string, Variable | AnyModule]> {
  if (value instanceof Variable || value instanceof Module) yield [name, value];
  else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) yield* membersOf(`${name}.${i}`, value[i]);
  }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
