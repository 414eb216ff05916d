/**
 * Draws the icons and the picture that is shown with a link: a neuron's graph with its values and gradients, as the
 * packages compute them.
 *
 *   node --conditions=@ag/source --import tsx apps/web/scripts/icons.ts
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formula, inspect } from '@ag/graph';
import { tensor } from '@ag/tensor';
import { graphView } from '@ag/viz';
import { chromium } from 'playwright-core';
import { browserArguments, chromiumPath } from '../src/testing/browser.ts';

const folder = fileURLToPath(new URL('../public/', import.meta.url));
const icon = readFileSync(`${folder}icon.svg`, 'utf8');

const values = Object.fromEntries(
  Object.entries({ w: 2, x: -1, b: 1.5 }).map(([name, value]) => [name, tensor(value, { dtype: 'float64' })]),
);
const neuron = formula('sigmoid(w*x + b)').evaluate(values);
const graph = graphView(inspect(neuron, { values: true, gradients: 'compute', names: values }), {
  theme: 'dark',
  shapes: false,
  background: false,
});
const social = `<style>
  body { margin: 0; width: 1200px; height: 630px; background: #11161d; color: #e8ebef; font: 400 30px system-ui; }
  main { padding: 60px 70px; } h1 { font: 600 76px system-ui; margin: 0 0 4px; } p { margin: 0; color: #a5b2c0; }
  svg { width: 1060px; height: 330px; margin-top: 30px; }
</style><main><h1>See it learn</h1><p>A neural network computes, sends gradients back, and learns, in your browser.</p>${graph}</main>`;

const browser = await chromium.launch({ executablePath: chromiumPath!, args: [...browserArguments] });
const page = await browser.newPage();
for (const size of [192, 512]) {
  await page.setViewportSize({ width: size, height: size });
  // Room around it for hosts that cut icons to a circle.
  await page.setContent(
    `<style>body{margin:0;background:#fff}svg{width:60vw;height:60vw;margin:20vw}</style>${icon}`,
  );
  await page.screenshot({ path: `${folder}icon-${size}.png` });
}
await page.setViewportSize({ width: 1200, height: 630 });
await page.setContent(social);
await page.screenshot({ path: `${folder}social.png` });
await browser.close();
