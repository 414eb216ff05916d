/**
 * What a page leaves behind when another is opened: nothing. All pages are gone through three times
 * (each by itself ten times with `AG_TEST=full`), at work where they can work; afterwards there are as many nodes, listeners
 * and objects as after the second visit, and no worker.
 */
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../shell/pages.ts';
import { type Application, chromiumPath, startApplication } from './browser.ts';

/** Visits to each page by itself, or none: then only all of them together. */
const visits = process.env.AG_TEST === 'full' ? 10 : 0;

/** A page that has no worker. */
const quiet = 'lessons';

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

/**
 * What the page holds beyond what it held before: what is under way may still hold something, on a busy machine for seconds;
 * what a page left behind stays for good.
 */
async function grownSince(before: Held, debuggee: CDPSession): Promise<Partial<Held>> {
  for (let tries = 1; ; tries++) {
    const now = await held(debuggee);
    // A page that stays is thousands of objects, the last answer that arrived as it was left some ten, once and not at each visit.
    const allowed = { nodes: 0, listeners: 0, objects: 30 };
    const grown = (['nodes', 'listeners', 'objects'] as const)
      .map((name) => [name, now[name] - before[name]] as const)
      .filter(([name, more]) => more > allowed[name]);
    if (grown.length === 0 || tries === 8) return Object.fromEntries(grown);
  }
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

  it.skipIf(visits === 0).each(pages.map(({ id }) => id).filter((id) => id !== quiet))(
    '%s leaves no nodes, no listeners, no objects and no worker behind',
    async (id) => {
      const page = await application.open(quiet);
      const debuggee = await application.context.newCDPSession(page);
      await debuggee.send('Performance.enable');
      let second: Held | undefined;
      for (let i = 1; i <= visits; i++) {
        await visit(page, id);
        await visit(page, quiet);
        if (i === 2) second = await held(debuggee);
      }
      expect(await grownSince(second!, debuggee)).toEqual({});
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
    let second: Held | undefined;
    for (let i = 1; i <= 3; i++) {
      for (const { id } of pages.toReversed()) await visit(page, id);
      // What moves by itself has more nodes at one moment than at another.
      await visit(page, quiet);
      if (i === 2) second = await held(debuggee);
    }
    expect(await grownSince(second!, debuggee)).toEqual({});
    expect(await alive(debuggee, 'Worker')).toBe(0);
    expect(application.errors()).toEqual([]);
    await page.close();
  }, 120_000);
});
