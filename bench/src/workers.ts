/**
 * `pnpm bench workers`: what two workers make of W6 in Chromium, in a page that is not isolated and so has one thread. The page
 * alone with whole batches, alone with the same blocks, and workers take turns; each turn is a page of its own.
 */
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Answer, Order } from '../../tests/world/page/page.ts';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    rounds: { type: 'string', default: '4' },
    steps: { type: 'string', default: '40' },
    workers: { type: 'string', default: '2' },
  },
});
const [rounds, steps, workers] = [values.rounds, values.steps, values.workers].map(Number);

const executablePath = spawnSync('which', [process.env.CHROMIUM ?? 'chromium'], {
  encoding: 'utf8',
}).stdout.trim();
if (executablePath === '') throw new Error('bench: there is no Chromium; set CHROMIUM to its path');

const page = (name: string): string =>
  fileURLToPath(new URL(`../../tests/world/page/${name}.ts`, import.meta.url));
const { outputFiles } = await build({
  entryPoints: ['page', 'network'].map(page),
  bundle: true,
  format: 'esm',
  conditions: ['@ag/source'],
  target: 'es2022',
  outdir: 'out',
  write: false,
});
const server = createServer(({ url = '/' }, response) => {
  const script = url === '/' ? undefined : outputFiles.find(({ path }) => path.endsWith(url));
  response.writeHead(script || url === '/' ? 200 : 404, {
    'content-type': script ? 'text/javascript' : 'text/html',
  });
  response.end(script?.text ?? '<!doctype html><script type="module" src="/page.js"></script>');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const browser = await chromium.launch({
  executablePath,
  args: '--no-sandbox --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  ),
});

/** Milliseconds of the steps of a turn, and a number for its weights. */
async function turn(order: Order): Promise<{ readonly times: readonly number[]; readonly weights: string }> {
  const tab = await browser.newPage();
  await tab.goto(address);
  await tab.waitForFunction(() => 'train' in window);
  const answer = await tab.evaluate(
    (given) => (window as unknown as { train(order: Order): Promise<Answer> }).train(given),
    order,
  );
  await tab.close();
  return { times: answer.times, weights: answer.weights.join() };
}

const sides: readonly (readonly [string, Order])[] = [
  ['the page alone, whole batches', { workers: 0, steps, blocks: 0 }],
  ...[8, 4, workers].flatMap((blocks): (readonly [string, Order])[] => [
    [`alone, ${blocks} blocks`, { workers: 0, steps, blocks }],
    [`${workers} workers, ${blocks} blocks`, { workers, steps, blocks }],
  ]),
];
const times = sides.map((): number[] => []);
const weights = sides.map(() => '');
for (let round = 0; round < rounds; round++) {
  for (const [i, [, order]] of sides.entries()) {
    const measured = await turn(order);
    times[i].push(...measured.times);
    weights[i] = measured.weights;
  }
}
await browser.close();
server.close();

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const whole = median(times[0]);
console.log(
  '| W6, batch 64, Chromium | ms a step | beside whole batches | beside the same blocks alone | same bits |\n|---|--:|--:|--:|---|',
);
sides.forEach(([name, order], i) => {
  const own = median(times[i]);
  const beside = order.workers > 0 ? `${(median(times[i - 1]) / own).toFixed(2)} ×` : '';
  const equal = order.workers > 0 ? (weights[i] === weights[i - 1] ? 'yes' : 'NO') : '';
  console.log(`| ${[name, own.toFixed(1), `${(whole / own).toFixed(2)} ×`, beside, equal].join(' | ')} |`);
});
