/** Files of PyTorch that try to harm: programs, sizes that lie, values that grow. */
import * as make from './generators.ts';
import { type Case, table } from './table.ts';

const keys = ']X\x01\0\0\0aa.';
const eight = Buffer.concat([Buffer.from(BigUint64Array.of(2n).buffer), Buffer.alloc(8)]);
const tensorFile = (shape: string, strides: string, count = 'K\x02'): Buffer =>
  make.torchLegacy(`${make.torchTensor(count, shape, strides)}.`, keys, eight);
const zeroOf = (name: string): Buffer => make.zip([make.member(`${name}/data.pkl`, Buffer.from('}.'))]);
const big = 'J\xff\xff\xff\x7f';

export const torchCases: readonly Case[] = table('loadTorch', [
  ['a tensor as it should be', tensorFile('K\x02\x85', 'K\x01\x85'), null],
  ['os.system', make.torchLegacy('cos\nsystem\nX\x0c\0\0\0touch escaped\x85R.'), /asks for os\.system/],
  ['eval', make.torchLegacy('c__builtin__\neval\nX\x01\0\0\x001\x85R.'), /asks for __builtin__\.eval/],
  [
    'a name of all objects',
    make.torchLegacy('c__proto__\nconstructor\n.'),
    /asks for __proto__\.constructor/,
  ],
  ['a key __proto__', make.torchLegacy('}X\x09\0\0\0__proto__}s.'), null],
  ['a shape of 2³¹ by repetition', tensorFile(`${big}\x85`, 'K\0\x85'), /repeats the numbers/],
  [
    'a shape beyond all counting',
    tensorFile(`(${big.repeat(40)}t`, `(${'K\0'.repeat(40)}t`),
    /repeats the numbers/,
  ],
  [
    'more axes than there are',
    tensorFile(`(${'K\x01'.repeat(65)}t`, `(${'K\0'.repeat(65)}t`),
    /no valid offset/,
  ],
  ['a view beyond the storage', tensorFile('K\x02\x85', 'K\x02\x85'), /beyond its storage/],
  ['a negative stride', tensorFile('K\x02\x85', 'J\xff\xff\xff\xff\x85'), /no valid offset/],
  [
    'a storage longer than the file',
    tensorFile('K\x02\x85', 'K\x01\x85', big),
    /has 2 elements and should have/,
  ],
  ['a million dictionaries and more', make.torchLegacy('}'.repeat(1_500_000)), /more than 1000000 values/],
  [
    'a million remembered values',
    make.torchLegacy(`N${'\x94'.repeat(1_500_000)}`),
    /more than 1000000 values/,
  ],
  ['nothing a million times', make.torchLegacy('N'.repeat(3_000_000)), /ends too early/],
  ['marks without end', make.torchLegacy('('.repeat(3_000_000)), /ends too early/],
  ['lists in lists', make.torchLegacy(`${']'.repeat(50_000)}${'a'.repeat(49_999)}.`), /more than 100 deep/],
  ['lists twice in lists', make.torchLegacy(`]q\0${'](h\0h\0eq\0'.repeat(90)}.`), null],
  ['a list in itself', make.torchLegacy(']q\0h\0a.'), /holds itself/],
  [
    'a long name before each of many',
    make.torchLegacy(
      `}X${'\x40\x0d\x03\0'}${'n'.repeat(200_000)}](${make.torchTensor('K\x02', 'K\x02\x85', 'K\x01\x85')}q\0${'h\0'.repeat(100_000)}es.`,
      keys,
      eight,
    ),
    /names of the tensors are too long/,
  ],
  [
    'a compressed bomb',
    make.zip([{ name: 'a/data.pkl', part: make.deflatedZeros(2 ** 28), size: 2 ** 28, method: 8 }]),
    /unpack to 268435456 bytes, the limit is 0/,
  ],
  ['an archive without a pickle', make.zip([make.member('a', Buffer.from('}.'))]), /no 'data\.pkl'/],
  ['a way out of the folder', zeroOf('../escaped'), /no 'data\.pkl'/],
]);
