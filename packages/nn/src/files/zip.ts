/**
 * As much of zip as `.npz` needs (PKWARE's APPNOTE 6.3): entries stored or deflated, sizes up to 4 GiB; written stored.
 */

/** The files of an archive by name. @throws RangeError saying what is wrong with it */
export async function readZip(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const fail = (what: string): never => {
    throw new RangeError(`readZip: ${what}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOfDirectory(view);
  if (end < 0) fail('there is no zip directory; is the file whole?');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50)
      fail(`entry ${i} of the directory is damaged`);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const checksum = view.getUint32(at + 16, true);
    const stored = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const nameLength = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (flags & 1) fail(`'${name}' is encrypted`);
    if (stored === 0xffffffff || size === 0xffffffff || local === 0xffffffff)
      fail(`'${name}' is larger than 4 GiB`);
    if (local + 30 > bytes.length || view.getUint32(local, true) !== 0x04034b50)
      fail(`'${name}' is not where it should be`);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + stored > bytes.length) fail(`'${name}' is cut off`);
    const part = bytes.subarray(start, start + stored);
    if (method !== 0 && method !== 8) fail(`'${name}' is compressed by method ${method}; known are 0 and 8`);
    const content = method === 0 ? part : await inflate(part, name);
    if (content.length !== size || crc32(content) !== checksum)
      fail(`'${name}' is damaged: its checksum is wrong`);
    files.set(name, content);
  }
  return files;
}

/** An archive of files that are stored as they are. */
export function writeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const title = new TextEncoder().encode(name);
    if (content.length >= 0xffffffff) throw new RangeError(`writeZip: '${name}' is larger than 4 GiB`);
    const common = (view: DataView, at: number): void => {
      view.setUint16(at, 20, true); // version that is needed
      view.setUint16(at + 2, 0x800, true); // names in UTF-8
      view.setUint32(at + 6, 0x00210000, true); // 1 January 1980, so that equal content gives equal files
      view.setUint32(at + 10, crc32(content), true);
      view.setUint32(at + 14, content.length, true);
      view.setUint32(at + 18, content.length, true);
      view.setUint16(at + 22, title.length, true);
    };
    const local = new Uint8Array(30 + title.length);
    const localView = new DataView(local.buffer);
    localView.setUint32(0, 0x04034b50, true);
    common(localView, 4);
    local.set(title, 30);
    const entry = new Uint8Array(46 + title.length);
    const entryView = new DataView(entry.buffer);
    entryView.setUint32(0, 0x02014b50, true);
    entryView.setUint16(4, 20, true);
    common(entryView, 6);
    entryView.setUint32(42, offset, true);
    entry.set(title, 46);
    parts.push(local, content);
    directory.push(entry);
    offset += local.length + content.length;
  }
  const end = new Uint8Array(22);
  const view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, files.size, true);
  view.setUint16(10, files.size, true);
  view.setUint32(
    12,
    directory.reduce((sum, entry) => sum + entry.length, 0),
    true,
  );
  view.setUint32(16, offset, true);
  return joined([...parts, ...directory, end]);
}

/** Where the end record begins, behind which there may be a comment; −1 if there is none. */
function endOfDirectory(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 0xffff); at--) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  return -1;
}

async function inflate(part: Uint8Array, name: string): Promise<Uint8Array> {
  try {
    const stream = new Blob([part.slice()]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (error) {
    throw new RangeError(`readZip: '${name}' cannot be decompressed: ${(error as Error).message}`);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

let table: Uint32Array | null = null;

function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
