/** The parts of the full-screen view that need no terminal: what it draws, and what keys do to a run. */
import { reduceOnPlateau } from '@ag/optim';
import type { CallbackContext, StepEvent } from '@ag/train';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { createControls } from './controls.ts';
import { createFrame } from './frame.ts';

const colors = pc.createColors(false);
const around = { columns: 100, rows: 30, colors, paused: false, rateFactor: 1, pausedSeconds: 0, note: '' };
const step = (number: number, seconds: number, more: Partial<StepEvent> = {}): StepEvent => ({
  v: 1,
  type: 'step',
  step: number,
  epoch: 1,
  batch: number,
  batches: 100,
  loss: 1 / number,
  metrics: { accuracy: 1 - 1 / number },
  learningRate: 0.01,
  seconds,
  ...more,
});
const start = {
  v: 1,
  type: 'start',
  epochs: 2,
  batches: 100,
  parameters: 12_345,
  step: 0,
  epoch: 0,
  metrics: ['accuracy'],
  backend: 'wasm',
  seconds: 0,
} as const;

describe('the picture', () => {
  it('says how far a run is, how fast it goes and how long it will take', () => {
    const frame = createFrame('digits', 2);
    frame.hear(start);
    for (let i = 1; i <= 50; i++) frame.hear(step(i, i / 10));
    frame.hear({
      v: 1,
      type: 'validation',
      epoch: 1,
      step: 50,
      loss: 0.5,
      metrics: { accuracy: 0.75 },
      seconds: 5,
    });
    const lines = frame.draw(around);
    expect(lines).toHaveLength(30);
    expect(lines[0]).toBe('digits  epoch 1/2  step 50  12,345 parameters, wasm');
    // A quarter of 200 steps; ten in a second, so 15 seconds for the other 150.
    expect(lines[1]).toMatch(/^█{15}░{45} 25 % {2}5\.0 s elapsed, 15 s left$/);
    expect(lines[2]).toBe(
      'loss 0.02  accuracy 98.00 %  test loss 0.5  accuracy 75.00 %  rate 0.01  10 steps/s',
    );
    expect(lines.at(-1)).toBe('p pause  s step  r halve the rate  c checkpoint  q quit');
  });

  it('leaves pauses out of what is gone and of the speed', () => {
    const frame = createFrame('digits', 2);
    frame.hear(start);
    for (let i = 1; i <= 10; i++) frame.hear(step(i, i));
    frame.hear(step(11, 1011));
    const [, before] = frame.draw({ ...around, pausedSeconds: 1000, paused: true });
    expect(before).toMatch(/ 5 % {2}11 s elapsed$/);
    frame.hear(step(12, 1012));
    expect(frame.draw({ ...around, pausedSeconds: 1000 })[1]).toMatch(/12 s elapsed, 3:08 left$/);
  });

  it('shows the course of gradients, a warning, and that a run is paused', () => {
    const frame = createFrame('digits', 2);
    frame.hear(start);
    for (const [i, norm] of [1, 0.1, 0.01, 0].entries()) {
      frame.hear(step(i + 1, i, { gradientNorms: { '0.weight': norm } }));
    }
    frame.hear({ v: 1, type: 'warning', code: 'x', message: 'look here', step: 4, seconds: 4 });
    const text = frame.draw({ ...around, paused: true, rateFactor: 0.5 }).join('\n');
    // Two powers of ten from bottom to top: 1, 0.1 and 0.01 are top, middle and bottom; 0 has no logarithm.
    expect(text).toMatch(/0\.weight +0 █▅▁·/);
    expect(text).toContain('warning: look here');
    expect(text).toMatch(/ paused {3}p resume/);
    expect(text).toContain('rate 0.01 (× 0.5)');
  });

  it('fits terminals of any size', () => {
    const frame = createFrame('digits', 2);
    const nothing = frame.draw(around);
    expect(nothing[0]).toBe('digits  preparing');
    frame.hear(start);
    for (let i = 1; i <= 5000; i++)
      frame.hear(step(i, i, { loss: i % 7 === 0 ? Number.NaN : i, gradientNorms: { a: i } }));
    for (const columns of [1, 5, 20, 39, 40, 60, 79, 80, 200, 500]) {
      for (const rows of [0, 1, 2, 5, 11, 12, 13, 20, 24, 60]) {
        const lines = frame.draw({ ...around, columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        // Lines of text end at the border; plots keep to it.
        if (columns >= 40 && rows >= 12) {
          for (const line of lines.slice(3, -2)) expect(line.length).toBeLessThanOrEqual(columns);
        }
      }
    }
  });
});

describe('the controls', () => {
  const context = {
    emit: () => {},
    checkpoint: () => Promise.reject(new Error('not asked for')),
  } as unknown as CallbackContext;
  const stuck = (promise: unknown): Promise<boolean> =>
    Promise.race([
      Promise.resolve(promise).then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 20, true)),
    ]);

  it('pause a run, let it take single steps, and go on', async () => {
    const controls = createControls(new AbortController().signal);
    const callback = controls.callback('nowhere');
    expect(callback.on(step(1, 1), context)).toBeUndefined();
    controls.pause();
    const seen: number[] = [];
    controls.watcher = { paused: (event) => seen.push(event.step), saved: () => {} };
    const second = callback.on(step(2, 2), context);
    expect(await stuck(second)).toBe(true);
    controls.step();
    expect(await stuck(second)).toBe(false);
    const third = callback.on(step(3, 3), context);
    expect(await stuck(third)).toBe(true);
    controls.pause();
    expect(await stuck(third)).toBe(false);
    expect(seen).toEqual([2, 3]);
    expect(callback.on(step(4, 4), context)).toBeUndefined();
  });

  it('end a pause when the run is to end', async () => {
    const controller = new AbortController();
    const controls = createControls(controller.signal);
    controls.step();
    expect(controls.paused).toBe(true);
    const waiting = controls.callback('nowhere').on(step(1, 1), context);
    controller.abort();
    expect(await stuck(waiting)).toBe(false);
  });

  it('halve the rate of any schedule, and remember it in checkpoints', () => {
    const controls = createControls(new AbortController().signal);
    const plateau = reduceOnPlateau(0.8, { patience: 0 });
    const rates = [controls.scale(0.8), controls.scale((at) => 0.8 / (at + 1)), controls.scale(plateau)] as ((
      at: number,
    ) => number)[];
    controls.lowerRate();
    expect(rates.map((rate) => rate(1))).toEqual([0.4, 0.2, 0.4]);
    // A schedule that hears how training goes can still be told.
    (rates[2] as unknown as typeof plateau).report(1);
    (rates[2] as unknown as typeof plateau).report(2);
    expect(rates[2](2)).toBeCloseTo(0.04, 12);
    const later = createControls(new AbortController().signal);
    const state = JSON.parse(JSON.stringify(controls.callback('a').state!()));
    later.callback('a').loadState!(state);
    expect((later.scale(0.8) as (at: number) => number)(0)).toBe(0.4);
  });
});
