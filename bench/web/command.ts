/**
 * `pnpm bench web`: what the demo application promises, measured in headless Chromium. Builds and serves the
 * application (or takes one that is served already), uses it as a person does, and prints what it found beside the
 * budget. A budget that is missed is marked, not an error: how fast a machine is decides no test.
 */
import { parseArgs } from 'node:util';
import { chromiumPath, serveApplication } from '@ag/web/testing';
import { draw } from './draw.ts';
import { graph } from './graph.ts';
import { load } from './load.ts';
import { mnist } from './mnist.ts';
import { type Options, openBrowser, type Result } from './page.ts';
import { responsive } from './responsive.ts';
import { soak } from './soak.ts';

const measurements = { load, responsive, draw, mnist, graph, soak };
type Name = keyof typeof measurements;
/** Those that are run when none is named: they take a few minutes together. */
const usual: readonly Name[] = ['load', 'responsive', 'draw', 'mnist', 'graph'];

const help = `pnpm bench web [measurement …] [options]

  load         time until each page can be used, and its script, in a fresh browser
  responsive   the longest task of the main thread while a page trains, and how soon pause answers
  draw         digits drawn on the board, moved and scaled; with AG_DATA_DIR by a network that learnt MNIST
  mnist        MNIST given as files: accuracy, time, pause, checkpoint; needs AG_DATA_DIR
  graph        a graph of 10,000 nodes: layout, panning
  soak         training for many minutes: the slope of memory (only when named)

  --address URL    an application that is served already, such as by 'agrad web --no-open'
  --page ID        responsive: only this page
  --seconds N      responsive: how long each page trains, default 6
  --minutes N      soak: how long, default 10
  --json           one JSON document`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    address: { type: 'string' },
    page: { type: 'string' },
    seconds: { type: 'string', default: '6' },
    minutes: { type: 'string', default: '10' },
    json: { type: 'boolean' },
  },
});
const unknown = positionals.find((name) => !(name in measurements));
if (values.help || unknown !== undefined) {
  if (unknown !== undefined) console.error(`there is no measurement '${unknown}'\n`);
  console.log(help);
  process.exitCode = values.help ? 0 : 2;
} else if (chromiumPath === undefined) {
  console.error('no Chromium found: set CHROMIUM to its path');
  process.exitCode = 1;
} else {
  const options: Options = {
    page: values.page,
    seconds: Number(values.seconds),
    minutes: Number(values.minutes),
    dataFolder: 'AG_DATA_DIR' in process.env ? process.env.AG_DATA_DIR : undefined,
  };
  const server = values.address
    ? { address: new URL('/', values.address).href, close: async () => {} }
    : await serveApplication();
  const results: Result[] = [];
  try {
    for (const name of positionals.length > 0 ? (positionals as Name[]) : usual) {
      const browser = await openBrowser();
      try {
        for await (const result of measurements[name](browser, server.address, options)) {
          results.push(result);
          if (!values.json) console.log(lineOf(result));
        }
      } finally {
        await browser.close();
      }
    }
  } finally {
    await server.close();
  }
  if (values.json) console.log(JSON.stringify(results, null, 2));
}

function lineOf({ what, value, unit, budget, least, note }: Result): string {
  const missed = budget !== undefined && (least ? value < budget : value > budget);
  const limit = budget === undefined ? '' : `${least ? '≥' : '≤'} ${budget} ${missed ? '✗' : '✓'}`;
  const figure = `${Number(value.toPrecision(4))} ${unit}`;
  return `${what.padEnd(52)} ${figure.padStart(14)}  ${limit.padEnd(10)} ${note ?? ''}`.trimEnd();
}
