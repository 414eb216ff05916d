import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@ag/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Files, pixels and resized planes by Pillow: measurements/image_fixtures.py.
import fixtures from '../../fixtures/images.json' with { type: 'json' };
import { DataError } from '../errors.ts';
import { dataLoader } from '../loader.ts';
import { randomStream } from '../random.ts';
import { decodeImage } from './decode.ts';
import { centerDigit, centerInk } from './digit.ts';
import { imageFolder } from './folder.ts';
import { fromImageData, toImageData } from './imageData.ts';
import { resizePlane, toChannels } from './pixels.ts';

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

describe('decodeImage', () => {
  it.each(fixtures.pngs)('reads PNG: $name', async ({ file, rgba }) => {
    const image = await decodeImage(bytesOf(file));
    expect([image.width, image.height]).toEqual([5, 3]);
    expect(Array.from(image.data)).toEqual(rgba);
  });

  it('reads JPEG to within the rounding of decoders', async () => {
    const image = await decodeImage(bytesOf(fixtures.jpeg.file));
    expect([image.width, image.height]).toEqual([16, 16]);
    const worst = fixtures.jpeg.rgba.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - image.data[i])),
      0,
    );
    expect(worst).toBeLessThanOrEqual(3);
  });

  it('refuses other files and damaged ones, naming the file', async () => {
    await expect(decodeImage(Uint8Array.of(71, 73, 70, 56), 'a.gif')).rejects.toMatchObject({
      kind: 'format',
      file: 'a.gif',
      found: '47 49 46 38',
    });
    await expect(decodeImage(new Uint8Array(0))).rejects.toMatchObject({ found: 'an empty file' });
    const png = bytesOf(fixtures.pngs[3].file);
    png[45] ^= 0xff;
    await expect(decodeImage(png, 'b.png')).rejects.toMatchObject({ kind: 'format', file: 'b.png' });
  });

  it('answers any mutation of a file with an image or a DataError', async () => {
    const random = randomStream(31);
    let errors = 0;
    for (const source of [...fixtures.pngs.map(({ file }) => file), fixtures.jpeg.file].map(bytesOf)) {
      for (let round = 0; round < 30; round++) {
        const bytes = source.slice(0, source.length - (round % 3 === 0 ? random.integer(source.length) : 0));
        bytes[random.integer(bytes.length)] = random.integer(256);
        const result = await decodeImage(bytes).catch((error) => error);
        if (result instanceof DataError) errors++;
        else expect(result.data).toHaveLength(4 * result.width * result.height);
      }
    }
    expect(errors).toBeGreaterThan(50);
  });
});

describe('pixels', () => {
  it.each(fixtures.resized)('are resized to $width×$height as Pillow does', ({ width, height, values }) => {
    const result = resizePlane(fixtures.plane, 7, 5, width, height);
    values.forEach((value, i) => {
      expect(result[i]).toBeCloseTo(value, 2);
    });
  });

  it('become gray by luma and let the background through', () => {
    const image = { width: 2, height: 1, data: [255, 0, 0, 255, 0, 0, 0, 0] };
    // 0.299 · 255 = 76.2
    expect([...toChannels(image)]).toEqual([76, 255]);
    expect([...toChannels(image, { background: 0 })]).toEqual([76, 0]);
    expect([...toChannels(image, { channels: 3 })]).toEqual([255, 255, 0, 255, 0, 255]);
    expect(() => toChannels({ width: 2, height: 2, data: image.data })).toThrow(DataError);
  });
});

describe('fromImageData and toImageData', () => {
  it('are each other’s reverse', async () => {
    const data = Uint8ClampedArray.of(1, 2, 3, 255, 250, 128, 0, 255);
    const picture = fromImageData({ width: 2, height: 1, data }, { channels: 3 });
    expect(picture.shape).toEqual([3, 1, 2]);
    expect((await picture.data())[1]).toBeCloseTo(250 / 255, 6);
    expect((await toImageData(picture)).data).toEqual(data);
  });

  it('draw gray and transparent tensors, clipped', async () => {
    expect([...(await toImageData(tensor([[0, 2]]))).data]).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
    const clear = await toImageData(tensor([[[1]], [[0]], [[0]], [[0.2]]]));
    expect([...clear.data]).toEqual([255, 0, 0, 51]);
    await expect(toImageData(tensor([1, 2]))).rejects.toThrow('[2]');
  });
});

describe('centerDigit', () => {
  /** A bar of ink: columns left … left + 3, rows top … top + 39 of a 100×80 picture. */
  function bar(left: number, top: number, width = 100, height = 80): Float32Array {
    const ink = new Float32Array(width * height);
    for (let y = top; y < top + 40; y++) for (let x = left; x < left + 4; x++) ink[y * width + x] = 1;
    return ink;
  }

  it('fits the ink into 20 pixels around the middle, wherever it was', () => {
    const result = centerInk(bar(5, 7), 100, 80);
    // 4×40 becomes 2×20; its center of mass goes from (0.5, 9.5) to (14, 14), rounded: columns 14 and 15, rows 5 … 24.
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        const inside = (x === 14 || x === 15) && y >= 5 && y < 25;
        expect(result[y * 28 + x]).toBeCloseTo(inside ? 1 : 0, 5);
      }
    }
    expect(centerInk(bar(90, 33), 100, 80)).toEqual(result);
  });

  it('understands dark on light, light on dark, and transparent canvases', async () => {
    const ink = bar(30, 20);
    const expected = centerInk(ink, 100, 80);
    const pictures = {
      darkOnLight: Array.from(ink).flatMap((v) => [255 - 255 * v, 255 - 255 * v, 255 - 255 * v, 255]),
      lightOnDark: Array.from(ink).flatMap((v) => [255 * v, 255 * v, 255 * v, 255]),
      transparent: Array.from(ink).flatMap((v) => [0, 0, 0, 255 * v]),
    };
    for (const data of Object.values(pictures)) {
      const digit = centerDigit({ width: 100, height: 80, data });
      expect(digit.shape).toEqual([1, 28, 28]);
      expect(await digit.data()).toEqual(expected);
    }
  });

  it('gives zeros for an empty picture', () => {
    expect(centerInk(new Float32Array(12), 4, 3)).toEqual(new Float32Array(784));
    expect(() => centerInk([1, 2, 3], 2, 2)).toThrow(DataError);
  });
});

describe('imageFolder', () => {
  let folder: string;
  const [gray, , , color] = fixtures.pngs;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ag-images-'));
    for (const name of ['cat', 'ant/more', 'empty']) await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, 'cat', 'b.png'), bytesOf(gray.file));
    await writeFile(join(folder, 'cat', 'a.PNG'), bytesOf(color.file));
    await writeFile(join(folder, 'cat', 'notes.txt'), 'no image');
    await writeFile(join(folder, 'ant', 'more', 'c.jpg'), bytesOf(fixtures.jpeg.file));
    await writeFile(join(folder, 'readme.png'), 'in no class');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('sorts files and classes, resizes, and gives tensors', async () => {
    const set = await imageFolder(folder, { size: [3, 5], channels: 3, classes: ['ant', 'cat'], keep: true });
    expect(set.files).toEqual([
      join(folder, 'ant', 'more', 'c.jpg'),
      join(folder, 'cat', 'a.PNG'),
      join(folder, 'cat', 'b.png'),
    ]);
    const { x, y } = await set.batch([1, 0]);
    expect(x.shape).toEqual([2, 3, 3, 5]);
    expect([...(await y.data())]).toEqual([1, 0]);
    const red = color.rgba.filter((_, i) => i % 4 === 0);
    expect([...(await set.rows([1])).x.data].slice(0, 15)).toEqual(red);
    expect((await set.rows([1])).x.data).toEqual((await set.rows([1])).x.data);
  });

  it('is read by a loader', async () => {
    const set = await imageFolder(folder, { size: 4, classes: ['cat', 'ant'] });
    const seen: number[] = [];
    for await (const { y } of dataLoader(set, { batchSize: 2, prefetch: 2 })) seen.push(...(await y.data()));
    expect(seen.sort()).toEqual([0, 0, 1]);
  });

  it('takes the files a browser hands over', async () => {
    const file = (path: string, content: string) => {
      const made = new File([bytesOf(content)], path.split('/').pop() as string);
      Object.defineProperty(made, 'webkitRelativePath', { value: path });
      return made;
    };
    const set = await imageFolder([file('set/b/1.png', gray.file), file('set/a/2.png', color.file)]);
    expect(set.classes).toEqual(['a', 'b']);
    expect((await set.rows([1])).x.data).toEqual(Uint8Array.from(gray.rgba.filter((_, i) => i % 4 === 0)));
  });

  it('finds the same classes in the same order in a browser as in Node', async () => {
    const given = ['set/b/deeper/1.png', 'set/b-2/2.png', 'set/.hidden/3.png', 'set/b/4.png'].map((path) => {
      const made = new File([bytesOf(gray.file)], path.split('/').pop() as string);
      Object.defineProperty(made, 'webkitRelativePath', { value: path });
      return made;
    });
    const set = await imageFolder(given);
    expect(set.classes).toEqual(['b', 'b-2']);
    expect(set.files).toEqual(['set/b/4.png', 'set/b/deeper/1.png', 'set/b-2/2.png']);

    const place = await mkdtemp(join(tmpdir(), 'ag-images-'));
    for (const file of given) {
      const target = join(place, file.webkitRelativePath);
      await mkdir(join(target, '..'), { recursive: true });
      await writeFile(target, bytesOf(gray.file));
    }
    const same = await imageFolder(join(place, 'set'));
    expect(same.classes).toEqual(set.classes);
    expect(same.files).toEqual(set.files.map((file) => join(place, file)));
    await rm(place, { recursive: true });
  });

  it('names what is missing or does not fit', async () => {
    await expect(imageFolder('/no/such/folder')).rejects.toMatchObject({
      kind: 'missing',
      file: '/no/such/folder',
    });
    await expect(imageFolder(folder, { classes: ['ant', 'bee'] })).rejects.toThrow(
      'none for the class "bee"',
    );
    await expect(imageFolder(folder, { size: 0 })).rejects.toMatchObject({ kind: 'option' });
    const set = await imageFolder(folder, { classes: ['ant', 'cat'] });
    await expect(set.batch([0, 1])).rejects.toMatchObject({
      kind: 'mismatch',
      file: join(folder, 'cat', 'a.PNG'),
      expected: '16×16',
      found: '3×5',
    });
    await expect(set.batch([3])).rejects.toBeInstanceOf(DataError);
  });
});
