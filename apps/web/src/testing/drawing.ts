/**
 * Digits as a hand draws them, and the hand that draws them on the board of the digits page. strokes.json holds two of
 * each digit, as the points of their strokes on a board of 280×280, all at least 45 from every edge.
 */
import type { Page } from 'playwright-core';
import strokes from './strokes.json' with { type: 'json' };

type Point = readonly [number, number];

export interface Drawing {
  readonly digit: number;
  readonly strokes: readonly (readonly Point[])[];
}

export const drawings: readonly Drawing[] = strokes.map(({ digit, strokes }) => ({
  digit,
  strokes: strokes.map((stroke) => stroke.split(' ').map((point) => point.split(',').map(Number) as never)),
}));

/** The same drawing elsewhere on the board, larger or smaller; it grows from the board's middle. */
export function placed({ digit, strokes }: Drawing, change: { move?: Point; scale?: number }): Drawing {
  const { move: [right, down] = [0, 0], scale = 1 } = change;
  const at = ([x, y]: Point): Point => [140 + scale * (x - 140) + right, 140 + scale * (y - 140) + down];
  return { digit, strokes: strokes.map((stroke) => stroke.map(at)) };
}

/** What the network makes of a drawing, as `window.__ag.state()` of the digits page tells it. */
export interface Read {
  readonly probabilities: readonly number[];
  readonly image: readonly number[];
  readonly stages: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** The digit that the network thinks most likely. */
export function bestOf({ probabilities }: Read): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** Wipes the board, draws with the mouse, and waits until the whole drawing has been read. */
export async function draw(page: Page, { strokes }: Drawing): Promise<Read> {
  const reading = (): Promise<Read | null> =>
    page.evaluate(() => (window.__ag.state() as { reading?: unknown }).reading as never);
  await page.getByTestId('wipe').click();
  await page.waitForFunction(() => (window.__ag.state() as { reading?: unknown }).reading === null);
  const box = (await page.getByTestId('board').boundingBox())!;
  // The canvas begins inside its border of one pixel.
  const at = ([x, y]: Point) => [box.x + 1 + x, box.y + 1 + y] as const;
  for (const stroke of strokes) {
    await page.mouse.move(...at(stroke[0]));
    await page.mouse.down();
    for (const point of stroke) await page.mouse.move(...at(point));
    await page.mouse.up();
  }
  // Of a drawing that grows faster than it is read, the last answer is for the whole of it.
  await page.waitForFunction(() => {
    const { reading, answering } = window.__ag.state() as { reading?: unknown; answering?: boolean };
    return reading !== null && answering === false;
  });
  return (await reading())!;
}
