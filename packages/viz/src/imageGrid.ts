/** Many small images with captions: samples of a data set, predictions, the weights of a first layer. */

import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame } from './frame.ts';
import { checkOptions } from './options.ts';
import { pngDataUri } from './png.ts';
import { element, type Markup, text } from './svg.ts';
import { fit, label } from './text.ts';

/** One image. */
export interface GridImage {
  /** Samples by rows from the top left: `[height, width]`, or `[height, width, channels]`. */
  pixels: ArrayLike<number>;
  width: number;
  height: number;
  /** 1 gray (default), 3 red-green-blue, 4 with opacity. */
  channels?: 1 | 3 | 4;
  caption?: string;
  /** `wrong` frames the image and its caption with the accent color and a cross, `right` adds a tick. */
  mark?: 'right' | 'wrong';
}

/** Options of `imageGrid`; `height` is what the rows need. */
export interface ImageGridOptions extends Omit<ChartOptions, 'height'> {
  /** Images in a row. Default: as many as fit. */
  columns?: number;
  /** Longer side of an image, in pixels. Default 64. */
  imageSize?: number;
  /** Values of black and white. Default 0 … 255 for bytes, 0 … 1 otherwise. */
  range?: readonly [black: number, white: number];
}

/**
 * Draws images in rows; everything is inside the SVG.
 *
 * @throws RangeError when an image's pixels do not match its size, or `columns` is not a positive integer.
 * @example
 * imageGrid([{ pixels: [0, 1, 1, 0], width: 2, height: 2, caption: 'checks' }])
 */
export function imageGrid(images: readonly GridImage[], options: ImageGridOptions = {}): string {
  checkOptions('imageGrid', options, 'columns imageSize range width title description theme id background');
  const size = options.imageSize ?? 64;
  const captions = images.some((image) => image.caption !== undefined || image.mark !== undefined);
  const cell = { width: size + 12, height: size + (captions ? 26 : 12) };
  const columns = options.columns ?? Math.max(1, Math.floor(((options.width ?? 640) - 16) / cell.width));
  if (!(Number.isInteger(columns) && columns > 0)) {
    throw valueError(`imageGrid: columns is ${columns}, but must be a positive integer`);
  }
  const width = options.columns === undefined ? 640 : Math.max(240, columns * cell.width + 16);
  const rows = Math.ceil(images.length / columns);
  const wrong = images.filter((image) => image.mark === 'wrong').length;
  return chart(options, {
    kind: 'Image grid',
    width,
    height: { content: images.length === 0 ? 80 : rows * cell.height - 8 },
    summary:
      images.length === 0
        ? 'An image grid without images.'
        : `${images.length} images${wrong > 0 ? `, ${wrong} of them marked as wrong` : ''}.`,
    draw: (frame) => {
      if (images.length === 0) return emptyNotice(frame);
      return images.map((image, i) => {
        const x = frame.left + (i % columns) * cell.width;
        const y = frame.top + Math.floor(i / columns) * cell.height;
        return drawImage(frame, image, i, x, y, size, options.range);
      });
    },
  });
}

function drawImage(
  { paint }: Frame,
  image: GridImage,
  index: number,
  x: number,
  y: number,
  size: number,
  range: readonly [number, number] | undefined,
): Markup {
  const scale = size / Math.max(image.width, image.height);
  const width = image.width * scale;
  const height = image.height * scale;
  const left = x + (size - width) / 2;
  const top = y + (size - height) / 2;
  const wrong = image.mark === 'wrong';
  const name = image.caption ?? `image ${index + 1}`;
  const out = [
    element('title', {}, text(wrong ? `${name} (wrong)` : name)),
    element('image', {
      x: left,
      y: top,
      width,
      height,
      href: pngDataUri({
        width: image.width,
        height: image.height,
        channels: image.channels ?? 1,
        data: toBytes(image, index, range),
      }),
      preserveAspectRatio: 'none',
      style: 'image-rendering:pixelated',
    }),
    element('rect', {
      x: left - 0.5,
      y: top - 0.5,
      width: width + 1,
      height: height + 1,
      fill: 'none',
      stroke: paint.role(wrong ? 'accent' : 'grid'),
      'stroke-width': wrong ? 2 : 1,
    }),
  ];
  const sign = image.mark === undefined ? '' : wrong ? '✗ ' : '✓ ';
  const caption = fit(`${sign}${image.caption ?? ''}`, size + 10, 11);
  if (caption !== '') {
    out.push(
      label(caption, x + size / 2, y + size + 10, {
        fill: paint.role(wrong ? 'accent' : 'ink'),
        size: 11,
        anchor: 'middle',
      }),
    );
  }
  return element('g', { class: 'ag-image' }, out);
}

/** Samples as bytes; a value that is not a number becomes black. */
function toBytes(image: GridImage, index: number, range: readonly [number, number] | undefined): Uint8Array {
  const { pixels, width, height, channels = 1 } = image;
  if (pixels.length !== width * height * channels || pixels.length === 0) {
    throw valueError(
      `imageGrid: image ${index} has ${pixels.length} samples, but ${height}×${width}×${channels} needs ${width * height * channels}`,
    );
  }
  const bytes = pixels instanceof Uint8Array || pixels instanceof Uint8ClampedArray;
  const [black, white] = range ?? (bytes ? [0, 255] : [0, 1]);
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < out.length; i++) {
    const share = (pixels[i] - black) / (white - black);
    out[i] = Math.round(Math.min(1, Math.max(0, share)) * 255); // NaN becomes 0
  }
  return out;
}
