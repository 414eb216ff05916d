/** Unpacks gzip with the platform's own decoder, the same in Node and in browsers, and says what is wrong with a file. */
import { DataError } from '../errors.ts';

/** Whether the bytes begin as gzip does (RFC 1952, section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks gzip data; its checksum is verified.
 *
 * @param file the name to use in errors
 * @param limit the most bytes accepted, a guard against files that unpack without end
 * @throws DataError `truncated` when the file ends early, `format` when it is damaged, is not gzip, has bytes after
 * its end, or unpacks to more than `limit`
 */
export async function gunzip(bytes: Uint8Array, file: string, limit = 2 ** 31): Promise<Uint8Array> {
  if (!isGzip(bytes)) {
    throw new DataError('not a gzip file', {
      code: bytes.length < 2 ? 'truncated' : 'format',
      file,
      expected: 'the first bytes 1f 8b',
      found: bytes.length === 0 ? 'an empty file' : hex(bytes.subarray(0, 2)),
    });
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    const packed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
    const reader = packed.pipeThrough(new DecompressionStream('gzip')).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.length;
      if (size > limit) {
        await reader.cancel();
        break;
      }
      parts.push(part.value);
    }
  } catch (cause) {
    throw unpackError(bytes, file, size, cause);
  }
  if (size > limit) {
    throw new DataError('unpacks to too much', {
      code: 'format',
      file,
      expected: `at most ${limit} bytes`,
      found: 'more',
    });
  }
  return join(parts, size);
}

/** Joins byte arrays of `size` bytes in all. */
export function join(parts: readonly Uint8Array[], size: number): Uint8Array {
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
