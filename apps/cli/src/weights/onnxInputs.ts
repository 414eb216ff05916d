/** Pictures, rows of numbers and NumPy arrays as what an ONNX file takes, by the shapes that it says. */
import { existsSync } from 'node:fs';
import { decodeImage, decodeText, parseCsv } from '@ag/datasets';
import { loadNpy } from '@ag/nn';
import type { OnnxValue } from '@ag/onnx';
import { type DType, type Tensor, tensor } from '@ag/tensor';
import { Failure } from '../failure.ts';
import { bytesOf, reading } from '../files/modelFile.ts';
import { describeValue } from '../inspection/onnxReport.ts';
import { type ImageDataLike, resizeImage } from './resizeImage.ts';

/** What pixels become: 0 … 1, −1 … 1, 0 … 255, or standardized by the channels of ImageNet. */
export type PixelRange = 'unit' | 'signed' | 'bytes' | 'imagenet';

/** Some examples of one file. */
export interface Batch {
  readonly names: readonly string[];
  readonly x: Tensor;
}

/** Mean and standard deviation of the colors of ImageNet, as torchvision's models take them. */
const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** @throws Failure `data` for a file that does not fit the input, `usage` for one that is of no such kind */
export async function readBatch(path: string, input: OnnxValue, range: PixelRange): Promise<Batch> {
  if (!existsSync(path)) throw new Failure('data', `${path}: there is no such file`);
  if (/\.npy$/i.test(path)) return readArray(path, input);
  if (/\.(png|jpe?g)$/i.test(path)) return readPicture(path, input, range);
  if (/\.(csv|tsv|txt)(\.gz)?$/i.test(path)) return readRows(path, input);
  throw new Failure('usage', `${path}: expected a .png, .jpg, .csv or .npy file`);
}

/** An array of one input. */
export async function readArray(path: string, input: OnnxValue): Promise<Batch> {
  const array = await reading(path, () => loadNpy(bytesOf(path), path));
  const { shape } = input;
  // One example without the axis of the batch.
  const x = shape && array.shape.length === shape.length - 1 ? array.reshape([1, ...array.shape]) : array;
  const count = x.shape[0] ?? 1;
  return {
    names: count === 1 ? [path] : Array.from({ length: count }, (_, i) => `${path} row ${i + 1}`),
    x: x.cast(dtypeOf(input)),
  };
}

/** The dtype of tensors that an input takes. */
function dtypeOf({ type }: OnnxValue): DType {
  if (type === 'float64' || type === 'uint8' || type === 'bool' || type === 'uint32') return type;
  return type?.startsWith('int') ? 'int32' : 'float32';
}

async function readPicture(path: string, input: OnnxValue, range: PixelRange): Promise<Batch> {
  const { shape } = input;
  if (shape?.length !== 4)
    throw new Failure(
      'data',
      `${path}: the network takes ${describeValue(input)}, no pictures`,
      'Give it rows of a CSV file, or an array (.npy).',
    );
  const lastIsColor = (shape[3] === 3 || shape[3] === 1) && shape[1] !== 3 && shape[1] !== 1;
  const [channels, height, width] = lastIsColor
    ? [shape[3], shape[1], shape[2]]
    : [shape[1], shape[2], shape[3]];
  const picture = await decodeImage(bytesOf(path), path);
  const size = (wanted: number | string | null, own: number): number =>
    typeof wanted === 'number' ? wanted : own;
  const fitted = resizeImage(picture, size(width, picture.width), size(height, picture.height));
  const colors = channels === 1 ? 1 : 3;
  if (typeof channels === 'number' && channels !== colors)
    throw new Failure('data', `${path}: the network takes ${channels} channels, a picture has 1 or 3`);
  const values = pixelsOf(fitted, colors, range, lastIsColor);
  const area = [fitted.height, fitted.width];
  return {
    names: [path],
    x: tensor(values, {
      shape: lastIsColor ? [1, ...area, colors] : [1, colors, ...area],
      dtype: 'float32',
    }).cast(dtypeOf(input)),
  };
}

/** Pixels on black, gray by the luma of ITU-R BT.601. */
function pixelsOf(
  { width, height, data }: ImageDataLike,
  colors: 1 | 3,
  range: PixelRange,
  lastIsColor: boolean,
): Float32Array {
  const area = width * height;
  const values = new Float32Array(colors * area);
  for (let i = 0; i < area; i++) {
    const opacity = data[4 * i + 3] / 255;
    const [r, g, b] = [0, 1, 2].map((c) => data[4 * i + c] * opacity);
    const own = colors === 1 ? [0.299 * r + 0.587 * g + 0.114 * b] : [r, g, b];
    own.forEach((byte, c) => {
      const unit = byte / 255;
      const value =
        range === 'bytes'
          ? byte
          : range === 'signed'
            ? 2 * unit - 1
            : range === 'imagenet'
              ? (unit - imageNet.mean[c]) / imageNet.std[c]
              : unit;
      values[lastIsColor ? i * colors + c : c * area + i] = value;
    });
  }
  return values;
}

async function readRows(path: string, input: OnnxValue): Promise<Batch> {
  const sizes = input.shape?.slice(1);
  if (!sizes?.every((size): size is number => typeof size === 'number')) {
    throw new Failure(
      'data',
      `${path}: the network takes ${describeValue(input)}, whose rows have no fixed length`,
      'Give it an array (.npy).',
    );
  }
  const features = sizes.reduce((product, size) => product * size, 1);
  const text = await decodeText(bytesOf(path), { file: path });
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? '\t' : ',';
  const first = text.slice(0, text.search(/[\r\n]|$/)).split(delimiter);
  const header = first.some((field) => Number.isNaN(Number(field.replaceAll('"', ''))));
  const { rows } = await parseCsv(text, { file: path, delimiter, header });
  if (rows.length === 0) throw new Failure('data', `${path}: there are no rows`);
  const values = rows.flatMap((row, i) => {
    if (row.length !== features)
      throw new Failure(
        'data',
        `${path}: row ${i + 1} has ${row.length} numbers, the network takes ${features}: ${describeValue(input)}`,
      );
    return row.map((field, column) => {
      const value = field.trim() === '' ? Number.NaN : Number(field);
      if (Number.isFinite(value)) return value;
      throw new Failure(
        'data',
        `${path}: row ${i + 1}, column ${column + 1}: expected a number, got ${JSON.stringify(field)}`,
      );
    });
  });
  return {
    names: rows.map((_, i) => `${path} row ${i + 1}`),
    x: tensor(Float32Array.from(values), { shape: [rows.length, ...sizes] }).cast(dtypeOf(input)),
  };
}
