/**
 * A world in shared memory: ranks are threads of one process, or workers of a page that is isolated. For tests, and for whoever
 * wants to see what a program does on several ranks without a launcher.
 *
 * Every rank has an area in the memory. A meeting: each writes what it is about and its part into its area; a barrier; each
 * reads the areas in the order of ranks; a barrier, after which areas may be written again.
 */
import { checkOptions, valueError } from '@ag/tensor/engine';
import { type PendingSum, rankFailed, ranksDiffer, type Summable, type World } from './world.ts';

/** What threads need to join a world; can be sent to them. */
export interface SharedWorld {
  readonly size: number;
  readonly memory: SharedArrayBuffer;
}

/** Options of {@link memoryWorld}. */
export interface MemoryWorldOptions {
  /** Seconds that a rank waits for the others before it gives up and ends the run. Default 600. */
  readonly deadline?: number;
}

/** Bytes of a rank's part that are exchanged at a time. */
const areaBytes = 256 * 1024;
/** Bytes for the text that says what a meeting is about. */
const textBytes = 256;
/** Words: of the head, and of each rank. */
const headWords = 8;
const rankWords = 8;
/** Of the head. */
const arrived = 0;
const generation = 1;
const deadlineWord = 2;
/** The rank that ended the run, from 1, and the bytes of its message, which stand in its area. */
const aborted = 3;
const abortedBytes = 4;
/** Of a rank: the meeting it has come to last, whether it has left, bytes of its part, bytes of its text. */
const cameTo = 0;
const left = 1;
const partBytes = 2;
const textLength = 3;

/**
 * Memory for a world of `size` ranks. Each joins it from a thread of its own:
 *
 * ```ts
 * const shared = memoryWorld(2);
 * for (const rank of [0, 1]) new Worker(new URL('./rank.js', import.meta.url), { workerData: { shared, rank } });
 * // rank.js
 * const world = joinWorld(workerData.shared, workerData.rank);
 * ```
 *
 * @throws RangeError for a size that is no whole number from 1
 */
export function memoryWorld(size: number, options: MemoryWorldOptions = {}): SharedWorld {
  checkOptions('memoryWorld', options, 'deadline');
  const { deadline = 600 } = options;
  if (!Number.isInteger(size) || size < 1)
    throw valueError(`memoryWorld: the size must be a whole number from 1, got ${size}`);
  if (!(deadline > 0)) throw valueError(`memoryWorld: the deadline must be above 0 seconds, got ${deadline}`);
  const memory = new SharedArrayBuffer(
    4 * (headWords + size * rankWords) + size * textBytes + size * areaBytes + 8,
  );
  new Int32Array(memory, 0, headWords)[deadlineWord] = Math.min(1000 * deadline, 0x7fffffff);
  return { size, memory };
}

/**
 * Enters a world as one of its ranks; each rank once, in a thread that may wait (every one but a page's own).
 *
 * @throws RangeError for a rank that the world does not have
 */
export function joinWorld(shared: SharedWorld, rank: number): World {
  if (!Number.isInteger(rank) || rank < 0 || rank >= shared.size)
    throw valueError(`joinWorld: the rank must be a whole number from 0 to ${shared.size - 1}, got ${rank}`);
  return new MemoryWorld(shared, rank);
}

class MemoryWorld implements World {
  readonly rank: number;
  readonly size: number;
  readonly #head: Int32Array;
  readonly #ranks: readonly Int32Array[];
  readonly #texts: readonly Uint8Array[];
  readonly #areas: readonly Uint8Array[];
  readonly #memory: SharedArrayBuffer;
  /** Where the areas start. */
  readonly #starts: readonly number[];
  readonly #encoded = new Map<string, Uint8Array>();
  #meetings = 0;
  #where = '';

  constructor({ size, memory }: SharedWorld, rank: number) {
    this.rank = rank;
    this.size = size;
    this.#head = new Int32Array(memory, 0, headWords);
    const each = <T>(make: (rank: number) => T): T[] => Array.from({ length: size }, (_, i) => make(i));
    this.#ranks = each((i) => new Int32Array(memory, 4 * (headWords + i * rankWords), rankWords));
    const texts = 4 * (headWords + size * rankWords);
    this.#texts = each((i) => new Uint8Array(memory, texts + i * textBytes, textBytes));
    const first = Math.ceil((texts + size * textBytes) / 8) * 8;
    this.#memory = memory;
    this.#starts = each((i) => first + i * areaBytes);
    this.#areas = this.#starts.map((start) => new Uint8Array(memory, start, areaBytes));
  }

  allReduce(values: Summable, what: string): void {
    const make = values instanceof Float64Array ? Float64Array : Float32Array;
    const each = areaBytes / values.BYTES_PER_ELEMENT;
    let start = 0;
    do {
      const part = values.subarray(start, start + each);
      const views = this.#starts.map(
        (area): Summable =>
          make === Float64Array
            ? new Float64Array(this.#memory, area, part.length)
            : new Float32Array(this.#memory, area, part.length),
      );
      views[this.rank].set(part);
      const dtype = make === Float64Array ? 'float64' : 'float32';
      this.#meet(start === 0 ? `sum of ${values.length} ${dtype}, ${what}` : what, part.byteLength);
      part.set(views[0]);
      for (let r = 1; r < this.size; r++) {
        const other = views[r];
        for (let i = 0; i < part.length; i++) part[i] += other[i];
      }
      this.#barrier(what);
      start += each;
    } while (start < values.length);
  }

  /** All of it is done at the end: nothing goes on by itself here. */
  startReduce(values: Summable, what: string): PendingSum {
    return { finish: () => this.allReduce(values, what) };
  }

  broadcast(bytes: Uint8Array, what: string): void {
    let start = 0;
    do {
      const part = bytes.subarray(start, start + areaBytes);
      if (this.rank === 0) this.#areas[0].set(part);
      this.#meet(start === 0 ? `broadcast of ${bytes.length} bytes, ${what}` : what, 0);
      if (this.rank !== 0) part.set(this.#areas[0].subarray(0, part.length));
      this.#barrier(what);
      start += areaBytes;
    } while (start < bytes.length);
  }

  gather(bytes: Uint8Array, what: string): readonly Uint8Array[] | null {
    const parts: Uint8Array[][] = this.#areas.map(() => []);
    let start = 0;
    let longest = 0;
    do {
      const part = bytes.subarray(start, start + areaBytes);
      this.#areas[this.rank].set(part);
      this.#meet(`gather, ${what}`, bytes.length);
      const lengths = this.#ranks.map((words) => words[partBytes]);
      if (this.rank === 0)
        for (const [r, list] of parts.entries())
          list.push(this.#areas[r].slice(0, Math.max(0, Math.min(areaBytes, lengths[r] - start))));
      longest = Math.max(...lengths);
      this.#barrier(what);
      start += areaBytes;
    } while (start < longest);
    return this.rank === 0 ? parts.map(joined) : null;
  }

  at(where: string): void {
    this.#where = where;
  }

  abort(reason: unknown): void {
    const message = reason instanceof Error ? reason.message : String(reason);
    const text = `rank ${this.rank} ended the run${this.#where && ` at ${this.#where}`}: ${message}`;
    if (Atomics.compareExchange(this.#head, aborted, 0, -1) !== 0) return;
    // A text of its own, since the area may be being read; views of shared memory cannot be encoded into everywhere.
    const bytes = new TextEncoder().encode(text).subarray(0, areaBytes);
    this.#areas[this.rank].set(bytes);
    this.#head[abortedBytes] = bytes.length;
    Atomics.store(this.#head, aborted, this.rank + 1);
    Atomics.notify(this.#head, generation);
  }

  async finish(): Promise<void> {
    Atomics.store(this.#ranks[this.rank], left, 1);
    Atomics.notify(this.#head, generation);
  }

  /** Waits for all and sees that they are here for the same. */
  #meet(what: string, bytes: number): void {
    const words = this.#ranks[this.rank];
    const text = this.#encode(what);
    this.#texts[this.rank].set(text);
    words[textLength] = text.length;
    words[partBytes] = bytes;
    this.#barrier(what);
    for (let other = 0; other < this.size; other++) {
      const theirs = this.#texts[other];
      const length = this.#ranks[other][textLength];
      if (length === text.length && text.every((byte, i) => byte === theirs[i])) continue;
      const there = new TextDecoder().decode(theirs.slice(0, length));
      throw ranksDiffer(this.rank, what.slice(0, 200), other, there);
    }
  }

  #encode(what: string): Uint8Array {
    let text = this.#encoded.get(what);
    if (text === undefined) {
      text = new TextEncoder().encode(what).subarray(0, textBytes);
      this.#encoded.set(what, text);
    }
    return text;
  }

  #barrier(what: string): void {
    const head = this.#head;
    this.#check(what);
    const now = Atomics.load(head, generation);
    Atomics.store(this.#ranks[this.rank], cameTo, ++this.#meetings);
    if (Atomics.add(head, arrived, 1) + 1 === this.size) {
      Atomics.store(head, arrived, 0);
      Atomics.add(head, generation, 1);
      Atomics.notify(head, generation);
      return;
    }
    const until = performance.now() + head[deadlineWord];
    while (Atomics.load(head, generation) === now) {
      this.#check(what);
      const remaining = until - performance.now();
      if (remaining <= 0) this.#giveUp(what);
      Atomics.wait(head, generation, now, Math.min(remaining, 1000));
    }
  }

  /** @throws Error when another rank has ended the run, or has left */
  #check(what: string): void {
    const by = Atomics.load(this.#head, aborted);
    if (by > 0) {
      const message = this.#areas[by - 1].slice(0, this.#head[abortedBytes]);
      throw rankFailed(new TextDecoder().decode(message));
    }
    // Who has left while others wait will never come; one that has come to this meeting before may have.
    for (const [other, words] of this.#ranks.entries()) {
      if (Atomics.load(words, left) === 0 || Atomics.load(words, cameTo) >= this.#meetings) continue;
      throw rankFailed(
        `rank ${other} has finished, while rank ${this.rank} waits for it at '${what}'${this.#where && ` (${this.#where})`}`,
      );
    }
  }

  #giveUp(what: string): never {
    const missing = this.#ranks.flatMap((words, other) =>
      Atomics.load(words, cameTo) < this.#meetings ? [other] : [],
    );
    const error = rankFailed(
      `rank ${missing.join(', ')} did not come to '${what}'${this.#where && ` (${this.#where})`} within ` +
        `${this.#head[deadlineWord] / 1000} s, where rank ${this.rank} waits`,
    );
    this.abort(error);
    throw error;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
