/**
 * A grid of dots drawn in braille characters: eight dots to a character, each in one color. Without colors several
 * things could not be told apart, so each dot is then a character of its own: a letter.
 */
import type { Colors } from '../terminal.ts';

/** Names of colors by thing, used again after the last. */
const palette = ['cyan', 'yellow', 'magenta', 'green', 'red', 'blue'] as const;
const letters = 'abcdefghijklmnopqrstuvwxyz';

/** A text in the color of a thing. */
export function paint(text: string, thing: number, colors: Colors): string {
  return colors[palette[thing % palette.length]](text);
}

/** How a key shows a thing. */
export function keyOf(thing: number, alone: boolean, colors: Colors): string {
  return colors.isColorSupported || alone ? paint('━━', thing, colors) : letters[thing % letters.length];
}

/** Dots in a rectangle of characters. */
export interface Canvas {
  /** Size in dots. */
  readonly width: number;
  readonly height: number;
  /** Sets a dot of a thing; x from the left, y from the top. Dots outside are left out. */
  dot(x: number, y: number, thing: number): void;
  line(x0: number, y0: number, x1: number, y1: number, thing: number): void;
  /** A line of text for each row. */
  rows(): string[];
}

/** The bits of a character of braille (Unicode block U+2800): by row, then by column. */
const bits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/**
 * @param columns and rows: size in characters
 * @param alone whether only one thing will be drawn, which needs no telling apart
 */
export function createCanvas(columns: number, rows: number, colors: Colors, alone = false): Canvas {
  const braille = colors.isColorSupported || alone;
  const [across, down] = braille ? [2, 4] : [1, 1];
  const width = columns * across;
  const height = rows * down;
  const marks = new Uint8Array(columns * rows);
  const things = new Int16Array(columns * rows).fill(-1);

  const dot = (x: number, y: number, thing: number): void => {
    if (!(x >= 0 && x < width && y >= 0 && y < height)) return;
    const at = Math.floor(y / down) * columns + Math.floor(x / across);
    marks[at] |= bits[y % down][x % across];
    things[at] = thing;
  };
  return {
    width,
    height,
    dot,
    line(x0, y0, x1, y1, thing) {
      const steps = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
      for (let i = 0; i <= steps; i++) {
        dot(Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps), thing);
      }
    },
    rows: () =>
      Array.from({ length: rows }, (_, row) => {
        let text = '';
        for (let from = row * columns, end = from + columns; from < end; ) {
          const thing = things[from];
          let to = from + 1;
          while (to < end && things[to] === thing) to++;
          const part = Array.from(marks.subarray(from, to), (mark) =>
            braille
              ? mark === 0
                ? ' '
                : String.fromCharCode(0x2800 + mark)
              : letters[thing % letters.length],
          );
          text += thing < 0 ? ' '.repeat(to - from) : paint(part.join(''), thing, colors);
          from = to;
        }
        return text;
      }),
  };
}
