/** The start page in a browser: its links and pictures, and how much is loaded. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../../shell/pages.ts';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';

describe.skipIf(chromiumPath === undefined)('the frame', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  it('opens at the start page with shared memory, without errors', async () => {
    const page = await application.open('home');
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect((await stateOf<{ page: string }>(page)).page).toBe('home');
    expect(application.errors()).toEqual([]);
  });

  it('has a neuron that computes, differentiates and learns by itself, until somebody takes it over', async () => {
    const page = await application.open('home');
    interface Shown {
      readonly step: number;
      readonly losses: readonly number[];
      readonly running: boolean;
      readonly values: Readonly<Record<string, string>>;
    }
    const shown = () => stateOf<Shown>(page);
    await page.waitForFunction(() => (window.__ag.state() as unknown as Shown).step > 0);
    await page.waitForFunction(() => (window.__ag.state() as unknown as Shown).losses.length > 2);
    // Computed in Python: living/descend.test.ts. One update after another.
    const { losses } = await shown();
    expect(losses[0]).toBeCloseTo(0.05373690897235805, 12);
    expect(losses[2]).toBeCloseTo(0.0205231627605791, 12);
    // A number in the picture is dragged: it is theirs, and stands still.
    const node = (await page.getByTestId('hero').locator('.draggable').first().boundingBox())!;
    const [x, y] = [node.x + node.width / 2, node.y + node.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let i = 1; i <= 5; i++) await page.mouse.move(x + 8 * i, y);
    await page.mouse.up();
    const before = await shown();
    expect(before.running).toBe(false);
    await page.waitForTimeout(1500);
    expect(await shown()).toEqual({ ...before, loss: expect.any(Number) });
    // And learns from there when it is told to.
    await page.getByTestId('hero-run').click();
    await page.waitForFunction(() => (window.__ag.state() as unknown as Shown).losses.length > 1);
    const [first, next] = (await shown()).losses;
    expect(next).toBeLessThan(first);
    expect(await page.locator('.course li').count()).toBe(7);
    await page.close();
  });

  it('moves nothing by itself for whoever wants less motion', async () => {
    const page = await application.context.newPage();
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(`${application.address}#/home`);
    await page.getByTestId('hero').locator('[data-node]').first().waitFor();
    await page.waitForTimeout(1000);
    expect((await stateOf<{ step: number }>(page)).step).toBe(0);
    await page.close();
  });

  it('speaks English and Chinese, light and dark', async () => {
    const page = await application.open('home');
    const heading = page.locator('h1');
    const before = await heading.textContent();
    await page.getByTestId('language').click();
    expect(await heading.textContent()).not.toBe(before);
    expect(await page.evaluate(() => document.documentElement.lang)).toMatch(/^(en|zh)$/);
    await page.getByTestId('theme').click();
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
    await page.getByTestId('language').click();
    await page.getByTestId('theme').click();
  });

  it('works without a network once it has been opened', async () => {
    const page = await application.open('home');
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    // A page that was opened while the worker became active may not be its own before it is opened again.
    await page.reload();
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await application.context.setOffline(true);
    await page.reload();
    await page.waitForFunction(() => Object.keys(window.__ag?.state() ?? {}).length > 0);
    expect(await page.locator('h1').count()).toBe(1);
    await page.close();
    await application.context.setOffline(false);
  });

  /** Kilobytes for pages that bring a library when they are opened, or all of ours. */
  const allowed: Readonly<Record<string, number>> = {
    // The editor and TypeScript.
    code: 1300,
    // The scene in space.
    landscape: 470,
    // Every format of files.
    viewer: 335,
    // Every optimizer, loss and data set: 25 kB above what is wanted of a page.
    playground: 285,
    digits: 265,
    transformer: 260,
  };
  it.each(pages.map(({ id }) => [id, allowed[id] ?? 250] as const))(
    '%s loads at most %i kB of script, compressed',
    async (id, kilobytes) => {
      const page = await application.context.newPage();
      const sizes: Promise<number>[] = [];
      let counting = true;
      page.on('response', (response) => {
        if (counting && response.url().endsWith('.js'))
          sizes.push(response.body().then((body) => gzipSync(body).length));
      });
      await page.goto(`${application.address}#/${id}`);
      await page.waitForFunction((wanted) => (window.__ag.state() as { page?: string }).page === wanted, id);
      await page.waitForTimeout(700);
      // What arrives from here on may not be there any more when it is asked for its size.
      counting = false;
      const size = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
      expect(size).toBeGreaterThan(10_000);
      expect(size).toBeLessThanOrEqual(1000 * kilobytes);
      await page.close();
    },
  );

  it('opens every address that the documentation names', async () => {
    const root = new URL('../../../../../', import.meta.url);
    const files = ['README.md', 'examples/README.md', 'apps/web/README.md', 'apps/cli/README.md']
      .concat(['docs/differentiation.md'])
      .concat(['graph', 'nn', 'optim'].map((name) => `packages/${name}/README.md`));
    const texts = files.map((file) => readFileSync(new URL(file, root), 'utf8'));
    const found = texts.flatMap((text) =>
      [...text.matchAll(/`agrad web (?:'([a-z][^']*)'|([a-z][\w?=&:,.]*))`/g)].map(
        ([, quoted, plain]) => quoted ?? plain,
      ),
    );
    const addresses = [...new Set(found)];
    // Without a network, above, a picture may be missing and the console says so.
    const before = application.errors().length;
    expect(addresses.length).toBeGreaterThan(8);
    for (const address of addresses) {
      const page = await application.open(address);
      const [id, query = ''] = address.split('?');
      expect((await stateOf<{ page: string }>(page)).page).toBe(id);
      const state = await stateOf<Record<string, unknown>>(page);
      for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
        const shown = { ...state, ...(state.config as object) };
        if (name in shown && typeof shown[name] === 'string') expect(shown[name]).toBe(value);
      }
      await page.waitForTimeout(400);
      expect(await page.getByTestId('problem').count(), address).toBe(0);
      await page.close();
    }
    expect(application.errors().slice(before).join('\n')).toBe('');
  });
});
