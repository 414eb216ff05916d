/** Reads tar archives: the regular files in them, by name. (POSIX.1-1988 ustar, as GNU tar writes it too for short names.) */
import { DataError } from '../errors.ts';

const block = 512;

/**
 * The files of an archive, not copied.
 *
 * @param file the name to use in errors
 * @throws DataError `truncated` when the archive ends within a file, `format` where a header is none
 */
export function untar(bytes: Uint8Array, file: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  let at = 0;
  while (at + block <= bytes.length) {
    const header = bytes.subarray(at, at + block);
    // Two blocks of zeros are the end; some writers leave them out.
    if (header.every((byte) => byte === 0)) break;
    const size = octal(header.subarray(124, 136));
    const sum = octal(header.subarray(148, 156));
    if (size === undefined || sum === undefined || checksum(header) !== sum) {
      throw new DataError('not a tar archive', {
        code: 'format',
        file,
        expected: `a header at byte ${at} whose checksum fits`,
        found: sum === undefined ? 'no checksum' : `${sum} for ${checksum(header)}`,
      });
    }
    at += block;
    if (at + size > bytes.length) {
      throw new DataError('the archive ends too early', {
        code: 'truncated',
        file,
        expected: `${at + size} bytes`,
        found: `${bytes.length}`,
      });
    }
    const type = header[156];
    // '0' and, of old archives, NUL: a regular file.
    if (type === 0x30 || type === 0) {
      const prefix = text(header.subarray(345, 500));
      const name = text(header.subarray(0, 100));
      const ustar = text(header.subarray(257, 262)) === 'ustar';
      found.set(ustar && prefix !== '' ? `${prefix}/${name}` : name, bytes.subarray(at, at + size));
    }
    at += Math.ceil(size / block) * block;
  }
  return found;
}

/** The sum of a header's bytes, those of the sum itself as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i];
  return sum;
}

function octal(field: Uint8Array): number | undefined {
  const digits = text(field).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return String.fromCharCode(...field.subarray(0, end < 0 ? field.length : end));
}
