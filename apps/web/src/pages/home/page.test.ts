import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await application.context.setOffline(true);
    await page.reload();
    await page.waitForFunction(() => Object.keys(window.__ag?.state() ?? {}).length > 0);
    expect(await page.locator('h1').count()).toBe(1);
    await application.context.setOffline(false);
  });
});
