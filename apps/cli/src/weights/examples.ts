/** Images and rows of numbers as the inputs of a model that was trained by a recipe without preprocessing. */
import { existsSync, readFileSync } from 'node:fs';
import {
  centerDigit,
  decodeImage,
  decodeText,
  fromImageData,
  type MemoryDataset,
  parseCsv,
} from '@ag/datasets';
import { Failure } from '../failure.ts';

/** Examples from files, as the model's data set would hold them. */
export interface Examples {
  readonly names: readonly string[];
  readonly values: Float32Array;
}

export async function readExamples(path: string, test: MemoryDataset): Promise<Examples> {
  if (!existsSync(path)) throw new Failure('data', `${path}: there is no such file`);
  const bytes = new Uint8Array(readFileSync(path));
  const { shape } = test.columns.x;
  if (/\.(png|jpe?g)$/i.test(path)) return { names: [path], values: await readImage(bytes, path, shape) };
  if (/\.(csv|tsv|txt)(\.gz)?$/i.test(path)) return readRows(bytes, path, test);
  throw new Failure('usage', `${path}: expected a .png, .jpg, .csv or .jsonl file`);
}

async function readImage(bytes: Uint8Array, path: string, shape: readonly number[]): Promise<Float32Array> {
  if (shape.length !== 3) {
    throw new Failure(
      'data',
      `${path}: the model takes ${shape.join('×')} numbers, not images`,
      'Give it the rows of a CSV file.',
    );
  }
  const image = await decodeImage(bytes, path);
  const [channels, height, width] = shape as [number, number, number];
  // A picture of the model's own size is taken as it is, if it is light on dark as the data; others are fitted.
  const own = image.width === width && image.height === height && isLightOnDark(image);
  if (!own && channels === 1 && height === 28 && width === 28)
    return Float32Array.from(await centerDigit(image).data());
  if (image.width !== width || image.height !== height) {
    throw new Failure(
      'data',
      `${path} is ${image.width}×${image.height} pixels, the model takes ${width}×${height}`,
    );
  }
  return Float32Array.from(await fromImageData(image, { channels: channels === 3 ? 3 : 1 }).data());
}

/** Whether the corners are dark. */
function isLightOnDark({
  width,
  height,
  data,
}: {
  width: number;
  height: number;
  data: ArrayLike<number>;
}): boolean {
  const corners = [0, width - 1, (height - 1) * width, width * height - 1];
  return corners.every((at) => data[4 * at] + data[4 * at + 1] + data[4 * at + 2] < 3 * 64);
}

async function readRows(bytes: Uint8Array, path: string, test: MemoryDataset): Promise<Examples> {
  const text = await decodeText(bytes, { file: path });
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? '\t' : ',';
  const first = text.slice(0, text.search(/[\r\n]|$/)).split(delimiter);
  const hasHeader = first.some((field) => Number.isNaN(Number(field.replaceAll('"', ''))));
  const table = await parseCsv(text, { file: path, delimiter, header: hasHeader });
  const names = test.featureNames;
  // A name that differs in capitals alone is found too, an exact one before it.
  const positions = new Map([
    ...table.header.map((name, column) => [name.toLowerCase(), column] as const),
    ...table.header.map((name, column) => [name, column] as const),
  ]);
  // With a header the columns are found by name, without one they stand in the data's order.
  const columns =
    hasHeader && names
      ? names.map((name) => positions.get(name) ?? positions.get(name.toLowerCase()) ?? -1)
      : null;
  const missing = columns?.indexOf(-1) ?? -1;
  if (missing >= 0) {
    throw new Failure(
      'data',
      `${path}: there is no column '${names![missing]}'`,
      `The model needs ${names!.join(', ')}.`,
    );
  }
  const rows = table.rows.map((row, i) => {
    const fields = columns ? columns.map((column) => row[column]) : row;
    if (fields.length !== test.features) {
      throw new Failure(
        'data',
        `${path}: row ${i + 1} has ${fields.length} numbers, the model takes ${test.features}`,
      );
    }
    return fields.map((field, column) => {
      const value = field.trim() === '' ? Number.NaN : Number(field);
      if (Number.isFinite(value)) return value;
      throw new Failure(
        'data',
        `${path}: row ${i + 1}, column ${column + 1}: expected a number, got ${JSON.stringify(field)}`,
      );
    });
  });
  if (rows.length === 0) throw new Failure('data', `${path}: there are no rows`);
  return { names: rows.map((_, i) => `${path} row ${i + 1}`), values: Float32Array.from(rows.flat()) };
}
