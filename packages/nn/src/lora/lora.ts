/**
 * `lora`: fine-tuning by a change of low rank beside each weight. See Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language
 * Models".
 */
import { evaluate, isFloat, key, type Tensor, type Variable } from '@ag/tensor';
import {
  checkFinite,
  checkInteger,
  checkOptions,
  codedError,
  commitUpdates,
  typeError,
  valueError,
} from '@ag/tensor/engine';
import { checkProbability } from '../check.ts';
import { torchNames } from '../files/torchWrite.ts';
import { type AnyModule, Module, snapshot, variablesByPath } from '../module.ts';
import { type LoadOptions, loadInto, type StateDict, snakeCase } from '../state.ts';
import { type Adapter, type AdapterSettings, attach, changeOf, newParts, plainValue } from './adapter.ts';
import { type AdapterFiles, readAdapter, writeAdapter } from './peft.ts';
import { isWithin, type LoraTargets, listed, matching, type Site, sitesOf } from './sites.ts';

/** What an adapter is made of. */
export interface AdapterOptions {
  /** The rank of each change, ≥ 1. Default 8. */
  readonly rank?: number;
  /** The change is multiplied by alpha / rank. Default: the rank. */
  readonly alpha?: number;
  /**
   * Which weights change: names of weights or of modules, of which all weights are meant, or a regular expression that finds them.
   * Default 'all-linear': linear layers, the input weights of attention, and the matrices of imported models.
   */
  readonly targets?: LoraTargets;
  /** Probability of leaving out inputs of the change in training mode. Default 0. Not for weights that are not layers. */
  readonly dropout?: number;
  /** Multiply by alpha / √rank, which lets high ranks learn (Kalajdzievski 2023). Default false. */
  readonly rankStabilized?: boolean;
  /** For the random start. Default: the global sequence of keys. */
  readonly seed?: number;
}

/** Options of {@link lora}. */
export interface LoraOptions extends AdapterOptions {
  /** Modules or parameters that train whole beside the changes, such as a new head: see `modules_to_save` of peft. */
  readonly modulesToSave?: readonly string[];
}

/** Options of `Lora.load`. */
export interface LoadAdapterOptions {
  /** Under which the adapter is known. Default: the one in use. */
  readonly name?: string;
}

const firstName = 'default';

/** A model with adapters: see {@link lora}. */
export class Lora<Inputs extends readonly unknown[] = [Tensor], Output = Tensor> extends Module<
  Inputs,
  Output
> {
  /** The model, which computes with the adapter in use wherever it is called. */
  readonly model: Module<Inputs, Output>;
  readonly #sites: readonly Site[];
  readonly #adapters = new Map<string, Adapter>();
  readonly #defaults: LoraOptions;
  /** What was trainable before. */
  readonly #before: ReadonlyMap<Variable, boolean>;
  /** What trains whole, with its first values. */
  readonly #whole: ReadonlyMap<Variable, Tensor>;
  readonly #modulesToSave: readonly string[];
  #active: string | null = null;
  #detach: (() => void) | null = null;
  /** Weights before `merge`. */
  #unmerged: ReadonlyMap<Variable, Tensor> | null = null;

  /** Use {@link lora}. */
  constructor(model: Module<Inputs, Output>, options: LoraOptions | AdapterFiles = {}) {
    super();
    if (!(model instanceof Module) || model instanceof Lora)
      throw typeError('lora: expected a module that has no adapters yet');
    this.model = model;
    const files = filesIn(options);
    this.#sites = sitesOf(model);
    const read = files && readAdapter(files, this.#sites, 'lora');
    const given: LoraOptions = read ? { modulesToSave: read.modulesToSave } : (options as LoraOptions);
    if (!read) checkOptions('lora', given, 'rank alpha targets dropout rankStabilized seed modulesToSave');
    this.#defaults = read ? read.settings : given;
    this.#modulesToSave = [...(given.modulesToSave ?? [])];
    const whole = wholeOf(model, this.#modulesToSave, 'lora');
    const sites = this.#sites.filter(({ variable }) => !whole.has(variable));
    const adapter: Adapter = read
      ? { settings: read.settings, parts: read.parts, whole: null }
      : newAdapter(sites, given, 'lora');
    this.#before = new Map(model.parameters().map((variable) => [variable, variable.trainable]));
    this.#whole = values(whole);
    for (const variable of this.#before.keys()) variable.trainable = whole.has(variable);
    this.#adapters.set(firstName, adapter);
    this.#use(firstName);
    if (read) this.#assignWhole(read.whole);
  }

  /** Names of all adapters. */
  get adapters(): readonly string[] {
    return [...this.#adapters.keys()];
  }

  /** The name of the adapter in use; null for the model alone. */
  get active(): string | null {
    return this.#active;
  }

  /** Whether the changes are in the weights now: see {@link Lora.merge}. */
  get merged(): boolean {
    return this.#unmerged !== null;
  }

  override forward(...inputs: Inputs): Output {
    return this.model.forward(...inputs);
  }

  override train(training = true): this {
    if (training && this.merged)
      throw codedError(
        Error,
        'AG_WRONG_TIME',
        'lora: the adapter is merged and would not train; call unmerge() first',
      );
    return super.train(training);
  }

  /** What trains: the factors of the adapter in use, and what trains whole. */
  override parameters(): Variable[] {
    return [...this.namedParameters().values()];
  }

  override namedParameters(): Map<string, Variable> {
    const idle = new Set<Variable>();
    for (const [name, { parts }] of this.#adapters)
      if (name !== this.#active) for (const { a, b } of parts) idle.add(a).add(b);
    return new Map(
      [...super.namedParameters()].filter(([, variable]) => variable.trainable && !idle.has(variable)),
    );
  }

  /** All adapters, what trains whole, and the buffers of the model: what training changes, without the frozen weights. */
  override stateDict(): StateDict {
    const kept = new Map<string, Variable>();
    const seen = new Set<Variable>();
    for (const [path, variable] of this.#saved()) {
      if (seen.has(variable)) continue;
      seen.add(variable);
      kept.set(path, variable);
    }
    return snapshot(kept);
  }

  override loadStateDict(state: StateDict, options: LoadOptions = {}): this {
    checkOptions('loadStateDict', options, 'strict rename');
    loadInto(this, this.#saved(), state, options);
    return this;
  }

  /**
   * Adds the changes to the weights: the model computes the same to rounding, as fast as it did without an adapter. What it
   * holds can be saved and exported as that of any model. Weights that are stored in 16 bits are rounded to them again.
   */
  merge(): this {
    if (this.merged) return this;
    const { parts } = this.#current('merge');
    this.#detach?.();
    this.#detach = null;
    this.#unmerged = values(new Set(parts.map(({ site }) => site.variable)));
    commitUpdates(
      new Map(
        parts.map((part) => {
          const { variable } = part.site;
          return [variable, plainValue(variable).add(changeOf(part)).cast(variable.dtype)];
        }),
      ),
    );
    return this;
  }

  /** Undoes {@link Lora.merge}: the weights are what they were, to the bit. */
  unmerge(): this {
    if (!this.#unmerged) return this;
    commitUpdates(new Map(this.#unmerged));
    this.#unmerged = null;
    this.#use(this.#active);
    return this;
  }

  /** Makes another adapter, with the first one's options where none are given. It is not in use before {@link Lora.swap}. */
  add(name: string, options: AdapterOptions = {}): this {
    checkOptions('add', options, 'rank alpha targets dropout rankStabilized seed');
    this.#checkNew(name);
    const sites = this.#sites.filter(({ variable }) => !this.#whole.has(variable));
    const { modulesToSave: _, ...defaults } = this.#defaults;
    this.#adapters.set(name, newAdapter(sites, { ...defaults, ...options }, 'add'));
    return this;
  }

  /**
   * Computes with another adapter from now on, or with none. Weights that train whole are kept for each adapter. Where
   * changes are merged, those of the other are merged in their place.
   */
  swap(name: string | null): this {
    if (name !== null) this.#adapter(name, 'swap');
    if (name === this.#active) return this;
    const { merged } = this;
    this.unmerge();
    if (this.#active !== null) this.#adapter(this.#active, 'swap').whole = values(this.#whole.keys());
    const next = name === null ? null : (this.#adapter(name, 'swap').whole ?? null);
    if (this.#whole.size > 0) commitUpdates(new Map(next ?? this.#whole));
    this.#use(name);
    return merged && name !== null ? this.merge() : this;
  }

  /** Forgets an adapter, which must not be the one in use. */
  remove(name: string): this {
    this.#adapter(name, 'remove');
    if (name === this.#active)
      throw valueError(
        `lora: the adapter '${name}' is in use; swap to another, or to null, before remove('${name}')`,
      );
    this.#adapters.delete(name);
    return this;
  }

  /**
   * The files of the adapter in use, by the names under which peft of Hugging Face reads them from a folder.
   */
  async save(): Promise<AdapterFiles> {
    const names = this.#torchPaths();
    const whole = new Map<string, Tensor>();
    for (const variable of this.#whole.keys()) whole.set(names.get(variable)!, variable.value);
    return writeAdapter(this.#current('save'), whole, this.#modulesToSave);
  }

  /**
   * Reads an adapter: into the one in use, whose variables then have these values, or as a new one of another name.
   *
   * @throws RangeError for files of another model, or that adapt other weights than the adapter of this name
   */
  load(files: AdapterFiles, options: LoadAdapterOptions = {}): this {
    checkOptions('load', options, 'name');
    const { name = this.#active ?? firstName } = options;
    const read = readAdapter(files, this.#sites, 'load');
    const strangers = [...read.whole.keys()].filter((one) => !this.#wholeByName().has(one));
    if (strangers.length > 0) {
      throw codedError(
        RangeError,
        'AG_STATE_MISMATCH',
        `load: the file has whole weights ${listed(strangers)}; name their modules, lora(model, { modulesToSave: … })`,
      );
    }
    const known = this.#adapters.get(name);
    if (!known) {
      this.#adapters.set(name, {
        settings: read.settings,
        parts: read.parts,
        whole: this.#wholeValues(read.whole),
      });
      return this;
    }
    const updates = new Map<Variable, Tensor>();
    for (const part of known.parts) {
      const other = read.parts.find(({ site }) => site === part.site);
      if (
        !other ||
        other.a.shape[0] !== part.a.shape[0] ||
        other.scale !== part.scale ||
        read.parts.length !== known.parts.length
      ) {
        throw codedError(
          RangeError,
          'AG_STATE_MISMATCH',
          `load: the file adapts other weights, or with another rank or scale, than '${name}' does; load(files, { name: 'another' }) keeps both`,
        );
      }
      updates.set(part.a, other.a.value);
      updates.set(part.b, other.b.value);
    }
    const { merged } = this;
    if (name === this.#active) this.unmerge();
    commitUpdates(updates);
    if (name === this.#active) this.#assignWhole(read.whole);
    else known.whole = this.#wholeValues(read.whole);
    return merged ? this.merge() : this;
  }

  /** Takes the adapters off and gives the model back, trainable as it was; after {@link Lora.merge} with the changes in it. */
  unload(): Module<Inputs, Output> {
    this.#detach?.();
    this.#detach = null;
    this.#unmerged = null;
    this.#active = null;
    this.#adapters.clear();
    for (const [variable, trainable] of this.#before) variable.trainable = trainable;
    return this.model;
  }

  /** @internal */
  override *members(): Iterable<readonly [string, Variable | AnyModule]> {
    yield ['model', this.model];
    for (const [name, { parts }] of this.#adapters) {
      for (const { site, a, b } of parts) {
        const path = `adapters.${name}.${site.name === '' ? '' : `${site.name}.`}`;
        yield [`${path}loraA`, a];
        yield [`${path}loraB`, b];
      }
    }
  }

  /** What `stateDict` holds, by every path. */
  #saved(): Map<string, Variable> {
    const frozen = new Set(this.#before.keys());
    return new Map(
      [...variablesByPath(this)].filter(([, variable]) => !frozen.has(variable) || variable.trainable),
    );
  }

  #use(name: string | null): void {
    this.#detach?.();
    this.#detach = name === null ? null : attach(this.#adapter(name, 'swap'));
    this.#active = name;
  }

  #current(operation: string): Adapter {
    if (this.#active === null)
      throw codedError(Error, 'AG_WRONG_TIME', `${operation}: no adapter is in use; swap(name) chooses one`);
    return this.#adapter(this.#active, operation);
  }

  #adapter(name: string, operation: string): Adapter {
    const found = this.#adapters.get(name);
    if (found) return found;
    throw valueError(`${operation}: there is no adapter '${name}'; there are ${listed(this.adapters)}`);
  }

  #checkNew(name: string): void {
    if (typeof name !== 'string' || name === '') throw typeError('add: an adapter needs a name');
    if (this.#adapters.has(name)) throw valueError(`add: there is an adapter '${name}' already`);
  }

  /** PyTorch's names of all variables of the model. */
  #torchPaths(): ReadonlyMap<Variable, string> {
    const paths = [...this.model.namedParameters(), ...this.model.namedBuffers()];
    const { names } = torchNames(this.model, new Set(paths.map(([path]) => path)));
    return new Map(paths.map(([path, variable]) => [variable, names.get(path) ?? snakeCase(path)]));
  }

  #wholeByName(): ReadonlyMap<string, Variable> {
    const names = this.#torchPaths();
    return new Map([...this.#whole.keys()].map((variable) => [names.get(variable)!, variable]));
  }

  #wholeValues(read: ReadonlyMap<string, Tensor>): ReadonlyMap<Variable, Tensor> {
    const byName = this.#wholeByName();
    const found = new Map(this.#whole);
    for (const [name, value] of read) {
      const variable = byName.get(name);
      if (!variable) continue;
      if (value.shape.join() !== variable.shape.join()) {
        throw codedError(
          RangeError,
          'AG_STATE_MISMATCH',
          `load: '${name}' is [${value.shape.join(', ')}], the model needs [${variable.shape.join(', ')}]`,
        );
      }
      found.set(variable, value.cast(variable.dtype));
    }
    return found;
  }

  #assignWhole(read: ReadonlyMap<string, Tensor>): void {
    const found = this.#wholeValues(read);
    if (found.size > 0) commitUpdates(new Map(found));
  }
}

/** What training by {@link lora} needs of a model: its adapters, in use and trainable. */
function newAdapter(sites: readonly Site[], options: AdapterOptions, operation: string): Adapter {
  const {
    rank = 8,
    alpha = rank,
    dropout = 0,
    rankStabilized = false,
    targets = 'all-linear',
    seed,
  } = options;
  const settings: AdapterSettings = {
    rank: checkInteger(rank, operation, 'rank', 1),
    alpha: checkFinite(alpha, operation, 'alpha'),
    dropout: checkProbability(dropout, operation),
    rankStabilized,
  };
  const chosen = matching(sites, targets, operation);
  const inside = chosen.filter(({ kind }) => kind === 'weight').map(({ name }) => name);
  if (dropout > 0 && inside.length > 0) {
    throw valueError(
      `${operation}: dropout needs a layer's input, and these weights are read inside of modules: ${listed(inside)}; leave them out of the targets, or the dropout`,
    );
  }
  return { settings, parts: newParts(chosen, settings, seed === undefined ? null : key(seed)), whole: null };
}

/** Variables within the modules, or of these names. @throws RangeError for a name that is not there */
function wholeOf(model: AnyModule, names: readonly string[], operation: string): Set<Variable> {
  const found = new Set<Variable>();
  const parameters = [...model.namedParameters()];
  for (const name of names) {
    const meant = parameters.filter(([path, { dtype }]) => isFloat(dtype) && isWithin(path, [name]));
    if (meant.length === 0)
      throw valueError(
        `${operation}: no parameter lies in '${name}', which should train whole; there are ${listed(parameters.map(([path]) => path))}`,
      );
    for (const [, variable] of meant) found.add(variable);
  }
  return found;
}

/** Copies that stay what they are. */
function values(variables: Iterable<Variable>): ReadonlyMap<Variable, Tensor> {
  const copies = new Map([...variables].map((variable) => [variable, plainValue(variable).detach()]));
  evaluate([...copies.values()]);
  return copies;
}

function filesIn(options: LoraOptions | AdapterFiles): AdapterFiles | null {
  return 'adapter_model.safetensors' in options || 'adapter_config.json' in options
    ? (options as AdapterFiles)
    : null;
}

/**
 * Freezes a model and puts a trainable change of low rank beside its weights: y = W x + alpha / rank · B A x with B = 0 at first
 * (Hu et al. 2021). Linear layers, convolutions and embeddings compute it beside them; other weights (those of attention, recurrent
 * layers, imported ONNX models, layers of yours) are added to.
 *
 * ```ts
 * const tuned = lora(model, { rank: 8, targets: ['attention', 'linear1'], modulesToSave: ['head'] });
 * const optimizer = adamw(tuned.parameters(), { learningRate: 1e-3 });
 * // … train `tuned` as any model; its stateDict and checkpoints hold what trains
 * const files = await tuned.save(); // as peft has them; lora(model, files) reads them
 * const merged = tuned.merge().unload(); // the model with changed weights
 * ```
 *
 * @param options what to adapt, or the files of an adapter
 * @throws RangeError when a target matches nothing, listing what there is
 */
export function lora<Inputs extends readonly unknown[], Output>(
  model: Module<Inputs, Output>,
  options: LoraOptions | AdapterFiles = {},
): Lora<Inputs, Output> {
  return new Lora(model, options);
}
