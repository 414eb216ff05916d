/**
 * Whether the main thread stays free while a page trains. The longest task, how many were longer than 50 ms, and how
 * long it takes from the click on Pause until the run rests.
 */
import type { Browser, Page } from 'playwright-core';
import { freshPage, type Options, open, type Result } from './page.ts';

interface Case {
  readonly id: string;
  readonly hash: string;
  readonly button: string;
  /** What is done instead of letting it run. */
  readonly use?: (page: Page, seconds: number) => Promise<void>;
}

const cases: readonly Case[] = [
  { id: 'playground', hash: 'playground', button: 'train' },
  {
    id: 'playground',
    hash: 'playground?data=spirals&layers=tanh:8,tanh:8,tanh:8&count=500',
    button: 'train',
  },
  { id: 'digits', hash: 'digits?model=mlp&epochs=1000', button: 'train' },
  { id: 'digits', hash: 'digits?model=cnn&epochs=1000', button: 'train' },
  { id: 'gradients', hash: 'gradients?steps=10000', button: 'run' },
  { id: 'gradients', hash: 'gradients?depth=30&steps=10000', button: 'run' },
  { id: 'houses', hash: 'houses?epochs=10000', button: 'run' },
  { id: 'numerical', hash: 'numerical?hidden=24', button: 'run' },
  { id: 'landscape', hash: 'landscape?steps=200', button: 'x', use: dragStart },
];

export async function* responsive(
  browser: Browser,
  address: string,
  options: Options,
): AsyncGenerator<Result> {
  for (const { id, hash, button, use } of cases) {
    if (options.page !== undefined && options.page !== id) continue;
    const { page, context } = await freshPage(browser);
    await open(page, address, hash, button);
    await page.waitForTimeout(500);
    await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] });
    const pauses: number[] = [];
    if (use) await use(page, options.seconds);
    else {
      // Pages may begin by themselves.
      const running = () =>
        page.evaluate(() => (window.__ag.state() as { running?: boolean }).running === true);
      for (let turn = 0; turn < 4; turn++) {
        // A run may be at its end.
        if (!(await running()) && (await page.getByTestId(button).isEnabled())) {
          await page.getByTestId(button).click();
        }
        await page.waitForTimeout((1000 * options.seconds) / 4 + 37 * turn);
        if (await running()) {
          const pause = await timePause(page, button);
          if (pause !== null) pauses.push(pause);
        }
      }
    }
    yield longestTask(hash, await browser.stopTracing());
    if (pauses.length > 0) {
      yield {
        what: `${hash}: pause, slowest of ${pauses.length}`,
        value: Math.max(...pauses),
        unit: 'ms',
        budget: 200,
      };
    }
    await context.close();
  }
}

/**
 * Milliseconds from the press of the button, as the browser received it, until the state says that the run rests; null
 * when the run has just ended by itself.
 */
export async function timePause(page: Page, button: string): Promise<number | null> {
  await page.evaluate(() => {
    const waiting = window as unknown as { paused: Promise<number> };
    waiting.paused = new Promise((resolve) => {
      const pressed = ({ timeStamp }: Event) => {
        const look = (): void => {
          if ((window.__ag.state() as { running?: boolean }).running === true) setTimeout(look, 0);
          else resolve(performance.now() - timeStamp);
        };
        look();
      };
      addEventListener('pointerup', pressed, { capture: true, once: true });
    });
  });
  try {
    await page.getByTestId(button).click({ timeout: 5000 });
  } catch {
    return null;
  }
  return page.evaluate(() => (window as unknown as { paused: Promise<number> }).paused);
}

/** Drags the start of the race across the map. */
async function dragStart(page: Page, seconds: number): Promise<void> {
  const box = (await page.getByTestId('map').locator('.ag-contours').boundingBox())!;
  const at = (turn: number) =>
    [
      box.x + box.width * (0.5 + 0.4 * Math.cos(turn)),
      box.y + box.height * (0.5 + 0.4 * Math.sin(turn)),
    ] as const;
  await page.mouse.move(...at(0));
  await page.mouse.down();
  const began = performance.now();
  for (let turn = 0; performance.now() - began < 1000 * seconds; turn += 0.05) {
    await page.mouse.move(...at(turn));
    await page.waitForTimeout(16);
  }
  await page.mouse.up();
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** Of processor time. */
  readonly tdur?: number;
  readonly args: { readonly name?: string; readonly data?: { readonly url?: string } };
}

/**
 * The longest task of the page's main thread in a trace. Tasks are compared by processor time, so that other programs
 * on the machine do not count; the longest by the clock stands beside it.
 */
export function longestTask(what: string, recorded: Buffer): Result {
  const { traceEvents } = JSON.parse(recorded.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}.${tid}`),
  );
  const events = traceEvents.filter(({ pid, tid, dur }) => dur !== undefined && mains.has(`${pid}.${tid}`));
  const isTask = ({ name }: TraceEvent) => name.endsWith('RunTask');
  const tasks = events.filter(isTask).sort((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0));
  const [longest] = tasks;
  const clock = Math.max(...tasks.map(({ dur }) => dur! / 1000));
  const above = tasks.filter(({ tdur }) => (tdur ?? 0) > 50_000).length;
  const parts = events.filter(
    (each) =>
      !isTask(each) &&
      each.tid === longest.tid &&
      each.pid === longest.pid &&
      each.ts >= longest.ts &&
      each.ts + each.dur! <= longest.ts + longest.dur!,
  );
  const sums = new Map<string, number>();
  for (const { name, tdur } of parts) sums.set(name, (sums.get(name) ?? 0) + (tdur ?? 0) / 1000);
  const list = [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 4)
    .map(([name, sum]) => `${name} ${sum.toFixed(0)}`);
  return {
    what: `${what}: longest task`,
    value: longest.tdur! / 1000,
    unit: 'ms',
    budget: 50,
    note: `${above} above 50 ms; by the clock ${clock.toFixed(0)} ms; ${list.join(', ')}`,
  };
}
