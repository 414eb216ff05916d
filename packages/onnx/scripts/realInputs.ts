/**
 * Inputs for the real models, drawn with a fixed seed, and weights for those that have none of their own.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { tensorProtoOf } from '../src/file/encode.ts';
import type { OnnxValue } from '../src/index.ts';
import { ModelProtoSchema, type TensorProto } from '../src/proto/onnx.ts';

/** Elements for an input. */
export interface Feed {
  readonly type: 'float32' | 'int32' | 'int64';
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Numbers of about mean 0 and deviation 1: sums of four equally distributed ones (a linear congruential generator). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => (uniform() + uniform() + uniform() + uniform() - 2) * 1.7;
}

/** Sizes for those that models leave open, by a part of the file's name and the input's. */
const sizes: readonly (readonly [file: RegExp, input: RegExp, shape: readonly number[]])[] = [
  [/_det_/, /./, [1, 3, 320, 320]],
  [/_rec_/, /./, [1, 3, 48, 320]],
  [/_cls_/, /./, [1, 3, 48, 192]],
  [/silero_vad_legacy/, /^input$/, [1, 1536]],
  [/silero_vad_legacy/, /^[hc]$/, [2, 1, 64]],
  [/silero_vad/, /^input$/, [1, 576]],
  [/silero_vad/, /^state$/, [2, 1, 128]],
];

export function feedsFor(file: string, inputs: readonly OnnxValue[]): { [name: string]: Feed } {
  const next = generator(1);
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      if (name === 'sr') return [name, { type: 'int64', shape: [], data: [16000] }];
      const known = sizes.find(([f, i]) => f.test(file) && i.test(name))?.[2];
      const own = known ?? (shape ?? []).map((size) => (typeof size === 'number' && size > 0 ? size : 1));
      const length = own.reduce((a, b) => a * b, 1);
      const integer = type === 'int32' || type === 'int64';
      const data = Array.from({ length }, () => (integer ? Math.floor(Math.abs(next()) * 80) : next() * 0.3));
      return [name, { type: integer ? type : 'float32', shape: own, data }];
    }),
  );
}

/**
 * The nine models of the onnx package make their weights with `ConstantOfShape`, all equal, so that every answer is the same. Here they
 * are drawn, of a size that keeps activations where they are; other files stay as they are.
 */
export function withDrawnWeights(bytes: Uint8Array, name: string): Uint8Array {
  if (!name.startsWith('light_')) return bytes;
  const model = fromBinary(ModelProtoSchema, bytes);
  const graph = model.graph;
  if (!graph) throw new Error(`${name} holds no graph`);
  const next = generator(2);
  const shapes = new Map(graph.initializer.map((tensor) => [tensor.name, integersOf(tensor)]));
  const positive = new Set(
    graph.node.filter((node) => node.opType === 'BatchNormalization').map((node) => node.input[4]),
  );
  graph.node = graph.node.filter((node) => {
    if (node.opType !== 'ConstantOfShape') return true;
    const shape = shapes.get(node.input[0]);
    if (!shape) return true;
    const fan = shape.slice(1).reduce((a, b) => a * b, 1);
    const scale = shape.length > 1 ? Math.sqrt(2 / fan) : 0.1;
    const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
      if (shape.length > 1) return next() * scale;
      return positive.has(node.output[0]) ? 0.5 + Math.abs(next()) : 0.5 + next() * scale;
    });
    graph.initializer.push(tensorProtoOf(node.output[0], { type: 'float32', shape, data }));
    return false;
  });
  const read = new Set(graph.node.flatMap(({ input }) => input));
  graph.initializer = graph.initializer.filter((tensor) => read.has(tensor.name));
  graph.input = graph.input.filter((input) => read.has(input.name));
  return toBinary(ModelProtoSchema, model);
}

function integersOf(tensor: TensorProto): number[] {
  if (tensor.int64Data.length > 0) return tensor.int64Data.map(Number);
  const { rawData } = tensor;
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: rawData.byteLength >> 3 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}
