/**
 * Arguments of compiled functions. What has not been computed yet and takes no more than views and elementwise steps (a
 * slice of a data set, bytes to be scaled) becomes part of the function's own plan: a batch is then read where it
 * lies instead of being copied first.
 */
import { apply, evaluate, tensor as fromData, type Tensor } from '@ag/tensor';
import { checkTensor, dynamicScalar, sameSignature, type Traversal, traverse } from '@ag/tensor/engine';

/** Longer ones are evaluated before the function runs. */
const maximalNodes = 64;

export interface Arguments {
  /** What the function's plan is fed: the arguments, or the leaves that lazy ones are made of. */
  readonly fed: readonly Tensor[];
  /** How lazy arguments are made from those; null when all arguments have values. */
  readonly steps: Traversal | null;
}

/** Splits arguments into what must be fed and what is left to do. */
export function argumentsOf(given: readonly Tensor[]): Arguments {
  let lazy = false;
  let literal = false;
  for (const tensor of given) {
    if (checkTensor(tensor, 'compile', 'an argument').op !== null) lazy = true;
    else if (tensor.leaf!.kind === 'literal') literal = true;
  }
  if (lazy) {
    const steps = traverse(given, []);
    if (steps.nodes.length <= maximalNodes && steps.nodes.every(isLight)) {
      // The next walk writes into the same signature.
      return { fed: steps.leaves, steps: { ...steps, signature: steps.signature.slice(0, steps.length) } };
    }
    for (const tensor of given) if (tensor.op !== null) evaluate([tensor]);
  }
  return { fed: literal ? given.map(withElements) : given, steps: null };
}

function isLight({ op, leaf, group }: Tensor): boolean {
  if (op === null) return leaf!.kind !== 'placeholder';
  return group === null && (op.lower.form === 'view' || op.lower.form === 'map');
}

function withElements(tensor: Tensor): Tensor {
  if (tensor.leaf!.kind !== 'literal') return tensor;
  return fromData(tensor.dataSync(), { shape: [], dtype: tensor.dtype });
}

/** The arguments that a function was traced with, and the numbers in them, which change from call to call. */
export class TracedArguments {
  /** The signature of the steps; null without any. */
  readonly signature: Int32Array | null;
  /** What the function is called with while it is traced. */
  readonly tensors: readonly Tensor[];
  readonly #fed: readonly Tensor[];
  #numbers: readonly Tensor[];

  /** To be made while the function is traced, so that numbers are read at each run. `inputs` stand for what is fed. */
  constructor(given: readonly Tensor[], { steps }: Arguments, inputs: readonly Tensor[]) {
    this.#fed = inputs;
    this.#numbers = steps?.literals ?? [];
    this.signature = steps?.signature ?? null;
    if (steps === null) {
      this.tensors = inputs;
      return;
    }
    const built = new Map<Tensor, Tensor>();
    steps.leaves.forEach((leaf, i) => built.set(leaf, inputs[i]));
    steps.literals.forEach((literal, i) =>
      built.set(
        literal,
        dynamicScalar(() => numberOf(this.#numbers[i]), literal.dtype),
      ),
    );
    for (const node of steps.nodes) {
      if (node.op === null) continue;
      const operands = node.inputs.map((input) => built.get(input)!);
      built.set(node, apply(node.op, operands, node.attributes));
    }
    this.tensors = given.map((tensor) => built.get(tensor)!);
  }

  /** Whether the trace serves these as well. */
  fit({ fed, steps }: Arguments): boolean {
    if (!sameTypes(this.#fed, fed)) return false;
    return this.signature === null ? steps === null : steps !== null && sameSignature(this.signature, steps);
  }

  /** The next run is with these, which fit. */
  take({ steps }: Arguments): void {
    if (steps !== null) this.#numbers = steps.literals;
  }
}

function numberOf({ leaf }: Tensor): number {
  return leaf?.kind === 'literal' ? leaf.value : Number.NaN;
}

function sameTypes(a: readonly Tensor[], b: readonly Tensor[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const x = a[i];
    const y = b[i];
    if (x.dtype !== y.dtype || x.shape.length !== y.shape.length) return false;
    for (let axis = 0; axis < x.shape.length; axis++) if (x.shape[axis] !== y.shape[axis]) return false;
  }
  return true;
}
