/**
 * When the new value of a variable may be written over the old one.
 *
 * Nothing reads the old value after the launch that writes, that launch reads it at the position it writes only, and no
 * launch behind it can fail: a run that fails must leave the old value.
 */
import type { GatherKernel, Launch, ScatterKernel } from '../kernel/kernel.ts';

/** Of these launches: whether what is written to `target` may lie over `old`, the value before; null where nothing reads that. */
export function overwriteRule(launches: readonly Launch[]): (target: number, old: number | null) => boolean {
  const uses = usesOf(launches);
  const failing = lastToFail(launches);
  return (target, old) => {
    const writing = uses.written.get(target);
    if (writing === undefined) return true;
    if (writing <= failing) return false;
    return old === null || canOverwrite(launches, uses, old, target, writing);
  };
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

/** Nothing reads the old value after the launch that writes, and that launch reads it at the position it writes only. */
function canOverwrite(
  launches: readonly Launch[],
  uses: ReturnType<typeof usesOf>,
  old: number,
  target: number,
  writing: number,
): boolean {
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
    if (form === 'host' || form === 'loop') last = i;
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
    case 'loop':
      return kernel.inputs.length;
    default:
      return operands.length - 1;
  }
}
