/**
 * From tensors to the planner's own nodes: operations that are defined by others are expanded, equal
 * computations become one, and nodes whose elements must lie in memory get a copy where they have none.
 */
import { bytesPerElement, type DType, isStorage } from '../dtype.ts';
import { codedError } from '../errors.ts';
import { hasOpen } from '../openSizes.ts';
import { contract } from '../ops/contract.ts';
import { positions } from '../ops/indexing.ts';
import { permute } from '../ops/movement.ts';
import {
  type AnyOp,
  type ContractionLabels,
  collectivePart,
  defineOp,
  type Lowering,
  map,
  type ViewContext,
} from '../ops/op.ts';
import { formatShape, type Shape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { contiguousView, type View } from '../view.ts';
import type { LoopPlanner } from './loopPlanner.ts';
import type { Traversal } from './signature.ts';
import { turnedProducts } from './turned.ts';

/** A node as the planner sees it. */
export interface PlanNode {
  /** Position in `Lowered.nodes`, inputs first. */
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Null for leaves. */
  readonly op: AnyOp | null;
  readonly attributes: unknown;
  readonly inputs: readonly PlanNode[];
  /** The node whose memory this one looks at through views: itself unless it is a view. */
  readonly base: PlanNode;
  /** How it lies in the memory of `base`; null when strides cannot express it. */
  readonly view: View | null;
  /** Views between `base` and this node. */
  readonly depth: number;
  /** The tensor it is part of: the one of the graph, for all that an operation expands to. */
  readonly origin: Tensor;
  readonly leaf:
    | { readonly kind: 'binding'; readonly binding: number }
    | { readonly kind: 'scalar'; readonly scalar: number }
    | { readonly kind: 'constant'; readonly value: number }
    | null;
}

export interface Lowered {
  readonly nodes: PlanNode[];
  /** The planner's node for each output, then for each update. Each is computed by a kernel of its own or fused. */
  readonly results: readonly PlanNode[];
}

/** JSON writes infinities and NaN alike, as null, and −0 as 0: attributes that differ there must stay apart. */
function exactNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? '-0' : value}`
    : value;
}

/** A longer chain of views is copied once: paths through it are composed step by step. */
const maxViews = 32;

/** The same elements, written anew. */
export const copy = defineOp({
  name: 'copy',
  type: ([x]) => x,
  lower: map(([x]) => x, { operands: 'own' }),
});

/** Translates a traversal; `results` are the tensors whose values the plan must deliver. */
export function lower(traversal: Traversal, results: readonly Tensor[]): Lowered {
  const nodes: PlanNode[] = [];
  const known = new Map<string, PlanNode>();
  const translated = new Map<Tensor, PlanNode>();
  const turned = turnedProducts(traversal, results);
  /** Of what widens stored numbers, that which has a reader. */
  const read = new Set<PlanNode>();
  const stores = traversal.leaves.some(({ dtype }) => isStorage(dtype));

  let origin = results[0];
  let loops: ReadonlyMap<Tensor, readonly number[]> | null = null;

  const add = (
    op: AnyOp | null,
    attributes: unknown,
    inputs: readonly PlanNode[],
    shape: Shape,
    dtype: DType,
    leaf: PlanNode['leaf'] = null,
  ): PlanNode => {
    const node = {
      index: nodes.length,
      shape,
      dtype,
      op,
      attributes,
      inputs,
      base: null as unknown as PlanNode,
      view: null as View | null,
      depth: 0,
      origin,
      leaf,
    };
    if (isView(node)) {
      const input = inputs[0];
      node.base = input.base;
      node.view = input.view && applyView(node, input.view);
      node.depth = input.depth + 1;
    } else {
      node.base = node;
      node.view = contiguousView(shape);
    }
    nodes.push(node);
    return node;
  };
  const share = (key: string, make: () => PlanNode): PlanNode => {
    let node = known.get(key);
    if (!node) {
      node = make();
      known.set(key, node);
    }
    return node;
  };
  const withOp = (
    op: AnyOp,
    attributes: unknown,
    inputs: readonly PlanNode[],
    shape: Shape,
    dtype: DType,
  ): PlanNode => {
    const make = (): PlanNode =>
      add(op, attributes, stores && !isViewOp(op) ? inputs.map(widenedAnew) : inputs, shape, dtype);
    if (op.lower.form === 'barrier' || collectivePart(op) !== null) return make();
    const key = `${op.id} ${inputs.map((x) => x.index).join(' ')} ${attributes === undefined ? '' : JSON.stringify(attributes, exactNumber)} ${shape.join('x')}`;
    return share(key, make);
  };
  /** What widens stored numbers is computed again by each reader: keeping it would take more memory than what it is made of. */
  const widenedAnew = (x: PlanNode): PlanNode => {
    if (!widens(x.base)) return x;
    if (read.has(x.base)) return again(x);
    read.add(x.base);
    return x;
  };
  const again = (x: PlanNode): PlanNode => {
    const { base } = x;
    if (x.op === null || base.op === null || 8 * bytesOf(base) < bytesOf(x)) return x;
    return add(x.op, x.attributes, x.inputs.map(again), x.shape, x.dtype);
  };
  /** The same view of what a cast has read. */
  const ofSource = (x: PlanNode): PlanNode => {
    const [input, ...rest] = x.inputs;
    if (x.base === x) return input;
    const source = ofSource(input);
    return withOp(x.op!, x.attributes, [source, ...rest], x.shape, source.dtype);
  };
  const copied = (x: PlanNode): PlanNode => withOp(copy, undefined, [x], x.shape, x.dtype);

  const leaf = (tensor: Tensor): PlanNode => {
    const { shape, dtype } = tensor;
    if (tensor.leaf!.kind === 'literal') {
      const value = tensor.leaf!.value;
      const key = `constant ${Object.is(value, -0) ? '-0' : value} ${dtype}`;
      return share(key, () => add(null, undefined, [], shape, dtype, { kind: 'constant', value }));
    }
    throw codedError(
      Error,
      'AG_INTERNAL',
      `an operation expanded to a graph with a ${tensor.leaf!.kind} leaf; pass it as an input`,
    );
  };

  /** A node whose inputs are translated. */
  const translate = (tensor: Tensor): PlanNode => {
    const op = tensor.op;
    if (op === null) return leaf(tensor);
    if (op.lower.form === 'expand') return translateGraph(op.lower.of(tensor.inputs, tensor.attributes));
    let inputs = tensor.inputs.map((input) => translated.get(input)!);
    switch (op.lower.form) {
      case 'contract': {
        inputs = inputs.map((x) =>
          x.dtype === tensor.dtype ? x : withOp(castTo, { dtype: tensor.dtype }, [x], x.shape, tensor.dtype),
        );
        inputs = inputs.map((x) => (inMemory(x) ? x : copied(x)));
        const order = turned.get(tensor);
        if (order) return writtenInOrder(tensor, inputs, order);
        break;
      }
      case 'scan': {
        inputs = inputs.map((x) =>
          x.dtype === tensor.dtype ? x : withOp(castTo, { dtype: tensor.dtype }, [x], x.shape, tensor.dtype),
        );
        inputs = inputs.map((x) => (inMemory(x) ? x : copied(x)));
        break;
      }
      case 'gather':
      case 'scatter': {
        inputs = inputs.map((x, i) =>
          i === 1 && x.dtype !== 'int32' ? withOp(positions, undefined, [x], x.shape, 'int32') : x,
        );
        inputs = inputs.map((x) => (inMemory(x) ? x : copied(x)));
        const { base } = inputs[0];
        if (op.lower.form === 'gather' && base.op && base.inputs.length === 1 && widens(base, 1)) {
          // Only what is read of a table is widened.
          const read = [ofSource(inputs[0]), inputs[1]];
          const found = withOp(op, tensor.attributes, read, tensor.shape, read[0].dtype);
          return withOp(base.op, base.attributes, [found], tensor.shape, tensor.dtype);
        }
        break;
      }
      case 'sort':
        inputs = inputs.map((x) => (inMemory(x) ? x : copied(x)));
        break;
      case 'host':
        // Host routines see whole arrays in row-major order.
        inputs = inputs.map((x) =>
          (x.op === null && x.leaf!.kind === 'binding') || isWhole(op, x) ? x : copied(x),
        );
        break;
      case 'loop':
        return translateLoop(tensor, op, inputs);
      case 'view': {
        const input = inputs[0];
        const node = withOp(op, tensor.attributes, inputs, tensor.shape, tensor.dtype);
        if (node.view !== null && node.depth <= maxViews) return node;
        return withOp(op, tensor.attributes, [copied(input), ...inputs.slice(1)], tensor.shape, tensor.dtype);
      }
    }
    return withOp(op, tensor.attributes, inputs, tensor.shape, tensor.dtype);
  };

  /** A product written with its axes in another order, seen in its own. */
  const writtenInOrder = (
    { attributes, shape, dtype }: Tensor,
    inputs: readonly PlanNode[],
    order: readonly number[],
  ): PlanNode => {
    const labels = attributes as ContractionLabels;
    const out = order.map((axis) => labels.out[axis]);
    const written = order.map((axis) => shape[axis]);
    const product = withOp(contract, { ...labels, out }, inputs, written, dtype);
    const back = { order: order.map((_, axis) => order.indexOf(axis)) };
    return withOp(permute, back, [product], shape, dtype);
  };

  const translateLoop = (tensor: Tensor, op: AnyOp, inputs: readonly PlanNode[]): PlanNode => {
    const { keptInputs, loopNode } = (op.lower as Extract<Lowering<unknown>, { form: 'loop' }>)
      .planner as LoopPlanner;
    loops ??= keptInputs(traversal, results);
    const kept = loops.get(tensor) ?? inputs.map((_, i) => i);
    const { attributes, given } = loopNode(tensor, inputs, kept, copied);
    const key = JSON.stringify([op.id, given.map((x) => x.index), kept, tensor.attributes], exactNumber);
    return share(key, () => add(op, attributes, given, tensor.shape, tensor.dtype));
  };

  /** Translates what hangs between `root` and nodes already translated. */
  const translateGraph = (root: Tensor): PlanNode => {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (translated.has(node)) {
        stack.pop();
        continue;
      }
      const missing = node.inputs.filter((input) => !translated.has(input));
      if (missing.length > 0) {
        stack.push(...missing);
      } else {
        stack.pop();
        translated.set(node, translate(node));
      }
    }
    return translated.get(root)!;
  };

  let binding = 0;
  let scalar = 0;
  for (const tensor of traversal.nodes) {
    origin = tensor;
    if (tensor.op === null) {
      const { shape, dtype } = tensor;
      if (hasOpen(shape)) {
        throw codedError(
          Error,
          'AG_NOT_FED',
          `a placeholder of shape ${formatShape(shape)} has no value; feed it with new Graph({ inputs, outputs }).run(feeds)`,
        );
      }
      const where =
        tensor.leaf!.kind === 'literal'
          ? ({ kind: 'scalar', scalar: scalar++ } as const)
          : ({ kind: 'binding', binding: binding++ } as const);
      translated.set(tensor, add(null, undefined, [], shape, dtype, where));
    } else {
      translated.set(tensor, translate(tensor));
    }
  }

  const taken = new Set<PlanNode>();
  const delivered = results.map((tensor) => {
    origin = tensor;
    let node = translated.get(tensor)!;
    if (
      node.op === null ||
      node.op.lower.form === 'view' ||
      node.op.lower.form === 'coordinates' ||
      node.op.lower.form === 'barrier' ||
      taken.has(node)
    ) {
      node = add(copy, undefined, [node], node.shape, node.dtype);
    }
    taken.add(node);
    return node;
  });
  return { nodes, results: delivered };
}

/**
 * Whether a collective can take its input where it was made: what was put together for it, and what is on its way, of which a copy
 * would be made too early.
 */
function isWhole(op: AnyOp, x: PlanNode): boolean {
  if (collectivePart(op) === null || x.base !== x) return false;
  return x.op?.lower.form === 'place' || collectivePart(x.op) !== null;
}

const castTo = defineOp<{ readonly dtype: DType }>({
  name: 'cast',
  type: ([x], { dtype }) => ({ shape: x.shape, dtype }),
  lower: map(([x]) => x, { operands: 'output' }),
});

/** The node whose memory a chain of views looks at. */
export function baseOf(node: PlanNode): PlanNode {
  return node.base;
}

export function isView(node: PlanNode): boolean {
  return node.op !== null && isViewOp(node.op);
}

function isViewOp({ lower: { form } }: AnyOp): boolean {
  return form === 'view' || form === 'barrier';
}

/** Fewer bytes are not worth a kernel of their own for each reader. */
const worthWidening = 16_384;

/**
 * Whether a node makes more bytes out of numbers that a leaf only stores (`float16`, `int8`, …), in few steps: a cast, and what may belong
 * to it, such as the scale of quantized weights or a change of low rank.
 */
export function widens(node: PlanNode, steps = 3): boolean {
  if (steps === 0 || node.op?.lower.form !== 'map' || bytesOf(node) < worthWidening) return false;
  const large = largeInputs(node);
  const stored = large.filter((base) => (base.op === null ? isStorage(base.dtype) : widens(base, steps - 1)));
  return stored.length === 1 && large.every((base) => base === stored[0] || isThin(base, steps - 1));
}

/** Whether a node is a product of leaves that are much smaller, or a step from one. */
function isThin(node: PlanNode, steps: number): boolean {
  const form = node.op?.lower.form;
  if (form === 'map') return steps > 0 && largeInputs(node).every((base) => isThin(base, steps - 1));
  return (
    form === 'contract' &&
    node.inputs.every(({ base }) => base.op === null && 8 * bytesOf(base) < bytesOf(node))
  );
}

/** What a node is made of, without what is much smaller. */
function largeInputs(node: PlanNode): PlanNode[] {
  return node.inputs.map(({ base }) => base).filter((base) => 8 * bytesOf(base) >= bytesOf(node));
}

export function bytesOf({ shape, dtype }: PlanNode): number {
  return sizeOf(shape) * bytesPerElement(dtype);
}

/** What a view node makes of a view of its input. */
export function applyView(node: PlanNode, input: View): View | null {
  const lowering = node.op!.lower;
  if (lowering.form === 'barrier') return input;
  if (lowering.form !== 'view') throw codedError(Error, 'AG_INTERNAL', `${node.op!.name} is no view`);
  const context: ViewContext = {
    inputs: node.inputs,
    output: node,
    scalars: node.inputs.slice(1).map((x) => (x.leaf?.kind === 'scalar' ? x.leaf.scalar : -1)),
  };
  return lowering.of(input, node.attributes, context);
}

/** How `node` lies in the memory of its base; null when strides cannot express it. */
export function viewOf(node: PlanNode): View | null {
  return node.view;
}

/** Whether the base of a node will have memory of its own when a kernel asks for it. */
export function inMemory(node: PlanNode): boolean {
  const base = baseOf(node);
  if (base.op === null) return base.leaf!.kind === 'binding';
  return base.op.lower.form !== 'coordinates';
}
