/**
 * What must hold of every page: accessible, in both languages, on one thread, within the policy.
 *
 * Accessible is what a program can tell of use with a keyboard and a screen reader; the policy is the content
 * security policy that the server sends.
 */
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../shell/pages.ts';
import { type Application, chromiumPath, startApplication, stateOf } from './browser.ts';

describe.skipIf(chromiumPath === undefined)('every page', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication({ isolated: false });
  });
  afterAll(async () => {
    await application?.close();
  });

  it.each(pages.map((page) => page.id))(
    '%s works on one thread, passes axe, light and dark, in Chinese too',
    async (id) => {
      const page = await application.open(id);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
      expect((await stateOf<{ page: string }>(page)).page).toBe(id);
      // Evaluated by the debugger, which the policy does not bind.
      await page.evaluate(axe.source);
      const check = () =>
        page.evaluate(async () => {
          const { violations, passes } = await (window as unknown as { axe: typeof axe }).axe.run(document, {
            resultTypes: ['violations', 'passes'],
          });
          if (passes.length < 8) throw new Error(`axe could apply only ${passes.length} rules`);
          return violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
          );
        });
      // Until what a worker computes first is shown.
      await page.waitForTimeout(700);
      expect(await check()).toEqual([]);
      await page.getByTestId('theme').click();
      await page.getByTestId('language').click();
      expect(await check()).toEqual([]);
      expect(await page.locator('h1').textContent()).toBe(pages.find((each) => each.id === id)!.title.zh);
      await page.getByTestId('theme').click();
      await page.getByTestId('language').click();
      // Nothing is wider than a phone.
      await page.setViewportSize({ width: 390, height: 844 });
      await page.waitForTimeout(100);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      expect(await page.getByTestId('problem').count()).toBe(0);
      expect(application.errors()).toEqual([]);
      await page.close();
    },
  );

  it('is held to the policy: a script that is not the application’s own does not run', async () => {
    const page = await application.open('home');
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.head.append(script);
      return 'ran' in window;
    });
    expect(ran).toBe(false);
  });
});
