/** Programs of the guides that are for pages, in Chromium: bundled, served from localhost, held to what they print. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../workspace.ts';
import { expectedOutputs, guideFiles, programsOf } from './programs.ts';

const executablePath = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '' && existsSync(path));
if (executablePath === undefined)
  console.log('guides for pages are skipped: no Chromium found (set CHROMIUM)');

const programs = guideFiles().flatMap((file) => programsOf(file).filter(({ kind }) => kind === 'page'));

it('there are some', () => expect(programs.length).toBeGreaterThan(1));

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  const scratch = join(root, 'tests/guides', `.run-pages-${process.pid}`);
  const scripts = new Map<string, string>();
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(scratch, { recursive: true });
    server = createServer(({ url = '/' }, response) => {
      const script = scripts.get(url);
      response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript');
      response.end(script ?? '<!doctype html><title>guide</title><body></body>');
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it.each(programs)('$place', async ({ place, code, language }) => {
    const file = join(scratch, `${place.replace(/\W+/g, '-')}.${language}`);
    writeFileSync(file, code);
    const { outputFiles } = await build({
      entryPoints: [file],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      conditions: ['@ag/source', 'browser'],
      external: ['node:*', 'pngjs', 'jpeg-js', 'koffi'],
      logLevel: 'silent',
    });
    const address = `/${place.replace(/\W+/g, '-')}.js`;
    scripts.set(address, outputFiles[0].text);
    const page = await browser.newPage();
    const printed: string[] = [];
    const errors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'log') printed.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    // As text: the test runner would take an import for its own.
    await page.evaluate(`import('${address}')`);
    expect(errors).toEqual([]);
    expect(printed).toEqual(expectedOutputs(code));
    await page.close();
  });
});
