/**
 * The sections of a module that runs by itself: a memory of its own, the number of its only thread, what lies in memory at the
 * start, and a custom section that says where what is.
 */
import { append, signed, text, unsigned } from '../assembler/encoding.ts';
import type { OwnSections } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';

/** Zeros between two pieces of data that are worth a piece of their own. */
const gap = 32;

/** A piece of memory that is not all zeros. */
export interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** What lies in `bytes`, without long rows of zeros: memory starts as zeros. `start` is where the first byte lies. */
export function piecesOf(bytes: Uint8Array, start: number): Piece[] {
  const pieces: Piece[] = [];
  let first = -1;
  let last = -1;
  const finish = () => {
    if (first >= 0) pieces.push({ start: start + first, bytes: bytes.subarray(first, last + 1) });
  };
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0) continue;
    if (first < 0 || i - last > gap) {
      finish();
      first = i;
    }
    last = i;
  }
  finish();
  return pieces;
}

/** `pages` of 64 KiB, filled with pieces; `description` becomes the custom section `ag.plan`. */
export function ownSections(pages: number, pieces: readonly Piece[], description: string): OwnSections {
  const memory: number[] = [1, 1];
  unsigned(memory, pages);
  unsigned(memory, pages);
  // The number of the thread, 0 and never changed.
  const globals = [1, w.i32, 0, 0x41, 0, 0x0b];
  const exported: number[] = [];
  text(exported, 'memory');
  exported.push(2, 0);
  return {
    beforeExports: [...section(5, memory), ...section(6, globals)],
    exports: exported,
    exportCount: 1,
    behindCode: [...data(pieces), custom('ag.plan', description)],
  };
}

function section(id: number, content: readonly number[]): number[] {
  const bytes = [id];
  unsigned(bytes, content.length);
  return [...bytes, ...content];
}

function data(pieces: readonly Piece[]): Uint8Array[] {
  if (pieces.length === 0) return [];
  const heads = pieces.map(({ start, bytes }) => {
    const head = [0, 0x41];
    signed(head, start | 0);
    head.push(0x0b);
    unsigned(head, bytes.length);
    return head;
  });
  const count: number[] = [];
  unsigned(count, pieces.length);
  const length = pieces.reduce((sum, { bytes }, i) => sum + heads[i].length + bytes.length, count.length);
  const begin = [11];
  unsigned(begin, length);
  return [
    Uint8Array.from([...begin, ...count]),
    ...pieces.flatMap(({ bytes }, i) => [Uint8Array.from(heads[i]), bytes]),
  ];
}

function custom(name: string, content: string): Uint8Array {
  const named: number[] = [];
  text(named, name);
  const bytes = new TextEncoder().encode(content);
  const head = [0];
  unsigned(head, named.length + bytes.length);
  append(head, named);
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return whole;
}
