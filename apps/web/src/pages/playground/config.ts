/**
 * Everything that decides what the playground computes, and how it is written into the address.
 *
 * The same address gives the same losses.
 */

export type DataId =
  | 'xor'
  | 'circles'
  | 'spirals'
  | 'moons'
  | 'blobs'
  | 'plane'
  | 'hills'
  | 'curve'
  | 'points';
/** What a network is given of a place: its coordinates, or what is computed of them. */
export type FeatureId = 'x' | 'y' | 'x2' | 'y2' | 'xy' | 'sinx' | 'siny';
export type Normalization = 'none' | 'batch' | 'layer';
/** What is to be predicted: one of two classes, one of several, or a number. */
export type Kind = 'binary' | 'classes' | 'value';
export type LossId = 'bce' | 'crossEntropy' | 'mse' | 'mae' | 'huber' | 'quantile' | 'hinge' | 'focal';
export type ActivationId = 'tanh' | 'relu' | 'sigmoid' | 'leakyRelu' | 'gelu' | 'silu' | 'elu' | 'identity';
export type OptimizerId =
  | 'sgd'
  | 'momentum'
  | 'nesterov'
  | 'adagrad'
  | 'rmsprop'
  | 'adadelta'
  | 'adam'
  | 'adamw'
  | 'nadam'
  | 'radam'
  | 'adamax'
  | 'lion'
  | 'lamb'
  | 'adafactor'
  | 'muon'
  | 'lookahead';

export interface LayerConfig {
  readonly activation: ActivationId;
  readonly units: number;
}

/** A point that was painted or pasted. */
export interface PaintedPoint {
  readonly x: number;
  readonly y: number;
  /** Its class, or the number to be predicted. */
  readonly target: number;
}

export interface PlaygroundConfig {
  readonly data: DataId;
  /** Number of generated points. */
  readonly count: number;
  readonly noise: number;
  /** Classes of spirals and blobs. */
  readonly classes: number;
  /** Share of the points kept for testing. */
  readonly test: number;
  /** For painted points: whether targets are numbers. */
  readonly regression: boolean;
  /** For painted points: whether the one input is x, and y is what is to be predicted. */
  readonly line: boolean;
  readonly points: readonly PaintedPoint[];
  /** Bring inputs to mean 0 and deviation 1. */
  readonly standardize: boolean;
  readonly features: readonly FeatureId[];
  readonly layers: readonly LayerConfig[];
  readonly normalization: Normalization;
  readonly dropout: number;
  /** Of those for what is to be predicted. */
  readonly loss: LossId;
  /** What is added to the loss for each unit of Σ|w|, and of Σw²/2, over the weights. */
  readonly l1: number;
  readonly l2: number;
  readonly optimizer: OptimizerId;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly seed: number;
}

export const dataIds: readonly DataId[] = [
  'circles',
  'xor',
  'spirals',
  'moons',
  'blobs',
  'plane',
  'hills',
  'curve',
  'points',
];

export const featureIds: readonly FeatureId[] = ['x', 'y', 'x2', 'y2', 'xy', 'sinx', 'siny'];
/** Those of one input. */
const lineFeatures: readonly FeatureId[] = ['x', 'x2', 'sinx'];

/** What can be minimized, the usual one first. */
export const lossIds: Readonly<Record<Kind, readonly LossId[]>> = {
  binary: ['bce', 'mse', 'hinge', 'focal'],
  classes: ['crossEntropy', 'focal'],
  value: ['mse', 'mae', 'huber', 'quantile'],
};

export const activationIds: readonly ActivationId[] = [
  'tanh',
  'relu',
  'sigmoid',
  'leakyRelu',
  'gelu',
  'silu',
  'elu',
  'identity',
];

export const optimizerTitles: readonly (readonly [OptimizerId, string])[] = [
  ['sgd', 'SGD'],
  ['momentum', 'Momentum'],
  ['nesterov', 'Nesterov'],
  ['adagrad', 'AdaGrad'],
  ['rmsprop', 'RMSProp'],
  ['adadelta', 'AdaDelta'],
  ['adam', 'Adam'],
  ['adamw', 'AdamW'],
  ['nadam', 'NAdam'],
  ['radam', 'RAdam'],
  ['adamax', 'Adamax'],
  ['lion', 'Lion'],
  ['lamb', 'LAMB'],
  ['adafactor', 'Adafactor'],
  ['muon', 'Muon'],
  ['lookahead', 'Lookahead (Adam)'],
];

/** Points of the pictures along each axis. */
export const resolution = 40;

/** Corners of a pentagon, near the unit circle; blobs are around the first of them. */
export const blobCenters: readonly (readonly [number, number])[] = [
  [0, 1],
  [0.95, 0.31],
  [-0.59, -0.81],
  [-0.95, 0.31],
  [0.59, -0.81],
];

/** True slopes and height of the plane. */
export const plane = { weights: [1.5, -1], bias: 0.5 };

/** What of the plane is there to paint on. */
export const paper = { x: [-1.2, 1.2], y: [-1.2, 1.2] } as const;

/** Most points that can be painted or pasted: they all stand in the address. */
export const maxPoints = 1000;
/** How far from 0 a point or its value may be: 32-bit numbers hold it. */
const farthest = 1e30;
export const maxClasses = 5;
export const maxLayers = 5;
export const maxUnits = 8;

/** Whether there is one input, x, and y is what is to be predicted. */
export function isLine({ data, line }: Pick<PlaygroundConfig, 'data' | 'line'>): boolean {
  return data === 'curve' || (data === 'points' && line);
}

/** What the data ask for: classes (2 also of a number, which has none), and the kind of answer. */
export function taskOf(
  config: Pick<PlaygroundConfig, 'data' | 'line' | 'regression' | 'points' | 'classes'>,
): {
  readonly kind: Kind;
  readonly classes: number;
} {
  const { data, regression, points } = config;
  if (isLine(config) || data === 'plane' || data === 'hills' || (data === 'points' && regression))
    return { kind: 'value', classes: 1 };
  const most = points.reduce((largest, { target }) => Math.max(largest, target), 0);
  const classes =
    data === 'points' ? Math.max(2, most + 1) : data === 'spirals' || data === 'blobs' ? config.classes : 2;
  return { kind: classes > 2 ? 'classes' : 'binary', classes };
}

/** Outputs of the network. */
export function outputsOf({ kind, classes }: ReturnType<typeof taskOf>): number {
  return kind === 'classes' ? classes : 1;
}

/** Examples in a batch: no more than there are, and two where they are normalized by each other. */
export function batchSizeOf(
  { batchSize, normalization }: Pick<PlaygroundConfig, 'batchSize' | 'normalization'>,
  examples: number,
): number {
  return Math.min(examples, normalization === 'batch' ? Math.max(2, batchSize) : batchSize);
}

const fallback: Omit<PlaygroundConfig, 'loss' | 'features'> = {
  data: 'circles',
  count: 200,
  noise: 0.1,
  classes: 2,
  test: 0.3,
  regression: false,
  line: false,
  points: [],
  standardize: true,
  layers: [
    { activation: 'tanh', units: 4 },
    { activation: 'tanh', units: 3 },
  ],
  normalization: 'none',
  dropout: 0,
  l1: 0,
  l2: 0,
  optimizer: 'adam',
  learningRate: 0.03,
  batchSize: 20,
  seed: 1,
};

/** What an address says; what it does not say, or says wrongly, is as usual. */
export function configFrom(parameters: URLSearchParams): PlaygroundConfig {
  const number = (name: keyof typeof fallback, low: number, high: number, whole = true): number => {
    const text = parameters.get(name);
    const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) return fallback[name] as number;
    return Math.max(low, Math.min(high, whole ? Math.round(value) : value));
  };
  const one = <T extends string>(name: string, ids: readonly T[], usual: T): T =>
    ids.find((id) => id === parameters.get(name)) ?? usual;
  const data = one('data', dataIds, fallback.data);
  const line = parameters.get('line') === 'true';
  const regression = parameters.get('regression') === 'true' || (data === 'points' && line);
  const asked = {
    data,
    line,
    count: number('count', 10, 1000),
    noise: number('noise', 0, 1, false),
    classes: number('classes', 2, 5),
    test: number('test', 0, 0.8, false),
    regression,
    points: parsePoints(parameters.get('points') ?? '', regression),
    standardize: parameters.get('standardize') !== 'false',
    normalization: one('normalization', ['none', 'batch', 'layer'] as const, fallback.normalization),
    layers: parameters.has('layers') ? parseLayers(parameters.get('layers')!) : fallback.layers,
    dropout: number('dropout', 0, 0.9, false),
    l1: number('l1', 0, 10, false),
    l2: number('l2', 0, 10, false),
    optimizer: one(
      'optimizer',
      optimizerTitles.map(([id]) => id),
      fallback.optimizer,
    ),
    learningRate: number('learningRate', 0, 1e6, false),
    batchSize: number('batchSize', 1, 1000),
    seed: number('seed', 0, 2 ** 31),
  };
  const losses = lossIds[taskOf(asked).kind];
  return {
    ...asked,
    loss: one('loss', losses, losses[0]),
    features: parseFeatures(parameters, isLine(asked)),
  };
}

/** Those that are named and can be; never none. */
function parseFeatures(parameters: URLSearchParams, line: boolean): FeatureId[] {
  const known = line ? lineFeatures : featureIds;
  const named = (parameters.get('features') ?? 'x,y').split(',');
  const found = known.filter((id) => named.includes(id));
  return found.length > 0 ? found : line ? ['x'] : ['x', 'y'];
}

/** Those that there are to choose from. */
export function featuresFor(config: PlaygroundConfig): readonly FeatureId[] {
  return isLine(config) ? lineFeatures : featureIds;
}

/** `tanh:4,relu:3`; an empty text is a network without hidden layers. */
export function writeLayers(layers: readonly LayerConfig[]): string {
  return layers.map(({ activation, units }) => `${activation}:${units}`).join(',');
}

function parseLayers(text: string): LayerConfig[] {
  return text
    .split(',')
    .flatMap((part): LayerConfig[] => {
      const [name, units] = part.split(':');
      const activation = activationIds.find((id) => id === name);
      const count = Math.round(Number(units));
      return activation && count >= 1 ? [{ activation, units: Math.min(maxUnits, count) }] : [];
    })
    .slice(0, maxLayers);
}

/** `0.5,-1,0;…`: coordinates with four digits, then the target. */
export function writePoints(points: readonly PaintedPoint[]): string {
  return points.map(({ x, y, target }) => `${short(x)},${short(y)},${short(target)}`).join(';');
}

/** Points that cannot be are left out: places beyond what pictures can show, and classes that are none. */
function parsePoints(text: string, regression: boolean): PaintedPoint[] {
  const isTarget = (value: number) =>
    regression ? Math.abs(value) <= farthest : Number.isInteger(value) && value >= 0 && value < maxClasses;

  return text
    .split(';')
    .flatMap((part): PaintedPoint[] => {
      const numbers = part.split(',').map(Number);
      const [x, y, target] = numbers;
      const fits = Math.abs(x) <= farthest && Math.abs(y) <= farthest && isTarget(target);
      return part !== '' && numbers.length === 3 && fits ? [{ x: x, y: y, target: target }] : [];
    })
    .slice(0, maxPoints);
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
