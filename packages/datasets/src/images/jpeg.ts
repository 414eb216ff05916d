/**
 * Reads JPEG files in Node (ITU-T T.81; sections below). The package `jpeg-js` makes pixels of them; looked at before
 * is what decides how much memory and time that takes: the size, the components, and how often a file goes through
 * all pixels.
 */
import type { ImageDataLike } from './pixels.ts';

/** What the frame's header says (section B.2.2). */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** Samples of each component in a unit, across and down. */
  readonly components: readonly { readonly across: number; readonly down: number }[];
}

/** What `jpeg-js` offers of it. */
export interface JpegPackage {
  decode(
    bytes: Uint8Array,
    options: { useTArray: true; maxResolutionInMP: number; maxMemoryUsageInMB: number },
  ): ImageDataLike;
}

/** Kinds of frames that the decoder does not know, by their markers (table B.1). */
const otherFrames: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [0xc3, 'a lossless'],
  [0xc5, 'a differential'],
  [0xc6, 'a differential'],
  [0xc7, 'a differential'],
  [0xc9, 'an arithmetically coded'],
  [0xca, 'an arithmetically coded'],
  [0xcb, 'an arithmetically coded'],
  [0xcd, 'an arithmetically coded'],
  [0xce, 'an arithmetically coded'],
  [0xcf, 'an arithmetically coded'],
]);

/** Reads the frame's header. @throws Error saying what is wrong with it, or that it is missing */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1];
    // Between segments anything but a marker is passed over, as decoders do.
    if (
      bytes[at] !== 0xff ||
      marker === 0 ||
      marker === 0xff ||
      (marker >= 0xd0 && marker <= 0xd8) ||
      marker === 1
    ) {
      at++;
      continue;
    }
    if (marker === 0xd9 || marker === 0xda) break;
    const kind = otherFrames.get(marker);
    if (kind !== undefined)
      throw new Error(`${kind} image, which is not supported; save it as a usual JPEG or PNG`);
    if (marker >= 0xc0 && marker <= 0xc2) return frameAt(bytes, view, at + 4);
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  throw new Error('the end comes before the size of the image');
}

function frameAt(bytes: Uint8Array, view: DataView, at: number): JpegHeader {
  const count = bytes[at + 5];
  if (at + 6 + 3 * count > bytes.length) throw new Error('the end comes within the size of the image');
  const [precision, height, width] = [bytes[at], view.getUint16(at + 1), view.getUint16(at + 3)];
  if (precision !== 8) throw new Error(`${precision} bits a color, which is not supported; save it with 8`);
  if (width === 0 || height === 0) throw new Error(`a size of ${width}×${height}`);
  if (count !== 1 && count !== 3 && count !== 4)
    throw new Error(`${count} color components, known are 1, 3 and 4`);
  const components = Array.from({ length: count }, (_, i) => {
    const sampling = bytes[at + 7 + 3 * i];
    const [across, down] = [sampling >> 4, sampling & 15];
    if (across < 1 || across > 4 || down < 1 || down > 4)
      throw new Error(`a sampling of ${across}×${down}, known are 1 to 4`);
    return { across, down };
  });
  return { width, height, components };
}

/** The passes over all pixels that a limit allows for each pixel of it; progressive files have about ten. */
const passesPerPixel = 20;

/** The pixels. @throws Error saying what is wrong with the file */
export function decodeJpeg(bytes: Uint8Array, { decode }: JpegPackage, maxPixels: number): ImageDataLike {
  const header = readJpegHeader(bytes);
  const pixels = header.width * header.height;
  // A block has at least one bit (section F.1.2): a file of less is cut off, or its size is a lie.
  if (8 * bytes.length < blocksOf(header)) {
    throw new Error(`${bytes.length} bytes, too few for its ${header.width}×${header.height} pixels`);
  }
  const scans = scansIn(bytes);
  if (scans * pixels > passesPerPixel * maxPixels) {
    throw new Error(
      `${scans} scans over ${pixels} pixels, at most ${Math.floor((passesPerPixel * maxPixels) / pixels)} are read`,
    );
  }
  const { width, height, data } = decode(bytes, {
    useTArray: true,
    maxResolutionInMP: Math.ceil(pixels / 1e6),
    maxMemoryUsageInMB: memoryOf(header) / 2 ** 20,
  });
  return { width, height, data };
}

/** At most so many scans: within their data no such bytes occur (section B.1.1.5), though elsewhere they may. */
function scansIn(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xda) count++;
  }
  return count;
}

/** The blocks of 8×8 samples that the image has (section A.1.1). */
function blocksOf({ width, height, components }: JpegHeader): number {
  const [across, down] = mostSamples(components);
  return components.reduce(
    (sum, component) =>
      sum +
      Math.ceil((Math.ceil(width / 8) * component.across) / across) *
        Math.ceil((Math.ceil(height / 8) * component.down) / down),
    0,
  );
}

function mostSamples(components: JpegHeader['components']): [across: number, down: number] {
  return [
    Math.max(...components.map((component) => component.across)),
    Math.max(...components.map((component) => component.down)),
  ];
}

/** What the decoder says it needs: four bytes and one for each sample of whole units, two copies of the pixels, tables. */
function memoryOf({ width, height, components }: JpegHeader): number {
  const [across, down] = mostSamples(components);
  const units = Math.ceil(width / 8 / across) * Math.ceil(height / 8 / down);
  const blocks = components.reduce((sum, component) => sum + units * component.across * component.down, 0);
  return blocks * 64 * 5 + width * height * (components.length + 4) + 2 ** 24;
}
