/**
 * From clusters to launches: each cluster becomes one kernel (a `place` or `scatter` several) with the dims,
 * strides and offsets of its operands. Axes that every operand steps through alike are merged, so kernels see
 * few axes whatever the user's shapes.
 */
import type { DType } from '../dtype.ts';
import { codedError } from '../errors.ts';
import { mergeAxes } from '../kernel/axes.ts';
import { ExpressionBuilder } from '../kernel/expression.ts';
import type { Kernel, Launch, Output } from '../kernel/kernel.ts';
import type { GraphCompiler, Lowering } from '../ops/op.ts';
import { contiguousStrides, type Shape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { contiguousView, expandView, shiftView, sliceView, type View } from '../view.ts';
import { direct, reshaped } from './access.ts';
import type { Cluster } from './cluster.ts';
import { emitContract, emitReduce } from './emitReduction.ts';
import { type BufferPositions, baseNode, KernelBody, operandOf, type StridedOperand } from './kernelBody.ts';
import type { LoopPlanner } from './loopPlanner.ts';
import { type PlanNode, viewOf } from './lower.ts';

/** Names the part of a program that made a tensor, such as the path of a module. */
export type ScopeNames = (tensor: Tensor) => string;

/** The launches of one cluster. With `scopeOf` each says in `parts` which operations it holds and where they come from. */
export function emit(
  cluster: Cluster,
  bufferOf: BufferPositions,
  scopeOf: ScopeNames | null,
  compile: GraphCompiler,
): Launch[] {
  const { root, members } = cluster;
  const lowering = root && root.op!.lower;
  const loop = lowering?.form === 'loop' ? lowering : null;
  const nodes = root ? (loop ? [root] : [root, ...members]) : members;
  const label = nodes.map((node) => node.op!.name).join('·');
  const launches = loop
    ? (loop.planner as LoopPlanner).emitLoop(cluster, root!, bufferOf, label, compile)
    : emitCluster(cluster, bufferOf, label);
  if (scopeOf === null) return launches;
  const parts = nodes.map(({ op, origin }) => ({
    operation: (origin.op ?? op!).name,
    scope: scopeOf(origin),
  }));
  return launches.map((launch) => ({ ...launch, parts }));
}

function emitCluster(cluster: Cluster, bufferOf: BufferPositions, label: string): Launch[] {
  const { root } = cluster;
  if (root === null) return emitMap(cluster, bufferOf, label);
  switch (root.op!.lower.form) {
    case 'reduce':
      return [emitReduce(cluster, root, bufferOf, label)];
    case 'contract':
      return [emitContract(cluster, root, bufferOf, label)];
    case 'place':
      return emitPlace(cluster, root, bufferOf, label);
    case 'gather':
      return emitGather(root, bufferOf, label);
    case 'scatter':
      return emitScatter(root, bufferOf, label);
    case 'scan':
    case 'sort':
      return emitAlongAxis(root, bufferOf, label);
    case 'host':
      return emitHost(root, bufferOf, label);
    default:
      throw codedError(Error, 'AG_INTERNAL', `${root.op!.name}: form ${root.op!.lower.form} is no kernel`);
  }
}

function emitMap(cluster: Cluster, bufferOf: BufferPositions, label: string): Launch[] {
  const { domain } = cluster;
  if (sizeOf(domain) === 0) return [];
  const outputs = cluster.members.filter((member) => bufferOf.has(member));
  const body = new KernelBody(cluster, bufferOf, { domain, members: cluster.members });
  const results = outputs.map((node) => body.value(node, reshaped(node.shape, domain, direct)));
  const expression = body.builder.finish(results);
  const written = outputs.map((node) => ({
    buffer: bufferOf.get(node)!,
    view: contiguousView(domain),
    dtype: node.dtype,
  }));
  const all = [...body.operands, ...written];
  const merged = mergeAxes(
    [domain],
    all.map((x) => [x.view.strides]),
  );
  return [
    {
      kernel: {
        form: 'map',
        rank: merged.dims[0].length,
        inputs: body.operands.map((x) => x.dtype),
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

function emitPlace(cluster: Cluster, root: PlanNode, bufferOf: BufferPositions, label: string): Launch[] {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'place' }>;
  const parts = lowering.parts(root.attributes);
  const accumulate = lowering.accumulate(root.attributes);
  const target = bufferOf.get(root)!;
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
          throw codedError(
            Error,
            'AG_INTERNAL',
            `${root.op!.name}: a moving start must be a number given at each run`,
          );
        view = shiftView(view, start.scalar, stride);
      }
    });
    const body = new KernelBody(cluster, bufferOf, { domain: root.shape });
    const expression = body.builder.finish([body.builder.cast(body.value(input, direct), root.dtype)]);
    const all = [...body.operands, { buffer: target, view, dtype: root.dtype }];
    const merged = mergeAxes(
      [input.shape],
      all.map((x) => [x.view.strides]),
    );
    launches.push({
      kernel: {
        form: 'map',
        rank: merged.dims[0].length,
        inputs: body.operands.map((x) => x.dtype),
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

function emitGather(root: PlanNode, bufferOf: BufferPositions, label: string): Launch[] {
  if (sizeOf(root.shape) === 0) return [];
  const axis = (root.op!.lower as Extract<Lowering<unknown>, { form: 'gather' }>).axis(root.attributes);
  const [source, index] = root.inputs as [PlanNode, PlanNode];
  const { view, size, stride } = indexedView(viewOf(source)!, axis, root.shape);
  const all: StridedOperand[] = [
    { buffer: bufferOf.get(baseNode(source))!, view, dtype: root.dtype },
    { buffer: bufferOf.get(baseNode(index))!, view: expandView(viewOf(index)!, root.shape), dtype: 'int32' },
    { buffer: bufferOf.get(root)!, view: contiguousView(root.shape), dtype: root.dtype },
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

function emitScatter(root: PlanNode, bufferOf: BufferPositions, label: string): Launch[] {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'scatter' }>;
  const axis = lowering.axis(root.attributes);
  const [, index, updates] = root.inputs as [PlanNode, PlanNode, PlanNode];
  const target = bufferOf.get(root)!;
  const base = lowering.fill?.(root.dtype) ?? 0;
  const launches = fill(target, root.shape, root.dtype, base, label);
  const domain = root.shape.map((size, i) =>
    Math.max(i === axis ? 0 : size, index.shape[i], updates.shape[i]),
  );
  if (sizeOf(domain) === 0 || sizeOf(updates.shape) === 0) return launches;
  const { view, size, stride } = indexedView(contiguousView(root.shape), axis, domain);
  const all: StridedOperand[] = [
    {
      buffer: bufferOf.get(baseNode(updates))!,
      view: expandView(viewOf(updates)!, domain),
      dtype: root.dtype,
    },
    { buffer: bufferOf.get(baseNode(index))!, view: expandView(viewOf(index)!, domain), dtype: 'int32' },
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

function emitAlongAxis(root: PlanNode, bufferOf: BufferPositions, label: string): Launch[] {
  if (sizeOf(root.shape) === 0) return [];
  const lowering = root.op!.lower;
  const input = root.inputs[0];
  const shape = root.shape.length === 0 ? [1] : root.shape;
  const source = root.shape.length === 0 ? { ...viewOf(input)!, shape, strides: [1] } : viewOf(input)!;
  const all: StridedOperand[] = [
    { buffer: bufferOf.get(baseNode(input))!, view: source, dtype: input.dtype },
    { buffer: bufferOf.get(root)!, view: contiguousView(shape), dtype: root.dtype },
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

function emitHost(root: PlanNode, bufferOf: BufferPositions, label: string): Launch[] {
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
        ...(lowering.collective && { collective: lowering.collective }),
        run: lowering.run(root.attributes),
      },
      dims: [],
      operands: all.map((x) => ({
        buffer: bufferOf.get(x)!,
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
