/**
 * Reverse-mode differentiation: the gradient of a graph is a graph. The rules beside the operations in @ag/tensor are
 * written with tensor methods, so what this builds can be differentiated again, to any order.
 */
import {
  type AnyOp,
  computedDType,
  formatShape,
  isFloat,
  onesLike,
  sizeOf,
  type Tensor,
  Variable,
  zerosLike,
} from '@ag/tensor';
import {
  checkArray,
  checkTensor,
  codedError,
  isForgotten,
  isSourceOfForgotten,
  nextMark,
  shapeError,
  sumGradients,
  sumToShape,
  variableOf,
  withoutGrowth,
} from '@ag/tensor/engine';
import { beginRule, endRule } from './provenance.ts';

/** Something to differentiate by: a tensor that the result was computed from, or a variable. */
export type Differentiable = Tensor | Variable;

/**
 * The gradients of `y` with respect to each of `wrt`, as lazy tensors. Zeros where `y` does not depend on it.
 *
 * ```ts
 * const x = tensor([1, 2, 3]);
 * const [g] = gradients(x.square().sum(), [x]); // 2x
 * ```
 *
 * @param y a scalar, or any tensor together with `seed`
 * @param wrt tensors and variables of float dtype
 * @param seed the gradient that arrives at `y`, shape of `y`; for scalars 1
 * @throws TypeError for integer tensors in `wrt`
 * @throws RangeError when `y` is no scalar and there is no seed, or the seed has another shape
 */
export function gradients(y: Tensor, wrt: readonly Differentiable[], seed?: Tensor): Tensor[] {
  checkTensor(y, 'gradients', 'y');
  checkArray(wrt, 'gradients', 'wrt');
  return pullback([y], [seedOf(y, seed)], wrt);
}

/** Σᵢ seedᵢ·∂outputᵢ/∂wrt for each of `wrt`, in one pass over the graph. @internal */
export function pullback(
  outputs: readonly Tensor[],
  seeds: readonly Tensor[],
  wrt: readonly Differentiable[],
): Tensor[] {
  const tensors = wrt.map(tensorOf);
  for (const x of tensors) {
    if (!isFloat(x.dtype)) {
      throw codedError(
        TypeError,
        'AG_NOT_DIFFERENTIABLE',
        `gradients: a tensor of dtype ${x.dtype}, shape ${formatShape(x.shape)}, has no gradient; only float32 and float64 vary continuously. Cast it with x.cast('float32') before the computation.`,
      );
    }
  }
  const wanted = new Set<Differentiable>([...tensors, ...wrt]);
  const walk = topologicalOrder(
    outputs,
    wrt.some((x) => x instanceof Variable) ? 0 : Math.min(...tensors.map(({ serial }) => serial)),
  );
  const found = propagate(
    walk,
    outputs,
    seeds,
    (node) => wanted.has(node) || variableIn(node, wanted),
    undefined,
    tensors.some(isSourceOfForgotten),
  );
  const terms = new Map<Differentiable, Tensor[]>();
  const note = (x: Differentiable, g: Tensor): void => {
    const list = terms.get(x);
    if (list) list.push(g);
    else terms.set(x, [g]);
  };
  for (let position = 0; position < walk.nodes.length; position++) {
    const g = found[position];
    if (!g) continue;
    const node = walk.nodes[position];
    note(node, g);
    const variable = variableOf(node);
    if (variable !== null) note(variable, g);
  }
  return wrt.map((x, i) => {
    const list = terms.get(x);
    return list ? sumGradients(list) : noGradient(tensors[i]);
  });
}

/** The gradients of a scalar with respect to every trainable variable it depends on. @internal */
export function variableGradients(y: Tensor): Map<Variable, Tensor> {
  const walk = topologicalOrder([y]);
  const found = propagate(walk, [y], [seedOf(y, undefined)], (node) => trainable(node) !== null);
  const terms = new Map<Variable, Tensor[]>();
  for (let i = 0; i < walk.nodes.length; i++) {
    const variable = trainable(walk.nodes[i]);
    if (variable === null) continue;
    const g = found[i];
    const list = terms.get(variable);
    if (list === undefined) terms.set(variable, g ? [g] : []);
    else if (g) list.push(g);
  }
  const result = new Map<Variable, Tensor>();
  for (const [variable, list] of terms) {
    result.set(variable, list.length === 0 ? noGradient(variable.value) : sumGradients(list));
  }
  return result;
}

/** What the rules of a pass over the graph gave: see `nodeGradients`. @internal */
export interface NodeGradients {
  /** Inputs first, `outputs` included. */
  readonly nodes: readonly Tensor[];
  /** For each node the gradient that arrives there; absent where nothing does. */
  readonly gradients: readonly (Tensor | undefined)[];
  /** For each node and each of its inputs, what that use contributes. */
  readonly contributions: readonly (readonly (Tensor | null)[] | undefined)[];
}

/** The gradients of the sum of scalars with respect to every float node of their graph, by one pass. @internal */
export function nodeGradients(outputs: readonly Tensor[]): NodeGradients {
  const seeds = outputs.map((output) => seedOf(output, undefined));
  const walk = topologicalOrder(outputs);
  const contributions: (readonly (Tensor | null)[] | undefined)[] = new Array(walk.nodes.length);
  const gradients = propagate(
    walk,
    outputs,
    seeds,
    (node) => isFloat(node.dtype),
    (position, list) => {
      contributions[position] = list;
    },
  );
  return { nodes: walk.nodes, gradients, contributions };
}

const none: readonly Tensor[] = [];

/** What a node is computed from, also when it has been evaluated a moment ago. */
export function sourceOf(
  node: Tensor,
): { readonly op: AnyOp; readonly inputs: readonly Tensor[]; readonly attributes: unknown } | null {
  return node.op !== null ? (node as Tensor & { op: AnyOp }) : node.origin;
}

interface Walk {
  /** Inputs first; `node.position` is the place in this list while `node.visitMark` equals `mark`. */
  readonly nodes: readonly Tensor[];
  readonly visitMark: number;
  /** What has this number or a lower one counts as made of nothing. */
  readonly since: number;
}

/** All nodes that the outputs are computed from, without recursion. */
export function walkFrom(...outputs: readonly Tensor[]): Walk {
  return topologicalOrder(outputs);
}

/** The same for a list, which may be long. What is older than number `since` is met, and nothing behind it. */
export function topologicalOrder(outputs: readonly Tensor[], since = 0): Walk {
  const mark = nextMark();
  const nodes: Tensor[] = [];
  const stack: Tensor[] = [];
  const next: number[] = [];
  for (const output of outputs) {
    if (output.visitMark === mark) continue;
    output.visitMark = mark;
    stack.push(output);
    next.push(0);
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      const inputs = node.serial <= since ? none : (sourceOf(node)?.inputs ?? none);
      const i = next[next.length - 1]++;
      if (i < inputs.length) {
        const input = inputs[i];
        if (input.visitMark !== mark) {
          input.visitMark = mark;
          stack.push(input);
          next.push(0);
        }
        continue;
      }
      stack.pop();
      next.pop();
      node.position = nodes.length;
      nodes.push(node);
    }
  }
  return { nodes, visitMark: mark, since };
}

function seedOf(y: Tensor, seed: Tensor | undefined): Tensor {
  if (!isFloat(y.dtype)) {
    throw codedError(
      TypeError,
      'AG_NOT_DIFFERENTIABLE',
      `gradients: the result has dtype ${y.dtype}; only float results can be differentiated. Cast it with x.cast('float32'), or make it with { dtype: 'float32' }`,
    );
  }
  if (seed === undefined) {
    if (sizeOf(y.shape) !== 1) {
      throw codedError(
        RangeError,
        'AG_NOT_SCALAR',
        `gradients: the result has shape ${formatShape(y.shape)}, not that of a scalar. Reduce it (y.sum(), y.mean()) or give a seed of its shape.`,
      );
    }
    return onesLike(y);
  }
  checkTensor(seed, 'gradients', 'seed');
  if (seed.shape.length !== y.shape.length || seed.shape.some((size, i) => size !== y.shape[i])) {
    throw shapeError(
      `gradients: the seed has shape ${formatShape(seed.shape)}, the result ${formatShape(y.shape)}; they must be equal`,
    );
  }
  return seed;
}

/**
 * For each node of the walk that `wanted` accepts: its gradient. `seen` gets what each node contributes to the gradients
 * of its inputs. With `sources`, values that have forgotten which tensors they were made of count as gone.
 */
function propagate(...pass: Parameters<typeof propagateThrough>): (Tensor | undefined)[] {
  // A gradient is as deep as its function: what is built here counts as no growth of the graph.
  return withoutGrowth(() => propagateThrough(...pass));
}

/** Of a node in a pass: its gradient is wanted, something wanted lies behind it, it passes on what arrives. */
const target = 1;
const depends = 2;
const passesOn = 4;

function propagateThrough(
  { nodes, since }: Walk,
  outputs: readonly Tensor[],
  seeds: readonly Tensor[],
  wanted: (node: Tensor) => boolean,
  seen?: (position: number, contributions: readonly (Tensor | null)[]) => void,
  sources = false,
): (Tensor | undefined)[] {
  const count = nodes.length;
  const flags = new Uint8Array(count);
  // Positions of all nodes' inputs, one node after the other: taken before any rule runs, since rules build nodes, and
  // nodes may be marked by other walks.
  const positions: number[] = [];
  const first: number[] = [];
  for (let i = 0; i < count; i++) {
    const node = nodes[i];
    first.push(positions.length);
    if (wanted(node)) {
      flags[i] = target | depends;
    } else if (node.serial > since && isForgotten(node, sources)) {
      flags[i] = depends;
    }
    const source = node.serial > since ? sourceOf(node) : null;
    if (source === null) continue;
    for (const input of source.inputs) {
      positions.push(input.position);
      if ((flags[input.position] & depends) !== 0 && source.op.vjp) flags[i] |= passesOn;
    }
    if ((flags[i] & passesOn) !== 0 && isFloat(node.dtype)) flags[i] |= depends;
  }
  first.push(positions.length);
  /** What arrives first at each node, and where more does, all of it. */
  const arriving: (Tensor | undefined)[] = new Array(count);
  const several: (Tensor[] | undefined)[] = new Array(count);
  const found: (Tensor | undefined)[] = new Array(count);
  const arrive = (position: number, term: Tensor): void => {
    const earlier = arriving[position];
    const list = several[position];
    if (earlier === undefined) arriving[position] = term;
    else if (list === undefined) several[position] = [earlier, term];
    else list.push(term);
  };
  outputs.forEach(({ position }, i) => {
    if ((flags[position] & depends) !== 0) arrive(position, seeds[i]);
  });
  for (let i = count - 1; i >= 0; i--) {
    const term = arriving[i];
    if (term === undefined) continue;
    const terms = several[i];
    arriving[i] = undefined;
    several[i] = undefined;
    const node = nodes[i];
    const isTarget = (flags[i] & target) !== 0;
    if (!isTarget && isForgotten(node, sources)) throw goneError(node);
    const source = sourceOf(node);
    const rule = source?.op.vjp;
    const outer = beginRule(node);
    try {
      const g = terms === undefined ? fitting(term, node) : total(terms, node);
      if (isTarget) found[i] = g;
      if ((flags[i] & passesOn) === 0) continue;
      const contributions = rule!(g, source!.inputs, node, source!.attributes, pullback);
      if (seen) seen(i, contributions);
      for (let j = 0, at = first[i]; at < first[i + 1]; j++, at++) {
        const position = positions[at];
        const contribution = contributions[j];
        if (contribution && (flags[position] & depends) !== 0) arrive(position, contribution);
      }
    } finally {
      endRule(outer);
    }
  }
  return found;
}

/**
 * What arrived at a node, added up. Terms that are still broadcast are added first and summed to the node's shape
 * once, so that one reduction reads them all.
 */
function total(terms: readonly Tensor[], node: Tensor): Tensor {
  const [{ shape, dtype }] = terms;
  if (terms.every((term) => term.shape === shape && term.dtype === dtype))
    return fitting(sumGradients(terms), node);
  const byShape = new Map<string, Tensor[]>();
  for (const term of terms) {
    const key = `${term.shape.join('x')} ${term.dtype}`;
    const list = byShape.get(key);
    if (list) list.push(term);
    else byShape.set(key, [term]);
  }
  return sumGradients([...byShape.values()].map((list) => fitting(sumGradients(list), node)));
}

function noGradient(x: Tensor): Tensor {
  return zerosLike(x).cast(computedDType(x.dtype));
}

/** One term in the node's shape, and the dtype that it is computed as. */
function fitting(g: Tensor, node: Tensor): Tensor {
  return sumToShape(g, node).cast(computedDType(node.dtype));
}

function goneError(node: Tensor): Error {
  return codedError(
    Error,
    'AG_STALE_VALUE',
    `gradients: a tensor of shape ${formatShape(node.shape)} on the way was evaluated long ago, or before the last update of a variable, and what ` +
      'it was computed from is gone. Call backward before the update and before reading many tensors, or say x.detach() where it is meant as a constant.',
  );
}

function trainable(node: Tensor): Variable | null {
  const variable = variableOf(node);
  return variable?.trainable ? variable : null;
}

function variableIn(node: Tensor, wanted: ReadonlySet<Differentiable>): boolean {
  const variable = variableOf(node);
  return variable !== null && wanted.has(variable);
}

/** A tensor, or the current value of a variable; a variable of another copy of the library is named as such. */
function tensorOf(x: Differentiable): Tensor {
  if (x instanceof Variable) return x.value;
  const foreign = x as unknown as { readonly value?: unknown; readonly trainable?: unknown } | null;
  return checkTensor(
    typeof foreign === 'object' && foreign !== null && 'trainable' in foreign ? foreign.value : x,
    'gradients',
    'wrt',
    'a tensor or a variable',
  );
}
