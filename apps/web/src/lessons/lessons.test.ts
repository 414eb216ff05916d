/** Whoever follows the seven lessons, and does no more than they say, finishes them. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../testing/browser.ts';
import { lessons } from './lessons.ts';

/** What a reader does at each step. */
const done: Readonly<Record<string, readonly ((page: Page) => Promise<unknown>)[]>> = {
  scalar: [press('forward'), press('backward'), press('update-ten')],
  gates: [enter('value-z', '1'), enter('value-w', '3')],
  dimensions: [press('backward'), async () => undefined],
  xor: [press('train')],
  vanishing: [async () => undefined, choose('activation', 'leakyRelu')],
  automatic: [async () => undefined, press('train')],
  descent: [turn, enter('steps', '200')],
};

function press(button: string) {
  return (page: Page) => page.getByTestId(button).click();
}
function choose(list: string, value: string) {
  return (page: Page) => page.getByTestId(list).selectOption(value);
}
function enter(field: string, text: string) {
  return async (page: Page) => {
    await page.getByTestId(field).fill(text);
    await page.getByTestId(field).press('Enter');
  };
}
/** The arrow towards the gradient of x²y at (1, 2): (4, 1). */
async function turn(page: Page) {
  await page.getByTestId('dial').click({ position: { x: 80 + 48, y: 80 - 12 } });
}

describe.skipIf(chromiumPath === undefined)('the seven lessons', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  it('are finished by their tours alone', async () => {
    const page = await application.open('lessons');
    for (const { id, steps } of lessons) {
      await page.getByTestId(`start-${id}`).click();
      for (const [i, act] of done[id].entries()) {
        const told = `${id}, step ${i + 1}`;
        await page.getByTestId('lesson').getByText(steps[i].text.en).waitFor();
        await page.waitForFunction(
          (names) => names.includes(window.__ag.state().page as string),
          // The page of the optimizers is to be renamed.
          steps[i].page === 'race' ? ['race', 'landscape'] : [steps[i].page],
        );
        await act(page);
        await page
          .locator('[data-testid=goal][data-reached=true]')
          .waitFor({ timeout: 60_000 })
          .catch(() => expect.fail(`${told}: the goal is not reached`));
        await page.getByTestId('lesson-next').click();
      }
      await page.waitForFunction(() => window.__ag.state().page === 'lessons');
    }
    expect((await stateOf<{ finished: readonly string[] }>(page)).finished).toEqual(
      lessons.map(({ id }) => id),
    );
    expect(await page.getByTestId('lesson').count()).toBe(0);
    expect(application.errors()).toEqual([]);
    await page.close();
  }, 240_000);

  it('do not let on before the goal is met, and go on where they were after a reload', async () => {
    const page = await application.open('lessons');
    await page.getByTestId('start-scalar').click();
    await page.getByTestId('goal').waitFor();
    await page.waitForFunction(() => window.__ag.state().steps === 10);
    await page.waitForTimeout(600);
    expect(await page.getByTestId('goal').getAttribute('data-reached')).toBe('false');
    expect(await page.getByTestId('lesson-next').getAttribute('aria-disabled')).toBe('true');
    await page.reload();
    await page.getByTestId('lesson').getByText('topological').waitFor();
    await page.getByTestId('lesson-leave').click();
    expect(await page.getByTestId('lesson').count()).toBe(0);
    await page.close();
  });
});
