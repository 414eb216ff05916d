/** The viewer's worker: reads files, draws graphs, computes and differentiates; the page only shows. */
import { type GraphViewOptions, graphView, type Theme } from '@ag/viz';
import { expose } from 'comlink';
import { startComputing } from '../../service/worker/computing.ts';
import type { Feed } from './feed.ts';
import { type OpenedFile, openFile } from './files.ts';
import { differenceOf, pictureOf, summaryOf, viewOf } from './inspection.ts';
import { type Computed, graphOf, Network, traceOf } from './network.ts';
import { exampleFile } from './sample.ts';

let file: OpenedFile | null = null;
let network: Network | null = null;
let image: Blob | null = null;
let source: Blob | null = null;

const opened = (): OpenedFile => {
  if (!file) throw new Error('no file is open');
  return file;
};
const running = (): Network => {
  if (!network)
    throw new Error(`${opened().name} holds weights and no network: only an ONNX file can be run`);
  return network;
};

/** The picture that was dropped, as numbers from 0 to 1, channel after channel. */
async function pixels(channels: number, height: number, width: number): Promise<Float32Array> {
  if (!image) throw new Error('no image is chosen');
  const bitmap = await createImageBitmap(image, { resizeWidth: width, resizeHeight: height });
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const area = height * width;
  return Float32Array.from({ length: channels * area }, (_, i) => {
    const at = 4 * (i % area);
    const own =
      channels === 1 ? (data[at] + data[at + 1] + data[at + 2]) / 3 : data[at + Math.floor(i / area)];
    return own / 255;
  });
}

/** A value as the page shows it: at most so many numbers, and a picture. */
const numbersShown = 64;
const shown = ({ shape, dtype, data }: Computed, theme: Theme) => ({
  shape,
  dtype,
  size: data.length,
  numbers: Array.from(data.subarray(0, numbersShown)),
  svg: pictureOf(shape, data, theme),
});
export type ShownValue = ReturnType<typeof shown>;

const service = {
  computing: startComputing,

  async open(blob: Blob | null, name: string) {
    const given = blob ?? (await exampleFile());
    const next = await openFile(given, name);
    file = next;
    source = given;
    network = next.onnx ? new Network(next.onnx.bytes, next.onnx.summary, pixels) : null;
    return summaryOf(next);
  },

  /** The open file as it is, for other pages. */
  source: () => source,

  /** The graph by modules, and what each node costs for inputs of these shapes. */
  draw(shapes: Feed['shapes'], options: GraphViewOptions) {
    const { onnx } = opened();
    if (!onnx) return null;
    const { nodes: traced, reason } = traceOf(onnx.bytes, onnx.summary, shapes);
    const svg = graphView(graphOf(onnx.summary, traced), { maxNodes: 12, ...options });
    const modules = [...svg.matchAll(/data-module="([^"]+)"/g)].map(([, path]) => path);
    // Nodes of branches and loops are traced one by one, so nodes are found by what they make.
    const costs = new Map<string, { shape: readonly number[] | null; flops: number }>();
    for (const { outputs, outputShapes, flops } of traced ?? [])
      costs.set(outputs[0], { shape: outputShapes[0], flops: (costs.get(outputs[0])?.flops ?? 0) + flops });
    return {
      svg,
      modules,
      reason,
      flops: traced ? traced.reduce((sum, { flops }) => sum + flops, 0) : null,
      costs: onnx.summary.nodes.map(({ outputs }) => costs.get(outputs[0]) ?? null),
    };
  },

  async view(name: string, theme: Theme) {
    const found = opened().tensors.find((tensor) => tensor.name === name);
    if (!found) throw new Error(`there is no tensor '${name}'`);
    return viewOf(found, theme);
  },

  async compare(blob: Blob, name: string) {
    return differenceOf(opened(), await openFile(blob, name));
  },

  useImage(blob: Blob) {
    image = blob;
  },

  async run(value: string, feed: Feed, theme: Theme) {
    return shown(await running().run(value, feed), theme);
  },

  async differentiate(value: string, element: number | null, feed: Feed, theme: Theme) {
    const { of, rows } = await running().differentiate(value, element, feed);
    return { of, rows: rows.map(({ name, norm, ...rest }) => ({ name, norm, ...shown(rest, theme) })) };
  },
};

export type ViewerService = typeof service;

expose(service);
