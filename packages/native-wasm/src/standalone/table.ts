/**
 * Words of memory that change from row to row (sizes of batch, steps): the few that do, and for each row what they are. Words that
 * change alike share a column.
 *
 * In memory: pairs of an address and the offset of its column in a row, then the rows.
 */
import type { LinearMemory } from '../run/memory.ts';

export class Table {
  /** Where the pairs stand, and how many. */
  readonly pairs: number;
  readonly count: number;
  readonly rows: number;
  readonly rowBytes: number;

  constructor(pairs: number, count: number, rows: number, rowBytes: number) {
    this.pairs = pairs;
    this.count = count;
    this.rows = rows;
    this.rowBytes = rowBytes;
  }

  /** Rows of the words from `start` on, gone through twice: only those of one row are kept at a time. */
  static from(memory: LinearMemory, rows: () => Iterable<Int32Array>, start: number): Table {
    let first: Int32Array | null = null;
    const differs = new Set<number>();
    for (const row of rows()) {
      first ??= row;
      for (let word = 0; word < row.length; word++) if (row[word] !== first[word]) differs.add(word);
    }
    const varying = [...differs].sort((a, b) => a - b);
    const all = varying.length === 0 ? [] : Array.from(rows(), (row) => varying.map((word) => row[word]));
    const columns: number[] = [];
    const pairs = varying.flatMap((word, i) => {
      const known = columns.findIndex((column) => all.every((row) => row[column] === row[i]));
      const column = known >= 0 ? known : columns.push(i) - 1;
      return [start + 4 * word, 4 * column];
    });
    if (pairs.length === 0) return new Table(0, 0, 0, 0);
    const { address } = memory.allocate(4 * (pairs.length + all.length * columns.length));
    memory.i32.set(pairs, address >>> 2);
    let at = (address >>> 2) + pairs.length;
    for (const row of all) for (const column of columns) memory.i32[at++] = row[column];
    return new Table(address, varying.length, address + 4 * pairs.length, 4 * columns.length);
  }
}
