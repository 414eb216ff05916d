/**
 * Builds a graph again with one more axis in front, by a rule for each form of lowering. Attributes are shifted by
 * what they are called (`axis`, `axes`, `shape`, `order`, …) and the shifted ones are checked against what the
 * lowering says they mean; an operation that does not pass is done once for each example, which is slow but right.
 */
import {
  type AnyOp,
  apply,
  formatShape,
  type Lane,
  type Lowering,
  type Shape,
  sizeOf,
  stack,
  type Tensor,
  type View,
  zeros,
} from '@ag/tensor';
import { axisError, codedError, placeholderLeaf, sumToShape } from '@ag/tensor/engine';
import {
  type BundleAttributes,
  bundle,
  type CustomAttributes,
  custom,
  member,
  type Rule,
  withRule,
} from './custom.ts';
import { sourceOf, topologicalOrder } from './gradients.ts';

interface Node {
  readonly node: Tensor;
  readonly op: AnyOp;
  readonly inputs: readonly Tensor[];
  readonly attributes: unknown;
}

/** The outputs with `size` examples in front. `lanes` holds what stands for one example, with its examples. */
export function batchGraph(outputs: readonly Tensor[], lanes: Map<Tensor, Lane>, size: number): Tensor[] {
  const batch = new Batch(lanes, size);
  return outputs.map((output) => batch.full(output));
}

/** `x` with `axis` moved to the front. */
export function front(x: Tensor, axis: number, where: string): Tensor {
  const rank = x.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank) {
    throw axisError(
      `vmap: ${where} of shape ${formatShape(x.shape)} has no axis ${axis} that could hold the examples`,
    );
  }
  if (at === 0) return x;
  return x.permute([at, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== at)]);
}

class Batch {
  readonly #lanes: Map<Tensor, Lane>;
  readonly #size: number;
  /** For each loop that depends on examples, what its results are. */
  readonly #loops = new Map<Tensor, (result: unknown) => Lane>();

  constructor(lanes: Map<Tensor, Lane>, size: number) {
    this.#lanes = lanes;
    this.#size = size;
  }

  /** A node with all examples, also where they are all the same. */
  full(node: Tensor): Tensor {
    return this.#wide(this.lane(node), node.shape);
  }

  lane(node: Tensor): Lane {
    if (!this.#lanes.has(node)) {
      for (const next of topologicalOrder([node]).nodes) {
        if (this.#lanes.has(next)) continue;
        const source = sourceOf(next);
        if (source === null || !source.inputs.some((input) => this.#lanes.has(input))) continue;
        this.#lanes.set(next, this.#rebuild({ node: next, ...source }));
      }
    }
    return this.#lanes.get(node) ?? { tensor: node, batched: false };
  }

  #wide({ tensor, batched }: Lane, shape: Shape): Tensor {
    return batched ? tensor : tensor.broadcastTo([this.#size, ...shape]);
  }

  #rebuild(at: Node): Lane {
    const lanes = at.inputs.map((input) => this.#lanes.get(input) ?? { tensor: input, batched: false });
    if (at.op === (custom as AnyOp) || at.op === (bundle as AnyOp) || at.op === (member as AnyOp))
      return this.#withRule(at, lanes);
    const used = lanes.map((lane, i) =>
      onlyShape(at, i) ? { tensor: stub(at.inputs[i]), batched: false } : lane,
    );
    if (at.op.lower.form === 'barrier') {
      return {
        tensor: apply(
          at.op,
          lanes.map((lane) => lane.tensor),
          at.attributes,
        ),
        batched: lanes[0].batched,
      };
    }
    if (!used.some((lane) => lane.batched)) {
      return {
        tensor: apply(
          at.op,
          used.map((lane) => lane.tensor),
          at.attributes,
        ),
        batched: false,
      };
    }
    if (at.op.lower.form === 'loop') {
      const { loop, result } = at.op.lower.batch({
        ...at,
        lanes,
        size: this.#size,
        batch: (leaves, nodes) => {
          const inside = new Batch(new Map(leaves), this.#size);
          return nodes.map((node) => inside.lane(node));
        },
      });
      this.#loops.set(at.node, result);
      return { tensor: loop, batched: true };
    }
    if (at.op.lower.form === 'result') return this.#loops.get(at.inputs[0])!(at.attributes);
    if (at.op.lower.form === 'expand') return this.#expand(at, lanes);
    const tensor = this.#direct(at, used) ?? this.#oneByOne(at, used);
    return { tensor, batched: true };
  }

  /** The operation on all examples at once; null when that is not known to be the same. */
  #direct(at: Node, lanes: readonly Lane[]): Tensor | null {
    const { op, node } = at;
    const size = this.#size;
    const expected = [size, ...node.shape];
    const attempt = (inputs: readonly Tensor[], attributes: unknown): Tensor | null => {
      const result = applied(op, inputs, attributes);
      return result !== null && same(result.shape, expected) && result.dtype === node.dtype ? result : null;
    };
    const lowering = op.lower as Lowering<unknown>;
    const all = (): Tensor[] => lanes.map((lane, i) => this.#wide(lane, at.inputs[i].shape));
    switch (lowering.form) {
      case 'map': {
        const rank = node.shape.length;
        const aligned = lanes.map((lane) => (lane.batched ? padded(lane.tensor, rank) : lane.tensor));
        return (
          attempt(aligned, at.attributes) ??
          attempt(
            all().map((x) => padded(x, rank).broadcastTo(expected)),
            at.attributes,
          )
        );
      }
      case 'view':
        return this.#view(at, lanes, lowering, attempt);
      case 'reduce': {
        const attributes = shifted(at.attributes, size, node);
        const rank = at.inputs[0].shape.length;
        const before = lowering.axes(at.attributes).map((axis) => (axis < 0 ? axis + rank : axis) + 1);
        const after = lowering.axes(attributes).map((axis) => (axis < 0 ? axis + rank + 1 : axis));
        return same(before, after) ? attempt([lanes[0].tensor], attributes) : null;
      }
      case 'contract': {
        const labels = lowering.labels(at.attributes);
        const own = 1 + Math.max(-1, ...labels.a, ...labels.b);
        const [a, b] = lanes as [Lane, Lane];
        const attributes = {
          ...(at.attributes as object),
          a: a.batched ? [own, ...labels.a] : labels.a,
          b: b.batched ? [own, ...labels.b] : labels.b,
          out: [own, ...labels.out],
        };
        const read = lowering.labels(attributes);
        if (!same(read.a, attributes.a) || !same(read.b, attributes.b) || !same(read.out, attributes.out))
          return null;
        return attempt([a.tensor, b.tensor], attributes);
      }
      case 'gather':
      case 'scatter': {
        const attributes = shifted(at.attributes, size, node);
        const rank = at.inputs[0].shape.length;
        const axis = lowering.axis(at.attributes);
        if (lowering.axis(attributes) !== (axis < 0 ? axis + rank : axis) + 1) return null;
        return attempt(all(), attributes);
      }
      case 'scan':
      case 'sort':
        // Along the last axis.
        return attempt([lanes[0].tensor], at.attributes);
      case 'place': {
        const attributes = shifted(at.attributes, size, node);
        const parts = lowering.parts(at.attributes);
        const read = lowering.parts(attributes);
        if (lanes.slice(parts.length).some((lane) => lane.batched)) return null;
        const fits = parts.every(
          (part, i) =>
            same(read[i].starts, [0, ...part.starts]) &&
            same(read[i].steps, [1, ...part.steps]) &&
            part.moving.every(
              (move, j) =>
                read[i].moving[j]?.axis === move.axis + 1 && read[i].moving[j]?.input === move.input,
            ),
        );
        if (!fits) return null;
        return attempt(
          [...all().slice(0, parts.length), ...lanes.slice(parts.length).map((lane) => lane.tensor)],
          attributes,
        );
      }
      case 'host':
        if (lowering.collective) {
          throw codedError(
            Error,
            'AG_WRONG_TIME',
            `${op.name}: meets the other processes once, not once for each example of vmap; reduce what vmap gives, outside of it`,
          );
        }
        return op.batch === 'leading' ? attempt(all(), at.attributes) : null;
      default:
        return null;
    }
  }

  /** A view is the same for every example when it steps through them and is otherwise what it was. */
  #view(
    at: Node,
    lanes: readonly Lane[],
    lowering: Extract<Lowering<unknown>, { form: 'view' }>,
    attempt: (inputs: readonly Tensor[], attributes: unknown) => Tensor | null,
  ): Tensor | null {
    const [x, ...rest] = lanes as [Lane, ...Lane[]];
    if (rest.some((lane) => lane.batched)) return null;
    const extras = at.inputs
      .slice(1)
      .map((input) =>
        isScalar(input) ? input : zeros([this.#size, ...input.shape], { dtype: input.dtype }),
      );
    const attributes = shifted(at.attributes, this.#size, at.node);
    const scalars = at.inputs.slice(1).map((input, i) => (isScalar(input) ? i : -1));
    const before = lowering.of(contiguous(at.inputs[0].shape), at.attributes, {
      inputs: at.inputs,
      output: at.node,
      scalars,
    });
    if (before === null) return null;
    for (const first of [padded(x.tensor, at.node.shape.length), x.tensor]) {
      const result = attempt([first, ...extras], attributes);
      if (result === null) continue;
      const after = lowering.of(contiguous(first.shape), attributes, {
        inputs: [first, ...extras],
        output: result,
        scalars,
      });
      if (after !== null && stepsThrough(after, before, sizeOf(at.inputs[0].shape))) return result;
    }
    return null;
  }

  /** What the operation is made of, for all examples; its own rule stays. */
  #expand(at: Node, lanes: readonly Lane[]): Lane {
    const { op, attributes } = at;
    const body = (op.lower as Extract<Lowering<unknown>, { form: 'expand' }>).of(at.inputs, attributes);
    const lane = this.lane(body);
    const vjp = op.vjp;
    if (!lane.batched || !vjp) return lane;
    const rule: Rule = (gradients, inputs, outputs) => vjp(gradients[0], inputs, outputs[0], attributes);
    const own = this.#ruleForAll(rule, at.inputs, lanes, [at.node]);
    const [result] = withRule(
      [lane.tensor],
      lanes.map((x) => x.tensor),
      own,
    );
    return { tensor: result, batched: true };
  }

  #withRule(at: Node, lanes: readonly Lane[]): Lane {
    if (!lanes.some((lane) => lane.batched)) {
      return {
        tensor: apply(
          at.op,
          lanes.map((lane) => lane.tensor),
          at.attributes,
        ),
        batched: false,
      };
    }
    if (at.op === (member as AnyOp)) {
      const [y] = lanes as [Lane, Lane];
      const { start } = at.attributes as { readonly start: number };
      const tensor = apply(member, [this.#wide(y, at.inputs[0].shape), lanes[1].tensor], {
        start: start * this.#size,
      });
      return { tensor, batched: true };
    }
    const { rule } = at.attributes as CustomAttributes;
    if (at.op === (custom as AnyOp)) {
      const [y, ...inputs] = lanes as [Lane, ...Lane[]];
      const own = this.#ruleForAll(rule(), at.inputs.slice(1), inputs, [at.node]);
      const attributes = { rule: () => own };
      return {
        tensor: apply(
          custom,
          [this.#wide(y, at.node.shape), ...inputs.map((lane) => lane.tensor)],
          attributes,
        ),
        batched: true,
      };
    }
    const { outputs } = at.attributes as BundleAttributes;
    const attributes: BundleAttributes = {
      rule: () => this.#ruleForAll(rule(), at.inputs, lanes, outputs()),
      shape: [at.node.shape[0] * this.#size],
      outputs: () => outputs().map((output) => this.full(output)),
    };
    return {
      tensor: apply(
        bundle,
        lanes.map((lane) => lane.tensor),
        attributes,
      ),
      batched: true,
    };
  }

  /** A rule for one example as a rule for all. Gradients at operands that all examples share get added up by the engine. */
  #ruleForAll(
    rule: Rule,
    inputs: readonly Tensor[],
    lanes: readonly Lane[],
    outputs: readonly Tensor[],
  ): Rule {
    const size = this.#size;
    return (gradients, at, results) => {
      const own = new Map<Tensor, Lane>();
      const one = (like: Tensor, all: Tensor): Tensor => {
        const leaf = placeholderLeaf(like.shape, like.dtype, 'argument 0 of vmap');
        own.set(leaf, { tensor: all, batched: true });
        return leaf;
      };
      const single = at.map((tensor, i) => (lanes[i].batched ? one(inputs[i], tensor) : tensor));
      const found = rule(
        gradients.map((g, i) => one(outputs[i], g)),
        single,
        results.map((result, i) => one(outputs[i], result)),
      );
      const batch = new Batch(own, size);
      return found.map((g, i) =>
        g === null || g === undefined ? null : batch.full(sumToShape(g, single[i])),
      );
    };
  }

  #oneByOne(at: Node, lanes: readonly Lane[]): Tensor {
    if (this.#size === 0) return zeros([0, ...at.node.shape], { dtype: at.node.dtype });
    const results = Array.from({ length: this.#size }, (_, i) =>
      apply(
        at.op,
        lanes.map((lane, j) =>
          lane.batched ? lane.tensor.slice(i, i + 1).reshape(at.inputs[j].shape) : lane.tensor,
        ),
        at.attributes,
      ),
    );
    return stack(results);
  }
}

/** Whether an operand gives only its shape. */
function onlyShape({ op, inputs }: Node, i: number): boolean {
  const { form } = op.lower;
  if (form === 'coordinates') return true;
  if (form === 'view') return i > 0 && !isScalar(inputs[i]);
  return form === 'scatter' && i === 0 && inputs[0] !== inputs[1] && inputs[0] !== inputs[2];
}

/** A tensor of the same shape and dtype that costs nothing. */
function stub(x: Tensor): Tensor {
  return zeros(x.shape, { dtype: x.dtype });
}

function isScalar(x: Tensor): boolean {
  return x.leaf?.kind === 'literal';
}

/** [n, …shape] with axes of size 1 after the first, so that it has rank + 1 axes. */
function padded(x: Tensor, rank: number): Tensor {
  const missing = rank + 1 - x.shape.length;
  if (missing <= 0) return x;
  return x.reshape([x.shape[0], ...new Array<number>(missing).fill(1), ...x.shape.slice(1)]);
}

/** Attributes for one more axis in front, as far as their names tell. */
function shifted(attributes: unknown, size: number, node: Tensor): unknown {
  if (typeof attributes !== 'object' || attributes === null) return attributes;
  const moved: { [name: string]: unknown } = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'axis' && typeof value === 'number') moved[name] = value < 0 ? value : value + 1;
    else if (name === 'axes' && isNumbers(value))
      moved[name] = value.map((axis) => (axis < 0 ? axis : axis + 1));
    else if (name === 'shape') moved[name] = [size, ...node.shape];
    else if (name === 'order' && isNumbers(value)) moved[name] = [0, ...value.map((axis) => axis + 1)];
    else if (name === 'parts') moved[name] = (value as readonly Part[]).map(shiftedPart);
    else moved[name] = value;
  }
  return moved;
}

interface Part {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly moving: readonly { readonly axis: number; readonly input: number }[];
}

function shiftedPart(part: Part): Part {
  return {
    starts: [0, ...part.starts],
    steps: [1, ...part.steps],
    moving: part.moving.map(({ axis, input }) => ({ axis: axis + 1, input })),
  };
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** The result, or null where the type rule refuses. */
function applied(op: AnyOp, inputs: readonly Tensor[], attributes: unknown): Tensor | null {
  try {
    return apply(op, inputs, attributes);
  } catch {
    return null;
  }
}

function contiguous(shape: Shape): View {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return { shape, strides, offset: 0, dynamic: [] };
}

/** Whether `all` is `one`, repeated every `step` elements along a first axis. */
function stepsThrough(all: View, one: View, step: number): boolean {
  if (sizeOf(all.shape) === 0) return true;
  if (all.offset !== one.offset || all.dynamic.length !== one.dynamic.length) return false;
  if (all.dynamic.some((d, i) => d.scalar !== one.dynamic[i].scalar || d.factor !== one.dynamic[i].factor))
    return false;
  if (all.shape[0] !== 1 && all.strides[0] !== step) return false;
  return one.shape.every((size, i) => size === 1 || all.strides[i + 1] === one.strides[i]);
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
