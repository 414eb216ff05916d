/**
 * The packages in headless Chromium, bundled as an application would be and held to a strict content security policy:
 * the conformance suite with derivatives, and random graphs, with shared memory and without, in the page and in a
 * worker. Where there is no browser the tests are skipped and a line says so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnnxOutcome } from './browser/onnx.ts';
import type { Outcome, Task } from './browser/suite.ts';

const full = process.env.AG_TEST === 'full';

const executablePath = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '' && existsSync(path));
if (executablePath === undefined)
  console.log('browser tests of the packages are skipped: no Chromium found (set CHROMIUM to its path)');

/** No `'unsafe-eval'`, nothing inline, nothing from elsewhere; workers fall under `script-src`. */
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src data:; base-uri 'none'";

interface Case extends Omit<Task, 'graphs'> {
  readonly isolated: boolean;
  readonly place: 'inPage' | 'inWorker';
}

const choices = [true, false];
const everyCase: Case[] = choices.flatMap((isolated) =>
  (['inPage', 'inWorker'] as const).flatMap((place) =>
    [1, 2].flatMap((threads) =>
      choices.flatMap((relaxedSimd) =>
        choices.map((fusion) => ({ isolated, place, threads, relaxedSimd, fusion })),
      ),
    ),
  ),
);

/** Every value of every choice; every combination in the full run. */
const someCases: Case[] = [
  { isolated: true, place: 'inWorker', threads: 2, relaxedSimd: true, fusion: true },
  { isolated: false, place: 'inPage', threads: 1, relaxedSimd: false, fusion: false },
];

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  let out: string;
  let browser: Browser;
  const servers: Server[] = [];
  const addresses = new Map<boolean, string>();

  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), 'ag-suite-'));
    const environment = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    await build({
      configFile: false,
      root: fileURLToPath(new URL('./browser', import.meta.url)),
      logLevel: 'error',
      resolve: { conditions: ['@ag/source', ...defaultClientConditions] },
      worker: { format: 'es' },
      build: { outDir: out, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false } },
    });
    process.env.NODE_ENV = environment;
    for (const isolated of choices) addresses.set(isolated, await serve(out, isolated, servers));
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-sync'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(out, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  it.each(full ? everyCase : someCases)(
    'isolated: $isolated, $place, threads: $threads, relaxed SIMD: $relaxedSimd, fusion: $fusion',
    async ({ isolated, place, ...options }) => {
      const page = await browser.newPage();
      const said: string[] = [];
      page.on('console', (message) => said.push(message.text()));
      page.on('pageerror', (error) => said.push(String(error)));
      await page.goto(addresses.get(isolated)!);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
      const task: Task = { ...options, graphs: full ? 300 : 25 };
      const outcome = await page.evaluate(
        ({ place, task }) => (window as unknown as Suite).suite[place](task),
        { place, task },
      );
      expect(outcome.failures).toEqual([]);
      expect(outcome.passed).toBeGreaterThan(200);
      expect(outcome.interpreted).toEqual([]);
      expect(outcome.relaxedSimd).toBe(task.relaxedSimd);
      expect(outcome.threads).toBe(isolated ? task.threads : 1);
      // The suite makes more plans than are kept, which is said as well.
      const complaints = said.filter((text) => !text.includes('plans were made'));
      const alone = expect.stringMatching(/one thread: SharedArrayBuffer is missing.*cross-origin isolated/);
      expect(complaints).toEqual(!isolated && task.threads > 1 ? [alone] : []);
      await page.close();
    },
  );

  it('writes and reads ONNX files, whose format needs no code made from text', async () => {
    const page = await browser.newPage();
    await page.goto(addresses.get(false)!);
    const outcome = await page.evaluate(() =>
      (window as unknown as { throughOnnx(): Promise<OnnxOutcome> }).throughOnnx(),
    );
    expect(outcome.operators).toEqual(expect.arrayContaining(['Conv', 'Gemm', 'Relu']));
    expect(outcome.difference).toBeLessThan(1e-6);
    await page.close();
  });

  it.each(['files', 'database'] as const)('keeps checkpoints in %s', async (by) => {
    const page = await browser.newPage();
    await page.goto(addresses.get(false)!);
    const seen = await page.evaluate(
      (by) => (window as unknown as { keeping(by: string): Promise<unknown> }).keeping(by),
      by,
    );
    expect(seen).toEqual([null, [1, 2, 3], [4], null]);
    await page.close();
  });
});

interface Suite {
  readonly suite: Record<Case['place'], (task: Task) => Promise<Outcome>>;
}

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

/** The folder by HTTP, with the policy, and with the headers that allow shared memory if `isolated`. */
async function serve(folder: string, isolated: boolean, servers: Server[]): Promise<string> {
  const server = createServer((request, response) => {
    const file = join(folder, request.url === '/' ? 'index.html' : request.url!);
    response.setHeader('Content-Security-Policy', policy);
    if (isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    if (!existsSync(file)) response.writeHead(404).end();
    else
      response
        .setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream')
        .end(readFileSync(file));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
