/**
 * The WebGPU backend in headless Chromium, on the software device that it carries, bundled as an application would be and held to a strict
 * content security policy: the conformance suite, derivatives included (every twelfth test; `AG_TEST=full` runs all), the first step of a
 * network, training in a worker, in a page behind another one, and over the loss of the device. Where there is no browser, or no device
 * in it, a line says so.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { runSuite } from './browserGpu/suite.ts';
import type { training } from './browserGpu/training.ts';

const full = process.env.AG_TEST === 'full';

const executablePath = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '' && existsSync(path));
if (executablePath === undefined)
  console.log('browser tests of WebGPU are skipped: no Chromium found (set CHROMIUM to its path)');

const policy = "default-src 'none'; script-src 'self'; img-src data:; base-uri 'none'";
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

describe.skipIf(executablePath === undefined)('WebGPU in Chromium', { timeout: 300_000 }, () => {
  let out: string;
  let browser: Browser;
  let chrome: ChildProcess;
  let server: Server;
  let address: string;
  let device = false;

  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), 'ag-gpu-'));
    const environment = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    await build({
      configFile: false,
      root: fileURLToPath(new URL('./browserGpu', import.meta.url)),
      logLevel: 'error',
      resolve: { conditions: ['@ag/source', ...defaultClientConditions] },
      worker: { format: 'es' },
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
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    ({ browser, chrome } = await start(executablePath ?? '', join(out, 'profile')));
    const page = await open();
    device = await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null);
    if (!device) console.log('browser tests of WebGPU are skipped: this Chromium has no device');
    await page.close();
  }, 300_000);
  afterAll(async () => {
    chrome?.kill('SIGKILL');
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    rmSync(out, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  /** A page of the application; what it says goes to `said`. */
  async function open(said: string[] = []): Promise<Page> {
    const page = await browser.contexts()[0].newPage();
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    await page.goto(address, { timeout: 120_000 });
    return page;
  }

  it('passes the conformance suite', { timeout: full ? 1_800_000 : 300_000 }, async ({ skip }) => {
    if (!device) skip();
    const said: string[] = [];
    const page = await open(said);
    const outcome = await page.evaluate(
      (step) => (window as unknown as InPage).runSuite(step),
      full ? 1 : 12,
    );
    expect(outcome.failures).toEqual([]);
    expect(outcome.passed).toBeGreaterThan(full ? 300 : 25);
    // The suite makes more plans than are kept, which is said.
    expect(said.filter((text) => !text.includes('plans were made'))).toEqual([]);
    await page.close();
  });

  it('takes seconds for the first step of 784-50-100-10, whose kernels serve other batches', async ({
    skip,
  }) => {
    if (!device) skip();
    const page = await open();
    const steps = await page.evaluate(() => (window as unknown as InPage).training.firstSteps());
    console.log(
      `first step of 784-50-100-10 in Chromium: ${steps.first.toFixed(2)} s, ${steps.pipelines} pipelines; third: ${(1000 * steps.later).toFixed(0)} ms`,
    );
    // A mean over fewer examples is shared by a smaller workgroup.
    expect(steps.pipelinesOfOther).toBeLessThanOrEqual(1);
    // Less than 3 on a machine with nothing else to do.
    expect(steps.first).toBeLessThan(60);
    await page.close();
  });

  it('trains in a worker as the reference backend does here', async ({ skip }) => {
    if (!device) skip();
    const page = await open();
    const [there, here] = await page.evaluate(
      async (wanted) => {
        const { train } = (window as unknown as InPage).training;
        return [await train('worker', wanted), await train('reference', wanted)];
      },
      { epochs: 2, batches: 4, batchSize: 10 },
    );
    expect(there.backend).toBe('webgpu');
    expectFourDigits(there.losses, here.losses);
    await page.close();
  });

  it('goes on in a page that nobody sees, to the same losses', async ({ skip }) => {
    if (!device) skip();
    const page = await open();
    let other: Page | undefined;
    await page.exposeFunction('atHalf', async () => {
      other = await page.context().newPage();
      await page.waitForFunction(() => document.hidden, null, { polling: 100 });
    });
    const [there, here] = await page.evaluate(
      async (wanted) => {
        const { train } = (window as unknown as InPage).training;
        return [await train('webgpu', wanted), await train('reference', wanted)];
      },
      { epochs: 3, batches: 10, batchSize: 10 },
    );
    expect(there.hidden).toBeGreaterThanOrEqual(14);
    expectFourDigits(there.losses, here.losses);
    await other?.close();
    await page.close();
  });

  it('says that the device was lost in mid-run, and goes on from a checkpoint with another', async ({
    skip,
  }) => {
    if (!device) skip();
    const page = await open();
    const wanted = { epochs: 1, batches: 12, batchSize: 10 };
    const [lost, here] = await page.evaluate(async (wanted) => {
      const { trainOverLoss, train } = (window as unknown as InPage).training;
      return [await trainOverLoss(wanted, 3, 6), await train('reference', wanted)] as const;
    }, wanted);
    expect(lost).toMatchObject({
      code: 'AG_DEVICE_LOST',
      message: expect.stringMatching(/was lost: .*destroyed/),
    });
    // Six before the loss, and from the fourth on once more.
    expectFourDigits(lost.losses, [...here.losses.slice(0, 6), ...here.losses.slice(3)]);
    await page.close();
  });
});

/**
 * The browser with nothing but what users have: Playwright's own settings tell every page that it has the focus and slow none down,
 * whatever lies in front of it.
 */
async function start(program: string, profile: string): Promise<{ browser: Browser; chrome: ChildProcess }> {
  const flags = [
    ...['--headless', '--no-sandbox', '--enable-unsafe-webgpu', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--remote-debugging-port=0', `--user-data-dir=${profile}`],
  ];
  const chrome = spawn(program, [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    chrome.stderr.on('data', (text) => {
      said += text;
      const found = /ws:\/\/\S+/.exec(said);
      if (found) resolve(found[0]);
    });
    chrome.on('exit', () => reject(new Error(`Chromium does not start: ${said}`)));
  });
  return { browser: await chromium.connectOverCDP(url, { noDefaults: true }), chrome };
}

interface InPage {
  readonly runSuite: typeof runSuite;
  readonly training: typeof training;
}

function expectFourDigits(losses: readonly number[], expected: readonly number[]): void {
  expect(losses).toHaveLength(expected.length);
  losses.forEach((loss, i) => {
    expect(Math.abs(loss - expected[i]), `loss ${i}: ${loss}, not ${expected[i]}`).toBeLessThan(
      5e-5 * Math.max(1, Math.abs(expected[i])),
    );
  });
}
