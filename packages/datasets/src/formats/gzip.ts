/**
 * Unpacks gzip with the platform's decoder, in Node and in browsers. Errors say what is wrong with a file. Unpacking stops
 * at a limit, before that at the length that stands at the end of the file (RFC 1952, section 2.3.1: ISIZE), and
 * before that where the content's own first bytes say how long it is.
 */
import { DataError } from '../errors.ts';

/** Whether the bytes begin as gzip does (RFC 1952, section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks gzip data; its checksum is verified.
 *
 * @param file the name to use in errors
 * @param limit the most bytes accepted, a guard against files that unpack without end; default 2 GiB
 * @throws DataError `truncated` when the file ends early, `format` when it is damaged, is not gzip, has bytes after
 * its end (a second gzip file too), or unpacks to more than `limit`
 */
export async function gunzip(bytes: Uint8Array, file: string, limit = defaultLimit): Promise<Uint8Array> {
  return unpack(bytes, file, limit);
}

/** The most bytes that a file is unpacked to where nothing else is said. */
export const defaultLimit: number = 2 ** 31;

/**
 * As {@link gunzip}, and no further than the content says of itself.
 *
 * @param lengthOf the length of the content by its first bytes, undefined while these are too few to tell; it may throw
 */
export async function unpack(
  bytes: Uint8Array,
  file: string,
  limit: number,
  lengthOf?: (start: Uint8Array) => number | undefined,
): Promise<Uint8Array> {
  if (!isGzip(bytes)) {
    throw new DataError('not a gzip file', {
      code: bytes.length < 2 ? 'truncated' : 'format',
      file,
      expected: 'the first bytes 1f 8b',
      found: bytes.length === 0 ? 'an empty file' : hex(bytes.subarray(0, 2)),
    });
  }
  const announced = announcedLength(bytes, file, limit);
  if (announced !== undefined && announced > limit)
    throw tooMuch(file, limit, `${announced} by its last bytes`);
  const parts: Uint8Array[] = [];
  let size = 0;
  let length: number | undefined;
  const packed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const reader = packed.pipeThrough(new DecompressionStream('gzip')).getReader();
  const next = () =>
    reader.read().catch((cause) => {
      throw unpackError(bytes, file, size, cause);
    });
  try {
    for (let part = await next(); !part.done; part = await next()) {
      size += part.value.length;
      if (size > limit) throw tooMuch(file, limit, 'more');
      if (announced !== undefined && size > announced) throw otherLength(file, announced, 'more');
      parts.push(part.value);
      if (length === undefined && lengthOf !== undefined) {
        length = lengthOf(join(parts, size));
        if (length !== undefined && length > limit) throw tooMuch(file, limit, `${length} by its header`);
      }
      if (length !== undefined && size > length) {
        throw new DataError('bytes after the end', {
          code: 'format',
          file,
          expected: `${length} bytes unpacked, as its header says`,
          found: 'more',
        });
      }
    }
  } catch (error) {
    // What is not read any more need not be unpacked either.
    await reader.cancel().catch(() => {});
    throw error;
  }
  return join(parts, size);
}

/** Deflated data have at most 1032 times their length (RFC 1951: 258 bytes for two bits). */
const mostForByte = 1032;

/**
 * The length that the file's last bytes give: modulo 2³², so that with a larger limit it says nothing.
 *
 * @throws DataError `truncated` where the bytes cannot become so many: they are not the last ones
 */
function announcedLength(bytes: Uint8Array, file: string, limit: number): number | undefined {
  if (limit >= 2 ** 32 || bytes.length < 18) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(
    bytes.length - 4,
    true,
  );
  if (length > mostForByte * bytes.length)
    throw otherLength(file, length, `${bytes.length} bytes, too few for it`);
  return length;
}

function otherLength(file: string, length: number, found: string): DataError {
  return new DataError('truncated gzip file, or several in one', {
    code: 'truncated',
    file,
    expected: `${length} bytes unpacked, as its last bytes say`,
    found,
    hint: 'Fetch the file again, or unpack it and pack it anew',
  });
}

function tooMuch(file: string, limit: number, found: string): DataError {
  return new DataError('unpacks to too much', {
    code: 'format',
    file,
    expected: `at most ${limit} bytes`,
    found,
    hint: 'Raise the limit if that is what it should hold',
  });
}

/** Joins byte arrays of `size` bytes in all. */
export function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1 && parts[0].length === size) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes as text for an error: `1f 8b`. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Engines word the same failures differently; the end of the file is what tells a truncated one from a damaged one. */
function unpackError(bytes: Uint8Array, file: string, size: number, cause: unknown): DataError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const truncated = /unexpected end|incomplete|premature|truncated|without.*end/i.test(reason);
  return new DataError(truncated ? 'truncated gzip file' : 'damaged gzip file', {
    code: truncated ? 'truncated' : 'format',
    file,
    expected: 'a complete gzip file with the right checksum',
    found: `${bytes.length} bytes that unpack to ${size} and then fail (${reason})`,
    hint: 'Fetch the file again',
    cause,
  });
}
