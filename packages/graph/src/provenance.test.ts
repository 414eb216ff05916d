/** Watching modules at work: several tools at once, each with an end of its own. */
import { linear, sequential } from '@ag/nn';
import { ones } from '@ag/tensor';
import { expect, it } from 'vitest';
import { captureCreation, creationOf, startCapture } from './index.ts';

const own = (model: object): string[] =>
  Object.getOwnPropertyNames(model).filter((name) => name === 'forward');

it('tools that overlap know the same, and leave nothing behind in whichever order they end', () => {
  for (const firstEndsFirst of [true, false]) {
    const model = sequential(linear(2, 2), linear(2, 1));
    const other = sequential(linear(2, 1));
    const ends = [startCapture({ model, sites: false }), startCapture({ model: other })];
    ends.push(startCapture({ model, sites: false }));
    const y = model.forward(ones([1, 2]));
    expect(creationOf(y)?.module).toBe('1');
    expect(creationOf(y)?.site).toMatch(/provenance.test/);
    for (const end of firstEndsFirst ? ends : ends.reverse()) {
      expect(creationOf(model.forward(ones([1, 2])))?.module).toMatch(/1|null/);
      end();
    }
    expect([...model.layers, ...other.layers].flatMap(own)).toEqual([]);
    expect(creationOf(model.forward(ones([1, 2])))).toBeNull();
  }
});

it('a function that throws ends the capture', () => {
  const model = sequential(linear(2, 1));
  const capture = (): unknown =>
    captureCreation(
      () => {
        model.forward(ones([1, 2]));
        throw new Error('broken');
      },
      { model },
    );
  expect(capture).toThrow('broken');
  expect(model.layers.flatMap(own)).toEqual([]);
  expect(creationOf(ones([1]).add(1))).toBeNull();
});
