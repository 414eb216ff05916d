/** Plots in characters, against pictures drawn by hand. */
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { drawCurves } from './curves.ts';

const plain = pc.createColors(false);
const colored = pc.createColors(true);
const line = { name: 'rising', x: [0, 1], y: [0, 3] };
const other = { name: 'falling', x: [0, 1], y: [3, 0] };

describe('drawCurves', () => {
  it('draws several curves by letters where there are no colors', () => {
    expect(drawCurves([line, other], { width: 7, height: 4, colors: plain, title: 'both' })).toEqual([
      'both',
      'a rising',
      'b falling',
      '  │b  a',
      '2 ┤ ba',
      '  │ ab',
      '0 ┤a  b',
      '  └────',
      '   0  1',
    ]);
  });

  it('draws one curve in dots of braille, eight to a character', () => {
    // Four columns and one row are 8 × 4 dots. The line passes (0,3), (1,3), (2,2), (3,2), (4,1), (5,1), (6,0), (7,0):
    // dots 7 and 8 of the first character are its bottom row (Unicode 16, block 2800), and so on upwards.
    const [row] = drawCurves([line], { width: 7, height: 1, colors: plain });
    expect(row).toBe('2 ┤⣀⠤⠒⠉');
  });

  it('gives each curve a color of its own', () => {
    const [first, second] = drawCurves([line, other], { width: 20, height: 4, colors: colored });
    expect(first).toBe('\u001b[36m━━\u001b[39m rising');
    expect(second).toBe('\u001b[33m━━\u001b[39m falling');
  });

  it('takes a logarithmic axis for values that fall by powers of ten', () => {
    const lines = drawCurves([{ name: 'loss', x: [0, 1, 2], y: [100, 1, 0.01] }], {
      width: 30,
      height: 10,
      colors: plain,
      title: 'loss',
    });
    expect(lines[0]).toBe('loss (logarithmic)');
    expect(lines.filter((text) => text.includes('┤')).map((text) => Number.parseFloat(text))).toEqual([
      100, 10, 1, 0.1, 0.01,
    ]);
  });

  it('breaks where values are not finite, and says when there are none', () => {
    const broken = { name: 'loss', x: [0, 1, 2, 3], y: [1, Number.NaN, Number.POSITIVE_INFINITY, 1] };
    const rows = drawCurves([broken, other], { width: 9, height: 3, colors: plain });
    expect(rows.join('\n').match(/a/g)).toHaveLength(
      2 + 'a loss'.match(/a/g)!.length + 'b falling'.match(/a/g)!.length,
    );
    expect(
      drawCurves([{ name: 'loss', x: [1], y: [Number.NaN] }], { width: 30, height: 5, colors: plain }),
    ).toEqual(['no values yet']);
  });

  it.each([1, 2, 9, 80, 300])('keeps to %i columns and more, whatever the values', (width) => {
    for (const y of [
      [5],
      [0, 0],
      [1e-300, 1e300],
      [-1e9, 1e-9],
      Array.from({ length: 5000 }, (_, i) => Math.sin(i)),
    ]) {
      const lines = drawCurves([{ name: 'x', x: y.map((_, i) => i), y }], {
        width,
        height: 4,
        colors: plain,
        title: 'x',
      });
      expect(lines).toHaveLength(7);
      // Labels and four columns are the least there is.
      if (width >= 40) expect(Math.max(...lines.map((text) => text.length))).toBeLessThanOrEqual(width);
    }
  });
});
