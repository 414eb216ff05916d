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
  const users = usersOf(program);
  const inside = new Set(launches);
  const touched = new Set(launches.flatMap(({ operands }) => operands.map(({ buffer }) => buffer)));
  return [...touched].filter(
    (buffer) =>
      buffer >= 0 &&
      program.buffers[buffer].kind === 'slot' &&
      users[buffer].every(
        (launch) =>
          inside.has(launch) &&
          launch.operands.every((operand) => operand.buffer !== buffer || operand.offset === 0),
      ),
  );
}

/** For programs that were asked about, the launches that touch each buffer: a deep network has hundreds of bands. */
const known = new WeakMap<Program, readonly (readonly Launch[])[]>();

function usersOf(program: Program): readonly (readonly Launch[])[] {
  let users = known.get(program);
  if (users === undefined) {
    const found = program.buffers.map((): Launch[] => []);
    for (const launch of program.launches)
      for (const { buffer } of launch.operands) if (buffer >= 0) found[buffer].push(launch);
    users = found;
    known.set(program, users);
  }
  return users;
}
