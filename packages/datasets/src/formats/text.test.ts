/** Bytes are text in one encoding or they are an error: nothing is replaced. Encoded forms are from Node's Buffer. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { csvDataset } from '../sets/csv.ts';
import { decodeText } from './text.ts';

const text = 'town,y\nOrleané,1\nOrleanè,2\n';
const utf16be = Buffer.from(text, 'utf16le').swap16();

describe('decodeText', () => {
  it.each<[string, Uint8Array, string?]>([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16, low byte first', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])],
    ['UTF-16, high byte first', Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be])],
    ['UTF-16 by name', Buffer.from(text, 'utf16le'), 'utf-16le'],
    ['Latin-1 by name', Buffer.from(text, 'latin1'), 'windows-1252'],
    ['gzip', gzipSync(text)],
    ['gzip in gzip', gzipSync(gzipSync(text))],
    ['gzipped Latin-1', gzipSync(Buffer.from(text, 'latin1')), 'latin1'],
  ])('reads %s', async (_, bytes, encoding) => {
    expect(await decodeText(bytes, encoding === undefined ? {} : { encoding })).toBe(text);
  });

  it.each<[string, Uint8Array, object]>([
    [
      'Latin-1',
      Buffer.from(text, 'latin1'),
      {
        found: 'e9 2c 31 0a at byte 13',
        message: expect.stringContaining(
          "line 2: bytes that are not UTF-8: expected text in UTF-8, or in UTF-16 with a byte-order mark, found e9 2c 31 0a at byte 13. Save the file in UTF-8, or name its encoding by the option encoding: 'windows-1252'",
        ),
      },
    ],
    ['a character that is cut off', Buffer.from('ab\nü').subarray(0, 4), { found: 'c3 at byte 3' }],
    ['an encoded surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80]), { found: 'ed a0 80 at byte 1' }],
    ['an overlong slash', Buffer.from([0xc0, 0xaf]), { found: 'c0 af at byte 0' }],
    [
      'UTF-16 without a mark',
      Buffer.from('a,b\n1,2\n', 'utf16le'),
      { hint: expect.stringContaining("'utf-16le'") },
    ],
    [
      'UTF-16 without a mark, high byte first',
      Buffer.from('a,b\n1,2\n', 'utf16le').swap16(),
      { hint: expect.stringContaining("'utf-16be'") },
    ],
    [
      'half a character of UTF-16',
      Buffer.from([0xff, 0xfe, 0x61, 0, 0x62]),
      { message: expect.stringContaining('not UTF-16LE') },
    ],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), { found: 'text in UTF-32' }],
    ['a byte of 0', Buffer.from('a,b\n1,\0\n'), { found: '00 at byte 6' }],
    [
      'a workbook',
      Buffer.from('PK\x03\x04'),
      { found: 'a zip archive, or a workbook (.xlsx, .ods)', hint: expect.stringContaining('CSV') },
    ],
    ['a Parquet file', Buffer.from('PAR1'), { found: 'a Parquet file' }],
    ['a damaged gzip file', gzipSync(text).subarray(0, 20), { kind: 'truncated' }],
  ])('refuses %s', async (_, bytes, expected) => {
    const error = await decodeText(bytes, { file: 't.csv' }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ file: 't.csv', ...expected });
  });

  it('refuses an unknown encoding, and unpacks to a limit', async () => {
    await expect(decodeText(Buffer.from('a'), { encoding: 'latin-99' })).rejects.toMatchObject({
      kind: 'option',
      found: '"latin-99"',
    });
    const bomb = gzipSync(Buffer.alloc(1e6, 'a'));
    await expect(decodeText(bomb, { maxBytes: 999_999 })).rejects.toMatchObject({
      expected: 'at most 999999 bytes',
    });
    expect(await decodeText(bomb, { maxBytes: 1e6 })).toHaveLength(1e6);
  });
});

describe('csvDataset', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ag-text-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads every town as itself, or not at all', async () => {
    const options = { target: 'y', categorical: ['town'] };
    const read = async (name: string, bytes: Uint8Array, encoding?: string) => {
      const path = join(folder, name);
      await writeFile(path, bytes);
      return csvDataset(path, encoding === undefined ? options : { ...options, encoding });
    };
    const latin = Buffer.from(text, 'latin1');
    await expect(read('latin1.csv', latin)).rejects.toMatchObject({
      kind: 'format',
      file: join(folder, 'latin1.csv'),
    });
    for (const set of [
      await read('latin1.csv', latin, 'windows-1252'),
      await read('t.csv.gz', gzipSync(text)),
    ]) {
      expect(set.featureNames).toEqual(['town=Orleanè', 'town=Orleané']);
      expect([...set.columns.x.data]).toEqual([0, 1, 1, 0]);
    }
  });

  it('asks each name of a wide header once', async () => {
    // Work that grows with the square of the columns would take ten minutes.
    const n = 300_000;
    const header = `${Array.from({ length: n }, (_, i) => `g${i}`).join(',')},y`;
    const set = await csvDataset({ text: `${header}\n${'1,'.repeat(n)}2\n` }, { target: 'y' });
    expect(set.columns.x.shape).toEqual([n]);
    await expect(csvDataset({ text: `${header}\n${'1,'.repeat(n)}2\n` }, { target: 'z' })).rejects.toThrow(
      /found g0, g1, .* and 299981 more$/,
    );
  });
});
