/**
 * Sums by which damage to files is noticed. That of a checkpoint, a CRC-32 (ISO 3309, as in gzip and PNG), stands inside
 * the safetensors header, in an entry of fixed length, so the file stays one that other programs can read.
 */

/** The metadata entry that holds the sum; to be written with `unsealed` and then sealed. */
export const sealName = 'crc32';
export const unsealed = '00000000';

const table = /* @__PURE__ */ makeTable(0xedb88320);
const castagnoli = /* @__PURE__ */ makeTable(0x82f63b78);

/** The CRC-32 of bytes, as an unsigned number. */
export function crc32(bytes: Uint8Array): number {
  return remainder(bytes, table);
}

/** The CRC-32C (Castagnoli, as in iSCSI) of bytes, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  return remainder(bytes, castagnoli);
}

function remainder(bytes: Uint8Array, table: Uint32Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The table of a polynomial in reflected form. */
function makeTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc >>> 0;
  });
}

/** Writes the sum of a file, taken with zeros in its place, into that place. */
export function seal(file: Uint8Array): void {
  const at = findSeal(file);
  file.set(hexadecimal(crc32(file)), at);
}

/** Whether the file is as it was sealed. */
export function isIntact(file: Uint8Array): boolean {
  const at = findSeal(file);
  if (at < 0) return false;
  const copy = new Uint8Array(file);
  const found = copy.slice(at, at + unsealed.length);
  copy.set(new TextEncoder().encode(unsealed), at);
  return hexadecimal(crc32(copy)).every((byte, i) => byte === found[i]);
}

function hexadecimal(sum: number): Uint8Array {
  return new TextEncoder().encode(sum.toString(16).padStart(unsealed.length, '0'));
}

/** Position of the digits. Inside other strings of the JSON header the quotes of the entry would be escaped. */
function findSeal(file: Uint8Array): number {
  const entry = new TextEncoder().encode(`"${sealName}":"`);
  for (let at = 8; at + entry.length + unsealed.length <= file.length; at++) {
    if (file[at] === entry[0] && entry.every((byte, i) => file[at + i] === byte)) return at + entry.length;
  }
  return -1;
}
