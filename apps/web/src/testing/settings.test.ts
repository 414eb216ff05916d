/**
 * What becomes of a page when its settings change.
 *
 * Back undoes the last change instead of leaving, a run goes on with another rate, and whoever works with
 * keys or ears keeps the place and hears what happened.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../shell/pages.ts';
import { type Application, chromiumPath, startApplication, stateOf } from './browser.ts';

const state = (page: Page) => stateOf<Record<string, number> & { losses: number[] }>(page);

describe.skipIf(chromiumPath === undefined)('settings', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  /** Types a number into a field and leaves it. */
  const enter = async (page: Page, field: string, text: string) => {
    await page.getByTestId(field).fill(text);
    await page.getByTestId(field).press('Enter');
  };

  it.each([
    ['microscope', 'expression', 'a + b', 'c * d'],
    ['playground', 'noise', '0.2', '0.3'],
    ['gradients', 'depth', '3', '4'],
    ['landscape', 'steps', '12', '24'],
    ['houses', 'hidden', '3', '4'],
    ['digits', 'batchSize', '20', '40'],
    ['numerical', 'hidden', '3', '4'],
  ])('Back undoes the last change of %s, and leaves when there is none', async (id, field, first, second) => {
    const page = await application.open('home');
    await page.evaluate((to) => {
      location.hash = to;
    }, `#/${id}`);
    const input = page.getByTestId(field);
    await input.waitFor();
    const before = await input.inputValue();
    await enter(page, field, first);
    await page.waitForFunction(
      (text) => decodeURIComponent(location.hash).includes(text),
      `${field}=${first[0]}`,
    );
    // Changes in quick succession are one.
    await page.waitForTimeout(1100);
    await enter(page, field, second);
    const shows = (value: string) =>
      page.waitForFunction(
        ([testId, wanted]) =>
          document.querySelector<HTMLInputElement>(`[data-testid=${testId}]`)?.value === wanted,
        [field, value],
      );
    await shows(second);
    await page.goBack();
    await shows(first);
    await page.goBack();
    await shows(before);
    await page.goForward();
    await shows(first);
    await page.goBack();
    await page.goBack();
    await page.waitForFunction(() => window.__ag.state().page === 'home');
    await page.close();
  });

  it('makes one entry of what is dragged, and none of steps through a graph', async () => {
    const page = await application.open('microscope');
    await page.waitForFunction(() => (window.__ag.state() as { steps?: number }).steps === 4);
    const entries = await page.evaluate(() => history.length);
    for (let i = 0; i < 3; i++) await page.getByTestId('next').click();
    expect(await page.evaluate(() => history.length)).toBe(entries);
    await page.evaluate(() => {
      location.hash = '#/landscape';
    });
    const box = (await page.getByTestId('map').locator('.ag-contours').boundingBox())!;
    await page.mouse.move(box.x + 0.2 * box.width, box.y + 0.5 * box.height);
    await page.mouse.down();
    for (let i = 3; i < 8; i++) await page.mouse.move(box.x + 0.1 * i * box.width, box.y + 0.5 * box.height);
    await page.mouse.up();
    expect(await page.evaluate(() => history.length)).toBe(entries + 2);
    await page.close();
  });

  it('lets numbers be dragged by their name or themselves, and moved by keys; Back undoes a whole drag', async () => {
    const page = await application.open('numerical');
    const field = page.getByTestId('hidden');
    await field.waitFor();
    const start = Number(await field.inputValue());
    const entries = await page.evaluate(() => history.length);
    const drag = async (selector: string) => {
      const box = (await page.locator(selector).boundingBox())!;
      const [x, y] = [box.x + 20, box.y + box.height / 2];
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x + 8, y);
      expect(await field.inputValue()).toBe(String(start + 2));
      // However long it takes.
      await page.waitForTimeout(1100);
      await page.mouse.move(x + 16, y);
      await page.mouse.up();
      expect(await field.inputValue()).toBe(String(start + 4));
      expect(page.url()).toContain(`hidden=${start + 4}`);
      expect(await page.evaluate(() => history.length)).toBe(entries + 1);
      expect(await field.evaluate((input) => input === document.activeElement)).toBe(false);
      await page.goBack();
      await page.waitForFunction(
        (wanted) => document.querySelector<HTMLInputElement>('[data-testid=hidden]')!.value === wanted,
        String(start),
      );
    };
    await drag('label:has([data-testid=hidden]) .scrub');
    await drag('[data-testid=hidden]');
    await field.focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await field.inputValue()).toBe(String(start + 2));
    await page.close();
  });

  it.each([
    ['playground', 'train', 'learningRate', 'step'],
    ['digits', 'train', 'learningRate', 'step'],
    ['gradients?steps=10000', 'run', 'rate', 'step'],
    ['houses?epochs=20000', null, 'rate', 'epoch'],
    // Wide, so that it has not ended before the rate is entered.
    ['numerical?steps=5000&hidden=64', null, 'rate', 'steps'],
  ])('%s goes on with another rate', async (hash, button, field, counter) => {
    const page = await application.open(hash);
    if (button) await page.getByTestId(button).click();
    const isBeyond = (least: number) =>
      page.waitForFunction(
        ([name, from]) => (window.__ag.state() as Record<string, number>)[name as string] > (from as number),
        [counter, least] as const,
      );
    await isBeyond(5);
    await enter(page, field, '0.0001');
    const before = await state(page);
    await isBeyond(before[counter]);
    const after = await state(page);
    expect(after.running).toBe(true);
    // What was learned with the former rate is the beginning of what goes on.
    expect(after.losses?.slice(0, 5)).toEqual(before.losses?.slice(0, 5));
    await page.close();
  });

  it('takes steps of the rate that is chosen: of 0 they change nothing', async () => {
    const page = await application.open('playground');
    await page.waitForFunction(() => (window.__ag.state() as { ready?: boolean }).ready === true);
    const layers = async () => JSON.stringify((await stateOf<{ layers: unknown }>(page)).layers);
    const step = async (number: number) => {
      await page.getByTestId('step').click();
      await page.waitForFunction(
        (wanted) => (window.__ag.state() as { step?: number }).step === wanted,
        number,
      );
    };
    await step(1);
    const first = await layers();
    await step(2);
    const second = await layers();
    expect(second).not.toBe(first);
    await enter(page, 'learningRate', '0');
    await step(3);
    expect(await layers()).toBe(second);
    await page.close();
  });

  it('keeps the focus where a button can no longer be pressed, and says each step', async () => {
    const page = await application.open('microscope');
    await page.waitForFunction(() => (window.__ag.state() as { steps?: number }).steps === 4);
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.testid);
    await page.getByTestId('next').focus();
    const said: string[] = [];
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('Enter');
      said.push((await page.locator('[role=status]:not([data-testid=backend-note])').textContent())!);
      expect(await focused()).toBe('next');
    }
    expect(new Set(said).size).toBe(4);
    expect(said.every((words) => /Forward|Backward/.test(words))).toBe(true);
    // At the end it does nothing, and is told as such.
    expect(await page.getByTestId('next').getAttribute('aria-disabled')).toBe('true');
    await page.keyboard.press('Enter');
    expect((await state(page)).step).toBe(4);
    await page.getByTestId('start').focus();
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('start');
    await page.close();

    const playground = await application.open('playground');
    await playground.waitForFunction(() => (window.__ag.state() as { ready?: boolean }).ready === true);
    await playground.getByTestId('step').focus();
    await playground.keyboard.press('Enter');
    await playground.waitForFunction(() =>
      document.querySelector('[data-testid=status]')?.textContent?.includes('Step 1'),
    );
    expect(await playground.evaluate(() => (document.activeElement as HTMLElement).dataset.testid)).toBe(
      'step',
    );
    await playground.close();
  });

  it.each(pages.flatMap(({ id }) => [1280, 390].map((width) => [id, width] as const)))(
    '%s does not move while it arrives, %i wide',
    async (id, width) => {
      const page = await application.context.newPage();
      await page.setViewportSize({ width, height: 900 });
      await page.addInitScript(() => {
        const moved = { shift: 0 };
        Object.assign(window, { moved });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) moved.shift += (entry as unknown as { value: number }).value;
        }).observe({ type: 'layout-shift', buffered: true });
      });
      await page.goto(`${application.address}#/${id}`);
      await page.waitForFunction((wanted) => window.__ag?.state().page === wanted, id);
      await page.waitForTimeout(1200);
      const { shift } = await page.evaluate(() => (window as unknown as { moved: { shift: number } }).moved);
      // What a program shows when it is opened pushes down the lines below its own.
      expect(shift).toBeLessThan(id === 'code' ? 0.06 : 0.02);
      await page.close();
    },
  );

  it('has shown no errors', () => {
    expect(application.errors()).toEqual([]);
  });
});
