/** The template in Chromium: it answers while it trains, resumes after a reload, drops what is stale, and never blocks the page. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainingService } from '@ag/train';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { build, defaultClientConditions, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { madeUp } from './gestures.ts';

type InPage = typeof globalThis & {
  service: TrainingService<unknown, number[], Float32Array>;
  tasks: number[];
};

const executablePath = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '');

it('is short', () => {
  const files = ['gestures.ts', 'main.ts', 'training.ts'];
  const lines = files.flatMap((file) =>
    readFileSync(join(import.meta.dirname, file), 'utf8')
      .trimEnd()
      .split('\n'),
  );
  expect(lines.length).toBeLessThan(150);
});

describe.skipIf(executablePath === undefined)('the trainer in Chromium', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ag-trainer-'));
  let server: PreviewServer;
  let context: BrowserContext;
  let page: Page;
  beforeAll(async () => {
    const environment = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    const out = join(scratch, 'built');
    await build({
      configFile: false,
      root: import.meta.dirname,
      logLevel: 'error',
      resolve: { conditions: ['@ag/source', ...defaultClientConditions] },
      worker: { format: 'es' },
      build: { outDir: out, target: 'es2022', modulePreload: { polyfill: false } },
    });
    process.env.NODE_ENV = environment;
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Content-Security-Policy':
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'",
    };
    server = await preview({
      configFile: false,
      root: import.meta.dirname,
      logLevel: 'error',
      build: { outDir: out },
      preview: { port: 0, headers },
    });
    context = await chromium.launchPersistentContext(join(scratch, 'profile'), {
      executablePath: executablePath!,
      args: ['--headless', '--no-sandbox', '--no-first-run', '--disable-background-networking'],
    });
    page = await context.newPage();
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.addInitScript(() => {
      const tasks: number[] = [];
      Object.assign(globalThis, { tasks });
      new PerformanceObserver((list) =>
        tasks.push(...list.getEntries().map(({ duration }) => duration)),
      ).observe({
        type: 'longtask',
        buffered: true,
      });
    });
    await page.goto(server.resolvedUrls!.local[0]);
  });
  afterAll(async () => {
    await context?.close();
    await new Promise<void>((resolve) => server?.httpServer.close(() => resolve()));
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  const errors: string[] = [];

  const stepOf = async () => Number(/\d+/.exec((await page.locator('#state').textContent()) ?? '')?.[0] ?? 0);
  const stepAbove = (step: number) =>
    page.waitForFunction(
      (least) => Number(/\d+/.exec(document.getElementById('state')!.textContent ?? '')?.[0] ?? 0) > least,
      step,
    );
  /** The weights as text. */
  const weights = () => page.evaluate(async () => String(await (globalThis as InPage).service.weights()));

  it('answers while it trains, of what comes too fast the newest, without a long task', async () => {
    await stepAbove(20);
    const known = madeUp(30, 9);
    const answers = await page.evaluate(async (windows) => {
      const { service } = globalThis as InPage;
      return Promise.all(windows.map((window) => service.predict(window, 'test')));
    }, known.windows);
    expect(answers.filter((answer) => answer === null).length).toBeGreaterThanOrEqual(27);
    expect(answers.at(-1)).not.toBeNull();
    const one = async (window: number[]) =>
      await page.evaluate(async (input) => {
        const answer = await (globalThis as InPage).service.predict(input, 'test');
        return { step: answer!.step, chances: [...answer!.value] };
      }, window);
    const before = await one(known.windows[0]);
    await stepAbove((await stepOf()) + 20);
    const after = await one(known.windows[0]);
    expect(after.step).toBeGreaterThan(before.step);
    await stepAbove(1500);
    let right = 0;
    for (const [i, window] of known.windows.entries()) {
      const { chances } = await one(window);
      if (chances.indexOf(Math.max(...chances)) === known.labels[i]) right++;
    }
    // None of these windows was learned from.
    expect(right).toBeGreaterThanOrEqual(28);
    // A task is long from 50 ms on; on a machine that is shared a short one may have to wait.
    const tasks = await page.evaluate(() => (globalThis as InPage).tasks);
    expect(tasks.filter((milliseconds) => milliseconds > 100)).toEqual([]);
  });

  it('resumes to equal weights after a reload, in the midst of its training', async () => {
    await page.click('#run');
    expect(await page.evaluate(() => (globalThis as InPage).service.pause())).toBe(true);
    const [before, step] = [await weights(), await stepOf()];
    await page.reload();
    await page.waitForFunction(() => document.getElementById('state')!.textContent !== '');
    expect(await stepOf()).toBe(step);
    expect(await weights()).toBe(before);
    await page.click('#run');
    await stepAbove(step + 20);
    expect(await weights()).not.toBe(before);
    // A reload that nobody announced loses the steps since the last checkpoint.
    await page.evaluate(() => (globalThis as InPage).service.save());
    await page.reload();
    await stepAbove(step + 19);
    expect(errors).toEqual([]);
  });

  it('learns what is recorded, from the beginning', async () => {
    const button = page.locator('#record button').nth(2);
    await button.dispatchEvent('pointerdown');
    await page.waitForTimeout(700);
    const step = await stepOf();
    await button.dispatchEvent('pointerup');
    await page.waitForFunction(
      (before) => Number(/\d+/.exec(document.getElementById('state')!.textContent)![0]) < before,
      step,
    );
    const recorded = await page.evaluate(
      () => JSON.parse(localStorage.getItem('recorded')!) as { labels: number[] },
    );
    expect(recorded.labels.length).toBeGreaterThan(1);
    expect(new Set(recorded.labels)).toEqual(new Set([2]));
    expect(await page.evaluate(() => (globalThis as InPage).service.run)).toBe(2);
    expect(errors).toEqual([]);
  });
});
