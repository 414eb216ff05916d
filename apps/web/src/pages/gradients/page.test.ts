/** The gradient-flow lab in a browser: what vanishes, explodes and dies, and what does not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';
import type { FlowUpdate } from './flow.ts';

describe.skipIf(chromiumPath === undefined)('gradient-flow lab', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  const open = async (hash: string) => {
    const page = await application.open(hash);
    await page.waitForFunction(() => window.__ag.state().layers !== undefined);
    return page;
  };

  it('shows the alarm where ten sigmoid layers lose the gradient, and none for leaky ReLU with He', async () => {
    const page = await open('gradients?depth=10&width=100&activation=sigmoid&init=normal&std=0.01');
    const lost = await stateOf<FlowUpdate>(page);
    expect(lost.layers).toHaveLength(10);
    expect(lost.ratio).toBeGreaterThan(0);
    expect(lost.ratio).toBeLessThan(1e-4);
    expect(lost.ratio).toBeCloseTo(lost.layers[0].norm / lost.layers[9].norm, 20);
    expect(lost.alarms).toEqual(['vanishing']);
    await page.getByTestId('alarm-vanishing').waitFor();
    const verdict = (kind: string) => page.getByTestId(`verdict-${kind}`).textContent();
    expect(await verdict('size')).toContain('useful');
    expect(await verdict('ratio')).toContain('vanishes');

    await page.getByTestId('preset-he').click();
    await page.getByTestId('calm').waitFor();
    const kept = await stateOf<FlowUpdate>(page);
    expect(kept.ratio).toBeGreaterThan(0.1);
    expect(kept.ratio).toBeLessThan(10);
    expect(await page.getByTestId('alarm-vanishing').count()).toBe(0);
    expect(await verdict('ratio')).toContain('arrives');
    // The answers of all 128 examples and all weights are in the histograms.
    const total = (counts: ArrayLike<number>) => Array.from(counts).reduce((a, b) => a + b, 0);
    expect(total(kept.layers[0].activations.counts)).toBe(128 * 100);
    expect(total(kept.layers[9].gradients.counts)).toBe(100 * 100);
  });

  it('raises the alarm where all gradients are tiny, whatever their ratio', async () => {
    const page = await open('gradients?depth=10&width=100&activation=relu&init=normal&std=0.01');
    const { layers, ratio, alarms } = await stateOf<FlowUpdate>(page);
    expect(Math.max(...layers.map(({ norm }) => norm))).toBeLessThan(1e-9);
    expect(ratio).toBeGreaterThan(1e-3);
    expect(alarms).toContain('tiny');
    expect(await page.getByTestId('calm').count()).toBe(0);
    expect(Math.min(...layers.map(({ norm }) => norm))).toBeGreaterThan(1e-12);
    expect(await page.getByTestId('verdict-size').textContent()).toContain('too small');
    expect(await page.getByTestId('verdict-ratio').textContent()).toContain('arrives');
    expect(await page.getByTestId('flow').textContent()).toContain('vanishing');
    await page.close();
    // At the end of a training that went well gradients are small because the loss is.
    const learnt = await open('gradients?depth=3&width=32&activation=leakyRelu&init=he&steps=400');
    await learnt.getByTestId('run').click();
    await learnt.waitForFunction(() => window.__ag.state().done === true);
    expect((await stateOf<FlowUpdate>(learnt)).alarms).toEqual([]);
    await learnt.close();
  });

  it('is fifty layers deep, with a normalization, and flows where motion is wanted', async () => {
    const page = await open('gradients?depth=50&width=16&activation=tanh&init=xavier&std=0.01');
    const deep = await stateOf<FlowUpdate>(page);
    expect(deep.layers).toHaveLength(50);
    await page.getByTestId('normalization').selectOption('layer');
    await page.waitForFunction(
      (before) => (window.__ag.state() as unknown as FlowUpdate).ratio !== before,
      deep.ratio,
    );
    // Each layer's answers are brought to the same deviation, so the signal stays.
    const { layers } = await stateOf<FlowUpdate>(page);
    expect(layers[49].signal / layers[0].signal).toBeGreaterThan(0.8);
    expect(deep.layers[49].signal / deep.layers[0].signal).toBeLessThan(0.5);
    const moving = () =>
      page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length);
    expect(await moving()).toBeGreaterThan(0);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await moving()).toBe(0);
    await page.getByTestId('layer').fill('50');
    expect(await page.getByTestId('layer-numbers').textContent()).toContain('layer 50');
    await page.close();
  });

  it('learns while it is watched, keeps the ratio, and repeats itself', async () => {
    const page = await open('gradients?depth=10&width=100&activation=leakyRelu&init=he&steps=60');
    await page.getByTestId('run').click();
    await page.waitForFunction(() => window.__ag.state().done === true);
    const { losses, ratio } = await stateOf<FlowUpdate>(page);
    expect(losses).toHaveLength(60);
    expect(losses.at(-1)).toBeLessThan(losses[0] / 10);
    expect(ratio).toBeGreaterThan(0.1);
    expect(ratio).toBeLessThan(10);
    await page.getByTestId('reset').click();
    await page.waitForFunction(() => window.__ag.state().step === 0);
    await page.getByTestId('run').click();
    await page.waitForFunction(() => window.__ag.state().done === true);
    expect((await stateOf<FlowUpdate>(page)).losses).toEqual(losses);
  });

  it('tells exploding gradients and dead units, and goes on after a run that left the numbers', async () => {
    const page = await open('gradients?depth=20&width=10&activation=relu&init=he');
    await page.getByTestId('alarm-dead').waitFor();
    await page.getByTestId('preset-exploding').click();
    await page.getByTestId('alarm-exploding').waitFor();
    // Pressed before the worker has answered: meant for what was chosen last.
    await page.getByTestId('preset-he').click();
    await page.getByTestId('preset-exploding').click();
    await page.getByTestId('run').click();
    await page.getByTestId('alarm-notFinite').waitFor();
    // Gradients may leave the numbers a moment before the loss does.
    await page.waitForFunction(() => (window.__ag.state() as { failure?: unknown }).failure !== null);
    expect((await stateOf<FlowUpdate>(page)).failure).toContain('learning rate');
    await page.getByTestId('preset-residual').click();
    await page.getByTestId('calm').waitFor();
    expect(application.errors()).toEqual([]);
  });
});
