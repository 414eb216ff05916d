/** Arguments of convolution, pooling, pictures, spectra, matrices and distributions: rows of `argumentRows.ts`. */
import * as api from '@ag/tensor';
import type { Row } from './argumentRows.ts';

const { ones, tensor } = api;

const noTensor = [null, undefined, 3, 'x', {}, [1, 2], new api.Variable(ones([2, 3]))];
const noInteger = [2.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, {}];
const noCount = [...noInteger, -1];
const noSize = [...noCount, 0];
/** For options, where null is as good as nothing. */
const noSizeGiven = noSize.filter((value) => value !== null);
const noAxis = [2.5, Number.NaN, Number.POSITIVE_INFINITY, '1', {}, 9, -9];
const noNumber = ['1', {}, [1], 5n];
const noFinite = [...noNumber, Number.NaN, Number.POSITIVE_INFINITY];
const noShape = [null, 5, '3', {}, [2.5], [Number.NaN], ['2'], [-1], [null]];
const noFloatDType = ['int', 'constructor', 5, {}, 'int32', 'bool', 'float16'];
const noKey = [1, {}];
const scalar = tensor(1);
const vector = tensor([1, 2]);
const square = tensor([[4, 1], [1, 3]]); // biome-ignore format: short
const rectangle = ones([2, 3]);
const sequence = ones([1, 2, 4]);
const picture = ones([1, 2, 4, 4]);
const volume = ones([1, 2, 4, 4, 4]);
const complex = ones([4, 2]);
const noPerAxis = [2.5, Number.NaN, '1', 0, {}, [1, '1']];
const draws = { '1.key': noKey, '1.dtype': noFloatDType };

const named = (name: string) => (api as unknown as Record<string, Row[1]>)[name];

/** Of each function that takes a tensor only what is no tensor. */
const only = (name: string, fitting: readonly unknown[], bad: Row[3] = {}): Row => [
  name,
  named(name),
  fitting,
  { 0: noTensor, ...bad },
];

// biome-ignore format: a table
export const spaceArguments: readonly Row[] = [
  only('conv3d', [volume, ones([4, 2, 3, 3, 3]), {}], { 1: [...noTensor, picture], '2.stride': noPerAxis, '2.groups': noSizeGiven, '2.paddingMode': ['edge', 3] }),
  only('convTranspose1d', [sequence, ones([2, 1, 2]), {}], { 1: [...noTensor, picture], '2.outputPadding': [2.5, -1, '1', 5], '2.stride': noPerAxis }),
  only('convTranspose3d', [volume, ones([2, 1, 2, 2, 2]), {}], { 1: [...noTensor, picture], '2.dilation': noPerAxis }),
  ...([['1d', sequence], ['3d', volume]] as const).flatMap(([kind, x]) =>
    [`maxPool${kind}`, `avgPool${kind}`].map((name) => only(name, [x, 2, {}], { 0: [...noTensor, picture], 1: noPerAxis, '2.stride': noPerAxis, '2.padding': [2.5, -1, 'full', {}] }))),
  only('maxPoolIndices', [picture, 2, {}], { 0: [...noTensor, vector], 1: noPerAxis, '2.stride': noPerAxis }),
  only('maxUnpool', [sequence, tensor([[[0, 1, 2, 3], [0, 1, 2, 3]]], { dtype: 'int32' }), [8]], { 1: [...noTensor, vector], 2: [[2.5], ['1'], [], {}] }),
  only('adaptiveAvgPool', [picture, 2], { 0: [...noTensor, vector], 1: noPerAxis }),
  only('adaptiveMaxPool', [picture, 2], { 0: [...noTensor, vector], 1: noPerAxis }),
  only('unfold', [picture, 2, {}], { 0: [...noTensor, vector], 1: noPerAxis, '2.stride': noPerAxis, '2.padding': [2.5, -1, 'full'] }),
  only('fold', [ones([1, 4, 9]), [4, 4], 2, {}], { 0: [...noTensor, vector], 1: [null, 5, ['1', 2], [2.5, 2]], 2: noPerAxis, '3.dilation': noPerAxis }),
  only('pixelShuffle', [ones([4, 2, 2]), 2], { 0: [...noTensor, vector], 1: noSize }),
  only('pixelUnshuffle', [ones([1, 4, 4]), 2], { 0: [...noTensor, vector], 1: noSize }),
  only('crop', [picture, [1, 1], [2, 2], {}], { 1: [null, 5, [1, 2.5], ['1', 1]], 2: [null, 5, [1, -1], [1]] }),
  only('resize', [picture, [2, 3], {}], { 0: [...noTensor, vector], 1: noPerAxis, '2.mode': ['cubic', 3], '2.antialias': [true] }),
  only('gridSample', [picture, ones([1, 2, 2, 2]), {}], { 0: [...noTensor, vector], 1: [...noTensor, vector], '2.mode': ['cubic', 3], '2.paddingMode': ['edge', 3] }),
  only('affineGrid', [ones([1, 2, 3]), [1, 1, 2, 2], {}], { 0: [...noTensor, vector], 1: [null, 5, [1, 1, 2], [1, 1, 2.5, 2]] }),
  ...['fft', 'ifft'].map((name) => only(name, [complex, {}], { 0: [...noTensor, scalar, rectangle], '1.n': noSizeGiven, '1.axis': noAxis, '1.norm': ['unit', 3] })),
  only('rfft', [vector, {}], { 0: [...noTensor, scalar], '1.n': noSizeGiven, '1.axis': noAxis, '1.norm': ['unit'] }),
  only('irfft', [complex, {}], { 0: [...noTensor, rectangle], '1.n': noSizeGiven, '1.axis': noAxis, '1.norm': ['unit'] }),
  ...['fft2', 'ifft2'].map((name) => only(name, [ones([2, 3, 2]), {}], { '1.norm': ['unit'] })),
  only('stft', [ones([16]), 4, {}], { 0: [...noTensor, scalar], 1: noSize, '2.hop': noSizeGiven, '2.window': [3, 'hann', ones([5])] }),
  only('istft', [ones([3, 5, 2]), 4, {}], { 0: [...noTensor, vector], 1: noSize, '2.hop': noSizeGiven, '2.window': [3, ones([5])], '2.length': noSizeGiven }),
  ...['hannWindow', 'hammingWindow', 'blackmanWindow', 'bartlettWindow'].map((name): Row => [name, named(name), [4, {}], { 0: noCount, '1.dtype': noFloatDType }]),
  ['kaiserWindow', api.kaiserWindow, [4, {}], { 0: noCount, '1.beta': noFinite, '1.dtype': noFloatDType }],
  ...['lu', 'matrixRank'].map((name) => only(name, [rectangle], { 0: [...noTensor, vector] })),
  only('pinv', [rectangle, {}], { 0: [...noTensor, vector], '1.cutoff': noNumber }),
  ...['eigh', 'eigvals', 'expm'].map((name) => only(name, [square], { 0: [...noTensor, vector, rectangle] })),
  only('lstsq', [rectangle, vector], { 0: [...noTensor, vector], 1: [...noTensor, ones([3]), scalar] }),
  only('matrixNorm', [rectangle, 'fro'], { 0: [...noTensor, vector], 1: [3, 'l2', Number.NaN, null] }),
  only('kron', [vector, square], { 1: noTensor }),
  ['triangularSolve', api.triangularSolve, [square, vector], {}],
  ['fromBits', api.fromBits, [Uint16Array.of(1, 2), { dtype: 'float16' }], { 0: [null, [1], 5, Float32Array.of(1)], '1.dtype': ['float32', 5], '1.shape': [[3], [2.5], 5] }],
  ['gamma', api.gamma, [[2], { key: api.key(1) }], { 0: noShape, ...draws, '1.concentration': [...noFinite, 0, -1], '1.rate': [...noFinite, 0] }],
  ['beta', api.beta, [[2], { key: api.key(1) }], { 0: noShape, ...draws, '1.alpha': [...noFinite, 0], '1.beta': [...noFinite, -1] }],
  ['poisson', api.poisson, [[2], { key: api.key(1) }], { 0: noShape, '1.key': noKey, '1.rate': [...noFinite, -1] }],
  ...['laplace', 'gumbel'].map((name): Row => [name, named(name), [[2], { key: api.key(1) }], { 0: noShape, ...draws, '1.location': noFinite, '1.scale': [...noFinite, 0] }]),
  only('dirichlet', [vector, { key: api.key(1) }], { 0: [...noTensor, scalar], ...draws, '1.shape': [[2.5], ['1']] }),
  ['multinomial', api.multinomial, [3, vector, { key: api.key(1) }], { 0: noCount, 1: [...noTensor, scalar], '2.key': noKey }],
  only('multivariateNormal', [vector, square, { key: api.key(1) }], { 0: [...noTensor, scalar], 1: [...noTensor, vector], '2.key': noKey, '2.dtype': noFloatDType }),
  ...(['normalLogProb', 'uniformLogProb', 'exponentialLogProb', 'gammaLogProb', 'betaLogProb', 'poissonLogProb', 'laplaceLogProb', 'gumbelLogProb', 'truncatedNormalLogProb'] as const).map((name) => only(name, [vector, {}])),
  only('bernoulliLogProb', [vector, { p: 0.5 }], { '1.p': ['x', null, {}] }),
  only('categoricalLogProb', [tensor([0, 1], { dtype: 'int32' }), { logits: square }], { '1.logits': [...noTensor, scalar] }),
  only('dirichletLogProb', [vector, { concentration: vector }], { '1.concentration': ['x', null, {}] }),
  only('multinomialLogProb', [vector, { probabilities: vector }], { '1.probabilities': ['x', null, {}] }),
  only('multivariateNormalLogProb', [vector, { mean: vector, covariance: square }], { 0: [...noTensor, scalar], '1.mean': ['x', null], '1.covariance': ['x', null, vector] }),
];
