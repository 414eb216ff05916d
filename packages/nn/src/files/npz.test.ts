/**
 * Archives and arrays as Python writes them, those that say more than they hold, and those that hold more than they say.
 * What Python wrote: fixtures/archives.py.
 */
import { readFileSync } from 'node:fs';
import { deflateRawSync, crc32 as zlibCrc32 } from 'node:zlib';
import { tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { loadNpy, loadNpz, saveNpz } from '../index.ts';
import { crc32 } from './crc32.ts';
import { directoryRecord, endRecords, localRecord } from './zipWriter.ts';

const fixtures = JSON.parse(
  readFileSync(new URL('../../fixtures/archives.json', import.meta.url), 'utf8'),
) as {
  archives: Record<string, string>;
  records: Record<'local' | 'directory' | 'ends', string> &
    Record<'directoryLength' | 'directoryOffset', number>;
  refused: Record<string, string>;
};
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const hex = (...parts: Uint8Array[]): string => Buffer.concat(parts).toString('hex');

describe('archives that Python wrote', () => {
  it.each(Object.keys(fixtures.archives))('are read: %s', async (kind) => {
    const tensors = await loadNpz(bytesOf(fixtures.archives[kind]));
    expect(Object.keys(tensors)).toEqual(['a', 'b.c']);
    expect([tensors.a.shape, [...tensors.a.dataSync()]]).toEqual([
      [2, 3],
      [0, 1, 2, 3, 4, 5],
    ]);
    expect([tensors['b.c'].dtype, tensors['b.c'].itemSync()]).toEqual(['int32', 7]);
  });

  it('have the records that are written here, beyond what 16 and 32 bits hold', () => {
    const { local, directory, ends, directoryLength, directoryOffset } = fixtures.records;
    const member = {
      name: new TextEncoder().encode('large.npy'),
      size: 5_000_000_000,
      checksum: 0x12345678,
      offset: 6_000_000_000,
    };
    expect(hex(localRecord(member))).toBe(local);
    expect(hex(directoryRecord(member))).toBe(directory);
    expect(hex(...endRecords(70_000, directoryLength, directoryOffset))).toBe(ends);
  });
});

describe('saveNpz', () => {
  it('writes more arrays than 16 bits count, and all come back', async () => {
    const one = tensor([1], { dtype: 'uint8' });
    const names = Array.from({ length: 66_000 }, (_, i) => `a${i}`);
    const bytes = await saveNpz(Object.fromEntries(names.map((name) => [name, one])));
    expect(Object.keys(await loadNpz(bytes))).toEqual(names);
  });

  it('keeps every name that it takes', async () => {
    const names = ['__proto__', 'constructor', '../up', '/root', 'a.npy', 'größe', 'a/b', ' ', '0'];
    const saved = Object.fromEntries(names.map((name, i) => [name, tensor([i])]));
    const back = await loadNpz(await saveNpz(saved));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    for (const [i, name] of names.entries()) {
      expect(Object.hasOwn(back, name), name).toBe(true);
      expect(Object.getOwnPropertyDescriptor(back, name)!.value.dataSync()[0]).toBe(i);
    }
    for (const name of ['a\0b', '\u001b[2J', '\ud800']) {
      await expect(saveNpz({ [name]: tensor([1]) })).rejects.toThrow(/has characters that files cannot name/);
    }
  });

  it('has the checksum of zlib', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i) >> 3);
    expect(crc32(bytes)).toBe(zlibCrc32(bytes));
  });
});

/** One array of zeros as a `.npy` file whose header claims `claimed` of them and which holds `count`. */
function zeros(count: number, claimed = count): Buffer {
  const dictionary = `{'descr': '|u1', 'fortran_order': False, 'shape': (${claimed},), }`;
  const header = Buffer.from(`\x93NUMPY\x01\x00v\x00${dictionary.padEnd(117)}\n`, 'latin1');
  return Buffer.concat([header, Buffer.alloc(count)]);
}

interface Lie {
  name?: string;
  /** What the directory gives as its length. */
  size?: number;
  method?: number;
  flags?: number;
}

/** An archive in which each member may lie. */
function zip(members: readonly (readonly [content: Buffer, lie: Lie])[], sameStart = false): Uint8Array {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [i, [content, lie]] of members.entries()) {
    const method = lie.method ?? 8;
    const part = method === 8 ? deflateRawSync(content, { level: 9 }) : content;
    const name = Buffer.from(lie.name ?? `w${i}.npy`);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(lie.flags ?? 0, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(zlibCrc32(content), 10);
    common.writeUInt32LE(part.length, 14);
    common.writeUInt32LE(lie.size ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), common, name, part]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(sameStart ? 0 : offset, 10);
    directory.push(Buffer.concat([Buffer.from('504b01021400', 'hex'), common, tail, name]));
    if (!sameStart || i === 0) locals.push(local);
    offset += local.length;
  }
  const before = Buffer.concat(locals);
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(records.length, 12);
  end.writeUInt32LE(before.length, 16);
  return new Uint8Array(Buffer.concat([before, records, end]));
}

describe('loadNpz refuses', () => {
  const million = zeros(1e6);
  it.each<[string, Uint8Array, RegExp]>([
    [
      'more bytes than the directory says',
      zip([[million, { size: 200 }]]),
      /does not unpack to the 200 bytes/,
    ],
    ['more bytes than both say', zip([[zeros(1e6, 72), { size: 200 }]]), /does not unpack to the 200 bytes/],
    ['fewer bytes than both say', zip([[zeros(10, 1000), { size: 1128 }]]), /'w0.npy' is damaged/],
    [
      'a header that claims less',
      zip([[zeros(1e6, 10), {}]]),
      /should have 138 bytes by its header and has 1000128/,
    ],
    [
      'a header that claims more',
      zip([[zeros(10, 1e15), {}]]),
      /should have 1000000000000128 bytes by its header/,
    ],
    [
      'two of one name',
      zip([
        [zeros(1), {}],
        [zeros(1), { name: 'w0.npy' }],
      ]),
      /two members 'w0.npy'/,
    ],
    [
      'two that become one name',
      zip([
        [zeros(1), { name: 'w' }],
        [zeros(1), { name: 'w.npy' }],
      ]),
      /two arrays 'w'/,
    ],
    ['an encrypted one', zip([[zeros(1), { flags: 1 }]]), /'w0.npy' is encrypted/],
    ['another method', zip([[zeros(1), { method: 12 }]]), /compressed by method 12; known are 0 and 8/],
    ['a stored one of another size', zip([[zeros(9), { method: 0, size: 100 }]]), /'w0.npy' is damaged/],
    [
      'a name that ends early',
      zip([[zeros(1), { name: 'a\0b.npy' }]]),
      /control characters in it: "a\\u0000b.npy"/,
    ],
    ['no NumPy file', zip([[Buffer.from('hello hello'), {}]]), /'w0' does not begin with the mark/],
    [
      'members that overlap',
      zip(
        Array.from({ length: 50 }, () => [zeros(5000), { method: 0 }] as const),
        true,
      ),
      /it is cut off, or they overlap/,
    ],
  ])('%s', async (_, bytes, message) => {
    await expect(loadNpz(bytes)).rejects.toThrow(message);
  });

  it('what unpacks beyond the limit, which can be raised', async () => {
    const bytes = zip([
      [million, {}],
      [million, {}],
    ]);
    await expect(loadNpz(bytes, { maxBytes: 2e6 })).rejects.toThrow(
      'its members unpack to 2000256 bytes, the limit is 2000000; if that is what they should be, allow it with the option maxBytes',
    );
    expect(Object.keys(await loadNpz(bytes, { maxBytes: 2_000_256 }))).toEqual(['w0', 'w1']);
    await expect(loadNpz(bytes, { maxBytes: Number.NaN })).rejects.toThrow(
      /maxBytes must be a number from 0/,
    );
    // What is stored as it is needs no limit.
    expect(Object.keys(await loadNpz(zip([[million, { method: 0 }]]), { maxBytes: 0 }))).toEqual(['w0']);
  });
});

describe('loadNpy', () => {
  it.each([
    ['object', /type O; known are .* These are Python objects, which are programs and are never read/],
    ['record', /holds records of several fields/],
    ['text', /type U2; .* These are texts/],
    ['bytes', /type S2; .* These are texts/],
    ['date', /type M8\[D\]; .* These are dates/],
    ['duration', /type m8\[s\]; .* These are durations/],
    ['complex', /type c16; .* These are complex numbers/],
    ['long double', /type f16; known are f8, f4, f2/],
    ['void', /type V3; .* These are raw bytes/],
  ])('refuses elements that tensors do not hold: %s', (kind, message) => {
    expect(() => loadNpy(bytesOf(fixtures.refused[kind]))).toThrow(message);
  });

  const file = (header: string, version = 1): Uint8Array => {
    const bytes = new TextEncoder().encode(header);
    const length =
      version === 1
        ? [bytes.length & 255, bytes.length >> 8]
        : [bytes.length & 255, (bytes.length >> 8) & 255, bytes.length >> 16, 0];
    return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...bytes, 1, 2]);
  };
  it.each([
    `{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n`,
    `{'shape':(2L,),"fortran_order":False,"descr":'u1'}`,
    `{\n'descr': '<u2', 'fortran_order': True, 'shape': (), }`,
    `{'descr': '<u2', 'fortran_order': True, 'shape': [1, 1, 1]}`,
  ])('understands %j', (header) => {
    expect(loadNpy(file(header)).size).toBe(header.includes('u2') ? 1 : 2);
    expect(loadNpy(file(header, 2)).dataSync()[0]).toBe(header.includes('u2') ? 513 : 1);
  });

  it.each([
    `{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'more': 1}`,
    `{'descr': '|u1', 'fortran_order': False}`,
    `{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2,)}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': (2,)} or exit()`,
    `x = {'descr': '|u1', 'fortran_order': False, 'shape': (2,)}`,
    `{'descr': '|u1', 'fortran_order': 0, 'shape': (2,)}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': (2.0,)}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': (-2,)}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': (1+1,)}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': (2}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': 2}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': (9007199254740993,)}`,
    `{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 0)}`,
    `{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (2,)}`,
    `{'descr': 1, 'fortran_order': False, 'shape': (2,)}`,
    '('.repeat(60_000),
    `# {'descr': '|u1', 'fortran_order': False, 'shape': (2,)}`,
    '',
  ])('reads a header by the grammar or not at all, number %#', (header) => {
    expect(() => loadNpy(file(header))).toThrow(/has a header that is not understood/);
  });

  it('reads no header of megabytes, no unknown version and no shape that its data do not fill', () => {
    const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }`;
    expect(() => loadNpy(file(header.padEnd(70_000), 2))).toThrow(
      'has a header of 70000 bytes; at most 65535 are read',
    );
    expect(() => loadNpy(file(header, 4))).toThrow('has format version 4.0; known are 1.0 to 3.0');
    expect(() => loadNpy(file(header.replace('(2,)', '(94906267, 94906265)')))).toThrow(
      /needs 9007199515875755 bytes of data and has 2|not understood/,
    );
    expect(() => loadNpy(file(header.replace('(2,)', '(3,)')))).toThrow(
      'of shape [3] U8 needs 3 bytes of data and has 2',
    );
  });
});
