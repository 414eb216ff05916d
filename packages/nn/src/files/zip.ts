/**
 * Reads zip archives, which `.npz` files are. What others wrote is taken apart by zip.js, loaded when the first
 * archive is met: it knows zip64, and the many ways in which a directory can be odd or lie. Held here is what a
 * reader of untrusted files needs beside it: a member is unpacked no further than the directory and its own first
 * bytes say, and all of them together no further than a limit. How archives are written: zipWriter.ts.
 */

import { codedError, valueError } from '@ag/tensor/engine';
import type { FileEntry } from '@zip.js/zip.js';
import { crc32 } from './crc32.ts';

/** How far to unpack. */
export interface UnpackOptions {
  /**
   * The most bytes that the compressed members of an archive may unpack to, all together. Default 2 GiB (2147483648).
   * What lies in it uncompressed is bounded by the file itself.
   */
  readonly maxBytes?: number;
}

/** What the caller knows of an archive. */
export interface ReadZipOptions extends UnpackOptions {
  /** Begins error messages. */
  readonly operation: string;
  /**
   * The length of a member by its own first bytes, undefined while these are too few to tell. It may throw, which ends
   * the unpacking.
   */
  readonly lengthOf?: (start: Uint8Array, name: string) => number | undefined;
}

const defaultMaxBytes = 2 ** 31;

/**
 * The members of an archive in the order of its directory, stored or deflated. Names are texts and nothing else: no file
 * is opened by them.
 *
 * @throws RangeError saying what is wrong: no directory, damage, encryption, another compression, a name that is there
 * twice, members that overlap, more bytes than a member or `maxBytes` announce
 */
export async function* readZip(
  bytes: Uint8Array,
  options: ReadZipOptions,
): AsyncGenerator<readonly [name: string, content: Uint8Array]> {
  const { operation, maxBytes = defaultMaxBytes } = options;
  if (!(maxBytes >= 0)) throw valueError(`${operation}: maxBytes must be a number from 0, got ${maxBytes}`);
  const fail: Fail = (what) => {
    throw codedError(RangeError, 'AG_FILE_FORMAT', `${operation}: ${what}`);
  };
  const entries = await readDirectory(bytes, fail);
  const names = new Set<string>();
  let packed = 0;
  let unpacked = 0;
  for (const entry of entries) {
    checkEntry(entry, fail);
    if (names.has(entry.filename)) fail(`there are two members '${entry.filename}'`);
    names.add(entry.filename);
    packed += entry.compressedSize;
    if (entry.compressionMethod !== 0) unpacked += entry.uncompressedSize;
  }
  if (packed > bytes.length) {
    fail(
      `its members would have ${packed} bytes, the file has ${bytes.length}: it is cut off, or they overlap`,
    );
  }
  if (unpacked > maxBytes) {
    fail(
      `its members unpack to ${unpacked} bytes, the limit is ${maxBytes}; if that is what they should be, allow it with the option maxBytes`,
    );
  }
  for (const entry of entries) {
    const content =
      entry.compressionMethod === 0
        ? storedContent(bytes, entry, fail)
        : await inflated(entry, options, fail);
    yield [entry.filename, content];
  }
}

/** Whether a name holds what no name should: it could end early in another program, or steer a terminal. */
export function hasControls(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return /[\u0000-\u001f\u007f-\u009f]/.test(name);
}

type Fail = (what: string) => never;

/** Compiles nothing and starts no worker: pages with a strict policy allow neither. */
const plain = { useWebWorkers: false, useCompressionStream: true } as const;

async function readDirectory(bytes: Uint8Array, fail: Fail): Promise<FileEntry[]> {
  const { Uint8ArrayReader, ZipReader } = await import('@zip.js/zip.js/lib/zip-core-native.js');
  // Names like ../x are refused by default, for programs that write files by them.
  const reader = new ZipReader(new Uint8ArrayReader(bytes), { ...plain, filenameValidation: 'tolerant' });
  const entries: FileEntry[] = [];
  try {
    for await (const entry of reader.getEntriesGenerator()) if (!entry.directory) entries.push(entry);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === 'End of central directory not found' || reason === 'File format is not recognized') {
      fail('there is no zip directory; is the file whole?');
    }
    fail(`the zip directory is damaged (${reason})`);
  }
  return entries;
}

function checkEntry(entry: FileEntry, fail: Fail): void {
  const { filename: name, compressionMethod: method } = entry;
  if (name === '' || hasControls(name)) {
    fail(`a member has no name, or control characters in it: ${JSON.stringify(name)}`);
  }
  if (entry.encrypted) fail(`'${name}' is encrypted; unpack the archive with its password and pack it anew`);
  if (method !== 0 && method !== 8) fail(`'${name}' is compressed by method ${method}; known are 0 and 8`);
}

/**
 * A member that is not compressed, as a part of the archive. Not by zip.js, whose streams take a millisecond for each
 * member, however small.
 */
function storedContent(bytes: Uint8Array, entry: FileEntry, fail: Fail): Uint8Array {
  const { filename: name, offset, uncompressedSize: size } = entry;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A directory that says how far everything is moved may say so of too much.
  if (!(offset >= 0 && offset + 30 <= bytes.length) || view.getUint32(offset, true) !== 0x04034b50)
    fail(`'${name}' is not where it should be`);
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + size > bytes.length) fail(`'${name}' is cut off`);
  const content = bytes.subarray(start, start + size);
  if (size !== entry.compressedSize || crc32(content) !== entry.crc32)
    fail(`'${name}' is damaged: its checksum is wrong`);
  return content;
}

/** A deflated member. The stream ends with an error at the first byte beyond the length. */
async function inflated(entry: FileEntry, options: ReadZipOptions, fail: Fail): Promise<Uint8Array> {
  const { filename: name, uncompressedSize } = entry;
  const parts: Uint8Array[] = [];
  let size = 0;
  let known = options.lengthOf === undefined;
  let refusal: unknown;
  const refuse = (error: unknown): never => {
    refusal = error;
    throw error;
  };
  const sink = new WritableStream<Uint8Array>({
    write(part) {
      size += part.length;
      if (size > uncompressedSize)
        refuse(
          codedError(
            RangeError,
            'AG_FILE_FORMAT',
            `${options.operation}: ${tooLong(name, uncompressedSize)}`,
          ),
        );
      parts.push(part);
      if (known) return;
      try {
        const length = options.lengthOf?.(parts.length === 1 ? part : joined(parts, size), name);
        known = length !== undefined;
        if (length !== undefined && length !== uncompressedSize)
          fail(
            `'${name}' should have ${length} bytes by its header and has ${uncompressedSize} by the directory`,
          );
      } catch (error) {
        refuse(error);
      }
    },
  });
  try {
    await entry.getData(sink, { ...plain, checkSignature: true });
  } catch (error) {
    if (refusal !== undefined) throw refusal;
    const reason = reasonOf(error);
    if (reason === 'Invalid uncompressed size') fail(tooLong(name, uncompressedSize));
    fail(
      /crc|signature/i.test(reason)
        ? `'${name}' is damaged: its checksum is wrong`
        : `'${name}' cannot be decompressed: ${reason}`,
    );
  }
  return joined(parts, size);
}

const tooLong = (name: string, size: number): string =>
  `'${name}' is damaged: it does not unpack to the ${size} bytes that the directory gives it`;

/** What zip.js says; of archives that contradict themselves, where. */
function reasonOf(error: unknown): string {
  const { message, reason } = error as Error & { reason?: string };
  return reason === undefined ? message : `${message}: ${reason}`;
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
