/**
 * Draws twenty recorded digits on the board and counts what a network makes of them. They are drawn as they are,
 * moved and scaled; the network is convolutional, trained in the page.
 */
import { join } from 'node:path';
import { bestOf, drawings, draw as drawOn, placed } from '@ag/web/testing';
import type { Browser } from 'playwright-core';
import { dropMnist, trainEpochs } from './mnist.ts';
import { freshPage, type Options, open, type Result } from './page.ts';

const changes = [
  { move: [40, 0] },
  { move: [-40, 0] },
  { move: [0, 40] },
  { move: [0, -40] },
  { scale: 0.6 },
  { scale: 0.8 },
  { scale: 1.2 },
  { scale: 1.4 },
] as const;

export async function* draw(browser: Browser, address: string, options: Options): AsyncGenerator<Result> {
  const { page, context } = await freshPage(browser);
  await open(page, address, 'digits?model=cnn&count=6000', 'train');
  const real = options.dataFolder !== undefined;
  if (real) await dropMnist(page, join(options.dataFolder, 'mnist'));
  const { testAccuracy } = await trainEpochs(page, real ? 3 : 5);
  const source = real ? 'MNIST' : 'generated digits';
  let right = 0;
  let same = 0;
  const wrong: string[] = [];
  const differing: string[] = [];
  for (const [i, drawing] of drawings.entries()) {
    const answer = bestOf(await drawOn(page, drawing));
    if (answer === drawing.digit) right++;
    else wrong.push(`${drawing.digit} taken for ${answer}`);
    for (const change of changes) {
      const other = bestOf(await drawOn(page, placed(drawing, change)));
      if (other === answer) same++;
      else differing.push(`#${i} (${drawing.digit}) ${JSON.stringify(change)}: ${answer} → ${other}`);
    }
  }
  yield {
    what: `draw: right of 20, after ${source} (${(100 * testAccuracy).toFixed(2)} %)`,
    value: right,
    unit: 'of 20',
    budget: 18,
    least: true,
    note: wrong.join(', '),
  };
  yield {
    what: 'draw: unchanged when moved 40 px or scaled 0.6 … 1.4',
    value: (100 * same) / (drawings.length * changes.length),
    unit: '%',
    budget: 95,
    least: true,
    note: differing.join('; '),
  };
  await context.close();
}
