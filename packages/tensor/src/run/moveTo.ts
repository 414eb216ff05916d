/**
 * Moving values to another backend when the one that holds them answers later: they are read, all together, and written
 * there. Where synchronous reads are possible `use` alone does, as variables follow when they are next used.
 */
import { typeError } from '../errors.ts';
import type { Backend } from '../kernel/backend.ts';
import { traverse } from '../plan/signature.ts';
import { Tensor } from '../tensor.ts';
import { Variable } from '../variable.ts';
import { warn } from '../warn.ts';
import { commitAssignments } from './evaluate.ts';
import { use } from './runtime.ts';

/** What holds variables: a module, an optimizer, running averages of weights. */
export interface HoldsVariables {
  /** Of a module. */
  parameters?: unknown;
  namedBuffers?(): ReadonlyMap<string, Variable>;
  /** Of an optimizer: parameters and state. */
  variables?(): Iterable<Variable>;
}

/** What {@link moveTo} moves. */
export type Movable = Variable | Tensor | HoldsVariables | Iterable<Movable>;

/**
 * Selects a backend, as `use` does, and moves what a model and an optimizer hold to it, from wherever it lies. Needed for
 * what lies on a device that cannot be read at once, such as a graphics processor; what is not named stays where it is.
 *
 * ```ts
 * use(await webgpu());
 * // … train …
 * await moveTo(await wasm(), model, optimizer);
 * // … go on
 * ```
 *
 * Values that were lost with their device cannot be moved: a warning names them, and reading one throws `AG_DEVICE_LOST`
 * until a saved state is loaded, which `loadStateDict` and `loadState` do there as everywhere.
 *
 * @param what variables, tensors, modules, optimizers, or lists of them
 * @throws TypeError for anything else; OutOfMemoryError when the backend has no room, and what did not move stays
 */
export async function moveTo(backend: Backend, ...what: readonly Movable[]): Promise<void> {
  const variables = new Set<Variable>();
  const tensors = new Set<Tensor>();
  for (const each of what) collect(each, variables, tensors);
  const lost = new Set<Variable>();
  // Assignments that wait are computed where their operands are.
  await unlessLost(async () => commitAssignments());
  for (const { initial } of variables) if (initial) tensors.add(initial);
  await Promise.all([...tensors].map((tensor) => unlessLost(() => bringToHost(tensor, backend))));
  let left = [...variables];
  while (left.length > 0) {
    const moving = await Promise.all(
      left.map(async (variable) => {
        const copies = await unlessLost(() => variable.moveOut(backend));
        if (copies === undefined) lost.add(variable);
        return copies ?? null;
      }),
    );
    // Those that a step has changed in the meantime are read once more.
    left = left.filter((variable, i) => moving[i] !== null && !variable.moveIn(backend, moving[i]));
  }
  for (const variable of lost) variable.lose(undefined);
  use(backend);
  if (lost.size > 0) warnLost([...lost]);
}

function collect(what: Movable, variables: Set<Variable>, tensors: Set<Tensor>): void {
  if (what instanceof Variable) variables.add(what);
  else if (what instanceof Tensor) tensors.add(what);
  else if (isIterable(what)) for (const each of what) collect(each, variables, tensors);
  else if (typeof what?.variables === 'function') for (const each of what.variables()) variables.add(each);
  else if (typeof what?.parameters === 'function') {
    for (const each of what.parameters() as Iterable<Variable>) variables.add(each);
    for (const each of what.namedBuffers?.().values() ?? []) variables.add(each);
  } else {
    throw typeError(
      `moveTo: expected variables, tensors, modules or optimizers, got ${what === null ? 'null' : typeof what}`,
    );
  }
}

function isIterable(what: unknown): what is Iterable<Movable> {
  return typeof what === 'object' && what !== null && Symbol.iterator in what;
}

/** What a tensor is made of comes to the host from other backends; the tensor itself, where it has a value. */
async function bringToHost(tensor: Tensor, backend: Backend): Promise<void> {
  const leaves = tensor.op === null ? [tensor] : traverse([tensor], []).leaves;
  const leave = ({ leaf }: Tensor): Promise<void> | null =>
    leaf?.kind === 'device' && !leaf.device.isOn(backend) ? leaf.device.spill() : null;
  await Promise.all(leaves.map(leave));
}

/** Undefined where the device is gone. */
async function unlessLost<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'AG_DEVICE_LOST') throw error;
    return undefined;
  }
}

function warnLost(lost: readonly Variable[]): void {
  const names = lost.slice(0, 3).map(({ name }) => `'${name}'`);
  const rest = lost.length > 3 ? ` and ${lost.length - 3} more` : '';
  warn(
    'AG_VALUES_LOST',
    `moveTo: the values of ${names.join(', ')}${rest} were lost with their device; load a state that was saved before`,
  );
}
