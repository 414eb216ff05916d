/** `agrad data preview`: samples as images, points in the plane, or the columns of a table. */
import type { MemoryDataset, SourceOptions } from '@ag/datasets';
import { eventVersion, writeAtomically } from '@ag/train';
import type { PreviewOptions } from '../commands/data.ts';
import { drawColumns } from '../drawing/columns.ts';
import { type Curve, drawCurves } from '../drawing/curves.ts';
import { drawImages, type SmallImage } from '../drawing/images.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { pageText } from '../text.ts';
import { findSet } from './sets.ts';

/** Runs the command; answers the exit code. */
export async function previewData(options: PreviewOptions, terminal: Terminal): Promise<number> {
  const { positional, out, split, count, seed } = options;
  const set = findSet(positional[0]);
  if (out !== undefined && !/\.(svg|png)$/i.test(out)) {
    throw new Failure('usage', `--out ${out}: expected a file that ends in .svg or .png`);
  }
  const source = options.dataDir === undefined ? {} : { dataDir: options.dataDir };
  const data = await load(set.name, split, seed ?? 0, source);
  const picture = pictureOf(data);
  if (out !== undefined && /\.png$/i.test(out) && picture.kind !== 'images') {
    throw new Failure(
      'usage',
      `--out ${out}: only images can be a PNG file, ${set.name} has none`,
      'Name an .svg file.',
    );
  }
  // Of tables all rows are looked at; the count says how many are written out.
  const most =
    picture.kind === 'table' ? data.length : (count ?? (picture.kind === 'images' ? 15 : data.length));
  const shown = await chosen(data, most, seed);

  terminal.print(
    `${terminal.out.bold(set.name)}, ${split}: ${data.length} examples of ${shapeOf(data)}, ${targetOf(data)}`,
  );
  if (out === undefined) {
    terminal.print('');
    terminal.print(...picture.draw(shown, count, terminal));
  } else {
    await writeAtomically(
      out,
      /\.png$/i.test(out) ? await montage(imagesOf(shown)) : pageText(await picture.svg(shown, set.name)),
    );
    terminal.note(`written to ${out}`);
  }
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'data preview',
    name: set.name,
    split,
    examples: data.length,
    shape: data.columns.x.shape,
    classes: data.classes ?? null,
    shown: shown.length,
    ...(out !== undefined && { path: out }),
  });
  return exitCodes.done;
}

/** A way of looking at examples. */
interface Picture {
  readonly kind: 'images' | 'points' | 'table';
  readonly draw: (data: MemoryDataset, count: number | undefined, terminal: Terminal) => readonly string[];
  readonly svg: (data: MemoryDataset, title: string) => Promise<string>;
}

function pictureOf(data: MemoryDataset): Picture {
  if (data.columns.x.shape.length === 3) {
    return {
      kind: 'images',
      draw: (data, _, { out, outColumns, trueColor }) =>
        drawImages(imagesOf(data), { width: outColumns - 1, colors: out, trueColor }),
      svg: imagesAsSvg,
    };
  }
  if (data.features <= 2) {
    return {
      kind: 'points',
      draw: (data, _, { out, outColumns }) => {
        const width = Math.min(72, outColumns - 1);
        const [xLabel = 'x', title = data.info.targetName ?? 'y'] = data.featureNames ?? [];
        return drawCurves(groupsOf(data), {
          width,
          height: Math.round(width / 3),
          colors: out,
          xLabel,
          title,
          dots: true,
        });
      },
      svg: pointsAsSvg,
    };
  }
  return {
    kind: 'table',
    draw: (data, count, { outColumns }) =>
      drawColumns(columnsOf(data), count ?? Math.min(4, Math.max(1, Math.floor((outColumns - 56) / 8)))),
    svg: tableAsSvg,
  };
}

async function load(
  name: string,
  split: 'train' | 'test',
  seed: number,
  source: SourceOptions,
): Promise<MemoryDataset> {
  const sets = await import('@ag/datasets');
  switch (name) {
    case 'mnist':
      return sets.mnist({ ...source, split });
    case 'fashion-mnist':
      return sets.fashionMnist({ ...source, split });
    case 'boston':
      return sets.bostonHousing(source);
    case 'digits':
      return sets.digits({ count: 500, seed, ...(split === 'test' && { split }) });
    case 'iris':
      return sets.iris();
    case 'xor':
      return sets.xor();
    case 'spirals':
      return sets.spirals({ seed });
    case 'moons':
      return sets.moons({ seed });
    case 'circles':
      return sets.circles({ seed });
    case 'blobs':
      return sets.blobs({ seed });
    default:
      return sets.linearRegression({ seed });
  }
}

/** The first examples, or some drawn by a seed. */
async function chosen(data: MemoryDataset, count: number, seed: number | undefined): Promise<MemoryDataset> {
  const { randomSplit, subset } = await import('@ag/datasets');
  const most = Math.min(count, data.length);
  if (most === data.length) return data;
  if (seed === undefined)
    return subset(
      data,
      Int32Array.from({ length: most }, (_, i) => i),
    );
  return randomSplit(data, [most, data.length - most], { seed })[0];
}

function shapeOf({ columns, features }: MemoryDataset): string {
  const { shape } = columns.x;
  if (shape.length < 2) return `${features} number${features === 1 ? '' : 's'}`;
  const [channels, ...size] = shape;
  return `${size.join('×')} pixels${channels === 1 ? '' : ` in ${channels} colors`}`;
}

function targetOf({ classes, info }: MemoryDataset): string {
  return classes ? `${classes.length} classes` : `to predict ${info.targetName ?? 'a number'}`;
}

/** What an example is, as text: its class, or its value. */
function labelOf(data: MemoryDataset, i: number): string {
  const value = data.columns.y.data[i];
  return data.classes?.[value] ?? String(value);
}

function imagesOf(data: MemoryDataset): SmallImage[] {
  const [channels = 1, height = 1, width = 1] = data.columns.x.shape;
  const { data: values, scale = 1 } = data.columns.x;
  return Array.from({ length: data.length }, (_, i) => ({
    width,
    height,
    channels: channels === 3 ? 3 : 1,
    data: Array.from(
      values.subarray(i * data.features, (i + 1) * data.features),
      (value) => value * scale * 255,
    ),
    caption: labelOf(data, i),
  }));
}

/** Points by class; a single input is drawn against what is to be predicted. */
function groupsOf(data: MemoryDataset): Curve[] {
  const { x, y } = data.columns;
  const names = [...new Set(Array.from({ length: data.length }, (_, i) => labelOf(data, i)))].sort();
  const single = data.features === 1;
  const groups = single ? ['examples'] : names;
  return groups.map((name) => {
    const members = Array.from({ length: data.length }, (_, i) => i).filter(
      (i) => single || labelOf(data, i) === name,
    );
    return {
      name,
      x: members.map((i) => x.data[i * data.features]),
      y: members.map((i) => (single ? y.data[i] : x.data[i * data.features + 1])),
    };
  });
}

function columnsOf(data: MemoryDataset): { name: string; values: Float64Array }[] {
  const { x, y } = data.columns;
  const input = Array.from({ length: data.features }, (_, column) => ({
    name: data.featureNames?.[column] ?? `x${column + 1}`,
    values: Float64Array.from({ length: data.length }, (_, i) => x.data[i * data.features + column]),
  }));
  const name = data.info.targetName ?? (data.classes ? 'class' : 'y');
  return [...input, { name, values: Float64Array.from({ length: data.length }, (_, i) => y.data[i]) }];
}

async function imagesAsSvg(data: MemoryDataset, title: string): Promise<string> {
  const { imageGrid } = await import('@ag/viz');
  const images = imagesOf(data).map((image) => ({
    ...image,
    pixels: interleaved(image),
  }));
  return imageGrid(images, { title, range: [0, 255] });
}

async function pointsAsSvg(data: MemoryDataset, title: string): Promise<string> {
  const { decisionBoundary } = await import('@ag/viz');
  const groups = groupsOf(data);
  const points = groups.flatMap(({ x, y }, target) => x.map((value, i) => ({ x: value, y: y[i], target })));
  const [xLabel = 'x', yLabel = data.info.targetName ?? 'y'] = data.featureNames ?? [];
  const range = (values: readonly number[]): readonly [number, number] => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = (high - low || 1) * 0.05;
    return [low - margin, high + margin];
  };
  // The points alone: where there is no prediction nothing is painted.
  const grid = {
    x: range(points.map((point) => point.x)),
    y: range(points.map((point) => point.y)),
    columns: 2,
    rows: 2,
    values: new Array<number>(4).fill(Number.NaN),
  };
  const labels = groups.map(({ name }) => name);
  return decisionBoundary(grid, points, {
    kind: 'class',
    title,
    labels,
    xLabel,
    yLabel,
    description: `${points.length} points.`,
  });
}

async function tableAsSvg(data: MemoryDataset, title: string): Promise<string> {
  const { parallelCoordinates } = await import('@ag/viz');
  const columns = columnsOf(data);
  const rows = Array.from({ length: data.length }, (_, i) =>
    Object.fromEntries(columns.map(({ name, values }) => [name, values[i]])),
  );
  return parallelCoordinates(rows, { title, colorBy: columns.at(-1)!.name });
}

/** All images in one PNG file, in rows, each pixel as it is. */
async function montage(images: readonly SmallImage[]): Promise<Uint8Array> {
  const { PNG } = await import('pngjs');
  const { width, height, channels } = images[0];
  const inRow = Math.ceil(Math.sqrt(images.length));
  const size = {
    width: inRow * (width + 1) - 1,
    height: Math.ceil(images.length / inRow) * (height + 1) - 1,
  };
  const data = new Uint8Array(size.width * size.height * channels).fill(128);
  images.forEach((image, i) => {
    const pixels = interleaved(image);
    const [left, top] = [(i % inRow) * (width + 1), Math.floor(i / inRow) * (height + 1)];
    for (let row = 0; row < height; row++) {
      const from = row * width * channels;
      const at = ((top + row) * size.width + left) * channels;
      data.set(pixels.subarray(from, from + width * channels), at);
    }
  });
  const colorType = channels === 3 ? 2 : 0;
  const picture = new PNG({ ...size, colorType, inputColorType: colorType, inputHasAlpha: false });
  picture.data = Buffer.from(data.buffer);
  return PNG.sync.write(picture, { colorType, inputColorType: colorType, inputHasAlpha: false });
}

/** The channels of each pixel side by side. */
function interleaved({ width, height, channels, data }: SmallImage): Uint8Array {
  const size = width * height;
  return Uint8Array.from({ length: size * channels }, (_, i) =>
    Math.round(Math.min(255, Math.max(0, data[(i % channels) * size + Math.floor(i / channels)]))),
  );
}
