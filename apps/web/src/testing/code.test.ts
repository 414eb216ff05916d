/**
 * The code that a page shows makes what the page shows.
 *
 * It is taken from the page, run here, and what it prints is held against the page's own numbers. (That of
 * the playground: pages/playground/trainer.test.ts.)
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCsv, tableDataset } from '@ag/datasets';
import { reference, use } from '@ag/tensor';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from './browser.ts';

/** Houses on a plane, in the place of the real ones: page and code are given the same. */
const houses = [
  'rm,lstat,medv',
  ...Array.from({ length: 120 }, (_, i) => {
    const [rm, lstat] = [4 + (i % 12) / 4, 3 + 3 * Math.floor(i / 12)];
    return `${rm},${lstat},${(3 * rm - 0.4 * lstat + 10).toFixed(3)}`;
  }),
].join('\n');
vi.mock('@ag/datasets', async (original) => ({
  ...(await original<typeof import('@ag/datasets')>()),
  bostonHousing: async () =>
    tableDataset(await parseCsv(houses), { features: ['rm', 'lstat'], target: 'medv' }),
}));

/** Fused and separate rounding part slowly. */
const near = (value: number) => expect.closeTo(value, 3);

describe.skipIf(chromiumPath === undefined)('the code on a page', () => {
  let application: Application;
  let folder: string;
  beforeAll(async () => {
    // Beside this file, where the packages are found.
    folder = await mkdtemp(join(import.meta.dirname, 'code-'));
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
    await rm(folder, { recursive: true, force: true });
    use(reference());
  });

  /** Runs the code that a page shows; answers with what it logs. */
  const run = async (name: string, code: string | null): Promise<unknown[][]> => {
    const file = join(folder, `${name}.ts`);
    await writeFile(file, code!);
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      await import(/* @vite-ignore */ file);
      return log.mock.calls;
    } finally {
      log.mockRestore();
    }
  };

  it('of the microscope prints the value and the gradients', async () => {
    const page = await application.open('microscope?expression=x * sin(y)&v.x=2&v.y=0.5');
    await page.getByTestId('backward').click();
    const printed = await run('microscope', await page.getByTestId('code').textContent());
    const { nodes } = await stateOf<{ nodes: { label: string; value: number; gradient: number }[] }>(page);
    const gradient = (name: string) => nodes.find(({ label }) => label === name)!.gradient;
    expect(printed).toEqual([
      [near(nodes.at(-1)!.value)],
      ['x', near(gradient('x'))],
      ['y', near(gradient('y'))],
    ]);
    expect(gradient('x')).toBeCloseTo(Math.sin(0.5), 10);
  });

  it('of the landscape prints the path of every racer', async () => {
    const page = await application.open(
      'landscape?steps=12&runners=momentum,adam,lbfgs,newton&surface=rosenbrock',
    );
    await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 4);
    const { paths } = await stateOf<{ paths: { name: string; points: [number, number][] }[] }>(page);
    const printed = await run('landscape', await page.getByTestId('code').textContent());
    expect(paths.map(({ name }) => name)).toEqual(['Momentum', 'Adam', 'L-BFGS', 'Newton']);
    expect(printed).toEqual(
      paths.flatMap(({ name, points }) => points.slice(1).map((point) => [name, ...point.map(near)])),
    );
  });

  it('of the gradient lab prints its losses', async () => {
    const page = await application.open('gradients?depth=3&width=16&init=he&activation=relu&steps=24');
    await page.waitForFunction(() => (window.__ag.state() as { layers?: unknown }).layers !== undefined);
    await page.getByTestId('run').click();
    await page.waitForFunction(() => (window.__ag.state() as { done?: boolean }).done === true);
    const { losses } = await stateOf<{ losses: number[] }>(page);
    const printed = await run('gradients', await page.getByTestId('code').textContent());
    const shown = printed.filter(([step]) => (step as number) <= 24);
    expect(shown.length).toBeGreaterThanOrEqual(3);
    expect(shown.map(([, loss]) => loss)).toEqual(shown.map(([step]) => near(losses[(step as number) - 1])));
  });

  it('of the houses prints its losses', async () => {
    const page = await application.open('houses?epochs=200');
    await page
      .getByTestId('file')
      .setInputFiles({ name: 'houses.csv', mimeType: 'text/csv', buffer: Buffer.from(houses) });
    await page.waitForFunction(() => {
      const { source, done } = window.__ag.state() as { source?: string; done?: boolean };
      return source === 'file' && done === true;
    });
    const { losses, measured } = await stateOf<{ losses: number[]; measured: { heldOut: number[] } }>(page);
    const printed = await run('houses', await page.getByTestId('code').textContent());
    expect(printed.filter(([epoch]) => typeof epoch === 'number')).toEqual([
      [100, near(losses[99])],
      [200, near(losses[199])],
    ]);
    expect(printed.findLast(([what]) => what === 'held out')).toEqual([
      'held out',
      near(measured.heldOut.at(-1)!),
    ]);
  });

  it('of the digits prints the figures of its epochs', async () => {
    const page = await application.open('digits?model=mlp&count=200&testCount=50&epochs=2');
    await page.locator('[data-testid=train]:not([disabled]):not([aria-disabled=true])').click();
    await page.waitForFunction(() => (window.__ag.state() as { epochs?: unknown[] }).epochs?.length === 2);
    const { epochs } = await stateOf<{ epochs: { loss: number; testLoss: number }[] }>(page);
    const printed = await run('digits', await page.getByTestId('code').textContent());
    const losses = (kind: string) => printed.filter(([, what]) => what === kind).map(([, , loss]) => loss);
    expect(losses('training').slice(0, 2)).toEqual(epochs.map(({ loss }) => near(loss)));
    expect(losses('test').slice(0, 2)).toEqual(epochs.map(({ testLoss }) => near(testLoss)));
  });

  it('of the numerical gradients prints what both ways cost', async () => {
    const page = await application.open('numerical?steps=10');
    await page.waitForFunction(() => (window.__ag.state() as { done?: boolean }).done === true);
    type Side = { readonly forward: number; readonly losses: readonly number[] };
    const { numerical, automatic } = await stateOf<Record<'numerical' | 'automatic', Side>>(page);
    const printed = await run('numerical', await page.getByTestId('code').textContent());
    expect(printed).toEqual([
      ['numerical', 'loss', expect.closeTo(numerical.losses.at(-1)!, 8)],
      ['numerical', 'forward passes', numerical.forward],
      ['automatic', 'loss', expect.closeTo(automatic.losses.at(-1)!, 8)],
      ['automatic', 'forward passes', automatic.forward],
    ]);
    expect(application.errors()).toEqual([]);
  });
});
