/**
 * Launches of reductions and contractions: what is read, and what is computed from each finished element.
 */
import { mergeAxes } from '../kernel/axes.ts';
import type { Expression, Launch } from '../kernel/kernel.ts';
import type { Lowering } from '../ops/op.ts';
import type { Shape } from '../shape.ts';
import { contiguousView, type View } from '../view.ts';
import { direct, reshaped } from './access.ts';
import type { Cluster } from './cluster.ts';
import { type BufferPositions, baseNode, KernelBody, operandOf, type StridedOperand } from './kernelBody.ts';
import { type PlanNode, viewOf } from './lower.ts';

export function emitReduce(
  cluster: Cluster,
  root: PlanNode,
  bufferOf: BufferPositions,
  label: string,
): Launch {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'reduce' }>;
  const input = root.inputs[0];
  const axes = lowering.axes(root.attributes);
  const outer = input.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const outerShape = outer.map((i) => input.shape[i]);
  const reducedShape = axes.map((i) => input.shape[i]);
  const position = lowering.combine === 'argmax' || lowering.combine === 'argmin';
  const dtype = position ? input.dtype : root.dtype;

  const before = new KernelBody(cluster, bufferOf, { domain: root.shape });
  const value = before.builder.cast(before.value(input, direct), dtype);
  const prologue = before.builder.finish([value]);
  const inputs = [...before.operands];

  const { epilogue, extras, written, literals } = emitEpilogue(
    cluster,
    root,
    bufferOf,
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

export function emitContract(
  cluster: Cluster,
  root: PlanNode,
  bufferOf: BufferPositions,
  label: string,
): Launch {
  const lowering = root.op!.lower as Extract<Lowering<unknown>, { form: 'contract' }>;
  let [a, b] = root.inputs as [PlanNode, PlanNode];
  let { a: labelsA, b: labelsB, out } = lowering.labels(root.attributes);
  const { slowest = [] } = lowering.labels(root.attributes);
  const order = [...slowest, ...out.filter((label) => !slowest.includes(label))];
  // The same order whichever way round, so that sums have the same bits.
  const k = labelsA.filter((label) => !out.includes(label));
  // The output's innermost axis should run along N, where kernels write whole vectors.
  const last = order.findLast((label) => labelsA.includes(label) !== labelsB.includes(label));
  if (last !== undefined && labelsA.includes(last)) {
    [a, b] = [b, a];
    [labelsA, labelsB] = [labelsB, labelsA];
  }
  const viewA = viewOf(a)!;
  const viewB = viewOf(b)!;
  const size = (label: number): number =>
    labelsA.includes(label) ? viewA.shape[labelsA.indexOf(label)] : viewB.shape[labelsB.indexOf(label)];
  const batch = order.filter((label) => labelsA.includes(label) && labelsB.includes(label));
  const m = order.filter((label) => labelsA.includes(label) && !labelsB.includes(label));
  const n = order.filter((label) => labelsB.includes(label) && !labelsA.includes(label));
  const strideIn = (view: View, labels: readonly number[]) => (label: number) => {
    const axis = labels.indexOf(label);
    return axis < 0 ? null : view.strides[axis];
  };
  const inA = strideIn(viewA, labelsA);
  const inB = strideIn(viewB, labelsB);
  const groups = [batch, m, n, k];
  const operands: StridedOperand[] = [
    { buffer: bufferOf.get(baseNode(a))!, view: viewA, dtype: root.dtype },
    { buffer: bufferOf.get(baseNode(b))!, view: viewB, dtype: root.dtype },
  ];
  const { epilogue, extras, written, literals } = emitEpilogue(
    cluster,
    root,
    bufferOf,
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
  bufferOf: BufferPositions,
  domain: Shape,
  literals: number[],
  before: StridedOperand[],
): { epilogue: Expression; extras: StridedOperand[]; written: StridedOperand[]; literals: number[] } {
  const count = before.length;
  const body = new KernelBody(cluster, bufferOf, {
    domain,
    members: cluster.members,
    accumulator: root,
    literals,
    operands: before,
  });
  const outputs = [root, ...cluster.members].filter((node) => bufferOf.has(node));
  const results = outputs.map((node) => body.value(node, reshaped(node.shape, domain, direct)));
  return {
    epilogue: body.builder.finish(results),
    extras: body.operands.slice(count),
    written: outputs.map((node) => ({
      buffer: bufferOf.get(node)!,
      view: contiguousView(domain),
      dtype: node.dtype,
    })),
    literals: body.literals,
  };
}
