/**
 * Data sets in headless Chromium, where the browser decodes images, keeps downloads and has no folders. Where there is
 * no browser the tests are skipped; `browser.test.ts` says so.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fixtures from '../packages/datasets/fixtures/images.json' with { type: 'json' };

const executablePath = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '' && existsSync(path));

/** What the page offers to the functions that run in it. */
interface InPage {
  readonly data: typeof import('@ag/datasets');
}

/** Three images of which the first pixel is the image's number, and labels 5, 0, 9, as MNIST's test files. */
const images = new Uint8Array(16 + 3 * 784);
images.set([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28]);
for (let i = 0; i < 3; i++) images[16 + i * 784] = i;
const files: Record<string, Uint8Array> = {
  '/own/t10k-images-idx3-ubyte.gz': gzipSync(images),
  '/own/t10k-labels-idx1-ubyte.gz': gzipSync(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 9)),
  '/table.csv': new TextEncoder().encode('size,kind\n1.5,"a, b"\n2.5,c\n'),
};

describe.skipIf(executablePath === undefined)('data sets in Chromium', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  let address: string;
  const requests: string[] = [];

  beforeAll(async () => {
    const bundle = await build({
      stdin: { contents: "export * from '@ag/datasets'", resolveDir: import.meta.dirname },
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'data',
      conditions: ['@ag/source'],
      platform: 'browser',
      target: 'es2022',
    });
    server = createServer((request, response) => {
      requests.push(request.url!);
      const body = request.url === '/' ? new TextEncoder().encode('<!doctype html>') : files[request.url!];
      response.writeHead(body ? 200 : 404, {
        'content-type': request.url === '/' ? 'text/html' : 'text/plain',
      });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--no-first-run'],
    });
    page = await browser.newPage();
    await page.goto(address);
    await page.addScriptTag({ content: bundle.outputFiles[0].text });
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  it('decode the images that a user drops, and sort them by folder', async () => {
    const given = [
      ...fixtures.pngs.map(({ name, file }) => ({ path: `set/png/${name}.png`, file })),
      { path: 'set/jpeg/inside/photo.jpg', file: fixtures.jpeg.file },
    ];
    const found = await page.evaluate(async (given) => {
      const { data } = window as unknown as InPage;
      const list = given.map(({ path, file }) => {
        const made = new File([Uint8Array.from(atob(file), (c) => c.charCodeAt(0))], path.split('/').pop()!);
        Object.defineProperty(made, 'webkitRelativePath', { value: path });
        return made;
      });
      const set = await data.imageFolder(list, { size: [3, 5], channels: 3 });
      const { x, y } = await set.batch([0, 1]);
      const pixels: Record<string, number[]> = {};
      for (const [i, path] of set.files.entries()) pixels[path] = [...(await set.rows([i])).x.data];
      const photo = await data.decodeImage(Uint8Array.from(atob(given.at(-1)!.file), (c) => c.charCodeAt(0)));
      return {
        classes: set.classes,
        shape: x.shape,
        y: [...(await y.data())],
        pixels,
        photo: Array.from(photo.data),
      };
    }, given);
    expect(found.classes).toEqual(['jpeg', 'png']);
    expect(found.shape).toEqual([2, 3, 3, 5]);
    expect(found.y).toEqual([0, 1]);
    // Opaque pictures come out as Pillow reads them: red, then green, then blue. Of 16 bits browsers cut off the lower
    // eight instead of rounding.
    const opaque = fixtures.pngs.filter(({ rgba }) => rgba.every((value, i) => i % 4 !== 3 || value === 255));
    expect(opaque.length).toBeGreaterThan(3);
    for (const { name, rgba } of opaque) {
      const planes = [0, 1, 2].flatMap((channel) => rgba.filter((_, i) => i % 4 === channel));
      const off = planes.map((value, i) => Math.abs(value - found.pixels[`set/png/${name}.png`][i]));
      expect(Math.max(...off), name).toBeLessThanOrEqual(name === '16 bits' ? 1 : 0);
    }
    const worst = Math.max(...fixtures.jpeg.rgba.map((value, i) => Math.abs(value - found.photo[i])));
    expect(worst).toBeLessThanOrEqual(3);
  });

  it('read tables and IDX files from the page’s own server', async () => {
    const found = await page.evaluate(async (address) => {
      const { data } = window as unknown as InPage;
      const table = await data.csvDataset(`${address}/table.csv`, { target: 'kind', categorical: ['kind'] });
      const set = await data.mnist({ split: 'test', dataDir: `${address}/own` });
      const { x, y } = set.batch([2, 0]);
      const first = await x.reshape([2, 784]).index(':', 0).data();
      return { classes: table.classes, y: [...(await y.data())], first: [...first] };
    }, address);
    expect(found.classes).toEqual(['a, b', 'c']);
    expect(found.y).toEqual([9, 5]);
    expect(found.first).toEqual([Math.fround(2 / 255), 0]);
  });

  it('refuse a download whose checksum is wrong, naming both', async () => {
    const error = await page.evaluate(async (address) => {
      const { data } = window as unknown as InPage;
      const mirrors = [`${address}/own`];
      const reason = await data.mnist({ split: 'test', mirrors, retryDelay: 1 }).catch((e) => e);
      return { kind: reason.kind, found: reason.found, message: reason.message };
    }, address);
    // Both files are wrong, and either may arrive first.
    const sums = ['images-idx3', 'labels-idx1'].map((name) =>
      createHash('sha256').update(files[`/own/t10k-${name}-ubyte.gz`]).digest('hex'),
    );
    expect(error.kind).toBe('checksum');
    expect(sums.some((sum) => error.found.includes(sum))).toBe(true);
  });

  it('say what browsers cannot do', async () => {
    const error = await page.evaluate(async () => {
      const { data } = window as unknown as InPage;
      return (await data.imageFolder('./photos').catch((e) => e)).message;
    });
    expect(error).toContain('a browser cannot read a path');
  });
});
