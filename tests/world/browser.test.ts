/**
 * `fit({ workers })` in Chromium, in a page that is not isolated and allows nothing from elsewhere: the bits of the page alone,
 * also where a worker ends without a word. Where there is no browser the tests are skipped and a line says so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Order } from './page/page.ts';

const executablePath = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '' && existsSync(path));
if (executablePath === undefined)
  console.log('tests of workers in pages are skipped: no Chromium found (set CHROMIUM to its path)');

const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; base-uri 'none'";
const html = '<!doctype html><title>workers</title><script type="module" src="/page.js"></script>';

describe.skipIf(executablePath === undefined)('fit({ workers }) in a page', () => {
  let browser: Browser;
  let server: Server;
  let address: string;

  beforeAll(async () => {
    const { build } = await import('esbuild');
    const { outputFiles } = await build({
      entryPoints: ['page', 'network'].map((name) =>
        fileURLToPath(new URL(`./page/${name}.ts`, import.meta.url)),
      ),
      bundle: true,
      platform: 'browser',
      format: 'esm',
      conditions: ['@ag/source'],
      target: 'es2022',
      outdir: 'out',
      write: false,
      logLevel: 'error',
    });
    server = createServer(({ url = '/' }, response) => {
      const file = outputFiles.find(({ path }) => path.endsWith(url));
      const script = file !== undefined && url !== '/';
      response.writeHead(script || url === '/' ? 200 : 404, {
        'content-type': script ? 'text/javascript' : 'text/html',
        'content-security-policy': policy,
      });
      response.end(script ? file.text : html);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-sync'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  const train = async (order: Order): Promise<Answer> => {
    const page = await browser.newPage();
    await page.goto(address);
    await page.waitForFunction(() => 'train' in window);
    const answer = await page.evaluate(
      (given) => (window as unknown as { train(order: Order): Promise<Answer> }).train(given),
      order,
    );
    await page.close();
    return answer;
  };

  it('gives the bits of the page alone for 1, 2 and 3 workers, and where one is ended', async () => {
    const alone = await train({ workers: 0, steps: 4 });
    expect(alone.isolated).toBe(false);
    expect(alone.weights).toHaveLength(416 + 12832 + 15690);
    for (const workers of [1, 2, 3]) {
      const together = await train({ workers, steps: 4 });
      expect(together.started).toBe(workers);
      expect(together.weights).toEqual(alone.weights);
    }
    const replaced = await train({ workers: 2, steps: 4, killAt: 2 });
    expect(replaced.started).toBe(3);
    expect(replaced.weights).toEqual(alone.weights);
  });
});
