/**
 * From clusters to launches: each cluster becomes one kernel (a `place` or `scatter` several) with the dims,
 * strides and offsets of its operands. Axes that every operand steps through alike are merged, so kernels see
 * few axes whatever the user's shapes.
 */
import { bytesPerElement, type DType, promote } from '../dtype.ts';
import { building, ExpressionBuilder, type Scalar } from '../kernel/expression.ts';
import type { Expression, Kernel, Launch, Operand, Output } from '../kernel/kernel.ts';
import type { Lowering } from '../ops/op.ts';
import { placeNames } from '../run/watch.ts';
import { contiguousStrides, type Shape, sizeOf } from '../shape.ts';
import { contiguousView, expandView, shiftView, sliceView, type View } from '../view.ts';
import { type Access, direct, expanded, reshaped, resolve } from './access.ts';
import type { Cluster } from './fuse.ts';
import { type PlanNode, viewOf } from './lower.ts';

/** Where the nodes that need memory lie: positions in the program's buffers. */
export type Places = ReadonlyMap<PlanNode, number>;

/** The launches of one cluster. */
export function emit(cluster: Cluster, places: Places): Launch[] {
  const nodes = cluster.root ? [cluster.root, ...cluster.members] : cluster.members;
  const launches = emitCluster(cluster, places, nodes.map((node) => node.op!.name).join('·'));
  const placeOf = placeNames();
  if (placeOf === null) return launches;
  const parts = nodes.map(({ op, origin }) => ({
    operation: (origin.op ?? op!).name,
    place: placeOf(origin),
  }));
  return launches.map((launch) => ({ ...launch, parts }));
}

function emitCluster(cluster: Cluster, places: Places, label: string): Launch[] {
  const { root } = cluster;
  if (root === null) return emitMap(cluster, places, label);
  switch (root.op!.lower.form) {
    case 'reduce':
      return [emitReduce(cluster, root, places, label)];
    case 'contract':
      return [emitContract(cluster, root, places, label)];
    case 'place':
      return emitPlace(cluster, root, places, label);
    case 'gather':
      return emitGather(root, places, label);
    case 'scatter':
      return emitScatter(root, places, label);
    case 'scan':
    case 'sort':
      return emitAlongAxis(root, places, label);
    case 'host':
      return emitHost(root, places, label);
    default:
      throw new Error(`${root.op!.name}: form ${root.op!.lower.form} is no kernel`);
  }
}

/** An operand before axes are merged. */
interface Reading {
  readonly buffer: number;
  readonly view: View;
  readonly dtype: DType;
}

/** Collects the operands and instructions of one expression. */
class Body {
  readonly builder = new ExpressionBuilder();
  readonly readings: Reading[];
  readonly literals: number[];
  readonly #keys = new Map<string, number>();
  readonly #values = new Map<string, Scalar>();
  readonly #members: ReadonlySet<PlanNode>;
  readonly #domain: Shape;
  readonly #absorbed: ReadonlySet<PlanNode>;
  readonly #places: Places;
  readonly #accumulator: PlanNode | null;

  /** `members` are computed once for each position of `domain`, `absorbed` nodes wherever they are read. */
  constructor(
    members: readonly PlanNode[],
    domain: Shape,
    absorbed: ReadonlySet<PlanNode>,
    places: Places,
    accumulator: PlanNode | null,
    literals: number[],
    before: Reading[] = [],
  ) {
    this.#members = new Set(members);
    this.#domain = domain;
    this.#absorbed = absorbed;
    this.#places = places;
    this.#accumulator = accumulator;
    this.literals = literals;
    this.readings = before;
  }

  /** The element of `node` that `access` reaches. */
  value(node: PlanNode, access: Access): Scalar {
    const resolved = resolve(node, access);
    const { base } = resolved;
    const path = this.#members.has(base) ? reshaped(base.shape, this.#domain, direct) : resolved.access;
    const key = `${base.index}#${path.key}`;
    let scalar = this.#values.get(key);
    if (scalar === undefined) {
      scalar = this.#make(base, path);
      this.#values.set(key, scalar);
    }
    return scalar;
  }

  #make(node: PlanNode, access: Access): Scalar {
    const { builder } = this;
    const { dtype } = node;
    if (node === this.#accumulator) return builder.emit({ op: 'accumulator', dtype });
    if (node.op === null && node.leaf!.kind === 'constant') return builder.constant(node.leaf!.value, dtype);
    if (node.op === null && node.leaf!.kind === 'scalar') {
      let literal = this.literals.indexOf(node.leaf!.scalar);
      if (literal < 0) literal = this.literals.push(node.leaf!.scalar) - 1;
      return builder.emit({ op: 'literal', literal, dtype });
    }
    if (this.#members.has(node) || this.#absorbed.has(node)) return this.#apply(node, access);
    const view = access.apply(contiguousView(node.shape));
    if (view === null)
      throw new Error(`plan: ${node.op?.name ?? 'leaf'} cannot be addressed; please report this graph`);
    if (node.op?.lower.form === 'coordinates') {
      return builder.emit({ op: 'coordinate', operand: this.#read(-1, view, dtype), dtype: 'int32' });
    }
    return builder.emit({ op: 'load', operand: this.#read(this.#places.get(node)!, view, dtype), dtype });
  }

  #apply(node: PlanNode, access: Access): Scalar {
    const lowering = node.op!.lower as Extract<Lowering<unknown>, { form: 'map' }>;
    const { builder } = this;
    let operands = node.inputs.map((input) => this.value(input, expanded(input.shape, node.shape, access)));
    if (lowering.operands !== 'own') {
      const target =
        lowering.operands === 'promoted' ? node.inputs.map((x) => x.dtype).reduce(promote) : node.dtype;
      operands = operands.map((x) => builder.cast(x, target));
    }
    return building(builder, () => lowering.of(operands, node.attributes));
  }

  #read(buffer: number, view: View, dtype: DType): number {
    const key = `${buffer}|${view.offset}|${view.strides.join()}|${view.dynamic.map((d) => `${d.scalar}*${d.factor}`).join()}`;
    let position = this.#keys.get(key);
    if (position === undefined) {
      position = this.readings.push({ buffer, view, dtype }) - 1;
      this.#keys.set(key, position);
    }
    return position;
  }
}

function emitMap(cluster: Cluster, places: Places, label: string): Launch[] {
  const { domain } = cluster;
  if (sizeOf(domain) === 0) return [];
  const outputs = cluster.members.filter((member) => places.has(member));
  const body = new Body(cluster.members, domain, cluster.absorbed, places, null, []);
  const results = outputs.map((node) => body.value(node, reshaped(node.shape, domain, direct)));
  const expression = body.builder.finish(results);
  const written = outputs.map((node) => ({
    buffer: places.get(node)!,
    view: contiguousView(domain),
    dtype: node.dtype,
  }));
  const all = [...body.readings, ...written];
  const merged = mergeAxes(
    [domain],
    all.map((x) => [x.view.strides]),
  );
  return [
    {
      kernel: {
        form: 'map',
        rank: merged.dims[0].length,
        inputs: body.readings.map((x) => x.dtype),
        outputs: written.map((x) => ({ dtype: x.dtype, accumulate: false })),
        expression,
      },
      dims: merged.dims.flat(),
      operands: all.map((x, i) => operandOf(x, merged.strides[i].flat())),
      literals: body.literals,
      label,
    },
  ];
}

function emitReduce(cluster: Cluster, root: PlanNode, places: Places, label: string): Launch {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'reduce' }>;
  const input = root.inputs[0];
  const axes = lowering.axes(root.attributes);
  const outer = input.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const outerShape = outer.map((i) => input.shape[i]);
  const reducedShape = axes.map((i) => input.shape[i]);
  const position = lowering.combine === 'argmax' || lowering.combine === 'argmin';
  const dtype = position ? input.dtype : root.dtype;

  const before = new Body([], root.shape, cluster.absorbed, places, null, []);
  const value = before.builder.cast(before.value(input, direct), dtype);
  const prologue = before.builder.finish([value]);
  const inputs = [...before.readings];

  const { epilogue, extras, written, literals } = emitEpilogue(
    cluster,
    root,
    places,
    outerShape,
    before.literals,
    [...inputs],
  );
  const strided = inputs.map((x) => [
    outer.map((i) => x.view.strides[i]),
    axes.map((i) => x.view.strides[i]),
  ]);
  const merged = mergeAxes(
    [outerShape, reducedShape],
    [...strided, ...[...extras, ...written].map((x) => [x.view.strides, reducedShape.map(() => null)])],
  );
  const all = [...inputs, ...extras, ...written];
  return {
    kernel: {
      form: 'reduce',
      outerRank: merged.dims[0].length,
      reducedRank: merged.dims[1].length,
      combine: lowering.combine,
      dtype,
      inputs: inputs.map((x) => x.dtype),
      extras: extras.map((x) => x.dtype),
      outputs: written.map((x) => ({ dtype: x.dtype, accumulate: false })),
      prologue,
      epilogue,
    },
    dims: merged.dims.flat(),
    operands: all.map((x, i) =>
      operandOf(x, i < inputs.length ? merged.strides[i].flat() : merged.strides[i][0]),
    ),
    literals,
    label,
  };
}

function emitContract(cluster: Cluster, root: PlanNode, places: Places, label: string): Launch {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'contract' }>;
  let [a, b] = root.inputs as [PlanNode, PlanNode];
  let { a: labelsA, b: labelsB, out } = lowering.labels(root.attributes);
  // The output's innermost axis should run along N, where kernels write whole vectors.
  const last = out.findLast((label) => labelsA.includes(label) !== labelsB.includes(label));
  if (last !== undefined && labelsA.includes(last)) {
    [a, b] = [b, a];
    [labelsA, labelsB] = [labelsB, labelsA];
  }
  const viewA = viewOf(a)!;
  const viewB = viewOf(b)!;
  const size = (label: number): number =>
    labelsA.includes(label) ? viewA.shape[labelsA.indexOf(label)] : viewB.shape[labelsB.indexOf(label)];
  const batch = out.filter((label) => labelsA.includes(label) && labelsB.includes(label));
  const m = out.filter((label) => labelsA.includes(label) && !labelsB.includes(label));
  const n = out.filter((label) => labelsB.includes(label) && !labelsA.includes(label));
  const k = labelsA.filter((label) => !out.includes(label));
  const strideIn = (view: View, labels: readonly number[]) => (label: number) => {
    const axis = labels.indexOf(label);
    return axis < 0 ? null : view.strides[axis];
  };
  const inA = strideIn(viewA, labelsA);
  const inB = strideIn(viewB, labelsB);
  const groups = [batch, m, n, k];
  const operands: Reading[] = [
    { buffer: places.get(baseNode(a))!, view: viewA, dtype: root.dtype },
    { buffer: places.get(baseNode(b))!, view: viewB, dtype: root.dtype },
  ];
  const { epilogue, extras, written, literals } = emitEpilogue(
    cluster,
    root,
    places,
    root.shape,
    [],
    [...operands],
  );
  const inOut = (view: View) => (label: number) => {
    const axis = out.indexOf(label);
    return axis < 0 ? null : view.strides[axis];
  };
  const merged = mergeAxes(
    groups.map((group) => group.map(size)),
    [
      groups.map((group) => group.map(inA)),
      groups.map((group) => group.map(inB)),
      ...[...extras, ...written].map((x) => groups.map((group) => group.map(inOut(x.view)))),
    ],
  );
  const [batches, ms, ns, ks] = [0, 1, 2, 3] as const;
  const all = [...operands, ...extras, ...written];
  const kept = all.map((_, i) =>
    i === 0 ? [batches, ms, ks] : i === 1 ? [batches, ks, ns] : [batches, ms, ns],
  );
  return {
    kernel: {
      form: 'contract',
      batchRank: merged.dims[batches].length,
      mRank: merged.dims[ms].length,
      nRank: merged.dims[ns].length,
      kRank: merged.dims[ks].length,
      dtype: root.dtype,
      extras: extras.map((x) => x.dtype),
      outputs: written.map((x) => ({ dtype: x.dtype, accumulate: false })),
      epilogue,
    },
    dims: merged.dims.flat(),
    operands: all.map((x, i) =>
      operandOf(
        x,
        kept[i].flatMap((group) => merged.strides[i][group]),
      ),
    ),
    literals,
    label,
  };
}

/** What is computed from a finished reduction or contraction, over `domain`. */
function emitEpilogue(
  cluster: Cluster,
  root: PlanNode,
  places: Places,
  domain: Shape,
  literals: number[],
  before: Reading[],
): { epilogue: Expression; extras: Reading[]; written: Reading[]; literals: number[] } {
  const count = before.length;
  const body = new Body(cluster.members, domain, cluster.absorbed, places, root, literals, before);
  const outputs = [root, ...cluster.members].filter((node) => places.has(node));
  const results = outputs.map((node) => body.value(node, reshaped(node.shape, domain, direct)));
  return {
    epilogue: body.builder.finish(results),
    extras: body.readings.slice(count),
    written: outputs.map((node) => ({
      buffer: places.get(node)!,
      view: contiguousView(domain),
      dtype: node.dtype,
    })),
    literals: body.literals,
  };
}

function emitPlace(cluster: Cluster, root: PlanNode, places: Places, label: string): Launch[] {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'place' }>;
  const parts = lowering.parts(root.attributes);
  const accumulate = lowering.accumulate(root.attributes);
  const target = places.get(root)!;
  const whole = contiguousView(root.shape);
  const launches: Launch[] = [];
  const covered = parts.reduce((sum, _, i) => sum + sizeOf(root.inputs[i].shape), 0);
  const complete =
    !accumulate && parts.every((part) => part.moving.length === 0) && covered >= sizeOf(root.shape);
  if (!complete)
    launches.push(...fill(target, root.shape, root.dtype, lowering.fill(root.attributes), label));
  parts.forEach((part, i) => {
    const input = root.inputs[i];
    if (sizeOf(input.shape) === 0) return;
    let view: View = whole;
    input.shape.forEach((size, axis) => {
      const step = part.steps[axis];
      const stride = whole.strides[axis];
      view = sliceView(view, axis, part.starts[axis], size, step);
      const moving = part.moving.find((move) => move.axis === axis);
      if (moving) {
        const start = root.inputs[moving.input].leaf;
        if (start?.kind !== 'scalar')
          throw new Error(`${root.op!.name}: a moving start must be a number given at each run`);
        view = shiftView(view, start.scalar, stride);
      }
    });
    const body = new Body([], root.shape, cluster.absorbed, places, null, []);
    const expression = body.builder.finish([body.builder.cast(body.value(input, direct), root.dtype)]);
    const all = [...body.readings, { buffer: target, view, dtype: root.dtype }];
    const merged = mergeAxes(
      [input.shape],
      all.map((x) => [x.view.strides]),
    );
    launches.push({
      kernel: {
        form: 'map',
        rank: merged.dims[0].length,
        inputs: body.readings.map((x) => x.dtype),
        outputs: [{ dtype: root.dtype, accumulate }],
        expression,
      },
      dims: merged.dims.flat(),
      operands: all.map((x, j) => operandOf(x, merged.strides[j].flat())),
      literals: body.literals,
      label,
    });
  });
  return launches;
}

function fill(buffer: number, shape: Shape, dtype: DType, value: number, label: string): Launch[] {
  const size = sizeOf(shape);
  if (size === 0) return [];
  const builder = new ExpressionBuilder();
  const expression = builder.finish([builder.constant(value, dtype)]);
  const output: Output = { dtype, accumulate: false };
  return [
    {
      kernel: { form: 'map', rank: 1, inputs: [], outputs: [output], expression },
      dims: [size],
      operands: [{ buffer, offset: 0, dynamic: [], strides: [1] }],
      literals: [],
      label,
    },
  ];
}

function emitGather(root: PlanNode, places: Places, label: string): Launch[] {
  if (sizeOf(root.shape) === 0) return [];
  const axis = (root.op!.lower as Extract<Lowering<unknown>, { form: 'gather' }>).axis(root.attributes);
  const [source, index] = root.inputs as [PlanNode, PlanNode];
  const { view, size, stride } = indexedView(viewOf(source)!, axis, root.shape);
  const all: Reading[] = [
    { buffer: places.get(baseNode(source))!, view, dtype: root.dtype },
    { buffer: places.get(baseNode(index))!, view: expandView(viewOf(index)!, root.shape), dtype: 'int32' },
    { buffer: places.get(root)!, view: contiguousView(root.shape), dtype: root.dtype },
  ];
  const merged = mergeAxes(
    [root.shape],
    all.map((x) => [x.view.strides]),
  );
  const kernel: Kernel = { form: 'gather', rank: merged.dims[0].length, dtype: root.dtype };
  return [
    {
      kernel,
      dims: merged.dims.flat(),
      operands: all.map((x, i) => operandOf(x, merged.strides[i].flat())),
      literals: [],
      axis: { size, stride },
      label,
    },
  ];
}

function emitScatter(root: PlanNode, places: Places, label: string): Launch[] {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'scatter' }>;
  const axis = lowering.axis(root.attributes);
  const [, index, updates] = root.inputs as [PlanNode, PlanNode, PlanNode];
  const target = places.get(root)!;
  const launches = fill(target, root.shape, root.dtype, 0, label);
  const domain = root.shape.map((size, i) =>
    Math.max(i === axis ? 0 : size, index.shape[i], updates.shape[i]),
  );
  if (sizeOf(domain) === 0 || sizeOf(updates.shape) === 0) return launches;
  const { view, size, stride } = indexedView(contiguousView(root.shape), axis, domain);
  const all: Reading[] = [
    { buffer: places.get(baseNode(updates))!, view: expandView(viewOf(updates)!, domain), dtype: root.dtype },
    { buffer: places.get(baseNode(index))!, view: expandView(viewOf(index)!, domain), dtype: 'int32' },
    { buffer: target, view, dtype: root.dtype },
  ];
  const merged = mergeAxes(
    [domain],
    all.map((x) => [x.view.strides]),
  );
  launches.push({
    kernel: { form: 'scatter', rank: merged.dims[0].length, dtype: root.dtype, combine: lowering.combine },
    dims: merged.dims.flat(),
    operands: all.map((x, i) => operandOf(x, merged.strides[i].flat())),
    literals: [],
    axis: { size, stride },
    label,
  });
  return launches;
}

/** A view over `domain` in which `axis` stands still, because an index decides it. */
function indexedView(view: View, axis: number, domain: Shape): { view: View; size: number; stride: number } {
  const size = view.shape[axis];
  const stride = view.strides[axis];
  const still = {
    ...view,
    shape: view.shape.map((s, i) => (i === axis ? 1 : s)),
    strides: view.strides.map((s, i) => (i === axis ? 0 : s)),
  };
  return { view: expandView(still, domain), size, stride };
}

function emitAlongAxis(root: PlanNode, places: Places, label: string): Launch[] {
  if (sizeOf(root.shape) === 0) return [];
  const lowering = root.op!.lower;
  const input = root.inputs[0];
  const shape = root.shape.length === 0 ? [1] : root.shape;
  const source = root.shape.length === 0 ? { ...viewOf(input)!, shape, strides: [1] } : viewOf(input)!;
  const all: Reading[] = [
    { buffer: places.get(baseNode(input))!, view: source, dtype: input.dtype },
    { buffer: places.get(root)!, view: contiguousView(shape), dtype: root.dtype },
  ];
  const last = shape.length - 1;
  const merged = mergeAxes(
    [shape.slice(0, last)],
    all.map((x) => [x.view.strides.slice(0, last)]),
  );
  const outerRank = merged.dims[0].length;
  const kernel: Kernel =
    lowering.form === 'scan'
      ? {
          form: 'scan',
          outerRank,
          combine: lowering.combine,
          reverse: lowering.reverse(root.attributes),
          dtype: root.dtype,
        }
      : {
          form: 'sort',
          outerRank,
          descending: (lowering as Extract<Lowering<unknown>, { form: 'sort' }>).descending(root.attributes),
          dtype: input.dtype,
        };
  return [
    {
      kernel,
      dims: [...merged.dims.flat(), shape[last]],
      operands: all.map((x, i) => operandOf(x, [...merged.strides[i].flat(), x.view.strides[last]])),
      literals: [],
      label,
    },
  ];
}

function emitHost(root: PlanNode, places: Places, label: string): Launch[] {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'host' }>;
  const all = [...root.inputs, root];
  return [
    {
      kernel: {
        form: 'host',
        // Backends keep compiled kernels by what they are, and a routine is known by nothing but its name.
        name: `${root.op!.name} ${root.op!.id} ${JSON.stringify(root.attributes) ?? ''}`,
        inputs: root.inputs.map((x) => x.dtype),
        outputs: [root.dtype],
        run: lowering.run(root.attributes),
      },
      dims: [],
      operands: all.map((x) => ({
        buffer: places.get(x)!,
        offset: 0,
        dynamic: [],
        strides: contiguousStrides(x.shape),
      })),
      literals: [],
      shapes: all.map((x) => x.shape),
      label,
    },
  ];
}

function baseNode(node: PlanNode): PlanNode {
  return resolve(node, direct).base;
}

function operandOf(reading: Reading, strides: readonly (number | null)[]): Operand {
  return {
    buffer: reading.buffer,
    offset: reading.view.offset,
    dynamic: reading.view.dynamic,
    strides: strides.map((stride) => stride ?? 0),
  };
}

type Strides = readonly (number | null)[];

/**
 * Drops axes of size 1 and merges neighbors within each group of axes where every operand goes through both in one
 * step. `strides[operand][group][axis]`; null where an operand does not have the axis.
 */
function mergeAxes(
  groups: readonly Shape[],
  strides: readonly (readonly Strides[])[],
): { dims: number[][]; strides: Strides[][] } {
  const dims: number[][] = [];
  const result: (number | null)[][][] = strides.map(() => []);
  groups.forEach((shape, group) => {
    const sizes: number[] = [];
    const steps: (number | null)[][] = strides.map(() => []);
    for (let axis = 0; axis < shape.length; axis++) {
      const size = shape[axis];
      if (size === 1) continue;
      const previous = sizes.length - 1;
      const joins =
        previous >= 0 &&
        strides.every((operand, i) => {
          const stride = operand[group][axis]!;
          const before = steps[i][previous]!;
          return stride === null ? before === null : before === stride * size;
        });
      if (joins) {
        sizes[previous] = sizes[previous] * size;
        strides.forEach((operand, i) => {
          steps[i][previous] = operand[group][axis]!;
        });
      } else {
        sizes.push(size);
        strides.forEach((operand, i) => {
          steps[i].push(operand[group][axis]!);
        });
      }
    }
    dims.push(sizes);
    steps.forEach((step, i) => {
      result[i].push(step);
    });
  });
  return { dims, strides: result };
}

/** Bytes of a node's elements. */
export function bytesOf(node: PlanNode): number {
  return sizeOf(node.shape) * bytesPerElement(node.dtype);
}
