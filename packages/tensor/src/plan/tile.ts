/**
 * Large arrays that several kernels pass over row by row (softmax: the largest of a row, its powers, their sum, the quotients)
 * are worked through a few rows at a time, all kernels for these before the next: the rows stay in the processor's cache, and
 * what lies between the kernels needs memory for these rows only.
 *
 * It is done to launches, not to kernels: a launch over some of the rows is the same kernel with another size and offset.
 */
import { bytesPerElement } from '../dtype.ts';
import type { BufferSpec, Launch, Operand } from '../kernel.ts';

/** Arrays that take less together stay in the cache anyway. */
const leastBytes = 4 * 2 ** 20;
/** What the kernels touch for one block of rows. */
const blockBytes = 2 ** 20;
/** More launches would cost more than they bring. */
const maximalBlocks = 64;

interface Group {
  readonly rows: number;
  readonly launches: Launch[];
  /** For each buffer the operand by which all launches of the group reach it, where one of them writes it. */
  readonly written: Map<number, Operand>;
  /** Operands of buffers that were only read so far. */
  readonly read: Map<number, Operand[]>;
}

/**
 * @param divisible whether a buffer may be written in parts: not new values of variables, which may lie over the old ones
 * @returns the launches, with some of them cut into blocks; buffers that became smaller are replaced in `buffers`
 */
export function tileRows(
  launches: readonly Launch[],
  buffers: BufferSpec[],
  divisible: (buffer: number) => boolean,
): Launch[] {
  const users = new Map<number, Set<Launch>>();
  for (const launch of launches) {
    for (const { buffer } of launch.operands) {
      const set = users.get(buffer);
      if (set) set.add(launch);
      else users.set(buffer, new Set([launch]));
    }
  }
  const result: Launch[] = [];
  let group: Group | null = null;
  const finish = (): void => {
    if (group) result.push(...cut(group, buffers, users));
    group = null;
  };
  for (const launch of launches) {
    if (group && joins(group, launch, divisible)) continue;
    finish();
    const own: Group = { rows: launch.dims[0] ?? 0, launches: [], written: new Map(), read: new Map() };
    if (joins(own, launch, divisible)) group = own;
    else result.push(launch);
  }
  finish();
  return result;
}

/** Adds a launch whose rows depend on nothing but the same rows of what the group writes. */
function joins(group: Group, launch: Launch, divisible: (buffer: number) => boolean): boolean {
  const { kernel, dims, operands } = launch;
  if (kernel.form !== 'map' && kernel.form !== 'reduce') return false;
  if (kernel.form === 'map' ? kernel.rank < 2 : kernel.outerRank < 1) return false;
  if (dims[0] !== group.rows || group.rows < 2) return false;
  if (kernel.outputs.some(({ accumulate }) => accumulate)) return false;
  const outputs = operands.length - kernel.outputs.length;
  const written = new Map(group.written);
  for (let i = outputs; i < operands.length; i++) {
    const operand = operands[i]!;
    if (!divisible(operand.buffer) || !isRowwise(operand, dims) || written.has(operand.buffer)) return false;
    if (group.read.has(operand.buffer)) return false;
    written.set(operand.buffer, operand);
  }
  for (let i = 0; i < outputs; i++) {
    const operand = operands[i]!;
    const source = written.get(operand.buffer);
    if (source === undefined) continue;
    const same = operand.offset === source.offset && operand.strides[0] === source.strides[0];
    if (!group.written.has(operand.buffer) || !same || !isRowwise(operand, dims)) return false;
  }
  group.launches.push(launch);
  for (let i = outputs; i < operands.length; i++) group.written.set(operands[i]!.buffer, operands[i]!);
  for (let i = 0; i < outputs; i++) {
    const operand = operands[i]!;
    if (operand.buffer < 0 || group.written.has(operand.buffer)) continue;
    const list = group.read.get(operand.buffer);
    if (list) list.push(operand);
    else group.read.set(operand.buffer, [operand]);
  }
  return true;
}

/** Whether the elements of a row lie between its first one and the first one of the next row. */
function isRowwise({ strides, dynamic }: Operand, dims: readonly number[]): boolean {
  let span = 1;
  for (let i = 1; i < strides.length; i++) {
    if (strides[i]! < 0) return false;
    span += (dims[i]! - 1) * strides[i]!;
  }
  return dynamic.length === 0 && span <= strides[0]!;
}

/** The launches of a group, block by block where that is worth it. */
function cut(
  { rows, launches, written, read }: Group,
  buffers: BufferSpec[],
  users: ReadonlyMap<number, ReadonlySet<Launch>>,
): readonly Launch[] {
  const bytesOf = (buffer: number, stride: number): number =>
    Math.abs(stride) * bytesPerElement(buffers[buffer]!.dtype);
  let bytes = 0;
  for (const [buffer, { strides }] of written) bytes += bytesOf(buffer, strides[0]!);
  for (const [buffer, operands] of read)
    bytes += Math.max(...operands.map(({ strides }) => bytesOf(buffer, strides[0]!)));
  if (launches.length < 2 || rows * bytes < leastBytes) return launches;
  const size = Math.max(1, Math.ceil(rows / maximalBlocks), Math.floor(blockBytes / bytes));
  if (size >= rows) return launches;
  const local = new Set<number>();
  for (const [buffer, { offset, strides }] of written) {
    const spec = buffers[buffer]!;
    const elsewhere = [...users.get(buffer)!].some((launch) => !launches.includes(launch));
    if (spec.kind !== 'slot' || offset !== 0 || elsewhere) continue;
    local.add(buffer);
    buffers[buffer] = { ...spec, length: size * strides[0]! };
  }
  const result: Launch[] = [];
  for (let row = 0; row < rows; row += size) {
    for (const launch of launches) {
      result.push({
        ...launch,
        dims: [Math.min(size, rows - row), ...launch.dims.slice(1)],
        operands: launch.operands.map((operand) =>
          local.has(operand.buffer)
            ? operand
            : { ...operand, offset: operand.offset + row * operand.strides[0]! },
        ),
      });
    }
  }
  return result;
}
