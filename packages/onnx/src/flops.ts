/**
 * How many operations on numbers a node of a graph takes, from the shapes of what it reads and gives.
 *
 * A multiplication with an addition counts as two, as papers count FLOPs today; where they count multiply-adds, the number is
 * half of these. Moving numbers counts nothing.
 */
import type { Call } from './import/call.ts';

type Shape = readonly number[];

/** What a rule for an operator sees. */
interface Counted {
  readonly call: Call;
  /** Shapes of the inputs, null for one that is left out, and of the outputs. */
  readonly inputs: readonly (Shape | null)[];
  readonly outputs: readonly (Shape | null)[];
}

const product = (shape: Shape | null | undefined): number =>
  (shape ?? []).reduce((all, size) => all * size, 1);
const sizeOf = (shape: Shape | null | undefined): number => (shape ? product(shape) : 0);

/** Operators that only move numbers, choose among them, or say what they are. */
const free = new Set(
  (
    'Cast CastLike Concat Constant ConstantOfShape DepthToSpace Dropout Expand EyeLike Flatten Gather GatherElements GatherND ' +
    'Identity If Loop NonZero OneHot Optional OptionalGetElement OptionalHasElement Pad Range Reshape ReverseSequence Scan Shape ' +
    'Size Slice SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze Where Unique Compress'
  ).split(' '),
);

/** Operations for each element that is given: those of a softmax are a maximum, a difference, an exponential, a sum, a quotient. */
const perElement: { readonly [operator: string]: number } = {
  BatchNormalization: 2,
  Softmax: 5,
  LogSoftmax: 5,
  Hardmax: 2,
  LayerNormalization: 7,
  InstanceNormalization: 7,
  GroupNormalization: 7,
  RMSNormalization: 5,
  LpNormalization: 3,
  LRN: 4,
};

/** A sum over the elements of the first input. */
const overInput = ({ inputs }: Counted): number => sizeOf(inputs[0]);

/** Each element of the output from a window of the kernel's size. */
const windows = ({ call, outputs }: Counted): number =>
  sizeOf(outputs[0]) * product(call.ints('kernel_shape') ?? []);

/** Gates of recurrent layers: products with the input and with the state, for each step, example and direction. */
const recurrent =
  (gates: number) =>
  ({ call, inputs }: Counted): number => {
    const [x, w] = inputs;
    if (!x || !w) return 0;
    const [first, second, size] = x;
    const hidden = call.int('hidden_size', (w[1] ?? 0) / gates);
    return 2 * first * second * (w[0] ?? 1) * gates * hidden * (size + hidden);
  };

const rules: { readonly [operator: string]: (counted: Counted) => number } = {
  Conv: ({ inputs: [, w, b], outputs: [y] }) => 2 * sizeOf(y) * product(w?.slice(1)) + (b ? sizeOf(y) : 0),
  ConvTranspose: ({ inputs: [x, w, b], outputs: [y] }) =>
    2 * sizeOf(x) * product(w?.slice(1)) + (b ? sizeOf(y) : 0),
  MatMul: ({ inputs: [a], outputs: [y] }) => 2 * sizeOf(y) * (a?.at(-1) ?? 1),
  Gemm: ({ call, inputs: [a, , c], outputs: [y] }) =>
    2 * sizeOf(y) * (a?.[call.int('transA', 0) === 0 ? 1 : 0] ?? 1) + (c ? sizeOf(y) : 0),
  Einsum: ({ call, inputs }) => {
    const sizes = new Map<string, number>();
    const terms = call.text('equation', '').replaceAll(' ', '').split('->')[0].split(',');
    terms.forEach((term, i) => {
      const shape = inputs[i] ?? [];
      const [before, after] = term.split('...');
      [...before].forEach((label, j) => sizes.set(label, shape[j]));
      if (after === undefined) return;
      const rest = shape.slice(before.length, shape.length - after.length);
      rest.forEach((size, j) =>
        sizes.set(`…${rest.length - j}`, Math.max(size, sizes.get(`…${rest.length - j}`) ?? 1)),
      );
      [...after].forEach((label, j) => sizes.set(label, shape[shape.length - after.length + j]));
    });
    return product([...sizes.values()]) * Math.max(1, terms.length);
  },
  // Scores of each query with each key, and the sum of the values by them.
  Attention: ({ inputs: [q, k, v], outputs: [y] }) =>
    2 * sizeOf(q) * (k?.at(-2) ?? 1) + 2 * sizeOf(y) * (v?.at(-2) ?? 1),
  LSTM: recurrent(4),
  GRU: recurrent(3),
  RNN: recurrent(1),
  MaxPool: windows,
  AveragePool: windows,
  LpPool: windows,
  GlobalAveragePool: overInput,
  GlobalMaxPool: overInput,
  GlobalLpPool: overInput,
  ArgMax: overInput,
  ArgMin: overInput,
  CumSum: overInput,
  CumProd: overInput,
  TopK: overInput,
};

/** Operations of one node; 0 for one that consists of others, which are counted themselves. */
export function flopsOf(counted: Counted): number {
  const { opType, domain } = counted.call.node.proto;
  if (domain !== '' && domain !== 'ai.onnx') return 0;
  if (Object.hasOwn(rules, opType)) return rules[opType](counted);
  if (free.has(opType)) return 0;
  if (opType.startsWith('Reduce')) return overInput(counted);
  return sizeOf(counted.outputs[0]) * (Object.hasOwn(perElement, opType) ? perElement[opType] : 1);
}
