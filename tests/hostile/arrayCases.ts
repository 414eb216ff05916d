/** Hostile files of arrays and weights: archives, NumPy's files, safetensors, checkpoints. */
import * as make from './generators.ts';
import { type Case, table } from './table.ts';

const giga = 1e9;
const zeros = make.deflatedZeros(giga);
const one = make.npy('(1,)', Buffer.of(1));
const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
const dimension = 2 ** 31;
const bomb = { name: 'w.npy', part: zeros, method: 8 as const };

export const arrayCases: Case[] = [
  ...table('loadNpz', [
    [
      'unpacks to a gigabyte and claims 200 bytes',
      make.zip([{ ...bomb, size: 200 }]),
      /does not unpack to the 200 bytes|is damaged/,
    ],
    [
      'unpacks to a gigabyte, and says so, of no array',
      make.zip([{ ...bomb, size: giga }]),
      /does not begin with the mark/,
    ],
    [
      'unpacks to a gigabyte, its array has ten bytes',
      make.zip([
        {
          name: 'w.npy',
          method: 8,
          size: giga + 200,
          part: Buffer.concat([make.deflatedPrefix(make.npy('(10,)', new Uint8Array(0))), zeros]),
        },
      ]),
      /by its header and has/,
    ],
    [
      'claims a terabyte',
      make.zip([{ ...bomb, size: 1e12 }]),
      /unpack to 1000000000000 bytes, the limit is 2147483648/,
    ],
    ['claims 16 exabytes', make.zip([{ ...bomb, size: 2 ** 63 }]), /directory is damaged/],
    [
      'unpacks to many times two gigabytes',
      make.zip(Array.from({ length: 20 }, (_, i) => ({ ...bomb, name: `${i}.npy`, size: giga, offset: 0 }))),
      /unpack to 20000000000 bytes|overlap/,
    ],
    [
      'has members that overlap',
      make
        .zip(
          Array.from({ length: 1000 }, (_, i) => ({
            ...make.member(`${i}.npy`, Buffer.alloc(100_000)),
            offset: 0,
          })),
        )
        .subarray(-200_000),
      /damaged|overlap|no zip directory/,
    ],
    [
      'counts 65,535 members and has one',
      make.zip([make.member('a.npy', one)], { count: 0xffff }),
      /directory is damaged|no zip directory/,
    ],
    ['counts 2⁵² members', make.zip64([make.member('a.npy', one)], 2n ** 52n), /directory is damaged/],
    [
      'counts 2⁶⁴ − 1 members',
      make.zip64([make.member('a.npy', one)], 2n ** 64n - 1n),
      /directory is damaged/,
    ],
    [
      'gives a place of its directory behind its end',
      make.zip64([make.member('a.npy', one)], 1n, 2n ** 40n),
      null,
    ],
    [
      'gives its directory four gigabytes',
      make.zip([make.member('a.npy', one)], { length: 0xfffffff0 }),
      null,
    ],
    [
      'has a member elsewhere',
      make.zip([{ ...make.member('a.npy', one), offset: 0x7fffffff }]),
      /'a.npy' is not where it should be/,
    ],
    ['is encrypted', make.zip([{ ...make.member('a.npy', one), flags: 1 }]), /'a.npy' is encrypted/],
    [
      'has a name twice',
      make.zip([make.member('a.npy', one), make.member('a.npy', one)]),
      /two members 'a.npy'/,
    ],
    ['has a name with a zero in it', make.zip([make.member('a\0b.npy', one)]), /control characters/],
    [
      'has a name that steers a terminal',
      make.zip([make.member('\u001b[2J\u009b.npy', one)]),
      /control characters/,
    ],
    [
      'has names of the prototype',
      make.zip(['__proto__', 'constructor', 'toString'].map((name) => make.member(`${name}.npy`, one))),
      null,
    ],
    [
      'has names that lead out of the folder',
      make.zip(
        ['../../escaped', '/tmp/escaped', 'C:\\escaped'].map((name) => make.member(`${name}.npy`, one)),
      ),
      null,
    ],
    [
      'has garbage before and a comment behind',
      Buffer.concat([Buffer.alloc(1 << 20, 'PK'), make.zip([make.member('a.npy', one)]), Buffer.alloc(100)]),
      null,
    ],
    [
      'is a directory of nothing but marks',
      Buffer.from('PK\x05\x06'.repeat(200_000), 'latin1'),
      /no zip directory|damaged/,
    ],
    ['is empty', new Uint8Array(0), /no zip directory/],
  ]),
  ...table('loadNpy', [
    [
      'claims 2⁶² elements',
      make.npy(`(${dimension}, ${dimension})`, Buffer.alloc(64)),
      /not understood|needs/,
    ],
    [
      'claims a petabyte',
      make.npy('(1000000000000000,)', Buffer.alloc(64)),
      /needs 1000000000000000 bytes of data and has 64/,
    ],
    [
      'has a header of four gigabytes',
      make.npyWithHeader('{', Buffer.alloc(64), 0xffffffff),
      /header of 4294967295 bytes/,
    ],
    [
      'has a header of 64 kB of brackets',
      make.npyWithHeader('['.repeat(65_000), Buffer.alloc(0)),
      /not understood/,
    ],
    [
      'has a header of 64 kB of quotes',
      make.npyWithHeader(`{'${"\\'".repeat(32_000)}`, Buffer.alloc(0)),
      /not understood/,
    ],
    [
      'is a program',
      make.npyWithHeader(`{'descr': __import__('os').system('true')}`, Buffer.alloc(0)),
      /not understood/,
    ],
    [
      'holds Python objects',
      make.npy('(1,)', Buffer.alloc(8), '|O'),
      /Python objects, which are programs and are never read/,
    ],
    [
      'has an element of the prototype',
      make.npy('(1,)', Buffer.alloc(8), 'constructor'),
      /type constructor; known are/,
    ],
  ]),
  ...table('loadSafetensors', [
    [
      'claims a header of 2⁶³ bytes',
      make.safetensors('{}', Buffer.alloc(64), 2n ** 63n),
      /header should have/,
    ],
    [
      'claims a header of 90 MB',
      make.safetensors('{}', Buffer.alloc(64), 90_000_000n),
      /header should have 90000000 bytes/,
    ],
    ['has a header of two million brackets', make.safetensors('['.repeat(2_000_000)), /no JSON/],
    [
      'has a header of objects in objects',
      make.safetensors(`${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}`),
      /./,
    ],
    [
      'claims 2¹⁰⁴ elements',
      make.safetensors({ w: { ...entry, shape: [2 ** 52, 2 ** 52] } }, Buffer.alloc(8)),
      /needs/,
    ],
    [
      'claims sizes beyond all numbers',
      make.safetensors('{"w":{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}}', Buffer.alloc(8)),
      /no valid shape/,
    ],
    [
      'claims bytes behind its end',
      make.safetensors({ w: { ...entry, data_offsets: [0, 2 ** 50] } }, Buffer.alloc(8)),
      /the file is cut off/,
    ],
    [
      'has tensors that overlap',
      make.safetensors({ a: entry, b: entry }, Buffer.alloc(8)),
      /begins at byte 0/,
    ],
    [
      'has a dtype of the prototype',
      make.safetensors({ w: { ...entry, dtype: 'constructor' } }, Buffer.alloc(8)),
      /has dtype constructor; known are/,
    ],
    [
      'has a tensor called __proto__',
      make.safetensors('{"__proto__":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', Buffer.alloc(8)),
      null,
    ],
    [
      'has thirty thousand empty tensors',
      make.safetensors(
        Object.fromEntries(
          Array.from({ length: 30_000 }, (_, i) => [
            `t${i}`,
            { dtype: 'F32', shape: [0], data_offsets: [0, 0] },
          ]),
        ),
      ),
      null,
    ],
  ]),
  ...table('decodeCheckpoint', [
    ['is no checkpoint', make.safetensors({ w: entry }, Buffer.alloc(8)), /./],
    [
      'claims to be one',
      make.safetensors(
        { __metadata__: { format: 'ag-checkpoint', version: '1', __proto__: 'x' }, w: entry },
        Buffer.alloc(8),
      ),
      /./,
    ],
    ['has a header of 2⁶³ bytes', make.safetensors('{}', Buffer.alloc(64), 2n ** 63n), /./],
  ]),
];
