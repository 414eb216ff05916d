/**
 * The same files, read by the command: its exit code is that of data or of files that do not fit, never the one of a
 * mistake of its own.
 */
import * as make from './generators.ts';
import { type Case, type Content, table } from './table.ts';

const giga = 1e9;
const zeros = make.deflatedZeros(giga);
const one = make.npy('(1,)', Buffer.of(1));
const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
const bomb = { name: 'w.npy', part: zeros, method: 8 as const };

export const commandCases: Case[] = [
  ...table('agrad convert', [
    [
      'an archive that unpacks to a gigabyte',
      { 'w.npz': make.zip([{ ...bomb, size: 200 }]) },
      /w\.npz: .*200 bytes/,
    ],
    [
      'an archive of objects',
      { 'w.npz': make.zip([make.member('a.npy', make.npy('(1,)', Buffer.alloc(8), '|O'))]) },
      /Python objects/,
    ],
    [
      'names that lead out of the folder',
      { 'w.npz': make.zip([make.member('../../escaped.npy', one)]) },
      null,
    ],
    [
      'weights that claim 2¹⁰⁴ elements',
      { 'w.safetensors': make.safetensors({ w: { ...entry, shape: [2 ** 52, 2 ** 52] } }, Buffer.alloc(8)) },
      /needs/,
    ],
    [
      'JSON that claims more than it has',
      { 'w.json': Buffer.from('{"tensors":{"w":{"dtype":"float32","shape":[1000000000],"data":[1]}}}') },
      /w\.json/,
    ],
    [
      'JSON of a dtype of the prototype',
      { 'w.json': Buffer.from('{"tensors":{"w":{"dtype":"constructor","shape":[1],"data":[1]}}}') },
      /w\.json/,
    ],
    [
      'JSON that is not UTF-8',
      { 'w.json': Buffer.from('{"tensors":{"\xe9":{}}}', 'latin1') },
      /not in UTF-8/,
    ],
    ['JSON of brackets', { 'w.json': Buffer.from('['.repeat(1_000_000)) }, /w\.json/],
  ]),
  ...table('agrad eval', [
    [
      'weights with a header of 2⁶³ bytes',
      { 'w.safetensors': make.safetensors('{}', Buffer.alloc(64), 2n ** 63n) },
      /header should have/,
    ],
    [
      'something that claims to be a checkpoint',
      {
        'w.safetensors': make.safetensors(
          { __metadata__: { format: 'ag-checkpoint', version: '1' }, w: entry },
          Buffer.alloc(8),
        ),
      },
      /./,
    ],
    [
      'a recipe that every object has',
      {
        'w.safetensors': make.safetensors(
          { __metadata__: { recipe: 'constructor' }, w: entry },
          Buffer.alloc(8),
        ),
      },
      /constructor/,
    ],
    [
      'a recipe that is code',
      {
        'w.safetensors': make.safetensors(
          { __metadata__: { recipe: './evil.mjs' }, w: entry },
          Buffer.alloc(8),
        ),
        'evil.mjs': Buffer.from(
          "import { writeFileSync } from 'node:fs'; writeFileSync('PWNED', ''); export default {};",
        ),
      },
      /evil\.mjs/,
    ],
  ]),
  ...table('agrad data preview', [
    [
      'images that unpack to a gigabyte',
      mnist(make.gzipBomb(make.idxHeader(1, 28, 28), giga)),
      /bytes unpacked, as its/,
    ],
    [
      'images of another size than they have',
      mnist(make.gzipped(make.idxHeader(60_000, 28, 28))),
      /the file ends early/,
    ],
    [
      'images of 2⁹⁶ pixels',
      mnist(make.gzipped(make.idxHeader(0xffffffff, 0xffffffff, 0xffffffff))),
      /no such array can be/,
    ],
  ]),
  ...table('agrad predict', [
    [
      'a table that unpacks to three gigabytes',
      { 'x.csv': make.gzipBomb(Buffer.from('1,2\n'), 3 * giga) },
      /unpacks to too much/,
    ],
    ['a table that is not UTF-8', { 'x.csv': Buffer.from('x1,x2\n1,\xe9\n', 'latin1') }, /not UTF-8/],
    ['an image where there is a table', { 'x.png': make.png(4, 4, make.zlibZeros(giga)) }, /x\.png/],
  ]),
];

/** The training files of MNIST with these images. */
export function mnist(images: Uint8Array): Record<string, Content> {
  return {
    'train-images-idx3-ubyte.gz': images,
    'train-labels-idx1-ubyte.gz': make.gzipped(Buffer.concat([make.idxHeader(1), Buffer.of(1)])),
  };
}
