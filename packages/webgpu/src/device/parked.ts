/** Small values that wait for somebody to read them, side by side in a few buffers: see `Buffers.park`. */

/** A part of a page. */
export interface Parked {
  readonly buffer: GPUBuffer;
  /** Where it begins, in bytes. */
  readonly start: number;
  readonly size: number;
}

/** Most bytes of what counts as small: losses, metrics, a few numbers for each class. */
export const mostParkedBytes = 256;

const pageBytes = 2 ** 16;
/** COPY_SRC, COPY_DST. */
const usage = 4 | 8;

export class ParkedValues {
  readonly #device: GPUDevice;
  readonly #pages: GPUBuffer[] = [];
  /** Places nobody uses, by their size. */
  readonly #free = new Map<number, Parked[]>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Copies the first bytes of a buffer to a place of their own, by a command of the encoder. */
  put(from: GPUBuffer, bytes: number, encoder: GPUCommandEncoder): Parked {
    const size = bytes <= 16 ? 16 : mostParkedBytes;
    const place = this.#free.get(size)?.pop() ?? this.#page(size);
    encoder.copyBufferToBuffer(from, 0, place.buffer, place.start, wholeWords(bytes));
    return place;
  }

  free(place: Parked): void {
    this.#free.get(place.size)?.push(place);
  }

  destroy(): void {
    for (const page of this.#pages) page.destroy();
    this.#pages.length = 0;
    this.#free.clear();
  }

  /** A place in a new page, whose others are free. */
  #page(size: number): Parked {
    const buffer = this.#device.createBuffer({ size: pageBytes, usage });
    this.#pages.push(buffer);
    const places: Parked[] = [];
    for (let start = pageBytes - size; start > 0; start -= size) places.push({ buffer, start, size });
    this.#free.set(size, places);
    return { buffer, start: 0, size };
  }
}

/** Bytes up to a whole number of words, as copies have them. */
export function wholeWords(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
