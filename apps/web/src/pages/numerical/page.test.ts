/** The comparison in a browser: counted costs, equal losses, and when they part. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';
import type { CompareUpdate } from './compare.ts';

describe.skipIf(chromiumPath === undefined)('from numerical to automatic', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  const finished = async (hash: string) => {
    const page = await application.open(hash);
    await page.waitForFunction(() => (window.__ag.state() as { done?: boolean }).done === true);
    return { page, state: await stateOf<CompareUpdate>(page) };
  };

  it('follows the same losses and counts 2·9 + 1 forward passes for one', async () => {
    const { page, state } = await finished('numerical?steps=100');
    // 2·2 + 2 weights and biases below, 2 + 1 above.
    expect(state.parameters).toBe(9);
    expect(state.numerical.losses).toHaveLength(100);
    for (const [i, loss] of state.numerical.losses.entries())
      expect(Math.abs(loss - state.automatic.losses[i])).toBeLessThan(1e-6);
    expect(state.numerical.losses.at(-1)).toBeLessThan(state.numerical.losses[0]);
    expect([state.numerical.forward, state.numerical.backward]).toEqual([1900, 0]);
    expect([state.automatic.forward, state.automatic.backward]).toEqual([100, 100]);
    expect(state.factor).toBe(19);
    expect(await page.getByTestId('factor').textContent()).toBe('19×');
    // The same address gives the same losses.
    await page.reload();
    await page.waitForFunction(() => (window.__ag.state() as { done?: boolean }).done === true);
    expect((await stateOf<CompareUpdate>(page)).automatic.losses).toEqual(state.automatic.losses);
  });

  it('learns the four answers with the settings it opens with', async () => {
    const { state } = await finished('numerical');
    for (const { answers } of [state.numerical, state.automatic])
      expect(answers.map(Math.round)).toEqual([0, 1, 1, 0]);
    expect(state.apart).toBeLessThan(1e-6);
  });

  it('says where the curves part and why', async () => {
    const { page, state } = await finished('numerical?hidden=32&steps=80');
    // The two curves themselves: as large as the first loss is, four digits of it are one ten-thousandth.
    const { losses } = state.numerical;
    const step = losses.findIndex((loss, i) => Math.abs(loss - state.automatic.losses[i]) > 1e-4 * losses[0]);
    expect(await page.getByTestId('agreement').textContent()).toBe('The losses do not agree.');
    expect(await page.getByTestId('why').textContent()).toContain(`They part at step ${step + 1}:`);
    const title = page.getByTestId('by-step').locator('text').first();
    expect(await title.textContent()).toBe('By step: the curves part');
    await page.getByTestId('hidden').fill('2');
    await page.getByTestId('hidden').press('Enter');
    await page.getByText('The losses agree.').waitFor();
    expect(await title.textContent()).toBe('By step: the same curve');
    await page.close();
  });

  it('gives a larger factor to more units, and parts the curves where h is too large', async () => {
    const { page, state } = await finished('numerical?steps=20&h=0.1');
    expect(state.apart).toBeGreaterThan(1e-5);
    await page.getByTestId('hidden').fill('4');
    await page.getByTestId('hidden').press('Enter');
    // 4·2 + 4 + 4 + 1 = 17 parameters.
    await page.waitForFunction(() => {
      const { parameters, done } = window.__ag.state();
      return parameters === 17 && done === true;
    });
    expect((await stateOf<CompareUpdate>(page)).factor).toBe(35);
    expect(application.errors()).toEqual([]);
  });
});
