/**
 * Kernels' code kept from one process to the next, where somebody offers a place for it.
 *
 * Writing a module takes longer than running it for the first time, and the next process of the same kind writes the same one.
 * A module is found by all that decides its bytes, which stands in front of them and is compared whole, and is used
 * only if a sum over its content is right: what was cut off or written by another version counts as not there.
 */

/** A place for code. Both methods may throw: what cannot be read is made, what cannot be kept is made again. */
export interface KernelStore {
  /** What was last saved under the name; null where there is nothing. */
  load(name: string): Uint8Array | null;
  save(name: string, content: Uint8Array): void;
}

/** A module, and whether its kernels call functions of the host. */
interface Kept {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hostFunctions: boolean;
}

/** "agk1". */
const magic = 0x316b6761;
const headBytes = 20;

export class KeptCode {
  readonly #store: KernelStore;

  constructor(store: KernelStore) {
    this.#store = store;
  }

  load(key: string): Kept | null {
    try {
      const content = this.#store.load(nameOf(key));
      if (content === null || content.length < headBytes) return null;
      const head = new DataView(content.buffer, content.byteOffset, headBytes);
      const [first, flags, keyBytes, ...sums] = [0, 4, 8, 12, 16].map((at) => head.getUint32(at, true));
      const body = content.subarray(headBytes);
      if (first !== magic || sums.join() !== sumsOf(body).join()) return null;
      if (new TextDecoder().decode(body.subarray(0, keyBytes)) !== key) return null;
      return { bytes: body.slice(keyBytes), hostFunctions: flags === 1 };
    } catch {
      return null;
    }
  }

  save(key: string, { bytes, hostFunctions }: Kept): void {
    try {
      const text = new TextEncoder().encode(key);
      const content = new Uint8Array(headBytes + text.length + bytes.length);
      content.set(text, headBytes);
      content.set(bytes, headBytes + text.length);
      const head = new DataView(content.buffer);
      const words = [magic, Number(hostFunctions), text.length, ...sumsOf(content.subarray(headBytes))];
      words.forEach((word, i) => {
        head.setUint32(4 * i, word, true);
      });
      this.#store.save(nameOf(key), content);
    } catch {
      // Nothing depends on it.
    }
  }
}

function nameOf(key: string): string {
  return sumsOf(new TextEncoder().encode(key))
    .map((sum) => sum.toString(16).padStart(8, '0'))
    .join('');
}

/** Two sums that depend on every byte and its place. */
function sumsOf(bytes: Uint8Array): [number, number] {
  let a = 0x811c9dc5;
  let b = bytes.length;
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ bytes[i], 0x01000193);
    b = Math.imul((b << 5) ^ (b >>> 27) ^ bytes[i], 0x9e3779b1);
  }
  return [a >>> 0, b >>> 0];
}
