/**
 * What the viewer's worker answers with.
 *
 * A file as plain data, pictures of tensors, two files beside each other.
 */
import { binsOf, distanceOf, pairTensors, type Statistics, type StoredTensor, statisticsOf } from '@ag/nn';
import type { OnnxNode, OnnxValue } from '@ag/onnx';
import { type GridImage, heatmap, histogram, imageGrid, lineChart, type Theme } from '@ag/viz';
import type { OpenedFile } from './files.ts';

export interface TensorRow {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly bytes: number;
}

export interface FileSummary {
  readonly name: string;
  readonly format: string;
  readonly bytes: number;
  /** Elements of all tensors; of a checkpoint those of the model. */
  readonly parameters: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly TensorRow[];
  readonly network: {
    readonly inputs: readonly OnnxValue[];
    readonly outputs: readonly OnnxValue[];
    readonly nodes: readonly OnnxNode[];
    readonly producer: string;
    readonly opset: number;
  } | null;
}

export function summaryOf(file: OpenedFile): FileSummary {
  const { name, format, bytes, metadata, tensors, onnx } = file;
  const own =
    metadata.format === 'ag-checkpoint' ? tensors.filter((one) => one.name.startsWith('model/')) : tensors;
  return {
    name,
    format,
    bytes,
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, text]) => [key, text.slice(0, 200)])),
    parameters: onnx?.summary.parameters ?? own.reduce((sum, { size }) => sum + size, 0),
    tensors: tensors.map(({ name, dtype, shape, size, bytes }) => ({
      name,
      dtype,
      shape: [...shape],
      size,
      bytes,
    })),
    network: onnx
      ? {
          inputs: onnx.summary.inputs,
          outputs: onnx.summary.outputs,
          nodes: onnx.summary.nodes,
          producer: onnx.summary.producer,
          opset: onnx.summary.opsets[''] ?? 0,
        }
      : null,
  };
}

export interface TensorView {
  readonly name: string;
  readonly statistics: Statistics;
  readonly histogram: { readonly edges: number[]; readonly counts: number[] } | null;
  readonly svg: string | null;
}

/** Statistics and distribution of a tensor, from two passes over its numbers. */
export async function viewOf(tensor: StoredTensor, theme: Theme): Promise<TensorView> {
  const statistics = await statisticsOf(tensor);
  const { min, max } = statistics;
  if (min === null || max === null) return { name: tensor.name, statistics, histogram: null, svg: null };
  const bins = await binsOf(tensor, { min, max });
  const svg = histogram(bins, { theme, background: false, width: 480, height: 220, xLabel: 'value' });
  return { name: tensor.name, statistics, histogram: bins, svg };
}

export interface Difference {
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  readonly reshaped: readonly string[];
  readonly compared: readonly {
    readonly name: string;
    readonly max: number;
    readonly mean: number;
    readonly different: number;
    readonly size: number;
  }[];
}

/** Two files tensor by tensor, the largest difference first. */
export async function differenceOf(first: OpenedFile, second: OpenedFile): Promise<Difference> {
  const { pairs, removed, added } = pairTensors(first.tensors, second.tensors);
  const isReshaped = ({ first, second }: (typeof pairs)[number]) =>
    first.shape.join() !== second.shape.join();
  const compared: Difference['compared'][number][] = [];
  for (const pair of pairs) {
    if (isReshaped(pair)) continue;
    const distance = await distanceOf(pair.first, pair.second);
    compared.push({ name: pair.first.name, size: pair.first.size, ...distance });
  }
  return {
    onlyFirst: removed.map(({ name }) => name),
    onlySecond: added.map(({ name }) => name),
    reshaped: pairs.filter(isReshaped).map(({ first }) => first.name),
    compared: compared.sort((a, b) => b.max - a.max),
  };
}

/** Elements beyond this are not drawn. */
const mostDrawn = 200_000;

/** A picture of a value: images where it has rows and columns, a map, a curve; null for few numbers. */
export function pictureOf(shape: readonly number[], data: Float64Array, theme: Theme): string | null {
  const common = { theme, background: false };
  if (data.length < 2 || data.length > mostDrawn || !data.every(Number.isFinite)) return null;
  const axes = shape.filter((size) => size > 1);
  if (axes.length <= 1)
    return lineChart([{ name: 'value', y: data }], { ...common, width: 520, height: 220 });
  if (axes.length === 2) {
    const [rows, columns] = axes;
    const of = (i: number): Float64Array => data.subarray(i * columns, (i + 1) * columns);
    return heatmap(
      Array.from({ length: rows }, (_, i) => of(i)),
      { ...common, width: 520 },
    );
  }
  const [height, width] = shape.slice(-2);
  const each = height * width;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const x of data) [low, high] = [Math.min(low, x), Math.max(high, x)];
  const images = Array.from(
    { length: Math.min(32, data.length / each) },
    (_, i): GridImage => ({
      pixels: data.subarray(i * each, (i + 1) * each),
      width,
      height,
      caption: String(i),
    }),
  );
  return imageGrid(images, { ...common, width: 520, range: high > low ? [low, high] : [low, low + 1] });
}
