/**
 * Takes the pictures of the start page and the READMEs: a part of each page, in both themes, as small PNG files.
 *
 *   pnpm --dir apps/web pictures           # all
 *   pnpm --dir apps/web pictures digits    # one page's
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { draw, drawings, startApplication } from '../src/testing/index.ts';

const folder = fileURLToPath(new URL('../src/pages/home/pictures/', import.meta.url));

interface Subject {
  readonly hash: string;
  /** What is in the picture. */
  readonly part: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

/** Trains until a step, then rests. */
const trainTo = (button: string, step: number) => async (page: Page) => {
  await page.locator(`[data-testid=${button}]:not([disabled]):not([aria-disabled=true])`).click();
  await page.waitForFunction((last) => (window.__ag.state() as { step?: number }).step! >= last, step);
  const pause = page.locator(`[data-testid=${button}]:not([disabled]):not([aria-disabled=true])`);
  if (await pause.count()) await pause.click();
  await page.waitForTimeout(500);
};
const untilDone = (page: Page) =>
  page
    .waitForFunction(() => (window.__ag.state() as { done?: boolean }).done === true)
    .then(() => page.waitForTimeout(300));

const subjects: Readonly<Record<string, Subject>> = {
  microscope: {
    hash: 'microscope?expression=sigmoid(w*x %2B b)&v.w=2&v.x=-1&v.b=1.5&step=8',
    part: '.graph svg',
  },
  playground: {
    hash: 'playground?data=spirals&classes=2&layers=tanh:6,tanh:6&noise=0.05&learningRate=0.05',
    part: '[data-testid=plane] svg',
    prepare: trainTo('train', 2500),
  },
  gradients: { hash: 'gradients', part: '[data-testid=river]' },
  landscape: {
    hash: 'landscape?surface=himmelblau&many=momentum&view=space',
    part: '[data-testid=space]',
    prepare: (page) => page.waitForTimeout(4000),
  },
  houses: { hash: 'houses?epochs=600', part: '[data-testid=surface] svg', prepare: untilDone },
  digits: {
    hash: 'digits',
    part: '.workspace-picture',
    prepare: async (page) => {
      await page.addStyleTag({ content: '.workspace { height: 24rem } .workspace-edge { display: none }' });
      await draw(page, drawings[7]);
      await page.waitForTimeout(1500);
    },
  },
  numerical: { hash: 'numerical', part: '[data-testid=by-cost] svg', prepare: untilDone },
  transformer: {
    hash: 'transformer?text=brackets',
    part: '.workspace-picture',
    prepare: async (page) => {
      await page.waitForTimeout(15_000);
    },
  },
  code: { hash: 'code', part: '.workspace-picture', prepare: (page) => page.waitForTimeout(6000) },
  viewer: { hash: 'viewer', part: '.workspace-picture', prepare: (page) => page.waitForTimeout(2000) },
};

const chosen = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const theme of ['light', 'dark'] as const) {
  const application = await startApplication({ theme, viewport: { width: 1000, height: 900 }, scale: 0.7 });
  for (const [id, { hash, part, prepare }] of Object.entries(subjects)) {
    if (chosen.length > 0 && !chosen.includes(id)) continue;
    const page = await application.open(hash);
    await page.waitForTimeout(700);
    await prepare?.(page);
    const path = `${folder}${id}-${theme}.png`;
    await page.locator(part).first().screenshot({ path, animations: 'disabled' });
    await page.close();
    console.log(path);
  }
  await application.close();
}
