/**
 * What a function computes for one size of batch: its graph on placeholders, with names, and the plan that the library would run.
 *
 * Traced as `compile` does it. What a step reads on the host at each run is kept apart: the words of random keys, which a module makes by
 * itself, and all other numbers (learning rates, corrections of running means).
 */
import { type DType, evaluate, type Launch, type Program, Tensor, type Variable } from '@ag/tensor';
import {
  capturedNodes,
  codedError,
  commitAssignments,
  dropGradients,
  type HostWork,
  type Leaf,
  makePlan,
  nextSerial,
  placeholderLeaf,
  recordTrace,
  synchronous,
  traverse,
  typeError,
  valueError,
  withKeysFrom,
} from '@ag/tensor/engine';

/** An input: a tensor like those to come, or its shape. `null` as the first size leaves the size of the batch open. */
export interface PlanInput {
  readonly shape: readonly (number | null)[];
  /** Default float32. */
  readonly dtype?: DType;
}

/** Inputs by name; an argument that is a structure of tensors is one of inputs. */
export interface PlanInputs {
  readonly [name: string]: PlanInput | PlanInputs;
}

/** A tensor tree as functions take and give it. */
type Tree = Tensor | readonly Tree[] | { readonly [name: string]: Tree };

export type Named = readonly [name: string, tensor: Tensor];

/** A binding of the plan's program. */
export type Bound =
  | { readonly kind: 'input' | 'output'; readonly name: string; readonly tensor: Tensor }
  | { readonly kind: 'variable'; readonly variable: Variable }
  | { readonly kind: 'constant'; readonly tensor: Tensor }
  /** The next value of a variable: written over the present one, or beside it and copied at the end of the run. */
  | { readonly kind: 'update'; readonly variable: Variable; readonly inPlace: boolean };

/** A scalar of the run: its value, or how it is read. */
type Literal = Extract<Leaf, { kind: 'literal' }>;

export interface Recording {
  readonly inputs: readonly Named[];
  readonly outputs: readonly Named[];
  readonly program: Program;
  readonly bindings: readonly Bound[];
  readonly literals: readonly Literal[];
  /** Host work of a step, in order: counting, schedules. */
  readonly beforeEachRun: readonly HostWork[];
  /** The words of the keys that the function asked for, to be set before literals are read. */
  readonly keys: [number, number][];
}

/** Records `f` for a batch of `batch`, the size of open first axes. */
export function record(f: (...inputs: never[]) => unknown, given: PlanInputs, batch: number): Recording {
  const inputs: Named[] = [];
  const fed = Object.entries(given).map(([name, one]) => placeholders(one, name, batch, inputs));
  const since = nextSerial();
  commitAssignments();
  const keys: [number, number][] = [];
  const source = () => {
    const i = keys.push([0, 0]) - 1;
    return { words: [0, 0] as [number, number], read: () => keys[i] };
  };
  const call = f as unknown as (...inputs: Tree[]) => unknown;
  const { result, trace } = recordTrace(() =>
    withKeysFrom(source, () => synchronous('exportPlan', call(...fed))),
  );
  const outputs = named(result);
  const updates = [...trace.updates].map(([variable, value]) => ({ variable, value }));
  const tensors = outputs.map(([, tensor]) => tensor);
  const variables = new Set(updates.map(({ variable }) => variable));
  const first = traverse(tensors, updates);
  for (const { leaf } of first.leaves) if (leaf?.kind === 'variable') variables.add(leaf.variable);
  // They are expressions of placeholders now.
  dropGradients([...variables]);
  evaluate(capturedNodes(first, since));
  const planned = updates.map(({ variable, value }) => ({
    variable: { inPlace: true, currentLeaf: () => variable.currentLeaf() },
    value,
  }));
  const traversal = traverse(tensors, planned);
  const plan = makePlan(traversal, tensors, planned, { fusion: true });
  refuseHost(plan.program.launches);
  const bindings: Bound[] = [];
  traversal.leaves.forEach((tensor, i) => {
    const at = plan.leafBindings[i];
    if (at < 0) return;
    const leaf = tensor.leaf!;
    if (leaf.kind === 'variable') bindings[at] = { kind: 'variable', variable: leaf.variable };
    else if (leaf.kind !== 'placeholder') bindings[at] = { kind: 'constant', tensor };
    else {
      const input = inputs.find(([, one]) => one === tensor);
      if (!input)
        throw codedError(
          Error,
          'AG_NOT_FED',
          `exportPlan: placeholder '${leaf.name}' is not among the inputs`,
        );
      bindings[at] = { kind: 'input', name: input[0], tensor };
    }
  });
  for (const [name, tensor] of outputs) bindings.push({ kind: 'output', name, tensor });
  updates.forEach(({ variable }, i) => {
    bindings.push({ kind: 'update', variable, inPlace: plan.inPlace[i] });
  });
  return {
    inputs,
    outputs,
    program: plan.program,
    bindings,
    literals: traversal.literals.map(({ leaf }) => leaf as Literal),
    beforeEachRun: trace.beforeEachRun,
    keys,
  };
}

/** Whether an input, or one in it, leaves the size of the batch open. */
export function hasOpenBatch(inputs: PlanInputs): boolean {
  return Object.values(inputs).some((one) => (isInput(one) ? one.shape[0] === null : hasOpenBatch(one)));
}

function isInput(one: PlanInput | PlanInputs): one is PlanInput {
  return Array.isArray((one as PlanInput | null)?.shape);
}

function placeholders(one: PlanInput | PlanInputs, name: string, batch: number, found: Named[]): Tree {
  if (typeof one !== 'object' || one === null)
    throw typeError(`exportPlan: the input '${name}' must be a tensor or { shape, dtype }`);
  if (!isInput(one)) {
    const parts = Object.entries(one).map(([part, inner]) => [
      part,
      placeholders(inner, `${name}.${part}`, batch, found),
    ]);
    return Object.fromEntries(parts) as Tree;
  }
  const shape = one.shape.map((size, axis) => {
    if (size === null && axis === 0) return batch;
    if (Number.isInteger(size) && size! >= 0) return size!;
    throw valueError(
      `exportPlan: the input '${name}' has shape [${one.shape.join(', ')}]; sizes must be whole numbers, the first one may be null (any batch up to maxBatch)`,
    );
  });
  const tensor = placeholderLeaf(shape, one.dtype ?? 'float32', name);
  found.push([name, tensor]);
  return tensor;
}

/** The tensors of a result, named by where they stand: `output` where there is one alone. */
function named(result: unknown, path = ''): Named[] {
  if (result instanceof Tensor) return [[path || 'output', result]];
  if (typeof result !== 'object' || result === null)
    throw typeError(`exportPlan: the function must give tensors, got ${result}${path && ` as '${path}'`}`);
  return Object.entries(result).flatMap(([name, one]) => named(one, path ? `${path}.${name}` : name));
}

/** What runs in JavaScript between kernels stays there. */
function refuseHost(launches: readonly Launch[]): void {
  for (const { kernel, label } of launches) {
    if (kernel.form !== 'host' && kernel.form !== 'loop') continue;
    throw unsupported(
      kernel.form === 'loop' ? `${label} (a loop)` : kernel.name.split(' ')[0],
      kernel.form === 'loop'
        ? 'its steps are driven by JavaScript; write a fixed number of steps out in the function'
        : 'it is a routine of the host; export what comes before and after it apart',
    );
  }
}

/** What a module cannot do by itself. */
export function unsupported(operation: string, why: string): Error {
  return codedError(Error, 'AG_UNSUPPORTED', `exportPlan: ${operation} cannot be exported: ${why}`);
}
