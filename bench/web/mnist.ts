/**
 * The digits page with the files of MNIST: accuracy, time, pause, checkpoint. How good and how fast both networks
 * become, how soon a pause answers within an epoch of 60,000 images, and whether a checkpoint goes through download,
 * reload and upload unchanged.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { freshPage, type Options, open, type Result, stateOf } from './page.ts';
import { timePause } from './responsive.ts';

interface State {
  readonly epoch: number;
  readonly running: boolean;
  readonly hash: string | null;
  readonly epochs: readonly { readonly testAccuracy: number; readonly seconds: number }[];
}

const stems = [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
];

/** Gives the page the four files; it begins anew with all of their images. */
export async function dropMnist(page: Page, folder: string): Promise<void> {
  await page.getByTestId('data').selectOption('files');
  const files = stems.map((stem) => ({
    name: `${stem}.gz`,
    mimeType: 'application/gzip',
    buffer: readFileSync(join(folder, `${stem}.gz`)),
  }));
  await page.getByTestId('files').setInputFiles(files);
  await page.waitForFunction(
    () => (window.__ag.state() as { trainImages?: number }).trainImages === 60_000,
    undefined,
    { timeout: 60_000 },
  );
}

/** Trains for so many epochs more, after which the run rests by itself; tells how the last one went. */
export async function trainEpochs(page: Page, epochs: number): Promise<State['epochs'][number]> {
  const { epoch } = await stateOf<State>(page);
  await page.getByTestId('epochs').fill(String(epochs));
  await page.getByTestId('epochs').press('Enter');
  await page.locator('[data-testid=train]:not([disabled]):not([aria-disabled=true])').click();
  await page.waitForFunction(
    (last) => {
      const { epoch, running, hash } = window.__ag.state() as unknown as State;
      return epoch >= last && !running && hash !== null;
    },
    epoch + epochs,
    { timeout: 600_000 },
  );
  return (await stateOf<State>(page)).epochs.at(-1)!;
}

export async function* mnist(browser: Browser, address: string, options: Options): AsyncGenerator<Result> {
  if (options.dataFolder === undefined) {
    console.error('mnist: AG_DATA_DIR is not set; left out');
    return;
  }
  const folder = join(options.dataFolder, 'mnist');
  for (const [model, epochs, accuracy, seconds] of [
    ['mlp', 5, 97, 30],
    ['cnn', 4, 98.5, 180],
  ] as const) {
    const { page, context } = await freshPage(browser);
    await open(page, address, `digits?model=${model}&batchSize=${model === 'mlp' ? 100 : 64}`, 'train');
    await dropMnist(page, folder);
    const began = performance.now();
    const { testAccuracy } = await trainEpochs(page, epochs);
    const took = (performance.now() - began) / 1000;
    const { epochs: all } = await stateOf<State>(page);
    const each = all.map(
      ({ testAccuracy, seconds }) => `${(100 * testAccuracy).toFixed(2)} % in ${seconds.toFixed(1)} s`,
    );
    yield {
      what: `mnist ${model}: right after ${epochs} epochs`,
      value: 100 * testAccuracy,
      unit: '%',
      budget: accuracy,
      least: true,
      note: each.join(', '),
    };
    yield {
      what: `mnist ${model}: from the click to the last figures`,
      value: took,
      unit: 's',
      budget: seconds,
    };
    await page.getByTestId('train').click();
    await page.waitForTimeout(400);
    yield {
      what: `mnist ${model}: pause`,
      value: (await timePause(page, 'train')) ?? Number.NaN,
      unit: 'ms',
      budget: 200,
    };
    yield await roundTrip(page, folder);
    await context.close();
  }
}

/** The weights after a checkpoint was saved, the page reloaded and the checkpoint loaded, beside those before. */
async function roundTrip(page: Page, folder: string): Promise<Result> {
  await page.waitForFunction(() => (window.__ag.state() as { hash?: unknown }).hash !== null);
  const { hash } = await stateOf<State>(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save').click()]);
  const buffer = readFileSync(await download.path());
  await page.reload();
  await dropMnist(page, folder);
  const fresh = (await stateOf<State>(page)).hash;
  await page
    .getByTestId('restore')
    .setInputFiles({ name: 'digits.checkpoint.safetensors', mimeType: 'application/octet-stream', buffer });
  await page.waitForFunction(
    (before) => {
      const { epoch, hash } = window.__ag.state() as unknown as State;
      return epoch > 0 && hash !== null && hash !== before;
    },
    fresh,
    { timeout: 60_000 },
  );
  const restored = (await stateOf<State>(page)).hash;
  return {
    what: 'mnist: weights after download, reload and upload',
    value: Number(restored === hash),
    unit: 'equal',
    budget: 1,
    least: true,
    note: `${hash?.slice(0, 12)}… and ${restored?.slice(0, 12)}…`,
  };
}
