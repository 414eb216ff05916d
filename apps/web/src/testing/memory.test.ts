/**
 * What a page holds while it trains does not grow with the steps. The process that shows it does for some minutes: a
 * browser with much memory collects what a page has done with late (five minutes of the playground at full speed took
 * 200 to 480 MB, and a collection brought them back to 270). So what counts is what is left after a collection, of the
 * page and its worker together.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication } from './browser.ts';

const full = process.env.AG_TEST === 'full';

/** Bytes of the page and its workers that a collection leaves; the browser chooses when it collects. */
function heldBy(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { bytes } = await (
      performance as unknown as { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }
    ).measureUserAgentSpecificMemory();
    return bytes;
  });
}

describe.skipIf(chromiumPath === undefined)('the memory of a page that trains', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  it.each([
    // Steps of which none may leave more than a few bytes.
    ['playground', 'step', 2_000, full ? 40_000 : 20_000],
    ['digits?count=200&testCount=10&batchSize=2&epochs=100000', 'step', 200, full ? 1_200 : 450],
  ])(
    '%s holds as much at %s %i as at %i',
    async (hash, counter, early, late) => {
      const page = await application.open(hash);
      if (hash === 'playground') await page.getByTestId('speed').selectOption('full');
      await page.getByTestId('train').click();
      const isAt = (steps: number) =>
        page.waitForFunction(
          ([name, least]) => (window.__ag.state() as Record<string, number>)[name] >= least,
          [counter, steps] as const,
          { timeout: 120_000 },
        );
      await isAt(early);
      const before = await heldBy(page);
      await isAt(late);
      const after = await heldBy(page);
      expect(before).toBeGreaterThan(1e6);
      expect(after - before).toBeLessThan(4e6);
      await page.close();
    },
    300_000,
  );
});
