/** For each public function the arguments that fit, and for each argument what it cannot take. */
import { confusionMatrix, crossEntropy, embedding, nllLoss, precision, topKAccuracy } from '@ag/nn';
import * as api from '@ag/tensor';
import * as engine from '@ag/tensor/engine';
import { type ElementwiseRow, elementwiseRows, reductionRows } from '@ag/tensor/testing';
import { spaceArguments } from './spaceArguments.ts';

const { tensor, zeros, ones } = api;

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const square = tensor([
  [4, 1],
  [1, 3],
]);
const vector = tensor([1, 2]);
const rows = tensor([0, 1], { dtype: 'int32' });
const images = ones([1, 2, 4, 4]);

const noInteger = [2.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, {}];
const noCount = [...noInteger, -1];
const noSize = [...noCount, 0];
const noAxis = [...noInteger, 9, -9];
const noAxes = [...noAxis, [0, 0], [0, '1'], [Number.NaN], [null]];
const noShape = [null, 5, '3', {}, [2.5], [Number.NaN], ['2'], [-1], [null], [2 ** 20, 2 ** 20]];
const noDType = ['int', 'constructor', '__proto__', 5, {}];
const noFloatDType = [...noDType, 'int32', 'bool'];
const noNumber = ['1', {}, [1], 5n];
const noFinite = [...noNumber, Number.NaN, Number.POSITIVE_INFINITY];
const noTensor = [null, undefined, 3, 'x', {}, [1, 2], new api.Variable(ones([2, 3]))];
const noOperand = noTensor.filter((value) => value !== 3);
const noPosition = [
  tensor([0.5, 0]),
  tensor([Number.NaN, 0]),
  tensor([0, 1e10]),
  tensor([Number.POSITIVE_INFINITY, 0], { dtype: 'float64' }),
  tensor([1 - 1e-9, 0], { dtype: 'float64' }),
  tensor([99, 0], { dtype: 'int32' }),
  tensor([0, -99], { dtype: 'int32' }),
  tensor([4294967295, 0], { dtype: 'uint32' }),
];

/** The name, arguments that fit, and for each argument (by its number, then the option) what does not. */
export type Row = readonly [
  name: string,
  call: (...args: never[]) => unknown,
  fitting: readonly unknown[],
  bad: Readonly<Record<string, readonly unknown[]>>,
];

/** With `named` errors may begin with another name. */
export const aliases: Record<string, readonly string[]> = {
  // Looked up while it is computed, where kernels have the name of their form.
  take: ['gather'],
  indexSelect: ['gather'],
  index: ['gather'],
  embedding: ['gather'],
  scatterAdd: ['scatter'],
  scatter: ['scatter', 'gather', 'scatterSet'],
  segmentSum: ['scatter'],
  segmentMean: ['scatter'],
  segmentMax: ['scatterMax', 'scatter'],
  segmentMin: ['scatterMin', 'scatter'],
  expand: ['broadcastTo'],
};

const withOptions = ['cast', 'clamp', 'elu', 'gelu', 'leakyRelu', 'polygamma', 'threshold', 'bitwiseNot'];
const byKind = (of: (row: ElementwiseRow) => boolean): string[] => [
  ...new Set(elementwiseRows.filter((row) => row.variant === undefined && of(row)).map(({ name }) => name)),
];
/** Those that take nothing but tensors; rows of their own below say what else some take. */
const unary = [
  ...byKind(({ name, ranges }) => ranges.length === 1 && !withOptions.includes(name)),
  'detach',
  'nonzero',
  'onesLike',
  'zerosLike',
];
const binary = byKind(
  ({ name, ranges, whole }) => ranges.length === 2 && !whole && !name.startsWith('logical'),
);
const bits = byKind(({ ranges, whole }) => ranges.length === 2 && whole === true);
const logical = ['logicalAnd', 'logicalOr', 'logicalXor'];
const [several, single] = [false, true].map((one) =>
  reductionRows
    .filter((row) => (row.single ?? false) === one && row.name !== 'quantile')
    .map(({ name }) => name),
);
const named = (name: string) => (api as unknown as Record<string, (...args: never[]) => unknown>)[name];

export const argumentRows: readonly Row[] = [
  ...spaceArguments,
  ...unary.map((name): Row => [name, named(name), [x], { 0: noTensor }]),
  ...binary.map((name): Row => [name, named(name), [x, 2], { 0: noOperand, 1: noOperand }]),
  ...several.map((name): Row => [name, named(name), [x, 0], { 0: noTensor, 1: noAxes }]),
  ...single.map((name): Row => [name, named(name), [x, 0], { 0: noTensor, 1: noAxis }]),
  ...logical.map((name): Row => [name, named(name), [x, x], { 0: noTensor, 1: noTensor }]),
  ...['softmax', 'logSoftmax', 'cumsum', 'cumprod', 'sort', 'argsort'].map(
    (name): Row => [name, named(name), [x, 0], { 0: noTensor, 1: noAxis }],
  ),
  ...bits.map((name): Row => [name, named(name), [rows, 1], { 0: [...noOperand, x], 1: [...noOperand, x, 0.5] }]),
  ['bitwiseNot', api.bitwiseNot, [rows], { 0: [...noTensor, x] }],
  ['polygamma', api.polygamma, [1, x], { 0: [...noCount, 31], 1: noTensor }],
  ['threshold', api.threshold, [x, 1, 2], { 0: noTensor, 1: [...noFinite, null], 2: [...noFinite, null] }],
  ['lerp', api.lerp, [x, x, 0.5], { 0: noOperand, 1: noOperand, 2: noOperand }],
  ['celu', api.celu, [x, 1], { 1: [...noFinite, null, 0] }],
  ['hardtanh', api.hardtanh, [x, -1, 1], { 1: [...noFinite, null, 2], 2: [...noFinite, null, -2] }],
  ...['softshrink', 'hardshrink'].map((name): Row => [name, named(name), [x, 1], { 1: [...noFinite, null] }]),
  ['nanToNum', api.nanToNum, [x, {}], { '1.nan': [...noNumber, null], '1.posInf': [...noNumber, null], '1.negInf': [...noNumber, null] }],
  ['isClose', api.isClose, [x, x, {}], { '2.relative': [...noFinite, null], '2.absolute': [...noFinite, null] }],
  ['glu', api.glu, [ones([2, 4]), 1], { 0: [...noTensor, x], 1: noAxis }],
  ['quantile', api.quantile, [x, 0.5, 0, {}], { 0: [...noTensor, ones([0, 2])], 1: ['1', null, {}, Number.NaN, -0.1, 1.1, [0.5, 2], ['1']], 2: noAxes, '3.interpolation': ['cubic', 5, null] }],
  ...['cummax', 'cummin', 'logCumsumExp'].map((name): Row => [name, named(name), [x, 0], { 0: noTensor, 1: noAxis }]),
  ['max', api.max, [x, 0, { indices: true }], { 1: [...noAxis, [0, 1]] }],
  ['min', api.min, [x, 0, { indices: true }], { 1: [...noAxis, [0, 1]] }],
  ['unique', api.unique, [x], { 0: noTensor }],
  ['searchSorted', api.searchSorted, [vector, x, {}], { 0: [...noTensor, tensor(1), ones([3, 2])], 1: noTensor, '2.side': ['both', 5, null] }],
  ['bincount', api.bincount, [rows, { length: 3 }], { 0: [...noTensor, x], '1.length': noCount.filter((value) => value !== null), '1.weights': [...noTensor.slice(2), x] }],
  ['histogram', api.histogram, [x, {}], { 0: noTensor, '1.bins': [...noSize.filter((value) => value !== null), [1], x, tensor(1)], '1.range': [5, '1', [1], [2, 1], [0, Number.NaN]], '1.weights': [...noTensor.slice(2), vector] }],
  ['scatter', api.scatter, [vector, rows, vector, 0, {}], { 0: noTensor, 1: [...noTensor, ...noPosition, x], 2: [...noOperand, ones([3])], 3: noAxis, '4.combine': ['sum', 5, null] }],
  ...['segmentSum', 'segmentMean', 'segmentMax', 'segmentMin'].map((name): Row => [name, named(name), [x, rows, 3], { 0: [...noTensor, tensor(1)], 1: [...noTensor, x, ...noPosition.slice(0, 5)], 2: noCount }]),
  ['rearrange', api.rearrange, [x, 'a (b c) -> c b a', { b: 3 }], { 0: [...noTensor, vector], 1: [null, 5, '', 'a b', 'a b -> a', 'a b -> a b c', 'a a -> a', '(a b -> a b', 'a b) -> a b', 'a b -> b a a', 'a (b c) -> c -> b', 'a (b c d) -> a b c d', 'a$ b -> a b'], 2: [null, 5, { b: 4 }, { z: 1 }, { b: 2.5 }, { b: '3' }] }],
  ['reduce', api.reduce, [x, 'a b -> b', 'max', {}], { 0: [...noTensor, vector], 1: [null, 5, 'a b', 'a b -> c'], 2: ['median', 5, null, undefined], 3: [null, { z: 1 }] }],
  ['repeat', api.repeat, [x, 'a b -> a b c', { c: 2 }], { 1: ['a b', 'a b -> a', 'a -> a c'], 2: [null, {}, { c: -1 }, { c: 0.5 }] }],
  ['variance', api.variance, [x, 0, {}], { '2.correction': noFinite }],
  ['norm', api.norm, [x, 0, {}], { '2.p': [...noNumber, Number.NaN] }],
  ['clamp', api.clamp, [x, 0, 1], { 0: noTensor, 1: [...noNumber, Number.NaN, null], 2: [...noNumber, Number.NaN, null] }],
  ['leakyRelu', api.leakyRelu, [x, 0.1], { 0: noTensor, 1: [...noFinite, null] }],
  ['elu', api.elu, [x, 1], { 0: noTensor, 1: [...noFinite, null] }],
  ['gelu', api.gelu, [x, 'tanh'], { 0: noTensor, 1: ['Tanh', 5, null] }],
  ['where', api.where, [x, x, 0], { 0: noTensor, 1: noOperand, 2: noOperand }],
  ['cast', api.cast, [x, 'int32'], { 0: noTensor, 1: [...noDType, null, undefined] }],
  ['reshape', api.reshape, [x, [3, 2]], { 0: noTensor, 1: [...noShape.filter((shape) => String(shape) !== '-1'), [-2, 3], [-1, -1], [4, 2]] }],
  ['flatten', api.flatten, [x, 0, 1], { 0: noTensor, 1: noAxis, 2: noAxis }],
  ['squeeze', api.squeeze, [ones([1, 2, 1]), 0], { 0: noTensor, 1: [...noAxes, 1] }],
  ['unsqueeze', api.unsqueeze, [x, 0], { 0: noTensor, 1: noAxis }],
  ['permute', api.permute, [x, [1, 0]], { 0: noTensor, 1: [null, 5, '10', {}, [0], [0, 0], [0, 0.5], ['0', '1'], [0, Number.NaN]] }],
  ['transpose', api.transpose, [x, 0, 1], { 0: noTensor, 1: noAxis, 2: noAxis }],
  ['broadcastTo', api.broadcastTo, [x, [4, 2, 3]], { 0: noTensor, 1: [...noShape, [3, 2]] }],
  ['expand', api.expand, [x, [4, 2, 3]], { 0: noTensor, 1: [...noShape, undefined] }],
  ['flip', api.flip, [x, 0], { 0: noTensor, 1: noAxes }],
  ['slice', api.slice, [x, 0, 1, {}], { 0: noTensor, 1: noInteger, 2: noInteger, '3.axis': noAxis.filter((axis) => axis !== null), '3.step': [2.5, Number.NaN, '1', 0, {}] }],
  ['pad', api.pad, [x, [[1, 1], [0, 0]], 0], {
    0: noTensor,
    1: [null, 5, '1', {}, [[1, 1, 7], [0, 0]], [2, [0, 0]], [[1, 1]], [[1, -1], [0, 0]], [[0.5, 1], [0, 0]], [['1', 1], [0, 0]], [[2 ** 31, 1], [0, 0]], [null, null]],
    2: [...noNumber.filter((value) => typeof value !== 'object'), null, { value: '1' }, { mode: 'mirror' }, { mode: null }],
  }],
  ['pad', api.pad, [vector, [[1, 1]], { mode: 'reflect' }], { 1: [[[2, 0]], [[1, 1, 7]], [2]] }],
  ['roll', api.roll, [x, 1, 0], { 0: noTensor, 1: [...noInteger, [1, 1]], 2: noAxes }],
  ['roll', api.roll, [x, 1], { 1: [...noInteger, [1]] }],
  ['repeat', api.repeat, [x, 2, 0], { 0: noTensor, 1: noCount, 2: noAxis }],
  ['tile', api.tile, [x, 2], { 0: noTensor, 1: [...noCount, [1, 0.5], ['1']] }],
  ['index', api.index, [x, 0], { 0: noTensor, 1: [2.5, Number.NaN, '1', {}.toString, 9, -9, { start: 0.5 }, { end: Number.NaN }, { step: 0 }, { step: 'a' }, [0, 1], undefined, new api.Variable(rows), tensor([true], { dtype: 'bool' }), ...noPosition] }],
  ['index', api.index, [x, rows, rows], { 1: noPosition, 2: noPosition }],
  ['take', api.take, [x, rows, 1], { 0: noTensor, 1: [...noTensor, ...noPosition], 2: noAxis }],
  ['indexSelect', api.indexSelect, [x, 0, rows], { 0: noTensor, 1: noAxis, 2: [...noTensor, ...noPosition, x] }],
  ['gather', api.gather, [vector, rows, 0], { 0: noTensor, 1: [...noTensor, ...noPosition, x], 2: noAxis }],
  ['scatterAdd', api.scatterAdd, [vector, rows, vector, 0], { 0: noTensor, 1: [...noTensor, ...noPosition, x], 2: [...noTensor, ones([3])], 3: noAxis }],
  ['matmul', api.matmul, [x, x.transpose()], { 0: noTensor, 1: [...noTensor, x] }],
  ['dot', api.dot, [vector, vector], { 0: noTensor, 1: noTensor }],
  ['outer', api.outer, [vector, vector], { 0: noTensor, 1: noTensor }],
  ['concat', api.concat, [[x, x], 0], { 0: [null, x, 5, 'x', {}, [], [x, null], [x, [1]], [x, vector]], 1: noAxis }],
  ['stack', api.stack, [[x, x], 0], { 0: [null, x, 5, 'x', {}, [], [x, null], [x, [1]], [x, vector]], 1: noAxis }],
  ['split', api.split, [x, [1, 1], 0], { 0: noTensor, 1: [...noSize, [1, 2], [2.5, -0.5], ['1', 1], [-1, 3]], 2: noAxis }],
  ['chunk', api.chunk, [x, 2, 0], { 0: noTensor, 1: noSize, 2: noAxis }],
  ['oneHot', api.oneHot, [rows, 3, {}], { 0: noTensor, 1: noCount, '2.dtype': noDType }],
  ['topK', api.topK, [x, 2, 1], { 0: noTensor, 1: [...noCount, 4], 2: noAxis }],
  ...['tril', 'triu', 'trace', 'diagonal'].map((name): Row => [name, named(name), [x, 0], { 0: [...noTensor, vector], 1: noInteger }]),
  ['diag', api.diag, [vector, 0], { 0: [...noTensor, images], 1: noInteger }],

  ['tensor', tensor, [[1, 2], {}], {
    0: [null, undefined, 'x', 5n, {}, () => 1, [1, null], [1, undefined], [1, '2'], [1, 2n], [[1], 2], [[1, 2], [3]], [1, x], BigInt64Array.of(1n), [Float32Array.of(1), Float32Array.of(1, 2)], new Array(2)],
    '1.dtype': [...noDType, null], '1.shape': [...noShape.slice(1), [3]],
  }],
  ['scalar', api.scalar, [1, {}], { 0: [null, undefined, '1', [1], {}, 5n], '1.dtype': noDType }],
  ['zeros', zeros, [[2], {}], { 0: noShape, '1.dtype': noDType }],
  ['ones', ones, [[2], {}], { 0: noShape, '1.dtype': noDType }],
  ['full', api.full, [[2], 1, {}], { 0: noShape, 1: [null, undefined, ...noNumber], '2.dtype': noDType }],
  ['eye', api.eye, [2, 2, {}], { 0: noCount, 1: noCount, '2.dtype': noDType }],
  ['arange', api.arange, [0, 3, 1, {}], { 0: [...noFinite, null], 1: [...noFinite, null, 1e12], 2: [...noFinite, null, 0], '3.dtype': noDType }],
  ['linspace', api.linspace, [0, 1, 3, {}], { 0: [...noFinite, null], 1: [...noFinite, null], 2: [...noCount, 1e12], '3.dtype': noDType }],
  ['dynamicScalar', engine.dynamicScalar, [() => 1, 'float32'], { 0: [1, null, 'x'], 1: noDType }],

  ['conv1d', api.conv1d, [ones([1, 2, 5]), ones([4, 2, 3]), {}], { 0: [...noTensor, x], 1: [...noTensor, x, ones([4, 3, 3])], '2.stride': noSize.slice(0, 4), '2.padding': [2.5, Number.NaN, -1, 'full', {}, [1, 1]], '2.dilation': [2.5, '1', 0, [1, 1]], '2.groups': [0, 2.5, '1', 3, {}] }],
  ['conv2d', api.conv2d, [images, ones([4, 2, 3, 3]), {}], { 0: [...noTensor, x], 1: [...noTensor, x, ones([4, 3, 3, 3])], '2.stride': [2.5, Number.NaN, '1', 0, [1], [1, '1'], {}], '2.padding': [2.5, Number.NaN, -1, 'full', 'ab', {}, [1], [[1, 1, 7], [0, 0]], [[1], [0]], [null, 1]], '2.dilation': [2.5, '1', 0, [1]], '2.groups': [0, 2.5, '1', 3, {}] }],
  ['convTranspose2d', api.convTranspose2d, [images, ones([2, 4, 3, 3]), {}], { 0: [...noTensor, x], 1: [...noTensor, x, ones([3, 4, 3, 3])], '2.stride': [2.5, '1', 0, [1]], '2.padding': [2.5, -1, 'full', {}, 9], '2.dilation': [2.5, '1', 0], '2.groups': [0, 2.5, '1', 3], '2.outputPadding': [-1, 0.5, '1', 1] }],
  ...['maxPool2d', 'avgPool2d'].map((name): Row => [name, named(name), [images, 2, {}], {
    0: [...noTensor, x], 1: [...noSize, [2], [2, '2'], [2, 2, 2], 9],
    '2.stride': [2.5, Number.NaN, '1', 0, [1]], '2.padding': [2.5, Number.NaN, -1, 'full', {}, [1], 2, 3, [[2, 0], 0], [0, [0, 4]]], '2.dilation': [0.5, 0, '1', 9],
  }]),
  // Of an axis from 0 to 2 the first of these windows would see the positions −2 and 3.
  ['maxPool2d', api.maxPool2d, [ones([1, 1, 3, 3]), 2, { dilation: 3, padding: 1 }], { 2: [{ dilation: 5, padding: 2 }] }],

  ['einsum', api.einsum, ['ij,kj->ik', x, x], { 0: [null, 5, {}, '', 'ij', 'ij,kj->iz', 'ij,kj->ii', 'i1,kj', 'ij,kj->ik->i', 'ijl,kj->ik'], 1: noTensor, 2: noTensor }],
  ['tensordot', api.tensordot, [x, x.transpose(), 1], { 0: noTensor, 1: noTensor, 2: [...noCount, 3, [[0]], [[0], [0]], [[0], ['1']], [[0], 1], [[0.5], [1]]] }],
  ...['cholesky', 'inverse', 'det', 'slogdet', 'logdet'].map((name): Row => [name, named(name), [square], { 0: [...noTensor, x, vector] }]),
  ...['qr', 'svd'].map((name): Row => [name, named(name), [x], { 0: [...noTensor, vector] }]),
  ...['solve', 'solveTriangular'].map((name): Row => [name, named(name), [square, vector], { 0: [...noTensor, x, vector], 1: [...noTensor, ones([3]), ones([3, 2]), tensor(1)] }]),

  ['scan', api.scan, [(c: api.Tensor, r: api.Tensor) => [c.add(r), c], vector, x.transpose(), {}], {
    0: [...noTensor.filter((value) => value !== x), () => 3, () => [x], () => [vector.cast('int32')], () => ({ y: x }), async () => [vector]],
    1: [3, 'x', new api.Variable(vector)], 2: [null, 3, 'x', tensor(1), [x, ones([3])]],
    '3.length': [...noCount.filter((value) => value !== null), 2], '3.unroll': [0, 2.5, '1'], '3.checkpoint': [0, 2.5, '1'],
  }],
  ['fori', api.fori, [3, (_i: api.Tensor, c: api.Tensor) => c.mul(2), x], { 0: [...noCount], 1: [null, 3, x, () => 3, () => vector, () => undefined], 2: [3, 'x', new api.Variable(x)] }],
  ['whileLoop', api.whileLoop, [(c: api.Tensor) => c.sum().less(50), (c: api.Tensor) => c.mul(2), x, {}], { 0: [null, 3, x, () => 3, () => x], 1: [null, 3, x, () => 3, () => vector], 2: [3, 'x', new api.Variable(x)], '3.maxSteps': noCount.filter((value) => value !== null) }],
  ['cond', api.cond, [tensor(1), () => x, () => x.mul(2)], { 0: [...noTensor, x], 1: [null, 3, x, () => 3, () => vector], 2: [null, 3, x, () => [x]] }],

  ['key', api.key, [1], { 0: noInteger }],
  ['manualSeed', api.manualSeed, [1], { 0: noInteger }],
  ['splitKey', api.splitKey, [api.key(1), 2], { 0: [null, 1, 'x', {}], 1: noCount }],
  ['uniform', api.uniform, [[2], { key: api.key(1) }], { 0: noShape, '1.low': [...noFinite, 2], '1.high': [...noFinite, -1], '1.key': [1, 'x', {}], '1.dtype': noFloatDType }],
  ['normal', api.normal, [[2], { key: api.key(1) }], { 0: noShape, '1.mean': noFinite, '1.std': [...noFinite, -1], '1.key': [1, 'x', {}], '1.dtype': noFloatDType }],
  ['truncatedNormal', api.truncatedNormal, [[2], { key: api.key(1) }], { 0: noShape, '1.mean': noFinite, '1.std': [...noFinite, -1, 0], '1.low': [...noNumber, 3], '1.high': [...noNumber, -3], '1.key': [1, {}], '1.dtype': noFloatDType }],
  ['exponential', api.exponential, [[2], { key: api.key(1) }], { 0: noShape, '1.rate': [...noFinite, 0, -1], '1.key': [1, {}], '1.dtype': noFloatDType }],
  ['bernoulli', api.bernoulli, [[2], 0.5, { key: api.key(1) }], { 0: noShape, 1: [null, '0.5', -0.1, 1.1, Number.NaN, {}], '2.key': [1, {}], '2.dtype': noDType }],
  ['randint', api.randint, [[2], 0, 5, { key: api.key(1) }], { 0: noShape, 1: [...noInteger, 5, -(2 ** 31) - 1], 2: [...noInteger, 0, 2 ** 31 + 1], '3.key': [1, {}] }],
  ['permutation', api.permutation, [4, { key: api.key(1) }], { 0: noCount, '1.key': [1, {}] }],
  ['categorical', api.categorical, [x, { key: api.key(1) }], { 0: noTensor, '1.key': [1, {}] }],

  ['Variable', (initial: api.Tensor) => new api.Variable(initial), [x], { 0: noTensor.slice(0, -1) }],
  ['assign', (value: api.Tensor) => new api.Variable(ones([2, 3])).assign(value), [x], { 0: [...noTensor, vector, x.cast('int32')] }],
]; // biome-ignore format: a table

/** The same of `@ag/nn`, as far as it takes classes, positions and sizes. */
export const neighborRows: readonly Row[] = [
  ['oneHot', api.oneHot, [rows, 3], { 1: noCount }],
  ['confusionMatrix', confusionMatrix, [rows, rows, { classes: 3 }], { '2.classes': [...noSize.filter((value) => value !== null), undefined] }],
  ['precision', precision, [rows, rows, { classes: 3 }], { '2.classes': [2.5, Number.NaN, '3', -1, 0] }],
  ['topKAccuracy', topKAccuracy, [x, rows, 2], { 2: [...noCount, 4] }],
  ['embedding', (position: api.Tensor) => embedding(2, 3).forward(position), [rows], { 0: [...noTensor, ...noPosition] }],
  ['crossEntropy', crossEntropy, [x, rows, {}], { '2.axis': noAxis.filter((value) => value !== null), '2.ignoreIndex': [0.5, Number.NaN, '1'] }],
  ['nllLoss', nllLoss, [x, rows, {}], { '2.axis': noAxis.filter((value) => value !== null), '2.ignoreIndex': [0.5, Number.NaN, '1'] }],
]; // biome-ignore format: a table
