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

describe.skipIf(chromiumPath === undefined)('optimiser race', () => {
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
        expect(Math.abs(path.points[Number(step)]![0] - x)).toBeLessThan(1e-6);
        expect(Math.abs(path.points[Number(step)]![1] - y)).toBeLessThan(1e-6);
      }
    }
  });

  it('reaches another minimum from another start', async () => {
    const page = await application.open('race?surface=himmelblau&runners=adam&steps=200&x=3&y=3');
    const end = async (): Promise<readonly [number, number]> => {
      await page.waitForFunction(() => (window.__ag.state() as { paths?: unknown[] }).paths?.length === 1);
      return (await stateOf<State>(page)).paths[0]!.points.at(-1)!;
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
