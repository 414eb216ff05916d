/** CIFAR-10, Tiny Shakespeare, JSON lines and pieces of text, from files written here: what is read, and what is said when they are wrong. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gunzip } from '../formats/gzip.ts';
import { untar } from '../formats/tar.ts';
import { cifar10, cifar10Source } from './cifar.ts';
import { jsonlDataset } from './jsonl.ts';
import { textDataset, tinyShakespeare, tinyShakespeareSource } from './text.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ag-datasets-'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  vi.stubEnv('AG_DATA_DIR', '');
  vi.stubEnv('AG_OFFLINE', '1');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Images whose bytes are their label and channel. */
function records(...labels: number[]): Uint8Array {
  const bytes = new Uint8Array(labels.length * 3073);
  labels.forEach((label, n) => {
    bytes[n * 3073] = label;
    for (let c = 0; c < 3; c++)
      bytes.fill(label * 10 + c, n * 3073 + 1 + 1024 * c, n * 3073 + 1 + 1024 * (c + 1));
  });
  return bytes;
}

/** A tar archive, by the format's definition. */
function tar(files: Record<string, Uint8Array>): Uint8Array {
  const parts = Object.entries(files).flatMap(([name, bytes]) => {
    const header = new Uint8Array(512);
    const put = (text: string, at: number): void => header.set(Buffer.from(text), at);
    put(name, 0);
    put('0000644\0', 100);
    put(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    put('        ', 148);
    put('0', 156);
    put('ustar\0', 257);
    const sum = header.reduce((a, b) => a + b, 0);
    put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, new Uint8Array(1024)]);
}

const archive = () =>
  tar({
    'cifar-10-batches-bin/readme.html': Buffer.from('text'),
    ...Object.fromEntries(
      [1, 2, 3, 4, 5].map((i) => [`cifar-10-batches-bin/data_batch_${i}.bin`, records(i, 9)]),
    ),
    'cifar-10-batches-bin/test_batch.bin': records(3),
  });

describe('cifar10', () => {
  it.each(['cifar-10-binary.tar.gz', 'cifar-10-binary.tar'])('reads %s', async (name) => {
    const packed = name.endsWith('gz') ? gzipSync(archive()) : archive();
    await mkdir(join(folder, 'cifar10'));
    await writeFile(join(folder, 'cifar10', name), packed);
    const train = await cifar10({ dataDir: folder });
    expect(train.length).toBe(10);
    expect([...train.columns.y.data]).toEqual([1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
    expect(train.columns.x.shape).toEqual([3, 32, 32]);
    // The green of the third image, which is of class 2.
    expect(train.columns.x.data[2 * 3072 + 1024]).toBe(21);
    expect(train.batch([0]).x.dtype).toBe('float32');
    expect(train.classes?.[9]).toBe('truck');
    expect((await cifar10({ dataDir: folder, split: 'test' })).length).toBe(1);
  });

  it('says what is wrong with an archive', async () => {
    const put = (bytes: Uint8Array) => writeFile(join(folder, 'cifar-10-binary.tar'), bytes);
    await put(tar({ 'data_batch_1.bin': records(1) }));
    await expect(cifar10({ dataDir: folder })).rejects.toThrow(
      /expected data_batch_2.bin with images of 3073 bytes, found data_batch_1.bin/,
    );
    await put(tar({ 'test_batch.bin': records(11) }));
    await expect(cifar10({ dataDir: folder, split: 'test' })).rejects.toThrow('label 0 is not a class');
    await put(archive().subarray(0, 2000));
    await expect(cifar10({ dataDir: folder })).rejects.toThrow('the archive ends too early');
    await put(records(1));
    await expect(cifar10({ dataDir: folder })).rejects.toThrow('not a tar archive');
    await expect(cifar10({ download: false })).rejects.toThrow('the files of cifar10 are missing');
    await expect(cifar10({ split: 'dev' as never })).rejects.toThrow("'train' or 'test'");
  });

  it('is checked against a published sum', () => {
    for (const { files } of [cifar10Source, tinyShakespeareSource])
      for (const file of files) {
        expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(file.bytes).toBeGreaterThan(0);
      }
  });
});

/** tar -cf of a folder with one.txt, 'hello', and two.bin, 600 times '7' (GNU tar 1.34), gzipped. */
const written =
  'H4sIAAAAAAACA+3UTQqDMBCG4TlKTqDGOM15UhAqiAGb0h6/oUv74yqWwPtsZiDZfcwXWimuy7zqa2bb+WH33qkYlQPcrimsxsgaY/r1b++9UqFN99icp6Vw/qdh+Ja/tW6Tv7W9c2I68i/OAwUIKun/uIxNeqT/9X+mb/2vPf1/hMs4z5EzAAAAAAAAAAAAAIDqPQGV68HnACgAAA==';

it('untar reads what tar writes', async () => {
  const found = untar(await gunzip(Buffer.from(written, 'base64'), 'all.tar.gz'), 'all.tar');
  expect([...found.keys()].sort()).toEqual(['a/one.txt', 'a/two.bin']);
  expect(new TextDecoder().decode(found.get('a/one.txt'))).toBe('hello');
  expect([...found.get('a/two.bin')!]).toEqual(new Array(600).fill(0x37));
});

describe('textDataset and tinyShakespeare', () => {
  it('cut pieces, and know their characters', () => {
    const data = textDataset('hello world', { length: 5, stride: 3 });
    expect(data.length).toBe(2);
    expect(data.characters.join('')).toBe(' dehlorw');
    expect(data.decode(data.rows([0]).x.data)).toBe('hello');
    expect(data.decode(data.rows([0]).y.data)).toBe('ello ');
    expect(data.decode(data.rows([1]).x.data)).toBe('lo wo');
    expect(textDataset('abc', { length: 2 }).length).toBe(1);
    expect(() => textDataset('ab', { length: 2 })).toThrow('more than 2 tokens, found 2');
    expect(() => textDataset('abc', { length: 1, characters: ['a', 'b'] })).toThrow('found "c"');
    const bytes = textDataset('héé', { length: 2, encode: (text) => Buffer.from(text) });
    expect([...bytes.rows([1]).x.data]).toEqual([0xa9, 0xc3]);
  });

  it('tinyShakespeare has the characters of the whole in each part', async () => {
    const text = `${'To be, or not. '.repeat(60)}Z`;
    await writeFile(join(folder, 'input.txt'), text);
    const train = await tinyShakespeare({ dataDir: folder, length: 10 });
    const test = await tinyShakespeare({ dataDir: folder, length: 10, split: 'test' });
    expect(train.characters).toEqual(test.characters);
    expect(train.characters).toContain('Z');
    expect(train.length).toBe(Math.floor((Math.floor(0.9 * text.length) - 11) / 10) + 1);
    expect(test.split).toBe('test');
    await expect(tinyShakespeare({ download: false })).rejects.toThrow(
      'the files of tiny-shakespeare are missing',
    );
  });
});

describe('jsonlDataset', () => {
  const text =
    '{"a": 1, "kind": "x", "on": true}\n\n{"kind": "y", "a": 2.5, "on": false}\r\n{"a": -3, "kind": "x", "on": true}\n';

  it('is the table of its objects', async () => {
    const data = await jsonlDataset({ text }, { target: 'kind', categorical: ['kind'] });
    expect(data.featureNames).toEqual(['a', 'on']);
    expect([...data.columns.x.data]).toEqual([1, 1, 2.5, 0, -3, 1]);
    expect([...data.columns.y.data]).toEqual([0, 1, 0]);
    await writeFile(join(folder, 'rows.jsonl'), text);
    const again = await jsonlDataset(join(folder, 'rows.jsonl'), { target: 'a', features: ['on'] });
    expect(again.info.name).toBe('rows.jsonl');
    expect([...again.columns.y.data]).toEqual([1, 2.5, -3]);
  });

  it('says which line is wrong', async () => {
    const read = (lines: string) => jsonlDataset({ text: lines }, { target: 'a', features: ['b'] });
    await expect(read('{"a":1,"b":2}\n{"a":\n')).rejects.toThrow('line 2 is no JSON');
    await expect(read('{"a":1,"b":2}\n[3]\n')).rejects.toThrow('line 2: expected an object, found [3]');
    await expect(read('{"a":1,"b":[2]}\n')).rejects.toThrow(
      'line 1: b: expected a number, a text, true, false or null',
    );
    await expect(read('{"a":1,"b":2}\n{"a":1}\n')).rejects.toThrow(/line 2/);
  });
});
