/**
 * Small images in the terminal: two pixels to a character, one above the other. Without colors a character is as
 * dark as the pixels it stands for.
 */
import { type Colors, ownColors } from '../text.ts';

/** An image, channel after channel, each by rows from the top left: values 0 … 255. */
export interface SmallImage {
  readonly width: number;
  readonly height: number;
  /** Gray, or red, green and blue. */
  readonly channels: 1 | 3;
  readonly data: ArrayLike<number>;
  readonly caption: string;
}

/** How images are drawn. */
export interface ImagesOptions {
  /** Characters of a line. */
  readonly width: number;
  readonly colors: Colors;
  /** Whether the terminal shows any color, not only the usual 256. */
  readonly trueColor: boolean;
}

/** Images in a row are made smaller until this many fit. */
const leastInRow = 5;
/** From dark to light. */
const shades = ' .:-=+*#%@';
/** What separates images. */
const gap = 2;

type Color = readonly [red: number, green: number, blue: number];

/** Lines with the images in rows, each row with its captions under it. All images have the size of the first. */
export function drawImages(images: readonly SmallImage[], options: ImagesOptions): string[] {
  const [first] = images;
  if (!first) return [];
  const room = Math.floor((options.width + gap) / Math.min(leastInRow, images.length)) - gap;
  const factor = Math.max(1, Math.ceil(first.width / Math.max(4, room)));
  const size = { width: Math.ceil(first.width / factor), height: Math.ceil(first.height / factor) };
  const inRow = Math.max(1, Math.floor((options.width + gap) / (size.width + gap)));
  const lines: string[] = [];
  for (let from = 0; from < images.length; from += inRow) {
    const row = images.slice(from, from + inRow);
    const drawn = row.map((image) => drawOne(image, factor, size, options));
    for (let i = 0; i < drawn[0].length; i++) {
      lines.push(
        drawn
          .map((one) => one[i])
          .join(' '.repeat(gap))
          .trimEnd(),
      );
    }
    const captions = row.map(({ caption }) => caption.slice(0, size.width).padEnd(size.width));
    lines.push(captions.join(' '.repeat(gap)).trimEnd(), '');
  }
  return lines.slice(0, -1);
}

function drawOne(
  image: SmallImage,
  factor: number,
  { width, height }: { width: number; height: number },
  { colors, trueColor }: ImagesOptions,
): string[] {
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) => {
    let line = '';
    let before = '';
    for (let x = 0; x < width; x++) {
      const upper = pixel(image, x, 2 * row, factor);
      const lower = 2 * row + 1 < height ? pixel(image, x, 2 * row + 1, factor) : upper;
      if (colors.isColorSupported) {
        const change = ownColors(`\u001b[38;${code(upper, trueColor)};48;${code(lower, trueColor)}m`);
        line += `${change === before ? '' : change}▀`;
        before = change;
      } else {
        const light = (brightness(upper) + brightness(lower)) / 2;
        line += shades[Math.min(shades.length - 1, Math.floor((light / 256) * shades.length))];
      }
    }
    return colors.isColorSupported ? `${line}${ownColors('\u001b[0m')}` : line;
  });
}

/** The mean color of a square of pixels. */
function pixel({ width, height, channels, data }: SmallImage, x: number, y: number, factor: number): Color {
  const [right, bottom] = [Math.min(width, (x + 1) * factor), Math.min(height, (y + 1) * factor)];
  const mean = (channel: number): number => {
    let sum = 0;
    let count = 0;
    for (let row = y * factor; row < bottom; row++) {
      for (let column = x * factor; column < right; column++) {
        sum += data[(channel * height + row) * width + column];
        count++;
      }
    }
    return Math.round(Math.min(255, Math.max(0, sum / count || 0)));
  };
  const gray = mean(0);
  return channels === 1 ? [gray, gray, gray] : [gray, mean(1), mean(2)];
}

/** ITU-R BT.601. */
function brightness([red, green, blue]: Color): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** A color as terminals are told it: any, or the nearest of xterm's 24 grays or of its cube of 6 × 6 × 6. */
function code([red, green, blue]: Color, trueColor: boolean): string {
  if (trueColor) return `2;${red};${green};${blue}`;
  if (red === green && green === blue) {
    // Grays 232 … 255 are 8, 18, … 238; black and white are in the cube.
    if (red < 4) return '5;16';
    return red > 246 ? '5;231' : `5;${232 + Math.min(23, Math.max(0, Math.round((red - 8) / 10)))}`;
  }
  // The steps of the cube are 0, 95, 135, 175, 215, 255.
  const step = (value: number): number => (value < 48 ? 0 : value < 115 ? 1 : Math.round((value - 55) / 40));
  return `5;${16 + 36 * step(red) + 6 * step(green) + step(blue)}`;
}
