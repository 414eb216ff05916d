/** The landscape in a browser: dragging, turning, playing, many starts, a network, no WebGL. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Application,
  chromiumPath,
  type Server,
  serveApplication,
  startApplication,
  stateOf,
} from '../../testing/browser.ts';
import type { Attractor, RacePath } from './race.ts';

interface State {
  readonly page: string;
  readonly start: readonly [number, number];
  readonly problem: string | null;
  readonly paths: readonly RacePath[];
  readonly basins: { readonly attractors: readonly Attractor[]; readonly labels: readonly number[] } | null;
}

/** Until so many have raced. */
const raced = (page: Page, count: number) =>
  page.waitForFunction(
    (wanted) => (window.__ag.state() as { paths?: unknown[] }).paths?.length === wanted,
    count,
  );

let server: Server | undefined;
beforeAll(async () => {
  if (chromiumPath !== undefined) server = await serveApplication();
}, 120_000);
afterAll(async () => {
  await server?.close();
});

describe.skipIf(chromiumPath === undefined)('landscape', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication({ server: server! });
  });
  afterAll(async () => {
    await application?.close();
  });

  it('answers addresses of the race, and reaches another minimum from another start', async () => {
    const page = await application.open('race?surface=himmelblau&runners=adam&steps=200&x=3&y=3');
    await raced(page, 1);
    expect((await stateOf<State>(page)).page).toBe('landscape');
    const end = async () => (await stateOf<State>(page)).paths[0].points.at(-1)!;
    const first = await end();
    expect(Math.hypot(first[0] - 3, first[1] - 2)).toBeLessThan(0.1);
    await page.getByTestId('x').fill('-3');
    await page.getByTestId('x').press('Enter');
    await page.waitForFunction(
      () => ((window.__ag.state() as unknown as State).paths[0]?.points[0]?.[0] ?? 0) === -3,
    );
    const second = await end();
    expect(Math.hypot(second[0] + 2.805118, second[1] - 3.131312)).toBeLessThan(0.1);
    await page.close();
  });

  it('says of a formula of one’s own nothing that holds of another', async () => {
    const page = await application.open('landscape?surface=rosenbrock&runners=adam');
    const space = page.getByTestId('space');
    await space.locator('[data-corner=heights]').waitFor();
    expect(await space.textContent()).toContain('log₁₀(f + 0.001)');
    await page.locator('.ag-minimum').waitFor();
    expect(await page.getByTestId('map').locator('.ag-minimum').count()).toBe(1);
    await page.getByTestId('expression').fill('(x - 3)² + y²');
    await page.getByTestId('expression').press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.ag-minimum').length === 0);
    expect(await page.getByTestId('surface').locator('option:checked').textContent()).toBe(
      'Your own formula',
    );
    expect(await space.textContent()).not.toContain('log');
    // As a list of its own domain: −5 to 5 both ways, not Rosenbrock's −1 to 3.
    expect(await page.getByTestId('map').textContent()).toContain('−4');
    const { start } = await stateOf<State>(page);
    expect(start.every((at) => Math.abs(at) <= 5)).toBe(true);
    // The known formula, however it is spaced, is the known surface.
    await page.getByTestId('expression').fill('(1-x)^2 + 100*(y-x^2)^2');
    await page.getByTestId('expression').press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.ag-minimum').length === 1);
    await page.close();
  });

  it('says in words that a racer diverged, with numbers of a few digits', async () => {
    const page = await application.open('landscape?runners=sgd,adam&rate.sgd=7&steps=40');
    await raced(page, 2);
    const { paths } = await stateOf<State>(page);
    expect(Math.abs(paths[0].points.at(-1)![1])).toBeGreaterThan(1e17);
    const words = await page.getByTestId('fate-sgd').textContent();
    expect(words).toMatch(/diverged: off the map after 40 steps, f rose from 6.45 to/);
    expect(await page.getByTestId('fate-adam').textContent()).toMatch(/still moving after 40 steps/);
    expect(/[\d.]{9,}/.exec((await page.getByTestId('results').textContent())!)).toBeNull();
    await page.close();
  });

  it('moves the start by dragging on the map and clicking the surface, and explains a wrong formula', async () => {
    const page = await application.open('landscape');
    await raced(page, 4);
    const contours = page.getByTestId('map').locator('.ag-contours');
    await contours.waitFor();
    const box = (await contours.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.4);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height * 0.3);
    await page.mouse.up();
    // The map shows x from −10 to 10 and y from −5 to 5.
    const { start } = await stateOf<State>(page);
    expect(start[0]).toBeCloseTo(5, 0);
    expect(start[1]).toBeCloseTo(2, 0);
    // From above the surface is its map: a click right of its middle is a start right of 0.
    await page.goto(`${application.address}#/landscape?azimuth=0&elevation=89`);
    await page.reload();
    const space = page.getByTestId('space');
    await space.locator('[data-corner=xHigh]').waitFor();
    await page.waitForFunction(() =>
      document.querySelector<HTMLElement>('[data-corner=xHigh]')?.style.transform.includes('px'),
    );
    const area = (await space.boundingBox())!;
    await page.mouse.click(area.x + area.width * 0.65, area.y + area.height * 0.5);
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).start[0] > 1);
    expect(Math.abs((await stateOf<State>(page)).start[1])).toBeLessThan(1.5);
    await page.getByTestId('expression').fill('x + q');
    await page.getByTestId('expression').press('Enter');
    await page.getByTestId('problem').waitFor();
    expect(await page.getByTestId('problem').textContent()).toContain("'q'");
    await page.close();
  });

  it('turns by pointer and keys, and plays, rests and scrubs', async () => {
    const page = await application.open('landscape?runners=adam&azimuth=40');
    await raced(page, 1);
    const corner = () =>
      page.locator('[data-corner=xHigh]').evaluate((label: HTMLElement) => label.style.transform);
    await page.waitForFunction(() =>
      document.querySelector<HTMLElement>('[data-corner=xHigh]')?.style.transform.includes('px'),
    );
    const before = await corner();
    const space = page.getByTestId('space');
    const box = (await space.boundingBox())!;
    await page.mouse.move(box.x + 100, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + 150, box.y + 120, { steps: 3 });
    await page.mouse.up();
    // Half a degree less for each pixel to the right, nearly.
    await page.waitForFunction(() => location.hash.includes('azimuth=20'));
    expect(await corner()).not.toBe(before);
    await space.focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => location.hash.includes('azimuth=26'));
    // It plays from the beginning by itself, and is moved by hand.
    const time = page.getByTestId('time');
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLInputElement>('[data-testid=time]')!.value) === 30,
      undefined,
      { timeout: 30_000 },
    );
    await time.focus();
    await page.keyboard.press('ArrowLeft');
    expect(await time.inputValue()).toBe('29');
    await page.getByTestId('play').click();
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLInputElement>('[data-testid=time]')!.value) === 30,
    );
    const [map] = await Promise.all([page.waitForEvent('download'), page.getByTestId('export').click()]);
    expect(await readFile(await map.path(), 'utf8')).toMatch(/<svg[\s\S]*Adam/);
    await page.close();
  });

  it('colors many starts by the minimum that they reach', async () => {
    const page = await application.open('landscape?surface=himmelblau&many=sgd');
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).basins !== null);
    const { attractors, labels } = (await stateOf<State>(page)).basins!;
    expect(attractors.map(({ kind }) => kind)).toEqual(new Array(4).fill('minimum'));
    expect(labels.length).toBe(24 * 24);
    const share = labels.filter((label) => label === 0).length / labels.length;
    expect(await page.getByTestId('reached').textContent()).toContain(`${(100 * share).toFixed(1)} %`);
    await page.close();
  });

  it('shows a trained network’s loss with the present one in the middle', async () => {
    const page = await application.open('landscape');
    await page.getByTestId('of').selectOption('network');
    type Result = { center: number; losses: number[]; points: [number, number][]; explained: number };
    const result = async (directions: string) => {
      await page.waitForFunction(
        (wanted) => {
          const { current, slice } = window.__ag.state() as {
            current?: boolean;
            slice?: { directions: string };
          };
          return current === true && slice?.directions === wanted;
        },
        directions,
        { timeout: 60_000 },
      );
      return (await stateOf<{ result: Result }>(page)).result;
    };
    const path = await result('path');
    expect(Math.abs(path.center - path.losses.at(-1)!)).toBeLessThan(1e-6);
    expect(path.losses.at(-1)!).toBeLessThan(path.losses[0] / 5);
    expect(path.points.at(-1)).toEqual([0, 0]);
    await page.getByTestId('directions').selectOption('random');
    const random = await result('random');
    expect(random.losses).toEqual(path.losses);
    expect(Math.abs(random.center - random.losses.at(-1)!)).toBeLessThan(1e-6);
    expect(random.explained).toBeLessThan(path.explained);
    await page.close();
  });

  it('shows a still surface with a line where there is no WebGL', async () => {
    const before = application.errors().length;
    const page = await application.open('home');
    await page.evaluate(() => {
      const original = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (
        this: HTMLCanvasElement,
        kind: string,
        ...more: never[]
      ) {
        return kind.startsWith('webgl') ? null : original.call(this, kind as never, ...more);
      } as never;
      location.hash = '#/landscape';
    });
    await page.getByTestId('no-webgl').waitFor();
    await page.getByTestId('relief').locator('svg').waitFor();
    await page.close();
    // three.js says by console.error that there is none.
    expect(
      application
        .errors()
        .slice(before)
        .filter((message) => !message.includes('WebGL')),
    ).toEqual([]);
  });
});

describe.skipIf(chromiumPath === undefined)('landscape under a finger', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication({
      viewport: { width: 390, height: 600 },
      touch: true,
      server: server!,
    });
  });
  afterAll(async () => {
    await application?.close();
  });

  it('moves the page where the map is swiped, the start where it is tapped or its handle dragged', async () => {
    const page = await application.open('landscape?runners=adam&view=map');
    await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 1);
    const area = page.getByTestId('map').locator('svg clipPath + rect');
    await area.scrollIntoViewIfNeeded();
    const debuggee = await application.context.newCDPSession(page);
    const startOf = async () => (await stateOf<State>(page)).start;
    const before = await startOf();
    const middle = async () => {
      const box = (await area.boundingBox())!;
      return { x: box.x + box.width * 0.6, y: box.y + box.height * 0.5 };
    };
    const from = await page.evaluate(() => scrollY);
    await debuggee.send('Input.synthesizeScrollGesture', { ...(await middle()), yDistance: -150 });
    expect((await page.evaluate(() => scrollY)) - from).toBeGreaterThan(100);
    expect(await startOf()).toEqual(before);
    await area.scrollIntoViewIfNeeded();
    await page.touchscreen.tap((await middle()).x, (await middle()).y);
    // The map shows x from −10 to 10: 0.6 of the way is 2.
    await page.waitForFunction(() => Math.abs((window.__ag.state() as unknown as State).start[0] - 2) < 0.3);
    // Until the map is drawn for this start: it is another element then.
    await page.waitForFunction(() => {
      const { start, paths } = window.__ag.state() as unknown as State;
      return paths[0]?.points[0]?.[0] === start[0];
    });
    // The handle follows, and takes a finger for itself.
    const handle = (await page.getByTestId('start-handle').boundingBox())!;
    const at = { x: handle.x + handle.width / 2, y: handle.y + handle.height / 2 };
    expect(Math.hypot(at.x - (await middle()).x, at.y - (await middle()).y)).toBeLessThan(3);
    const scrolled = await page.evaluate(() => scrollY);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x: number, y: number) =>
      debuggee.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] });
    await touch('touchStart', at.x, at.y);
    for (let i = 1; i <= 5; i++) await touch('touchMove', at.x - 10 * i, at.y - 5 * i);
    await touch('touchEnd', 0, 0);
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).start[0] < 1);
    expect(await page.evaluate(() => scrollY)).toBe(scrolled);
    expect(application.errors()).toEqual([]);
    await page.close();
  });
});
