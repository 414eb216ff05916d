/** MNIST and Boston housing from files in folders: where they are found, and what is said when they are wrong. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataError } from '../errors.ts';
import { bostonHousing } from './boston.ts';
import { fashionMnist, idxDataset, mnist } from './mnist.ts';

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

/** Three images of which the first pixel is the image's number, and labels 5, 0, 9. */
function images(count = 3): Uint8Array {
  const file = new Uint8Array(16 + count * 784);
  file.set([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28]);
  for (let i = 0; i < count; i++) file[16 + i * 784] = i;
  return file;
}
const labels = (...values: number[]) => Uint8Array.of(0, 0, 8, 1, 0, 0, 0, values.length, ...values);

async function put(place: string, files: Record<string, Uint8Array | string>): Promise<string> {
  const path = join(folder, place);
  await mkdir(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

const good = () => ({
  'train-images-idx3-ubyte.gz': gzipSync(images()),
  'train-labels-idx1-ubyte.gz': gzipSync(labels(5, 0, 9)),
});

describe('mnist', () => {
  it.each(['', 'mnist', 'MNIST/raw'])('finds its files in the folder given + %j', async (sub) => {
    await put(sub, good());
    const set = await mnist({ dataDir: folder });
    expect(set.length).toBe(3);
    expect(set.split).toBe('train');
    expect(set.features).toBe(784);
    expect(set.info.files).toEqual(Object.keys(good()).map((name) => join(folder, sub, name)));
    expect(set.classes).toHaveLength(10);
    expect(set.columns.x.shape).toEqual([1, 28, 28]);
    expect(set.columns.x.data[2 * 784]).toBe(2);
    expect(set.columns.y.data).toEqual(Int32Array.of(5, 0, 9));
  });

  it('finds unpacked files under their other names', async () => {
    await put('', { 't10k-images.idx3-ubyte': images(), 't10k-labels-idx1-ubyte': labels(1, 2, 3) });
    expect((await mnist({ dataDir: folder, split: 'test' })).length).toBe(3);
  });

  it('finds them in AG_DATA_DIR, else in the cache', async () => {
    vi.stubEnv('AG_DATA_DIR', join(folder, 'data'));
    await put('cache/ag/datasets/mnist', good());
    expect((await mnist()).length).toBe(3);
    await put('data/mnist', {
      'train-images-idx3-ubyte.gz': gzipSync(images(1)),
      'train-labels-idx1-ubyte.gz': gzipSync(labels(7)),
    });
    expect((await mnist()).length).toBe(1);
  });

  it('says where it looked when nothing is there', async () => {
    vi.stubEnv('AG_DATA_DIR', join(folder, 'data'));
    const error = await mnist().catch((e) => e);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ kind: 'missing', file: 'mnist' });
    expect(error.found).toContain(join(folder, 'data'));
    expect(error.found).toContain(join(folder, 'cache'));
    expect(error.message).toContain('train-images-idx3-ubyte.gz');
  });

  it('refuses a folder that does not exist or is a file', async () => {
    const absent = join(folder, 'absent');
    await expect(mnist({ dataDir: absent })).rejects.toMatchObject({ kind: 'missing', file: absent });
    await put('', { file: 'x' });
    await expect(mnist({ dataDir: join(folder, 'file') })).rejects.toThrow('not a folder');
  });

  it('refuses half of the files', async () => {
    await put('', { 'train-images-idx3-ubyte.gz': gzipSync(images()) });
    await expect(mnist({ dataDir: folder })).rejects.toMatchObject({
      kind: 'missing',
      found: 'no train-labels-idx1-ubyte.gz',
    });
  });

  it.each([
    ['truncated gzip', { 'train-images-idx3-ubyte.gz': gzipSync(images()).subarray(0, 30) }, 'truncated'],
    ['a wrong magic number', { 'train-images-idx3-ubyte.gz': gzipSync(labels(1, 2, 3)) }, 'format'],
    ['text instead of gzip', { 'train-images-idx3-ubyte.gz': 'not found' }, 'format'],
    ['too few images', { 'train-images-idx3-ubyte.gz': gzipSync(images().subarray(0, 2000)) }, 'truncated'],
    [
      'trailing bytes',
      { 'train-labels-idx1-ubyte.gz': gzipSync(Uint8Array.of(...labels(1, 2, 3), 4)) },
      'format',
    ],
    ['another number of labels', { 'train-labels-idx1-ubyte.gz': gzipSync(labels(1, 2)) }, 'mismatch'],
    ['a label that is no class', { 'train-labels-idx1-ubyte.gz': gzipSync(labels(1, 2, 10)) }, 'value'],
  ])('names the file for %s', async (_, wrong, code) => {
    await put('', { ...good(), ...wrong });
    const error = await mnist({ dataDir: folder }).catch((e) => e);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ kind: code, file: join(folder, Object.keys(wrong)[0]) });
    expect(error.expected).toBeTruthy();
    expect(error.found).toBeTruthy();
  });

  it('names both numbers when images and labels differ', async () => {
    await put('', { ...good(), 'train-labels-idx1-ubyte.gz': gzipSync(labels(1, 2)) });
    const error = await mnist({ dataDir: folder }).catch((e) => e);
    expect(error.expected).toContain('3 labels');
    expect(error.found).toBe('2 labels');
  });

  it('refuses images of another size and an unknown split', async () => {
    const tiny = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9);
    await put('', { 'train-images-idx3-ubyte': tiny, 'train-labels-idx1-ubyte': labels(1) });
    await expect(mnist({ dataDir: folder })).rejects.toMatchObject({ expected: '28×28', found: '1×2' });
    await expect(mnist({ dataDir: folder, split: 'valid' as 'test' })).rejects.toMatchObject({
      kind: 'option',
    });
  });
});

describe('fashionMnist and idxDataset', () => {
  it('do not take an MNIST in AG_DATA_DIR for Fashion-MNIST', async () => {
    await put('data', good());
    vi.stubEnv('AG_DATA_DIR', join(folder, 'data'));
    expect((await mnist()).length).toBe(3);
    await expect(fashionMnist()).rejects.toMatchObject({ kind: 'missing', file: 'fashion-mnist' });
  });

  it('read the same format', async () => {
    await put('fashion-mnist', good());
    expect((await fashionMnist({ dataDir: folder })).classes?.[9]).toBe('Ankle boot');
    const set = await idxDataset({ bytes: images() }, { bytes: gzipSync(labels(1, 2, 200)) });
    expect([...set.columns.y.data]).toEqual([1, 2, 200]);
  });
});

describe('bostonHousing', () => {
  const header = 'crim,zn,indus,"chas",nox,rm,age,dis,rad,tax,ptratio,b,lstat,medv';
  const line = '0.00632,18,2.31,"0",0.538,6.575,65.2,4.09,1,296,15.3,396.9,4.98,24';
  const write = (text: string) => put('boston', { 'BostonHousing.csv': text });

  it('reads all 13 columns, or those asked for', async () => {
    await write(`${header}\n${line}\n${line.replace('24', '21.6')}\n`);
    const all = await bostonHousing({ dataDir: folder });
    expect(all.columns.x.shape).toEqual([13]);
    expect(all.columns.x.data[3]).toBe(0);
    expect([...all.columns.y.data]).toEqual([24, Math.fround(21.6)]);
    const two = await bostonHousing({ dataDir: folder, columns: ['RM', 'LSTAT'] });
    expect(two.featureNames).toEqual(['rm', 'lstat']);
    expect([...two.columns.x.data].slice(0, 2)).toEqual([6.575, 4.98].map(Math.fround));
  });

  it('names a missing column, and line and column of a text', async () => {
    await write(`${header.replace('lstat', 'other')}\n${line}`);
    await expect(bostonHousing({ dataDir: folder })).rejects.toMatchObject({ kind: 'column' });
    await expect(bostonHousing({ dataDir: folder })).rejects.toThrow('no column "lstat"');
    await write(`${header}\n${line}\n${line.replace('6.575', 'six')}`);
    await expect(bostonHousing({ dataDir: folder })).rejects.toThrow('line 3, column "rm": not a number');
  });

  it('refuses an unknown column before it looks for the file', async () => {
    await expect(bostonHousing({ dataDir: '/no/such', columns: ['rooms'] })).rejects.toMatchObject({
      kind: 'option',
      found: '"rooms"',
    });
  });
});
