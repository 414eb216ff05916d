/**
 * Small models for tests, from plain data.
 */
import {
  type ArrayToWrite,
  type Attributes,
  encodeModel,
  graphOf,
  nodeOf,
  tensorProtoOf,
  valueInfoOf,
} from '../file/encode.ts';
import type { ElementType } from '../file/tensors.ts';

type Info = readonly [name: string, type: ElementType, shape: readonly (number | string | null)[] | null];
type Node = readonly [
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: Attributes,
];

export interface SmallModel {
  readonly opset?: number;
  readonly inputs: readonly Info[];
  readonly outputs: readonly Info[];
  readonly nodes: readonly Node[];
  readonly tensors?: { readonly [name: string]: ArrayToWrite };
}

/** The bytes of a model. */
export function modelOf({ opset = 18, inputs, outputs, nodes, tensors = {} }: SmallModel): Uint8Array {
  return encodeModel({ opset, graph: graphOfSmall({ inputs, outputs, nodes, tensors }) });
}

export function graphOfSmall({ inputs, outputs, nodes, tensors = {} }: Omit<SmallModel, 'opset'>) {
  return graphOf({
    name: 'test',
    inputs: inputs.map((info) => valueInfoOf(...info)),
    outputs: outputs.map((info) => valueInfoOf(...info)),
    nodes: nodes.map(([operator, ins, outs, attributes], i) =>
      nodeOf(operator, ins, outs, attributes, `${operator.toLowerCase()}${i}`),
    ),
    tensors: Object.entries(tensors).map(([name, array]) => tensorProtoOf(name, array)),
  });
}

/** float32 numbers that are all different. */
export function floats(...shape: number[]): ArrayToWrite {
  const size = shape.reduce((product, n) => product * n, 1);
  return { type: 'float32', shape, data: Float32Array.from({ length: size }, (_, i) => Math.sin(1 + i) / 2) };
}

export function ints(...data: number[]): ArrayToWrite {
  return { type: 'int64', shape: [data.length], data };
}

/** A perceptron, [batch, 3] to [batch, 2]. */
export const perceptron: SmallModel = {
  inputs: [['x', 'float32', ['batch', 3]]],
  outputs: [['y', 'float32', ['batch', 2]]],
  nodes: [
    ['Gemm', ['x', 'first.weight', 'first.bias'], ['h'], { transB: 1 }],
    ['Tanh', ['h'], ['t']],
    ['MatMul', ['t', 'second.weight'], ['y']],
  ],
  tensors: { 'first.weight': floats(4, 3), 'first.bias': floats(4), 'second.weight': floats(4, 2) },
};
