/**
 * What decides what a function computes, besides its arguments and numbers: which variables train, which mode a module is
 * in, which hooks there are, which variables and modules a module is made of. A trace notes what was so while it was made, and
 * serves as long as that is unchanged; reading it costs a comparison for each thing noted.
 */
import type { Variable } from '../variable.ts';

/** A module, as far as it is looked at here. */
export interface Holder {
  readonly training: boolean;
}

/** Anything with fields. */
type Fields = Readonly<Record<string, unknown>>;

/** What a trace depends on. */
export class Decisions {
  readonly #trainable = new Map<object, boolean | null>();
  readonly #training = new Map<object, boolean | null>();
  readonly #hooks = hooks;
  // The same once the trace is complete, as rows that are gone through at each call.
  #variables: readonly Pick<Variable, 'trainable'>[] = [];
  #modules: readonly Holder[] = [];
  #flags: readonly boolean[] = [];
  readonly #owners: Fields[] = [];
  readonly #names: string[] = [];
  readonly #values: unknown[] = [];
  readonly #lists: (readonly unknown[])[] = [];
  readonly #elements: (readonly unknown[])[] = [];

  /** A flag of a variable or module was read while the function ran; what it read first is what it depends on. */
  read(of: 'trainable' | 'training', object: object, flag: boolean): void {
    const noted = of === 'trainable' ? this.#trainable : this.#training;
    if (!noted.has(object)) noted.set(object, flag);
  }

  /** The function set a flag itself: what it reads from now on does not depend on what was outside. */
  wrote(of: 'trainable' | 'training', object: object): void {
    const noted = of === 'trainable' ? this.#trainable : this.#training;
    if (!noted.has(object)) noted.set(object, null);
  }

  /** The trace is complete and computes with these variables. */
  complete(variables: ReadonlySet<unknown>): void {
    const all = [...this.#trainable].filter(([, flag]) => flag !== null);
    const modes = [...this.#training].filter(([, flag]) => flag !== null);
    this.#variables = all.map(([variable]) => variable as Variable);
    this.#modules = modes.map(([module]) => module as Holder);
    this.#flags = [...all, ...modes].map(([, flag]) => flag!);
    const seeds = new Set<unknown>([...variables, ...this.#training.keys()]);
    for (const holder of holdersOf(seeds)) this.#noteFields(holder as unknown as Fields);
  }

  /** Whether everything noted is as it was. */
  hold(): boolean {
    if (hooks !== this.#hooks && !sameElements(hooks, this.#hooks)) return false;
    const [variables, modules, flags] = [this.#variables, this.#modules, this.#flags];
    for (let i = 0; i < variables.length; i++) if (variables[i].trainable !== flags[i]) return false;
    for (let i = 0; i < modules.length; i++)
      if (modules[i].training !== flags[variables.length + i]) return false;
    const [owners, names, values] = [this.#owners, this.#names, this.#values];
    for (let i = 0; i < owners.length; i++) if (owners[i][names[i]] !== values[i]) return false;
    const [lists, elements] = [this.#lists, this.#elements];
    for (let i = 0; i < lists.length; i++) if (!sameElements(lists[i], elements[i])) return false;
    return true;
  }

  /** Notes what a module is made of, and places where something could come to be. */
  #noteFields(owner: Fields): void {
    for (const name of Object.keys(owner)) {
      const value = owner[name];
      if (Array.isArray(value)) {
        if (value.length > 0 && !value.some(isPart)) continue;
        this.#noteElements(value);
      } else if (!isPart(value) && typeof value !== 'function' && value !== null && value !== undefined) {
        continue;
      }
      this.#owners.push(owner);
      this.#names.push(name);
      this.#values.push(value);
    }
  }

  #noteElements(list: readonly unknown[]): void {
    this.#lists.push(list);
    this.#elements.push([...list]);
    for (const element of list) if (Array.isArray(element)) this.#noteElements(element);
  }
}

/** Modules that exist, as long as somebody else holds them; for ever in engines without weak references. */
const holders = new Set<{ deref(): Holder | undefined }>();
const isHolder = new WeakSet<object>();
/** Those that are gone are looked for when there are this many. */
let crowded = 1024;

/** Notes that a module exists: traces look through its fields. */
export function noteHolder(holder: Holder): void {
  isHolder.add(holder);
  holders.add(typeof WeakRef === 'undefined' ? { deref: () => holder } : new WeakRef(holder));
  if (holders.size < crowded) return;
  for (const reference of holders) if (!reference.deref()) holders.delete(reference);
  crowded = Math.max(1024, 2 * holders.size);
}

/** Notes that a variable exists, so that it is known from other values of fields. */
export function notePart(variable: object): void {
  parts.add(variable);
}

const parts = new WeakSet<object>();

/** Whether a value of a field belongs to what modules are made of. */
function isPart(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return parts.has(value) || isHolder.has(value) || (Array.isArray(value) && value.some(isPart));
}

/** Modules that hold one of these variables or modules, directly or through others, and all that those hold. */
function holdersOf(seeds: ReadonlySet<unknown>): Set<Holder> {
  const parents = new Map<unknown, Holder[]>();
  const children = new Map<Holder, unknown[]>();
  for (const reference of holders) {
    const holder = reference.deref();
    if (!holder) continue;
    const held = Object.values(holder).flatMap(partsIn);
    children.set(holder, held);
    for (const part of held) {
      const list = parents.get(part);
      if (list) list.push(holder);
      else parents.set(part, [holder]);
    }
  }
  const found = new Set<Holder>();
  const waiting = [...seeds];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (children.has(part as Holder)) found.add(part as Holder);
    for (const holder of parents.get(part) ?? []) {
      if (found.has(holder)) continue;
      found.add(holder);
      waiting.push(holder);
    }
  }
  // A set that grows while it is gone through.
  for (const holder of found)
    for (const part of children.get(holder) ?? [])
      if (children.has(part as Holder)) found.add(part as Holder);
  return found;
}

function partsIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(partsIn);
  return isPart(value) ? [value] : [];
}

/** Numbers of the hooks that there are, in the order in which they came. */
let hooks: readonly number[] = [];
let lastHook = 0;

/** Notes that a hook was added to a module; the function returned notes that it is gone. */
export function noteHook(): () => void {
  const own = ++lastHook;
  hooks = [...hooks, own];
  return () => {
    hooks = hooks.filter((one) => one !== own);
  };
}

function sameElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
