/** The race in a browser: paths from an independent program, dragging, formulas, a finger. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';
import type { RacePath } from './race.ts';

/** Printed by paths.py, which follows the published update rules in NumPy. */
const expected: Readonly<Record<string, Readonly<Record<number, readonly [number, number]>>>> = {
  sgd: {
    1: [-6.335, -1.8],
    10: [-2.5797868938348625, 0.6973568801999994],
    30: [-0.3503929957523197, 0.0847823165504322],
  },
  momentum: {
    1: [-6.93, 1.6],
    10: [-4.3475537872942125, 0.008799741200000377],
    30: [0.8964138584937322, 0.08808560171506963],
  },
  adagrad: {
    1: [-5.5000000002142855, 0.5000000000375],
    10: [-1.4893851958011233, 4.3377770474465215e-6],
    30: [-0.12016224724728575, 2.4863841159975314e-17],
  },
  adam: {
    1: [-6.700000004285714, 1.70000000075],
    10: [-4.059411585804955, -0.49184703905941823],
    30: [0.13601461732623224, 0.3182453888963097],
  },
};

interface State {
  readonly start: readonly [number, number];
  readonly problem: string | null;
  readonly paths: readonly RacePath[];
}

describe.skipIf(chromiumPath === undefined)('optimizer race', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  it('follows independently computed paths on x²/20 + y² to 1e-6', async () => {
    const page = await application.open('race');
    await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 4);
    const { paths } = await stateOf<State>(page);
    for (const [id, points] of Object.entries(expected)) {
      const path = paths.find((each) => each.id === id)!;
      for (const [step, [x, y]] of Object.entries(points)) {
        expect(Math.abs(path.points[Number(step)][0] - x)).toBeLessThan(1e-6);
        expect(Math.abs(path.points[Number(step)][1] - y)).toBeLessThan(1e-6);
      }
    }
  });

  it('reaches another minimum from another start', async () => {
    const page = await application.open('race?surface=himmelblau&runners=adam&steps=200&x=3&y=3');
    const end = async (): Promise<readonly [number, number]> => {
      await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 1);
      return (await stateOf<State>(page)).paths[0].points.at(-1)!;
    };
    const first = await end();
    expect(Math.hypot(first[0] - 3, first[1] - 2)).toBeLessThan(0.1);
    await page.getByTestId('x').fill('-3');
    await page.getByTestId('x').press('Enter');
    await page.waitForFunction(
      () => ((window.__ag.state() as unknown as State).paths[0]?.points[0]?.[0] ?? 0) === -3,
    );
    const second = await end();
    expect(Math.hypot(second[0] + 2.805118, second[1] - 3.131312)).toBeLessThan(0.1);
  });

  it('says of a formula of one’s own nothing that holds of another', async () => {
    const page = await application.open('race?surface=rosenbrock&runners=adam');
    const relief = page.getByTestId('relief');
    await relief.locator('svg').waitFor();
    expect(await relief.textContent()).toContain('log₁₀(f + 0.001)');
    expect(await page.getByTestId('map').locator('.ag-minimum').count()).toBe(1);
    await page.getByTestId('expression').fill('(x - 3)² + y²');
    await page.getByTestId('expression').press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.ag-minimum').length === 0);
    expect(await page.getByTestId('surface').locator('option:checked').textContent()).toBe(
      'Your own formula',
    );
    expect(await relief.textContent()).not.toContain('log');
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

  it('writes numbers of a few digits, however far a racer went', async () => {
    const page = await application.open('race?runners=sgd&rate.sgd=7&steps=40');
    await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 1);
    const { paths } = await stateOf<State>(page);
    expect(Math.abs(paths[0].points.at(-1)![1])).toBeGreaterThan(1e17);
    await page.getByTestId('results').waitFor();
    expect(/[\d.]{9,}/.exec((await page.getByTestId('results').textContent())!)).toBeNull();
    await page.close();
  });

  it('moves the start by dragging on the map, and explains a wrong formula', async () => {
    const page = await application.open('race');
    await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 4);
    const box = (await page.getByTestId('map').locator('.ag-contours').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.4);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height * 0.3);
    await page.mouse.up();
    // The map shows x from −10 to 10 and y from −5 to 5.
    const { start } = await stateOf<State>(page);
    expect(start[0]).toBeCloseTo(5, 0);
    expect(start[1]).toBeCloseTo(2, 0);
    await page.getByTestId('expression').fill('x + q');
    await page.getByTestId('expression').press('Enter');
    await page.getByTestId('problem').waitFor();
    expect(await page.getByTestId('problem').textContent()).toContain("'q'");
    expect(application.errors()).toEqual([]);
  });
});

describe.skipIf(chromiumPath === undefined)('optimizer race under a finger', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication({ viewport: { width: 390, height: 600 }, touch: true });
  });
  afterAll(async () => {
    await application?.close();
  });

  it('moves the page where the map is swiped, the start where it is tapped or its handle dragged', async () => {
    const page = await application.open('race?runners=adam');
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
