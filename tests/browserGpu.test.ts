/**
 * The WebGPU backend in headless Chromium, on the software device that it carries: the conformance suite, derivatives included, bundled as
 * an application would be and held to a strict content security policy. Every fifth test; `AG_TEST=full` runs all. Where there is no
 * browser, or no device in it, a line says so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuOutcome } from './browserGpu/page.ts';

const full = process.env.AG_TEST === 'full';

const executablePath = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '' && existsSync(path));
if (executablePath === undefined)
  console.log('browser tests of WebGPU are skipped: no Chromium found (set CHROMIUM to its path)');

const policy = "default-src 'none'; script-src 'self'; img-src data:; base-uri 'none'";
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

describe.skipIf(executablePath === undefined)('WebGPU in Chromium', () => {
  let out: string;
  let browser: Browser;
  let server: Server;

  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), 'ag-gpu-'));
    const environment = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    await build({
      configFile: false,
      root: fileURLToPath(new URL('./browserGpu', import.meta.url)),
      logLevel: 'error',
      resolve: { conditions: ['@ag/source', ...defaultClientConditions] },
      build: { outDir: out, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false } },
    });
    process.env.NODE_ENV = environment;
    server = createServer((request, response) => {
      const file = join(out, request.url === '/' ? 'index.html' : (request.url ?? ''));
      response.setHeader('Content-Security-Policy', policy);
      if (!existsSync(file)) response.writeHead(404).end();
      else
        response
          .setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream')
          .end(readFileSync(file));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: [
        '--no-sandbox',
        '--enable-unsafe-webgpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-sync',
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    rmSync(out, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  it('passes the conformance suite', { timeout: full ? 900_000 : 300_000 }, async ({ skip }) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const page = await browser.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    await page.goto(`http://127.0.0.1:${address.port}/`);
    const device = await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null);
    if (!device) {
      console.log('browser tests of WebGPU are skipped: this Chromium has no device');
      skip();
    }
    const outcome = await page.evaluate(
      (step) => (window as unknown as { run(step: number): Promise<GpuOutcome> }).run(step),
      full ? 1 : 5,
    );
    expect(outcome.failures).toEqual([]);
    expect(outcome.passed).toBeGreaterThan(full ? 300 : 60);
    // The suite makes more plans than are kept, which is said.
    expect(said.filter((text) => !text.includes('plans were made'))).toEqual([]);
    await page.close();
  });
});
