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

/** Parts of the answer to `Runtime.getHeapUsage` that count what scripts hold. */
interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize?: number;
  readonly backingStorageSize?: number;
}

/**
 * Gives a function that collects and then measures the page and the workers it started, in bytes.
 *
 * Through the debugger: `measureUserAgentSpecificMemory` waits its full minute for threads that sleep.
 */
async function heapOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  const workers: string[] = [];
  const answers = new Map<number, (usage: HeapUsage) => void>();
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type === 'worker') workers.push(sessionId);
  });
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message);
    answers.get(id)?.(result);
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  let asked = 0;
  const askWorker = (sessionId: string, method: string) =>
    new Promise<HeapUsage>((resolve) => {
      asked += 1;
      answers.set(asked, resolve);
      const message = JSON.stringify({ id: asked, method });
      void session.send('Target.sendMessageToTarget', { sessionId, message });
    });
  const total = ({ usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 }: HeapUsage) =>
    usedSize + embedderHeapUsedSize + backingStorageSize;
  return async () => {
    expect(workers).toHaveLength(1);
    await session.send('HeapProfiler.collectGarbage');
    await askWorker(workers[0], 'HeapProfiler.collectGarbage');
    const usages = [
      await session.send('Runtime.getHeapUsage'),
      await askWorker(workers[0], 'Runtime.getHeapUsage'),
    ];
    return usages.reduce((bytes, usage) => bytes + total(usage), 0);
  };
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
    ['digits?model=mlp&count=200&testCount=10&batchSize=2&epochs=100000', 'step', 200, full ? 20_000 : 2_000],
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
      const held = await heapOf(page);
      await isAt(early);
      const before = await held();
      await isAt(late);
      const after = await held();
      expect(before).toBeGreaterThan(1e6);
      expect(after - before).toBeLessThan(4e6);
      await page.close();
    },
    300_000,
  );
});
