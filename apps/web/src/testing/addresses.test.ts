/**
 * An address may say anything: a link is written by somebody else. Whatever stands in a parameter, the page is there,
 * says what is wrong or takes its default, and no script runs. Formulas may have variables of any name.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../shell/pages.ts';
import { type Application, chromiumPath, startApplication, stateOf } from './browser.ts';

const markup = '<img src=x onerror="window.ran=1"><svg onload="window.ran=1"><script>window.ran=1</script>';

const texts: readonly string[] = [
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'constructor,__proto__,toString',
  '__proto__:3,constructor:2',
  '',
  'x'.repeat(5000),
  '('.repeat(3000),
  'NaN',
  '-1',
  '0.5',
  '1e308',
  '-1e308',
  '1e308,-1e308,1e308;0,0,-7;1,1,0.5;2,2,1e9',
  'true',
  markup,
  `'); window.ran = 1; ('`,
  '\u0000\u0001\u001b[2J\u202e\u2028\ufffe',
];

/** Every parameter that a page reads. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  home: ['anything'],
  lessons: ['anything'],
  microscope: [
    'expression',
    'step',
    'v.x',
    'v.y',
    'v.z',
    'v.__proto__',
    'v.constructor',
    'network',
    'open',
    'of',
    'learn',
    'rate',
    'plane',
    'direction',
  ],
  playground: [
    ...[
      'data',
      'count',
      'noise',
      'classes',
      'test',
      'regression',
      'line',
      'points',
      'standardize',
      'layers',
      'features',
      'normalization',
      'dropout',
    ],
    ...['loss', 'l1', 'l2', 'optimizer', 'learningRate', 'batchSize', 'seed', 'edges'],
  ],
  gradients: [
    'depth',
    'width',
    'activation',
    'init',
    'std',
    'normalization',
    'residual',
    'rate',
    'seed',
    'steps',
  ],
  landscape: [
    ...['of', 'view', 'surface', 'expression', 'x', 'y', 'steps', 'runners', 'rate.sgd', 'many', 'azimuth'],
    ...['elevation', 'data', 'hidden', 'activation', 'optimizer', 'learningRate', 'seed', 'directions'],
    'directionSeed',
  ],
  houses: ['test', 'hidden', 'optimizer', 'rate', 'seed', 'epochs', 'azimuth', 'elevation'],
  digits: [
    ...['data', 'count', 'testCount', 'model', 'learningRate', 'batchSize', 'dropout', 'seed', 'epochs'],
    'channel',
  ],
  numerical: ['hidden', 'rate', 'h', 'seed', 'steps'],
  device: ['backends', 'findings', 'derivatives', 'only'],
  transformer: [
    ...['text', 'own', 'prompt', 'at', 'head', 'context', 'width', 'layers', 'heads'],
    ...['rate', 'temperature', 'seed'],
  ],
  code: ['z', 'example', 'snippet'],
  viewer: ['node', 'open', 'feed', 'seed', 'numbers', 'shape.x'],
};

/** What makes a page quick, where what is asked for may be large. */
const small: Readonly<Record<string, string>> = {
  gradients: 'depth=2&width=4',
  // Without the scene in space, which a processor draws slowly.
  landscape: 'view=map',
  digits: 'count=20&testCount=10',
  numerical: 'steps=2',
  transformer: 'context=16&width=8&layers=1&heads=2',
};

/** `AG_TEST=full` opens the pages with all of them, which takes minutes. */
const full = process.env.AG_TEST === 'full';
const together = full ? texts : ['__proto__', '1e308', markup, texts.at(-1)!];
/** For each parameter by itself, where all at once would hide one behind another. */
const alone = full ? ['constructor', '__proto__', '', '0.5', '-1', '1e308', markup] : ['constructor', markup];

describe.skipIf(chromiumPath === undefined)('an address that says anything', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  /** A page that failed is replaced by its error until somebody asks for it again. */
  const judge = async (page: Page, hash: string) => {
    const found = await page.evaluate(() => ({
      ran: 'ran' in window,
      failure: document.querySelector('[data-testid=page-failure]')?.textContent ?? null,
      strange: /native code|is not a function|Cannot read|\[object/.exec(document.body.textContent)?.[0],
    }));
    expect(found, hash.slice(0, 200)).toEqual({ ran: false, failure: null, strange: undefined });
  };

  it('has every page in its list', () => {
    expect(Object.keys(parameters).sort()).toEqual(pages.map(({ id }) => id).sort());
  });

  it.each(pages.map(({ id }) => id))(
    '%s lives, whatever its parameters say',
    async (id) => {
      const before = application.errors().length;
      const page = await application.open(id);
      for (const name of parameters[id]) {
        for (const text of alone) {
          const query = new URLSearchParams(small[id] ?? '');
          query.set(name, text);
          await page.evaluate(
            async (to) => {
              const arrived = new Promise((resolve) =>
                addEventListener('hashchange', resolve, { once: true }),
              );
              location.hash = to;
              await arrived;
              await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
            },
            `#/${id}?${query.toString().replaceAll('+', '%20')}`,
          );
          await judge(page, `${name}=${text}`);
        }
      }
      // Until what the worker says of the last of them is shown.
      await page.waitForTimeout(300);
      await judge(page, id);
      await page.close();
      // And all of them at once, opened as a link is.
      for (const text of together) {
        const query = parameters[id].map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`);
        const fresh = await application.open(`${id}?${query.join('&')}`);
        expect((await stateOf<{ page: string }>(fresh)).page).toBe(id);
        await fresh.waitForTimeout(100);
        await judge(fresh, text);
        await fresh.close();
      }
      expect(application.errors().slice(before)).toEqual([]);
    },
    240_000,
  );

  it.each(['constructor', '__proto__', 'toString', '%', '%E0%A4%A'])(
    '#/%s opens the start page',
    async (id) => {
      const page = await application.open(id);
      expect((await stateOf<{ page: string }>(page)).page).toBe('home');
      await page.close();
    },
  );

  it.each(['constructor', '__proto__', 'toString'])('a variable may be called %s', async (name) => {
    const page = await application.open(`microscope?expression=${name}^2&v.${name}=3`);
    await page.waitForFunction(() => (window.__ag.state() as { steps?: number }).steps === 2);
    await page.getByTestId('backward').click();
    const { nodes } = await stateOf<{ nodes: { label: string; value: number; gradient: number }[] }>(page);
    expect(nodes.map(({ value, gradient }) => [value, gradient])).toEqual([
      [3, 6],
      [9, 1],
    ]);
    await page.close();
  });

  it('never writes what an address says into a program as anything but a text or numbers', async () => {
    const value = '1); console.log(1); tensor(2';
    const page = await application.open(
      `microscope?expression=${encodeURIComponent("x'+y")}&v.x=${encodeURIComponent(value)}`,
    );
    await page.getByTestId('problem').waitFor();
    const code = await page.getByTestId('code').textContent();
    expect(code).toContain(String.raw`formula('x\'+y')`);
    expect(code).not.toContain('console.log(1)');
    await page.close();
  });
});
