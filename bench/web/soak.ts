/**
 * Trains for many minutes and tells how memory grows. The JavaScript of the page and of its workers after garbage
 * was collected, the tensors in WebAssembly, and the browser's processes as the operating system counts them. The
 * slope is that of a straight line (least squares) through the second half, when everything has been warmed up.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { freshPage, type Options, open, type Result } from './page.ts';
import { timePause } from './responsive.ts';

interface Sample {
  readonly minutes: number;
  readonly megabytes: Readonly<Record<string, number>>;
}

const cases = [
  { id: 'playground', hash: 'playground?data=spirals&layers=tanh:8,tanh:8' },
  { id: 'digits', hash: 'digits?model=cnn&epochs=100000' },
] as const;

export async function* soak(browser: Browser, address: string, options: Options): AsyncGenerator<Result> {
  for (const { id, hash } of cases) {
    if (options.page !== undefined && options.page !== id) continue;
    const { page, context } = await freshPage(browser);
    await open(page, address, hash, 'train');
    if (id === 'playground') await page.getByTestId('speed').selectOption('full');
    await page.getByTestId('train').click();
    const began = performance.now();
    const minutes = () => (performance.now() - began) / 60_000;
    const samples: Sample[] = [];
    const every = Math.min(15_000, (options.minutes * 60_000) / 20);
    while (minutes() < options.minutes) {
      await page.waitForTimeout(every);
      const megabytes = await memoryOf(page);
      samples.push({ minutes: minutes(), megabytes });
      const { step } = await page.evaluate(() => window.__ag.state() as { step: number });
      const list = Object.entries(megabytes).map(([name, value]) => `${name} ${value.toFixed(1)}`);
      console.error(`${id} ${minutes().toFixed(1)} min, step ${step}: ${list.join(', ')} MB`);
    }
    for (const name of Object.keys(samples[0].megabytes)) {
      const last = samples.at(-1)!.megabytes[name];
      yield {
        what: `soak ${id}, ${options.minutes} min: ${name}`,
        value: slope(samples, name),
        unit: 'MB / min',
        note: `${last.toFixed(1)} MB at the end`,
      };
    }
    yield {
      what: `soak ${id}: pause at the end`,
      value: (await timePause(page, 'train')) ?? Number.NaN,
      unit: 'ms',
      budget: 200,
    };
    await context.close();
  }
}

/** The present memory of a page, its worker and the browser's processes, in megabytes. */
async function memoryOf(page: Page): Promise<Record<string, number>> {
  const { scopes, device } = await page.evaluate(async () => {
    const { measureUserAgentSpecificMemory: measure } = performance as unknown as {
      measureUserAgentSpecificMemory?: () => Promise<{
        breakdown: { bytes: number; types: string[]; attribution: { scope: string }[] }[];
      }>;
    };
    // It collects garbage first. Only pages that are cross-origin isolated may ask.
    const found = (await measure?.call(performance))?.breakdown ?? [];
    const sums: Record<string, number> = {};
    for (const { bytes, attribution } of found) {
      const scope = attribution[0]?.scope ?? 'shared';
      sums[scope] = (sums[scope] ?? 0) + bytes;
    }
    return { scopes: sums, device: (window.__ag.state() as { deviceBytes?: number }).deviceBytes ?? 0 };
  });
  const of = (scope: string) => (scopes[scope] ?? 0) / 1e6;
  return {
    page: of('Window'),
    workers: of('DedicatedWorkerGlobalScope'),
    'tensors in WebAssembly': device / 1e6,
    'processes of the browser': residentBytes(process.pid) / 1e6,
  };
}

/** Resident memory of all descendants of a process; 0 where the system has no /proc. */
function residentBytes(root: number): number {
  try {
    const parents = new Map<number, number>();
    for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      } catch {
        // Gone meanwhile.
      }
    }
    let sum = 0;
    for (const [process] of parents) {
      let at: number | undefined = parents.get(process);
      while (at !== undefined && at !== root) at = parents.get(at);
      if (at !== root) continue;
      const rollup = readFileSync(`/proc/${process}/smaps_rollup`, 'utf8');
      sum += 1024 * Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
    }
    return sum;
  } catch {
    return 0;
  }
}

/** Megabytes per minute over the second half. */
function slope(samples: readonly Sample[], name: string): number {
  const late = samples.slice(Math.floor(samples.length / 2));
  const x = late.map(({ minutes }) => minutes);
  const y = late.map(({ megabytes }) => megabytes[name]);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const above = x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0);
  const below = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  return below === 0 ? 0 : above / below;
}
