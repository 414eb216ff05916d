/** What launches touch for each row, and which buffers nobody else needs. */
import { bytesPerElement } from '../dtype.ts';
import type { Launch, Program } from './kernel.ts';

/**
 * Bytes from one row to the next in each buffer: how much of it a row is, but for what all rows read. Those that one of the
 * launches writes are read at the same distance by all.
 */
export function rowBytes(program: Program, rows: number, launches: readonly Launch[]): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const { operands, dims } of launches) {
    for (const { buffer, strides } of operands) {
      if (buffer < 0) continue;
      const own = (Math.abs(strides[0]) * dims[0] * bytesPerElement(program.buffers[buffer].dtype)) / rows;
      bytes.set(buffer, Math.max(own, bytes.get(buffer) ?? 0));
    }
  }
  return bytes;
}

/** Buffers that nothing but `launches` touches, so that nobody misses the rows of other units. */
export function localTo(program: Program, launches: readonly Launch[]): number[] {
  const inside = new Set(launches);
  const found = new Set<number>();
  for (const { operands } of inside) {
    for (const { buffer, offset } of operands) {
      if (buffer >= 0 && offset === 0 && program.buffers[buffer].kind === 'slot') found.add(buffer);
    }
  }
  for (const launch of program.launches) {
    for (const { buffer, offset } of launch.operands)
      if (offset !== 0 || !inside.has(launch)) found.delete(buffer);
  }
  return [...found];
}
