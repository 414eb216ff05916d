/** The graph page with 10,000 nodes: time to draw, to open a module, longest task. */
import type { Browser } from 'playwright-core';
import { freshPage, type Result } from './page.ts';
import { longestTask } from './responsive.ts';

export async function* graph(browser: Browser, address: string): AsyncGenerator<Result> {
  const { page, context } = await freshPage(browser);
  await page.goto(`${address}#/microscope?network=deep`);
  await page.getByTestId('sheet').waitFor();
  const drawn = await page.evaluate(() => performance.now());
  const { nodes } = await page.evaluate(() => window.__ag.state() as { nodes: number });
  yield {
    what: `graph: ${nodes} nodes, from the empty page to the picture`,
    value: drawn,
    unit: 'ms',
    budget: 5000,
  };

  const began = performance.now();
  await page.getByTestId('open').selectOption('5');
  await page.waitForFunction(() =>
    (window.__ag.state() as { modules: string[] }).modules.some((path) => path.startsWith('5.')),
  );
  yield { what: 'graph: opening a module', value: performance.now() - began, unit: 'ms', budget: 1000 };

  const box = (await page.getByTestId('sheet').boundingBox())!;
  const at = (turn: number) =>
    [box.x + box.width / 2 + 200 * Math.cos(turn), box.y + box.height / 2 + 100 * Math.sin(turn)] as const;
  await page.mouse.move(...at(0));
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] });
  await page.mouse.down();
  for (let turn = 0; turn < 12; turn += 0.1) {
    await page.mouse.move(...at(turn));
    await page.waitForTimeout(16);
  }
  await page.mouse.up();
  yield longestTask('graph: pushing it about', await browser.stopTracing());
  await context.close();
}
