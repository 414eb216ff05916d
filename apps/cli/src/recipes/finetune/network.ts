/**
 * A network of an ONNX file up to its last layer, with a new one for other classes behind it.
 */
import { placeholder } from '@ag/graph';
import { type AnyModule, type Linear, Lora, linear, lora, Module } from '@ag/nn';
import { exportOnnx, inspectOnnx, loadOnnx, type OnnxModel, type OnnxSummary } from '@ag/onnx';
import { ones, type Tensor, zeros } from '@ag/tensor';
import { Failure } from '../../failure.ts';

/** What images the data have. */
export const imageSize = 28;

/** Where a network ends, and what it takes. */
export interface Backbone {
  readonly bytes: Uint8Array;
  /** The value that goes into the last layer. */
  readonly cut: string;
  /** Of the images that it takes: [channels, height, width]. */
  readonly input: readonly [number, number, number];
  /** Numbers that it gives for an image, averaged over positions. */
  readonly features: number;
}

/**
 * Looks at a file.
 *
 * @param cut the value at which it ends, '' for the input of the last layer with weights
 * @param size of the images where the file leaves it open, 0 for that of the data
 * @throws Failure `incompatible` for one that takes no images, or that has no such layer
 */
export function backboneOf(bytes: Uint8Array, file: string, cut: string, size: number): Backbone {
  const fail = (what: string, hint?: string): never => {
    throw new Failure('incompatible', `${file} ${what}`, hint);
  };
  let summary: OnnxSummary;
  try {
    summary = inspectOnnx(bytes);
  } catch (error) {
    throw new Failure('incompatible', `${file}: ${(error as Error).message}`, undefined, error);
  }
  const given = summary.inputs;
  const [image] = given;
  if (given.length !== 1 || image.shape?.length !== 4 || !image.type?.startsWith('float'))
    return fail(
      `takes ${given.length === 1 ? 'no images' : `${given.length} inputs`}; it should take [batch, channels, height, width]`,
    );
  const [batch, channels, ...sides] = image.shape;
  if (typeof batch === 'number')
    fail(`takes exactly ${batch} images at a time`, 'Export it again with an open batch.');
  if (typeof channels !== 'number') return fail('does not say how many channels its images have');
  const [height, width] = sides.map((side) => (typeof side === 'number' ? side : size || imageSize));
  if (height < imageSize || width < imageSize)
    fail(`takes images of ${height}×${width}, smaller than those of the data, ${imageSize}×${imageSize}`);
  const end = cut === '' ? lastInput(summary) : cut;
  if (end === '' || end === image.name)
    return fail(
      'has no last layer with weights behind others',
      'Name the value at which to end it: --set model.cut=NAME',
    );
  const input = [channels, height, width] as const;
  try {
    const model = loadOnnx(bytes, { outputs: [end] });
    const { shape } = averaged(model.forward(zeros([1, ...input]))[0]);
    return { bytes, cut: end, input, features: shape[1] };
  } catch (error) {
    const isOpen = sides.some((side) => typeof side !== 'number');
    throw new Failure(
      'incompatible',
      `${file}: ${(error as Error).message.split('\n')[0]}`,
      isOpen ? 'It leaves the size of its images open: --set model.size=48 gives larger ones.' : undefined,
      error,
    );
  }
}

/** What goes into the last layer that multiplies by weights. */
function lastInput({ nodes, tensors }: OnnxSummary): string {
  const constants = nodes.filter(({ operator }) => operator === 'Constant').flatMap(({ outputs }) => outputs);
  const weights = new Set([...tensors.map(({ name }) => name), ...constants]);
  for (const { operator, inputs, outputs } of nodes)
    if (/^(Transpose|Identity|Cast)$/.test(operator) && weights.has(inputs[0])) weights.add(outputs[0]);
  for (const { operator, inputs } of nodes.toReversed()) {
    if (operator === 'Conv' && weights.has(inputs[1])) return inputs[0];
    if (operator === 'MatMul' || operator === 'Gemm') {
      if (weights.has(inputs[1])) return inputs[0];
      if (weights.has(inputs[0])) return inputs[1];
    }
  }
  return '';
}

/** One row of features for each image: the mean over positions, of images or of sequences. */
function averaged(y: Tensor): Tensor {
  if (y.shape.length === 2) return y;
  return y.mean(y.shape.length === 3 ? [1] : y.shape.slice(2).map((_, i) => 2 + i));
}

/** See `backboneOf`. */
export class FineTuned extends Module {
  readonly backbone: OnnxModel;
  readonly head: Linear;
  readonly #input: Backbone['input'];

  constructor({ bytes, cut, features, input }: Backbone, classes: number) {
    super();
    this.backbone = loadOnnx(bytes, { outputs: [cut] });
    this.head = linear(features, classes);
    this.#input = input;
  }

  /** @param x `[batch, 1, 28, 28]` */
  override forward(x: Tensor): Tensor {
    return this.head.forward(averaged(this.backbone.forward(fitted(x, this.#input))[0]));
  }
}

/** Images as the network takes them: each pixel several times, a border, and the same in all channels. */
function fitted(x: Tensor, [channels, height, width]: Backbone['input']): Tensor {
  if (channels === 1 && height === imageSize && width === imageSize) return x;
  const times = Math.floor(Math.min(height, width) / imageSize);
  const side = imageSize * times;
  // How many images there are is open where the network is exported.
  const large = x
    .reshape([-1, 1, imageSize, 1, imageSize, 1])
    .mul(ones([1, channels, 1, times, 1, times]))
    .reshape([-1, channels, side, side]);
  const [down, right] = [height - side, width - side];
  const before = [Math.floor(down / 2), Math.floor(right / 2)];
  return large.pad([
    [0, 0],
    [0, 0],
    [before[0], down - before[0]],
    [before[1], right - before[1]],
  ]);
}

/** Which part of a network trains. */
export type TrainedPart = 'head' | 'lora' | 'all';

/** The network with what trains of it. */
export function trainable(network: FineTuned, part: TrainedPart, rank: number): Module {
  if (part === 'all') return network;
  if (part === 'lora') return lora(network, { rank, targets: /^backbone\./, modulesToSave: ['head'] });
  network.backbone.freeze();
  return network;
}

/** An ONNX file, and how many images it takes at a time. */
export interface ExportedNetwork {
  readonly bytes: Uint8Array;
  /** Null for any number. */
  readonly batch: 1 | null;
}

/** The trained network as an ONNX file, with changes of low rank in its weights. */
export async function exported(model: AnyModule): Promise<ExportedNetwork> {
  if (!(model instanceof Lora)) return written(model);
  model.merge();
  try {
    return await written(model.model);
  } finally {
    model.unmerge();
  }
}

/** For any number of images where the network can be written so; one that computes with sizes takes one at a time. */
async function written(model: AnyModule): Promise<ExportedNetwork> {
  const write = (batch: 1 | null): Promise<Uint8Array> =>
    exportOnnx(model, {
      inputs: { image: placeholder([batch, 1, imageSize, imageSize]) },
      outputs: ['kind'],
    });
  try {
    return { bytes: await write(null), batch: null };
  } catch {
    // What cannot be written for one image either says why.
    return { bytes: await write(1), batch: 1 };
  }
}
