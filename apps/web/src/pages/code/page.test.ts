/** The code lab as a person uses it: types, completes, runs, stops, opens links. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack } from '../../components/packedSource.ts';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';
import { examples } from './examples.ts';

interface State {
  readonly source: string;
  readonly running: boolean;
  readonly outcome: string | null;
  readonly silent: boolean;
  readonly remarks: number | null;
  readonly problem: string | null;
  readonly items: readonly { readonly line: number; readonly kind: string; readonly text: string }[];
}

/** Programs of the course that are run in the browser; `AG_TEST=full` runs all, which takes minutes. */
const quick = ['01-scalar-graph', '05-xor', '31-a-plan-as-a-file'];
const tried = process.env.AG_TEST === 'full' ? [...examples.keys()] : quick;

describe.skipIf(chromiumPath === undefined)('the code lab', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  const ended = async (page: Page): Promise<State> => {
    await page.waitForFunction(
      () => {
        const { running, outcome } = window.__ag.state() as unknown as State;
        return !running && outcome !== null;
      },
      undefined,
      { timeout: 240_000 },
    );
    return stateOf<State>(page);
  };
  /** Puts another program into the editor and runs it. */
  const write = async (page: Page, source: string): Promise<void> => {
    await page.getByTestId('editor').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(source);
  };
  const told = ({ items }: State) => items.map(({ line, text }) => [line, text]);

  it('shows values under their lines at once, and completes what it knows', async () => {
    const page = await application.open('code');
    const { items, outcome } = await ended(page);
    expect(outcome).toBe('done');
    // (x + y) · z at (−2, 5, −4), and its gradients.
    expect(items.slice(0, 4).map(({ line, text }) => [line, /\((-?\d+)/.exec(text)![1]])).toEqual([
      [10, '-12'],
      [11, '-4'],
      [11, '-4'],
      [11, '3'],
    ]);
    expect(items[4]).toMatchObject({ line: 12, kind: 'svg' });
    expect(await page.locator('.lab-picture').count()).toBe(1);
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).remarks === 0);

    await write(page, "import { tensor } from '@ag/tensor';\ntensor([1, 2]).matm");
    await page.keyboard.type('u');
    await page
      .locator('.cm-tooltip-autocomplete')
      .getByText('matmul', { exact: true })
      .first()
      .waitFor({ timeout: 120_000 });
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).remarks === 1);
    await page.locator('.cm-lintRange-error').first().waitFor();
    await page.close();
  });

  it('ends a program that never would, and lives', async () => {
    const page = await application.open('code');
    await ended(page);
    await write(page, "console.log('on my way');\nwhile (true) {}\n");
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() =>
      (window.__ag.state() as unknown as State).items.some(({ text }) => text === 'on my way'),
    );
    expect((await stateOf<State>(page)).running).toBe(true);
    await page.getByTestId('run').click();
    expect(await ended(page)).toMatchObject({ outcome: 'stopped', items: [{ line: 1, text: 'on my way' }] });
    await write(page, 'for (let i = 0; ; i++) console.log(i);');
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).items.length > 400);
    await page.getByTestId('run').click();
    expect((await ended(page)).outcome).toBe('stopped');
    expect(await page.locator('.lab-output > *').count()).toBeLessThan(100);
    await write(page, '6 * 7;');
    await page.keyboard.press('Control+Enter');
    // Until it has begun, the page says how the one before ended.
    await expect.poll(async () => told(await stateOf<State>(page)), { timeout: 60_000 }).toEqual([[1, '42']]);
    await page.close();
  });

  it('says that a program does not answer, and ends it by itself', { timeout: 240_000 }, async () => {
    const page = await application.open('code');
    await ended(page);
    await page.clock.install();
    await write(page, 'console.log(1);\nwhile (true) {}');
    await page.keyboard.press('Control+Enter');
    /** The clock stands still but for this; the worker goes by another. */
    const soon = (holds: (state: State) => boolean) =>
      expect
        .poll(
          async () => {
            await page.clock.runFor(600);
            return holds(await stateOf<State>(page));
          },
          { timeout: 60_000, interval: 200 },
        )
        .toBe(true);
    await soon(({ items }) => items.some(({ text }) => text === '1'));
    await page.clock.fastForward(11_000);
    await soon(({ silent }) => silent);
    expect(await page.getByTestId('silent').count()).toBe(1);
    expect((await stateOf<State>(page)).running).toBe(true);
    await page.clock.fastForward(60_000);
    await soon(({ outcome }) => outcome === 'lost');
    await page.close();
  });

  it('opens the program of a link, which runs when it is asked to and reaches nothing', async () => {
    const source = `show(typeof fetch, typeof indexedDB, typeof caches, typeof Worker, typeof BroadcastChannel, typeof navigator.storage);
// 人 reads this
throw new Error('here');`;
    const page = await application.open(`code?z=${await pack(source)}`);
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).source !== '');
    await page.waitForTimeout(500);
    expect(await stateOf<State>(page)).toMatchObject({ source, outcome: null, items: [] });
    await page.getByTestId('run').click();
    const state = await ended(page);
    expect(told(state)).toEqual([...Array(6).fill([1, 'undefined']), [3, 'Error: here']]);
    // What is typed is in the address, and comes back with it.
    await write(page, "console.log('typed')");
    await page.waitForFunction(async () => !location.hash.includes('example'));
    await page.waitForTimeout(800);
    await page.reload();
    await page.waitForFunction(
      () => (window.__ag?.state() as unknown as State | undefined)?.source === "console.log('typed')",
    );
    await page.close();
  });

  it('sends the policy that lets text become code with one file alone', async () => {
    const ask = (file: string) => fetch(new URL(file, application.address));
    const list = /^const files = (.*);$/m.exec(await (await ask('sw.js')).text())![1];
    const scripts = (JSON.parse(list) as string[]).filter((file) => file.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(20);
    const lenient: (readonly [file: string, policy: string])[] = [];
    for (const file of scripts) {
      const policy = (await ask(file)).headers.get('Content-Security-Policy')!;
      if (/'unsafe-eval'|script-src[^;]*(blob|data):/.test(policy)) lenient.push([file, policy]);
    }
    expect(lenient).toEqual([
      [expect.stringMatching(/\/program-/), expect.stringContaining("connect-src 'none'")],
    ]);
    // And so it is written down for other servers.
    const written = (await (await ask('fileHeaders.json')).json()) as Record<string, Record<string, string>>;
    expect(Object.entries(written)).toEqual([
      [lenient[0][0].slice(2), { 'Content-Security-Policy': lenient[0][1] }],
    ]);
  });

  it('opens the code that a page shows, with the page’s numbers', async () => {
    const page = await application.open('race?steps=3&runners=adam');
    await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 1);
    const { paths } = await stateOf<{ paths: { points: [number, number][] }[] }>(page);
    await page.locator('summary', { hasText: 'code' }).click();
    await page.getByTestId('to-code-lab').click();
    await page.getByTestId('editor').waitFor();
    await page.waitForFunction(() => /adam/.test((window.__ag.state() as unknown as State).source));
    await page.getByTestId('run').click();
    const { items } = await ended(page);
    expect(items.map(({ text }) => text.split(' ').slice(1).map(Number))).toEqual(
      paths[0].points.slice(1).map((point) => point.map((value) => expect.closeTo(value, 6))),
    );
    await page.close();
  });

  it.each(tried)('runs %s of the course as it is', { timeout: 300_000 }, async (name) => {
    const page = await application.open(`code?example=${name}`);
    const { source, items, outcome } = await ended(page);
    expect(source).toBe(examples.get(name));
    expect(items.filter(({ kind }) => kind === 'error')).toEqual([]);
    expect(outcome).toBe('done');
    expect(items.length).toBeGreaterThan(0);
    if (source.includes('[picture.svg]')) expect(items.map(({ kind }) => kind)).toContain('svg');
    await page.close();
    expect(application.errors()).toEqual([]);
  });
});
