/** Hostile files of data: images, folders of them, IDX, tables. */
import { readFileSync } from 'node:fs';
import * as make from './generators.ts';
import { type Case, type Content, table } from './table.ts';

const giga = 1e9;
const fixtures = JSON.parse(
  readFileSync(new URL('../../packages/datasets/fixtures/pngs.json', import.meta.url), 'utf8'),
) as { jpegs: { tiny: Record<'baseline' | 'progressive', string> } };
const jpeg = {
  baseline: Buffer.from(fixtures.jpegs.tiny.baseline, 'base64'),
  progressive: Buffer.from(fixtures.jpegs.tiny.progressive, 'base64'),
};

export const dataCases: Case[] = [
  ...table('decodeImage', [
    [
      'PNG of 4×4 that unpacks to a gigabyte',
      make.png(4, 4, make.zlibZeros(giga)),
      /more image data than the 20 bytes/,
    ],
    [
      'interlaced PNG that unpacks to a gigabyte',
      make.png(4, 4, make.zlibZeros(giga), [], 1),
      /more image data than/,
    ],
    [
      'PNG of 30000×30000',
      make.png(30_000, 30_000, make.zlibZeros(giga)),
      /more pixels than are allowed.*at most 100000000/,
    ],
    [
      'PNG of 2³¹ × 2³¹',
      make.png(2 ** 31 - 1, 2 ** 31 - 1, make.pngRows(1, 1)),
      /more pixels than are allowed/,
    ],
    ['PNG of 9999×9999 without the data', make.png(9999, 9999, make.pngRows(1, 1)), /2 bytes of image data/],
    [
      'PNG with a text of half a gigabyte',
      make.png(2, 2, make.pngRows(2, 2), [
        make.pngChunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), make.zlibZeros(giga / 2)])),
      ]),
      null,
    ],
    [
      'PNG with a profile of half a gigabyte',
      make.png(2, 2, make.pngRows(2, 2), [
        make.pngChunk('iCCP', Buffer.concat([Buffer.from('name\0\0'), make.zlibZeros(giga / 2)])),
      ]),
      null,
    ],
    [
      'PNG with an international text of half a gigabyte',
      make.png(2, 2, make.pngRows(2, 2), [
        make.pngChunk('iTXt', Buffer.concat([Buffer.from('a\0\x01\0\0\0'), make.zlibZeros(giga / 2)])),
      ]),
      null,
    ],
    [
      'PNG of a hundred thousand chunks',
      make.png(2, 2, make.pngRows(2, 2), new Array(100_000).fill(make.pngChunk('tEXt', Buffer.from('a\0b')))),
      null,
    ],
    [
      'PNG whose chunk has two gigabytes',
      Buffer.concat([
        make.png(2, 2, Buffer.alloc(0)).subarray(0, 33),
        Buffer.from([0x7f, 255, 255, 255]),
        Buffer.from('IDAT'),
      ]),
      /./,
    ],
    ['JPEG of 65535×65535', make.jpegOfSize(jpeg.baseline, 65_535, 65_535), /more pixels than are allowed/],
    [
      'JPEG of 9999×9999 without the data',
      make.jpegOfSize(jpeg.baseline, 9999, 9999),
      /too few for its 9999×9999 pixels/,
    ],
    [
      'JPEG that goes through its pixels ten thousand times',
      make.jpegOfSize(make.jpegScans(jpeg.progressive, 10_000), 3000, 3000),
      /scans over 9000000 pixels, at most 222 are read/,
    ],
    [
      'JPEG of comments',
      Buffer.concat([
        jpeg.baseline.subarray(0, 2),
        ...new Array(300).fill(Buffer.concat([Buffer.from([255, 0xfe, 255, 255]), Buffer.alloc(65_533)])),
        jpeg.baseline.subarray(2),
      ]),
      null,
    ],
    [
      'JPEG of tables',
      Buffer.concat([
        jpeg.baseline.subarray(0, 2),
        ...new Array(200_000).fill(Buffer.concat([Buffer.from([255, 0xdb, 0, 67, 0]), Buffer.alloc(64, 1)])),
        jpeg.baseline.subarray(2),
      ]),
      /./,
    ],
  ]),
  ...table('readIdxFile', [
    [
      'unpacks to a gigabyte, its header says 12 bytes',
      make.gzipBomb(make.idxHeader(4), giga),
      /12 bytes unpacked, as its header says|last bytes say/,
    ],
    [
      'claims at its end to be short',
      make.gzipBomb(make.idxHeader(0xffff), giga, 100),
      /100 bytes unpacked, as its last bytes say/,
    ],
    ['claims 2⁹⁶ elements', make.idxHeader(0xffffffff, 0xffffffff, 0xffffffff), /no such array can be/],
    [
      'claims 255 dimensions',
      make.gzipped(Buffer.concat([Buffer.from([0, 0, 8, 255]), Buffer.alloc(10)])),
      /the file ends early/,
    ],
    [
      'claims four gigabytes',
      make.gzipped(make.idxHeader(65_535, 65_535)),
      /the file ends early|at most 2147483648 bytes/,
    ],
    [
      'unpacks to three gigabytes, and says so',
      make.gzipBomb(make.idxHeader(3 * giga), 3 * giga),
      /at most 2147483648 bytes/,
    ],
  ]),
  ...table('csvDataset', [
    ['gzipped, of three gigabytes', make.gzipBomb(Buffer.from('a,b\n'), 3 * giga), /unpacks to too much/],
    [
      'gzipped, and shorter by its last bytes',
      make.gzipBomb(Buffer.from('a,b\n'), giga, 50),
      /50 bytes unpacked, as its last bytes say/,
    ],
    ['not in UTF-8', Buffer.from('a,b\n\xe9,1\n', 'latin1'), /line 2: bytes that are not UTF-8/],
    ['of two million quotes', Buffer.from('"'.repeat(2_000_001)), /a quote is never closed/],
    [
      'of a quote that never ends',
      Buffer.from(`a,b\n1,"${'x,\n'.repeat(1_000_000)}`),
      /line 2, column 2: a quote is never closed/,
    ],
    ['of zeros', Buffer.alloc(5_000_000), /a byte of the value 0/],
    ['of columns of the prototype', Buffer.from('__proto__,constructor,b\n1,2,3\n'), null],
    [
      'of a column twice',
      Buffer.from('__proto__,__proto__,b\n1,2,3\n'),
      /the column "__proto__" appears twice/,
    ],
    [
      'of a hundred thousand columns, one row too short',
      Buffer.from(`b${',a'.repeat(100_000)}\n${'1,'.repeat(99_999)}1\n`),
      /line 2 has a different number of fields/,
    ],
    [
      'a workbook',
      make.zip([make.member('xl/workbook.xml', Buffer.from('<x/>'))]),
      /a zip archive, or a workbook/,
    ],
  ]),
  ...(process.platform === 'win32'
    ? []
    : table('imageFolder', [
        [
          'whose class is itself',
          {
            'cat/1.png': make.png(1, 1, make.pngRows(1, 1)),
            loop: { link: '.' },
            'cat/up': { link: '../..' },
          },
          null,
        ],
        [
          'of links that double on each of thirty levels',
          { 'cat/1.png': make.png(1, 1, make.pngRows(1, 1)), ...doubling(30) },
          null,
        ],
        ['with a link to endless zeros', { 'cat/1.png': { link: '/dev/zero' } }, /not a file/],
        ['with a pipe that nobody writes', { 'cat/1.png': { pipe: true } }, /not a file/],
        ['with a link that leads to itself', { 'cat/1.png': { link: '1.png' } }, /cannot be read/],
        [
          'with a bomb',
          { 'cat/1.png': make.png(4, 4, make.zlibZeros(giga)) },
          /cat.1\.png: damaged PNG file: found more image data/,
        ],
      ])),
];

/** On each level two links to the next one; the last leads to a class. */
function doubling(levels: number): Record<string, Content> {
  const links: Record<string, Content> = { 'deep/a': { link: '../l0' } };
  for (let level = 0; level < levels; level++) {
    const next = level + 1 < levels ? `../l${level + 1}` : '../cat';
    for (const name of ['a', 'b']) links[`l${level}/${name}`] = { link: next };
  }
  return links;
}
