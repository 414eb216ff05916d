/** The playground in a browser: training, rewinding, painting, pasting, saving. */
import { readFile } from 'node:fs/promises';
import { loadSafetensors } from '@ag/nn';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';
import type { PlaygroundConfig } from './config.ts';
import type { Alert, Metrics } from './snapshot.ts';

interface State {
  readonly ready: boolean;
  readonly running: boolean;
  readonly config: PlaygroundConfig;
  readonly problem: string | null;
  readonly computing: { readonly backend: string; readonly threads: number } | null;
  readonly step: number;
  readonly furthest: number;
  readonly losses: readonly number[];
  readonly train: Metrics | null;
  readonly test: Metrics | null;
  readonly alerts: readonly Alert[];
  readonly pointAnswers: readonly (readonly number[])[];
  readonly lossNow: number | null;
  readonly layers: readonly {
    readonly weights: readonly (readonly number[])[];
    readonly bias: readonly number[];
  }[];
  readonly probe: readonly [number, number] | null;
}

const isReady = () => (window.__ag.state() as { ready?: boolean }).ready === true;
const hasSteps = (steps: number) => (window.__ag.state() as { step?: number }).step! >= steps;

describe.skipIf(chromiumPath === undefined)('playground', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  const open = async (query = ''): Promise<Page> => {
    const page = await application.open(`playground${query}`);
    await page.waitForFunction(isReady);
    return page;
  };
  /** Trains at full speed until a step, then pauses. */
  const trainTo = async (page: Page, steps: number): Promise<State> => {
    await page.getByTestId('speed').selectOption('full');
    await page.getByTestId('train').click();
    await page.waitForFunction(hasSteps, steps);
    await page.getByTestId('train').click();
    await page.waitForFunction(() => (window.__ag.state() as { running?: boolean }).running === false);
    return stateOf<State>(page);
  };

  /** Where the plane is on the screen. */
  const planeOf = async (page: Page) => {
    await page.getByTestId('plane').evaluate((plane) => plane.scrollIntoView({ block: 'center' }));
    return (await page.getByTestId('plane').locator('svg clipPath + rect').boundingBox())!;
  };

  it('teaches a 2-2-1 network of sigmoids the exclusive or, with threads', async () => {
    const page = await open();
    await page.getByTestId('preset').selectOption('xor');
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).config.data === 'xor');
    await page.waitForFunction(isReady);
    const state = await trainTo(page, 600);
    expect(state.pointAnswers.map(([p]) => Math.round(p))).toEqual([0, 1, 1, 0]);
    expect(state.train!.accuracy).toBe(1);
    expect(state.computing!.backend).toBe('wasm');
    expect(await page.getByTestId('answers').locator('tbody tr').count()).toBe(4);
    await page.close();
  });

  it('goes back to a step and makes the same losses again; so does a reloaded link', async () => {
    const page = await open('?data=moons&layers=tanh:4&dropout=0.1&seed=5');
    await page.getByTestId('speed').selectOption('full');
    const first = (await trainTo(page, 100)).losses;
    expect(first).toHaveLength(100);
    expect(new Set(first).size).toBeGreaterThan(90);
    await page.getByTestId('rewind').fill('41');
    await page.waitForFunction(() => (window.__ag.state() as { step?: number }).step === 41);
    expect((await stateOf<State>(page)).losses).toEqual(first.slice(0, 41));
    await page.getByTestId('step').click();
    await page.waitForFunction(() => (window.__ag.state() as { step?: number }).step === 42);
    expect((await trainTo(page, 100)).losses).toEqual(first);
    await page.reload();
    await page.waitForFunction(isReady);
    expect((await trainTo(page, 100)).losses).toEqual(first);
    await page.close();
  });

  it('goes on while rate, penalty and data change, and lets them be typed in peace', async () => {
    const page = await open('?data=moons&layers=tanh:3');
    const enter = async (field: string, text: string) => {
      await page.getByTestId(field).fill(text);
      await page.getByTestId(field).press('Enter');
    };
    await page.getByTestId('train').click();
    await page.waitForFunction(hasSteps, 20);
    const first = (await stateOf<State>(page)).losses.slice(0, 20);
    await page.getByTestId('learningRate').click();
    await page.getByTestId('learningRate').press('ControlOrMeta+a');
    await page.getByTestId('learningRate').pressSequentially('0.25', { delay: 120 });
    expect(await page.getByTestId('learningRate').inputValue()).toBe('0.25');
    await page.getByTestId('learningRate').press('Enter');
    await enter('l2', '0.01');
    await enter('noise', '0.3');
    await page.getByTestId('data').selectOption('circles');
    await page.waitForFunction(() => (window.__ag.state() as { rate?: number }).rate === 0.25);
    const { step } = await stateOf<State>(page);
    await page.waitForFunction(hasSteps, step + 20);
    const state = await stateOf<State>(page);
    expect(state.running).toBe(true);
    expect(state.losses.slice(0, 20)).toEqual(first);
    expect(state.config).toMatchObject({ data: 'circles', noise: 0.3, l2: 0.01, learningRate: 0.25 });
    await page.close();
  });

  it('changes a weight by a drag of its line, and by keys; a neuron grows under the pointer', async () => {
    const page = await open('?data=plane&layers=&standardize=false&test=0');
    const weights = async () => (await stateOf<State>(page)).layers[0].weights[0];
    const [first, second] = await weights();
    const ends = await Promise.all(
      [page.getByTitle('x₁'), page.getByTestId('neuron-0-0')].map((each) => each.boundingBox()),
    );
    const [x, y] = (['x', 'y'] as const).map(
      (axis) =>
        ends.reduce((sum, box) => sum + box![axis] + box![axis === 'x' ? 'width' : 'height'] / 2, 0) / 2,
    );
    await page.mouse.move(x, y);
    await page.getByTestId('touched').waitFor();
    await page.mouse.down();
    await page.mouse.move(x + 50, y, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(
      (from) => Math.abs((window.__ag.state() as unknown as State).layers[0].weights[0][0] - from - 1) < 0.02,
      first,
    );
    expect((await weights())[1]).toBe(second);
    const bias = (await stateOf<State>(page)).layers[0].bias[0];
    await page.getByTestId('bias').press('ArrowUp');
    await page.waitForFunction(
      (from) => Math.abs((window.__ag.state() as unknown as State).layers[0].bias[0] - from - 0.1) < 1e-5,
      bias,
    );
    await page.getByTestId('neuron-0-0').hover();
    await page.waitForFunction(
      () => document.querySelector('[data-testid=neuron-0-0] canvas')!.getBoundingClientRect().width > 100,
    );
    await page.close();
  });

  it('learns a curve, regression in one dimension', async () => {
    const page = await open('?data=curve&features=x,sinx&noise=0&test=0');
    const before = (await stateOf<State>(page)).lossNow!;
    expect((await trainTo(page, 400)).lossNow!).toBeLessThan(before / 10);
    expect(await page.getByTestId('plane').locator('.prediction').count()).toBe(1);
    expect(await page.getByTestId('plane').locator('.ag-point').count()).toBe(200);
    await page.close();
  });

  it('shows an anomaly at a learning rate of 10, stays usable, and begins again more slowly', async () => {
    const page = await open();
    await page.getByTestId('preset').selectOption('fast');
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).config.learningRate === 10);
    await page.waitForFunction(isReady);
    await page.getByTestId('speed').selectOption('full');
    await page.getByTestId('train').click();
    await page.getByTestId('anomaly').first().waitFor();
    expect((await stateOf<State>(page)).alerts[0].message).toContain('learning rate');
    await page.getByTestId('slower').first().click();
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).config.learningRate === 1);
    await page.waitForFunction(isReady);
    expect(await page.getByTestId('anomaly').count()).toBe(0);
    await page.close();
  });

  it.each([
    [505, 14, 1440],
    [45, 1, 390],
  ])(
    'keeps the plane in its place while one paints %i points, %i rows at once, %i wide',
    async (count, rows, width) => {
      const page = await application.context.newPage();
      await page.setViewportSize({ width, height: 900 });
      await page.goto(`${application.address}#/playground?data=points&test=0`);
      await page.getByTestId('plane').locator('svg').waitFor();
      const area = await planeOf(page);
      /** Where the plane is and what it shows of the world, by what is written along it. */
      const look = async () => ({
        box: await page.getByTestId('plane').locator('svg clipPath + rect').boundingBox(),
        axes: await page.getByTestId('plane').locator('.ag-x-axis, .ag-y-axis').allTextContents(),
      });
      const before = await look();
      const at = (across: number, down: number) =>
        [area.x + area.width * across, area.y + area.height * down] as const;
      // One stroke, to and fro.
      await page.mouse.move(...at(0.03, 0.04));
      await page.mouse.down();
      for (let row = 0; row < rows; row++) {
        await page.mouse.move(...at(row % 2 === 0 ? 0.97 : 0.03, 0.04 + 0.03 * row), { steps: 45 });
        if (row === 7) expect(await look()).toEqual(before);
      }
      await page.mouse.up();
      const has = (least: number) =>
        page.waitForFunction(
          (points) => (window.__ag.state() as unknown as State).config.points.length >= points,
          least,
        );
      await has(count - 5);
      await page.waitForFunction(isReady);
      await page.waitForTimeout(150);
      expect(await look()).toEqual(before);
      await page.getByTestId('brush-1').click();
      await page.mouse.move(...at(0.03, 0.7));
      await page.mouse.down();
      await page.mouse.move(...at(0.97, 0.9), { steps: 5 });
      await page.mouse.up();
      await has(count);
      await page.waitForTimeout(150);
      expect((await look()).axes).toEqual(before.axes);
      await page.close();
    },
  );

  it('takes from an address only points that can be', async () => {
    const page = await application.open(
      'playground?data=points&points=0,0,0;1,1,1;1e308,0,0;0,0,7;0,0,-1;0,0,0.5;x,0,0',
    );
    const { config } = await stateOf<State>(page);
    expect(config.points).toEqual([
      { x: 0, y: 0, target: 0 },
      { x: 1, y: 1, target: 1 },
    ]);
    await page.close();
  });

  it('learns painted points and pasted tables', async () => {
    const page = await application.open('playground?data=points&test=0');
    const area = await planeOf(page);
    const stroke = async (from: number, to: number) => {
      await page.mouse.move(area.x + area.width * from, area.y + area.height * 0.5);
      await page.mouse.down();
      await page.mouse.move(area.x + area.width * to, area.y + area.height * 0.5, { steps: 6 });
      await page.mouse.up();
    };
    await stroke(0.1, 0.35);
    await page.getByTestId('brush-1').click();
    await stroke(0.65, 0.9);
    await page.waitForFunction(isReady);
    const { config } = await stateOf<State>(page);
    expect(config.points.filter(({ target }) => target === 0).every(({ x }) => x < 0)).toBe(true);
    expect(config.points.filter(({ target }) => target === 1).every(({ x }) => x > 0)).toBe(true);
    expect(config.points.length).toBeGreaterThan(5);
    expect((await trainTo(page, 300)).train!.accuracy).toBe(1);

    await page.getByText('Paste a table (CSV)').click();
    await page.getByTestId('table').fill('a,b,kind\n0,0,left\n1,2\n');
    await page.getByTestId('paste').click();
    await page.getByTestId('table-problem').waitFor();
    await page.getByTestId('table').fill('a,b,kind\n0,0,left\n1,2,right\n0.1,3,left\n');
    await page.getByTestId('paste').click();
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).config.points.length === 3);
    await page.close();
  });

  it('shows the numbers behind a neuron and saves weights that are the ones shown', async () => {
    const page = await open(
      '?data=plane&layers=&standardize=false&noise=0&optimizer=sgd&learningRate=0.1&test=0',
    );
    const state = await trainTo(page, 500);
    const [row] = state.layers[0].weights;
    expect(row[0]).toBeCloseTo(1.5, 2);
    expect(row[1]).toBeCloseTo(-1, 2);
    // At (1, 1): 1.5 − 1 + 0.5.
    const area = await planeOf(page);
    await page.mouse.click(area.x + area.width * 0.5, area.y + area.height * 0.5);
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).probe !== null);
    const [x, y] = (await stateOf<State>(page)).probe!;
    await page.waitForFunction(
      (expected) =>
        Math.abs(
          Number(document.querySelector('[data-testid=neuron-value]')!.textContent.replace('−', '-')) -
            expected,
        ) < 0.05,
      1.5 * x - y + 0.5,
    );
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('save-safetensors').click(),
    ]);
    const { tensors } = loadSafetensors(new Uint8Array(await readFile(await download.path())));
    expect(await tensors['0.weight'].toArray()).toEqual([row]);
    await page.close();
    expect(application.errors()).toEqual([]);
  });
});
