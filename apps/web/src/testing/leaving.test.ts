/**
 * What a page leaves behind when another is opened: nothing. Each page is visited four times (ten with
 * `AG_TEST=full`), at work where it can work; afterwards there are as many nodes, listeners and objects as after the second
 * visit, and no worker.
 */
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../shell/pages.ts';
import { type Application, chromiumPath, startApplication } from './browser.ts';

const visits = process.env.AG_TEST === 'full' ? 10 : 4;

interface Held {
  readonly nodes: number;
  readonly listeners: number;
  /** Everything that scripts made: the heap without what the engine makes of functions that run often. */
  readonly objects: number;
}

/** What the page holds when nothing more can be freed. */
async function held(debuggee: CDPSession): Promise<Held> {
  // A frame that was waited for when the page was left is given up after a quarter of a second.
  await new Promise((resolve) => setTimeout(resolve, 400));
  // What the first collection finalizes the second one frees.
  await debuggee.send('HeapProfiler.collectGarbage');
  await debuggee.send('HeapProfiler.collectGarbage');
  const { metrics } = await debuggee.send('Performance.getMetrics');
  const of = (name: string) => metrics.find((metric) => metric.name === name)!.value;
  const objects = await alive(debuggee, 'Object');
  return { nodes: of('Nodes'), listeners: of('JSEventListeners'), objects };
}

/** How many objects of a kind are alive. */
async function alive(debuggee: CDPSession, kind: string): Promise<number> {
  const prototype = await debuggee.send('Runtime.evaluate', { expression: `${kind}.prototype` });
  const found = await debuggee.send('Runtime.queryObjects', {
    prototypeObjectId: prototype.result.objectId!,
  });
  const { result } = await debuggee.send('Runtime.callFunctionOn', {
    objectId: found.objects.objectId!,
    functionDeclaration: 'function () { return this.length }',
  });
  await debuggee.send('Runtime.releaseObject', { objectId: found.objects.objectId! });
  return result.value;
}

/** Opens a page by the address, as a link does, and puts it to work. */
async function visit(page: Page, id: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = `#/${to}`;
  }, id);
  await page.waitForFunction((wanted) => window.__ag.state().page === wanted, id);
  const reset = page.getByTestId('reset');
  if ((await reset.count()) > 0) {
    await page.locator('[data-testid=reset]:not([aria-disabled=true])').waitFor();
    // At once, in the page: what runs by itself may be at its end by now, and its button off for good.
    await page.evaluate(() => {
      for (const button of ['train', 'run'])
        document.querySelector<HTMLElement>(`[data-testid=${button}]:not([aria-disabled=true])`)?.click();
    });
  }
  await page.waitForTimeout(250);
}

describe.skipIf(chromiumPath === undefined)('a page that was left', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  it.each(pages.map(({ id }) => id).filter((id) => id !== 'home'))(
    '%s leaves no nodes, no listeners, no objects and no worker behind',
    async (id) => {
      const page = await application.open('home');
      const debuggee = await application.context.newCDPSession(page);
      await debuggee.send('Performance.enable');
      const after: Held[] = [];
      for (let i = 0; i < visits; i++) {
        await visit(page, id);
        await visit(page, 'home');
        after.push(await held(debuggee));
      }
      expect(after.at(-1)).toEqual({ ...after[1], objects: expect.any(Number) });
      // A page that stays is thousands of objects; an answer under way may be one.
      expect(after.at(-1)!.objects - after[1].objects).toBeLessThan(8);
      expect(await alive(debuggee, 'Worker')).toBe(0);
      expect(await alive(debuggee, 'HTMLCanvasElement')).toBe(0);
      await page.close();
    },
    120_000,
  );

  it('leaves nothing of any page when all are gone through', async () => {
    const page = await application.open('home');
    const debuggee = await application.context.newCDPSession(page);
    await debuggee.send('Performance.enable');
    const after: Held[] = [];
    for (let i = 0; i < 3; i++) {
      for (const { id } of pages.toReversed()) await visit(page, id);
      after.push(await held(debuggee));
    }
    expect(after[2]).toEqual({ ...after[1], objects: expect.any(Number) });
    expect(after[2].objects - after[1].objects).toBeLessThan(8);
    expect(await alive(debuggee, 'Worker')).toBe(0);
    expect(application.errors()).toEqual([]);
    await page.close();
  }, 120_000);
});
