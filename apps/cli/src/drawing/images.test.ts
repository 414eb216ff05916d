/** Small images in characters, against pictures made by hand. */
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { terminalText } from '../text.ts';
import { drawColumns } from './columns.ts';
import { drawImages } from './images.ts';

const plain = { colors: pc.createColors(false), trueColor: false };
const colored = { colors: pc.createColors(true), trueColor: true };
/** White above, black below, and a white pixel at the right end of the third row. */
const image = {
  width: 3,
  height: 4,
  channels: 1 as const,
  data: [255, 255, 255, 255, 255, 255, 0, 0, 255, 0, 0, 0],
  caption: 'flag',
};

describe('drawImages', () => {
  it('shades characters where there are no colors: two rows to a line', () => {
    // The third character of the second line stands for 255 and 0: half of ten shades.
    expect(drawImages([image, image], { width: 40, ...plain })).toEqual(['@@@  @@@', '  =    =', 'fla  fla']);
  });

  it('colors the halves of characters, and writes a color once where it stays', () => {
    const [first, second] = drawImages([image], { width: 40, ...colored }).map(terminalText);
    expect(first).toBe('\u001b[38;2;255;255;255;48;2;255;255;255m▀▀▀\u001b[0m');
    expect(second).toBe('\u001b[38;2;0;0;0;48;2;0;0;0m▀▀\u001b[38;2;255;255;255;48;2;0;0;0m▀\u001b[0m');
  });

  it('takes the nearest of 256 colors where a terminal has no others', () => {
    const red = { width: 1, height: 2, channels: 3 as const, data: [255, 128, 0, 128, 0, 128], caption: '' };
    // xterm: the cube is 16 + 36 r + 6 g + b with steps 0, 95, 135, …; gray 128 is the 13th of 24.
    expect(terminalText(drawImages([red], { width: 40, ...colored, trueColor: false })[0])).toBe(
      '\u001b[38;5;196;48;5;244m▀\u001b[0m',
    );
  });

  it('makes images smaller until five fit in a row, and breaks rows', () => {
    const wide = {
      width: 28,
      height: 28,
      channels: 1 as const,
      data: new Array(784).fill(255),
      caption: '1',
    };
    const lines = drawImages(new Array(6).fill(wide), { width: 79, ...plain });
    // 14 × 14 pixels are 7 lines; a caption under each row, an empty line between the two.
    expect(lines).toHaveLength(2 * 8 + 1);
    expect(lines[0]).toBe(new Array(5).fill('@'.repeat(14)).join('  '));
    expect(drawImages([], { width: 79, ...plain })).toEqual([]);
    expect(drawImages([wide], { width: 1, ...plain })[0]).toBe('@@@@');
  });
});

describe('drawColumns', () => {
  it('says range and mean of each column and draws how its values are spread', () => {
    // Twelve parts of 0 … 12: four values in the first, one in the second, two in the last.
    const lines = drawColumns([{ name: 'size', values: [0, 0, 0, 0, 1, 11, 12] }], 2);
    expect(lines[0]).toMatch(/^column +least +mean +most +spread +#1 +#2$/);
    expect(lines[1]).toMatch(/^size +0 +3\.429 +12 +█▂ {9}▄ +0 +0$/);
  });
});
