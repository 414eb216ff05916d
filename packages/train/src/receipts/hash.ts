/**
 * SHA-256 by what the platform has, and trees of hashes, by which one hash stands for many and the first that differs is found.
 */
import { TrainingError } from '../errors.ts';
import { findNodeModule } from '../platform.ts';

/** Bytes up to which Node's own function, which does not wait, costs less than handing them to another thread. */
const few = 1 << 14;

/**
 * The SHA-256 of bytes in hexadecimal (FIPS 180-4). Many bytes are hashed beside the program: by a thread of Node or of the browser.
 *
 * @throws TrainingError `option` in a page that was not loaded by https or from localhost, where browsers have no hashes
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const crypto = bytes.length <= few ? findNodeModule('node:crypto') : undefined;
  if (crypto) return crypto.createHash('sha256').update(bytes).digest('hex');
  const { subtle } = globalThis.crypto ?? {};
  if (subtle === undefined) {
    throw new TrainingError(
      'receipts need SHA-256, which browsers have in secure pages only: open the page by https or from localhost',
      { code: 'option' },
    );
  }
  return hexadecimal(new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}

export const sha256OfText = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));

/**
 * The root of a Merkle tree over hashes, as Certificate Transparency has it (RFC 6962, section 2.1): leaves and inner nodes are
 * told apart by a first byte, so that no list of hashes can be taken for another one. Of no hash it is the SHA-256 of nothing.
 */
export async function merkleRoot(hashes: readonly string[]): Promise<string> {
  if (hashes.length === 0) return sha256(new Uint8Array(0));
  let level = await Promise.all(hashes.map((hash) => sha256(joined(0, hash))));
  while (level.length > 1) {
    const pairs = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      level.slice(2 * i, 2 * i + 2),
    );
    level = await Promise.all(
      pairs.map(([left, right]) => (right === undefined ? left : sha256(joined(1, left, right)))),
    );
  }
  return level[0];
}

function joined(kind: number, ...hashes: readonly string[]): Uint8Array {
  return Uint8Array.of(kind, ...hashes.flatMap(bytesOf));
}

function bytesOf(hash: string): number[] {
  return Array.from({ length: hash.length / 2 }, (_, i) => Number.parseInt(hash.slice(2 * i, 2 * i + 2), 16));
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
