/**
 * A plan: everything about running a graph of one structure that does not depend on its numbers. Lower, fuse,
 * emit launches, mark those that go over the same rows, give each stored value memory.
 */
import { bytesPerElement } from '../dtype.ts';
import type { BufferSpec, GatherKernel, Launch, Program, ScatterKernel } from '../kernel/kernel.ts';
import { checkShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { markBands } from './bands.ts';
import { emit } from './emit.ts';
import { fuse } from './fuse.ts';
import { lower, type PlanNode } from './lower.ts';
import type { Traversal, Update } from './signature.ts';

export interface Plan {
  readonly signature: Int32Array;
  readonly program: Program;
  /** How many leaves kernels read: the program's first bindings. */
  readonly boundLeaves: number;
  /** The binding of each leaf of the traversal, −1 where only its shape matters. */
  readonly leafBindings: readonly number[];
  /** For each update, whether it is written over the variable's current memory. */
  readonly inPlace: readonly boolean[];
}

export interface PlanOptions {
  /** One kernel for each node when false: slow, for tests that compare. */
  readonly fusion: boolean;
}

/**
 * Bindings of a program, in order: the leaves that kernels read, the outputs, the updates' new values. Updates are planned
 * last to first: gradients come out of backpropagation in that order, so each is used up soon after it is made.
 *
 * @throws RangeError naming an operation whose result has more elements than a tensor may have
 */
export function makePlan(
  traversal: Traversal,
  outputs: readonly Tensor[],
  updates: readonly Update[],
  options: PlanOptions,
): Plan {
  // Broadcasting and products make tensors of any size out of small ones.
  for (const { op, shape } of traversal.nodes) if (op) checkShape(shape, op.name);
  const reversed = [...updates].reverse();
  const lowered = lower(traversal, [...outputs, ...reversed.map((update) => update.value)]);
  const fusion = fuse(lowered.nodes, lowered.results, options.fusion);

  const buffers: BufferSpec[] = [];
  const places = new Map<PlanNode, number>();
  const leafNodes: PlanNode[] = [];
  for (const node of lowered.nodes) {
    if (node.leaf?.kind !== 'binding') continue;
    leafNodes.push(node);
    places.set(node, buffers.push(bound(node, node.leaf.binding)) - 1);
  }
  const leafCount = leafNodes.length;
  lowered.results.forEach((node, i) => {
    const update = i < outputs.length ? -1 : updates.length - 1 - (i - outputs.length);
    const binding = leafCount + (update < 0 ? i : outputs.length + update);
    places.set(node, buffers.push(bound(node, binding)) - 1);
  });
  for (const cluster of fusion.clusters) {
    for (const node of cluster.root ? [cluster.root, ...cluster.members] : cluster.members) {
      if (!fusion.stored.has(node) || places.has(node)) continue;
      places.set(
        node,
        buffers.push({ kind: 'slot', slot: -1, dtype: node.dtype, length: sizeOf(node.shape) }) - 1,
      );
    }
  }

  const launches = fusion.clusters.flatMap((cluster) => emit(cluster, places));
  const read = new Set(launches.flatMap((launch) => launch.operands.map((operand) => operand.buffer)));
  let boundLeaves = 0;
  const leafBindings = leafNodes.map((node) => (read.has(places.get(node)!) ? boundLeaves++ : -1));
  const rebound = buffers.flatMap((spec, position): { spec: BufferSpec; position: number }[] => {
    if (spec.kind === 'slot') return [{ spec, position }];
    if (spec.binding >= leafCount)
      return [{ spec: { ...spec, binding: spec.binding - leafCount + boundLeaves }, position }];
    const binding = leafBindings[spec.binding];
    return binding < 0 ? [] : [{ spec: { ...spec, binding }, position }];
  });
  const moved = new Map(rebound.map(({ position }, next) => [position, next]));
  const renumbered = launches.map((launch) => ({
    ...launch,
    operands: launch.operands.map((operand) =>
      operand.buffer < 0 ? operand : { ...operand, buffer: moved.get(operand.buffer)! },
    ),
  }));
  const planned = rebound.map(({ spec }) => spec);
  const firstUpdate = boundLeaves + outputs.length;
  const isUpdate = (buffer: number): boolean => {
    const spec = planned[buffer];
    return spec.kind === 'bound' && spec.binding >= firstUpdate;
  };
  const marked = options.fusion ? markBands(renumbered, (buffer) => !isUpdate(buffer)) : renumbered;
  const { specs, slots } = assignSlots(planned, marked);
  const program: Program = {
    slots,
    buffers: specs,
    bindingCount: boundLeaves + outputs.length + updates.length,
    scalarCount: traversal.literals.length,
    launches: marked,
  };
  const boundAt = new Map<number, number>();
  specs.forEach((spec, buffer) => {
    if (spec.kind === 'bound') boundAt.set(spec.binding, buffer);
  });
  const leafAt = new Map(traversal.leaves.map((leaf, i) => [leaf, leafBindings[i]]));
  const uses = usesOf(marked);
  const failing = lastToFail(marked);
  const inPlace = updates.map(({ variable }, i) => {
    if (!variable.inPlace) return false;
    const target = boundAt.get(firstUpdate + i)!;
    const writing = uses.written.get(target);
    if (writing !== undefined && writing <= failing) return false;
    const leaf = variable.currentLeaf();
    if (leaf === null || leaf.mark !== traversal.mark) return true;
    const old = leafAt.get(leaf)!;
    return old < 0 || canOverwrite(marked, uses, boundAt.get(old)!, target);
  });
  return { signature: traversal.row.slice(0, traversal.length), program, boundLeaves, leafBindings, inPlace };
}

function bound(node: PlanNode, binding: number): BufferSpec {
  return { kind: 'bound', binding, dtype: node.dtype, length: sizeOf(node.shape) };
}

/** For each buffer the first launch that writes it and the last that has anything to do with it. */
function usesOf(launches: readonly Launch[]): {
  readonly written: ReadonlyMap<number, number>;
  readonly last: ReadonlyMap<number, number>;
} {
  const written = new Map<number, number>();
  const last = new Map<number, number>();
  launches.forEach((launch, i) => {
    const reads = readCount(launch);
    launch.operands.forEach(({ buffer }, j) => {
      last.set(buffer, i);
      if (j >= reads && !written.has(buffer)) written.set(buffer, i);
    });
  });
  return { written, last };
}

/**
 * Whether the new value may be written over the old one: nothing reads the old value after the launch that writes,
 * and that launch is elementwise and reads it at the position it writes.
 */
function canOverwrite(
  launches: readonly Launch[],
  uses: ReturnType<typeof usesOf>,
  old: number,
  target: number,
): boolean {
  const writing = uses.written.get(target);
  if (writing === undefined) return true;
  if ((uses.last.get(old) ?? -1) > writing) return false;
  const launch = launches[writing];
  const { kernel, operands } = launch;
  const reads = operands.slice(0, readCount(launch)).filter((operand) => operand.buffer === old);
  if (reads.length === 0) return true;
  const write = operands.find((operand, i) => operand.buffer === target && i >= readCount(launch))!;
  const same = reads.every(
    (read) =>
      read.offset === write.offset &&
      read.dynamic.length === 0 &&
      read.strides.length === write.strides.length &&
      read.strides.every((stride, i) => stride === write.strides[i]),
  );
  if (!same) return false;
  if (kernel.form === 'map') return true;
  // Extras of an epilogue are read just before the result is written; the main operands are not.
  if (kernel.form === 'contract') return operands.slice(0, 2).every((operand) => operand.buffer !== old);
  if (kernel.form === 'reduce')
    return operands.slice(0, kernel.inputs.length).every((operand) => operand.buffer !== old);
  return false;
}

/**
 * The last launch that can fail, −1 without any: what is written over the value before it cannot be taken back, so it must
 * be written later. A gather or scatter fails at a position that does not exist, unless an earlier launch has met the same
 * positions on an axis of the same size; a routine of the host may throw whatever it likes.
 */
function lastToFail(launches: readonly Launch[]): number {
  const met = new Set<string>();
  let last = -1;
  launches.forEach((launch, i) => {
    const { form } = launch.kernel;
    if (form === 'host') last = i;
    if (form !== 'gather' && form !== 'scatter') return;
    const positions = positionsOf(launch);
    if (!met.has(positions)) last = i;
    met.add(positions);
  });
  return last;
}

/** The elements that a gather or scatter reads as positions, and the axis they stand on: a text that is equal for equal ones. */
function positionsOf({ kernel, dims, operands, axis }: Launch): string {
  const { buffer, offset, dynamic, strides } = operands[1];
  const walked = dims
    .slice(0, (kernel as GatherKernel | ScatterKernel).rank)
    .map((size, i) => ({ size, stride: strides[i] }))
    .filter(({ size, stride }) => size > 1 && stride !== 0)
    .sort((a, b) => b.stride - a.stride);
  // Axes that are one step through memory are one axis, however they are cut for the other operands.
  const merged: { size: number; stride: number }[] = [];
  for (const { size, stride } of walked) {
    const last = merged[merged.length - 1];
    if (last && last.stride === stride * size) merged[merged.length - 1] = { size: last.size * size, stride };
    else merged.push({ size, stride });
  }
  const text = merged.map(({ size, stride }) => `${size}*${stride}`).join();
  return `${buffer}+${offset}${JSON.stringify(dynamic)}:${text} of ${axis!.size}`;
}

/** How many of a launch's operands are read; the others are written. */
function readCount({ kernel, operands }: Launch): number {
  switch (kernel.form) {
    case 'map':
    case 'reduce':
    case 'contract':
      return operands.length - kernel.outputs.length;
    case 'host':
      return kernel.inputs.length;
    default:
      return operands.length - 1;
  }
}

/** Memory for values that live only within a run: each takes the best-fitting slot that is free from its first write to its last use. */
function assignSlots(
  buffers: readonly BufferSpec[],
  launches: readonly Launch[],
): { specs: BufferSpec[]; slots: number[] } {
  const specs = [...buffers];
  // The launches of a band may run in turns, so all their values are needed at once.
  const steps: Launch[][] = [];
  launches.forEach((launch, i) => {
    const together = launch.band !== undefined && launch.band === launches[i - 1]?.band;
    if (together) steps[steps.length - 1].push(launch);
    else steps.push([launch]);
  });
  const operandsOf = (step: readonly Launch[]) => step.flatMap((launch) => launch.operands);
  const last = new Map<number, number>();
  steps.forEach((step, i) => {
    for (const { buffer } of operandsOf(step)) if (buffer >= 0) last.set(buffer, i);
  });
  const slots: number[] = [];
  const free = new Set<number>();
  const slotOf = new Map<number, number>();
  steps.forEach((step, i) => {
    for (const { buffer } of operandsOf(step)) {
      const spec = buffer >= 0 ? specs[buffer] : null;
      if (spec?.kind !== 'slot' || spec.slot >= 0) continue;
      const bytes = spec.length * bytesPerElement(spec.dtype);
      const slot = takeSlot(slots, free, bytes);
      slotOf.set(buffer, slot);
      specs[buffer] = { ...spec, slot };
    }
    for (const { buffer } of operandsOf(step)) {
      if (last.get(buffer) === i && slotOf.has(buffer)) free.add(slotOf.get(buffer)!);
    }
  });
  return {
    specs: specs.map((spec) =>
      spec.kind === 'slot' && spec.slot < 0 ? { ...spec, slot: takeSlot(slots, free, 0) } : spec,
    ),
    slots,
  };
}

function takeSlot(slots: number[], free: Set<number>, bytes: number): number {
  let best = -1;
  let largest = -1;
  for (const slot of free) {
    const size = slots[slot];
    if (size >= bytes && (best < 0 || size < slots[best])) best = slot;
    if (largest < 0 || size > slots[largest]) largest = slot;
  }
  // Too large by far wastes memory that a later value needs; too small grows rather than adding a slot.
  if (best >= 0 && slots[best] > 4 * bytes + 4096) best = -1;
  if (best < 0 && largest >= 0 && slots[largest] < bytes) best = largest;
  if (best < 0) return slots.push(bytes) - 1;
  free.delete(best);
  slots[best] = Math.max(slots[best], bytes);
  return best;
}
