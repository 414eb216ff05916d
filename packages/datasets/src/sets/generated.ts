/**
 * Small data sets with a known answer, computed from a seed. They serve lessons, tests and demonstrations that need no file.
 * The same options give the same numbers on every machine.
 */
import { checkOptions } from '@ag/tensor/engine';
import { type MemoryDataset, memoryDataset } from '../dataset.ts';
import { cosineOfTurn, sineOfTurn } from '../deterministicMath.ts';
import { DataError } from '../errors.ts';
import { type RandomStream, randomStream } from '../random.ts';

/** Options that all generated sets of points share. */
export interface PointsOptions {
  /** How many points. */
  count?: number;
  /** Standard deviation of the normal noise added to each coordinate. */
  noise?: number;
  /** Determines the points. Default 0. */
  seed?: number;
}

/** Purposes of random numbers, so that no two sets share any. */
const streams = { spirals: 11, moons: 12, circles: 13, blobs: 14, linearRegression: 15 };

/**
 * The exclusive or: x `[4, 2]` with the corners of the unit square, y `[4, 1]` with 1 where exactly one coordinate is 1.
 */
export function xor(): MemoryDataset {
  return memoryDataset(
    {
      x: { data: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), shape: [2] },
      y: { data: Float32Array.of(0, 1, 1, 0), shape: [1] },
    },
    { name: 'xor', featureNames: ['a', 'b'], targetName: 'a xor b' },
  );
}

/** Options of {@link spirals}. */
export interface SpiralsOptions extends PointsOptions {
  /** How many arms, each a class. Default 2. */
  classes?: number;
  /** How often an arm winds around the center. Default 1. */
  turns?: number;
}

/**
 * Spiral arms around the origin: x `[count, 2]` within the unit circle (plus noise), y `[count]` the arm. Radius and
 * angle grow together from the center; the points of an arm are evenly spaced in radius. Default 300 points, noise 0.02.
 *
 * @throws DataError when a number makes no sense
 */
export function spirals(options: SpiralsOptions = {}): MemoryDataset {
  checkOptions('spirals', options, 'classes turns count noise seed');
  const { count = 300, noise = 0.02, seed = 0, classes = 2, turns = 1 } = options;
  checkCount('spirals: classes', classes, 1);
  const perArm = Math.ceil(checkCount('spirals: count', count, classes) / classes);
  const random = randomStream(seed, streams.spirals);
  return labeledPoints('spirals', count, classes, noise, random, (i) => {
    const arm = i % classes;
    const radius = (Math.floor(i / classes) + 1) / perArm;
    const turn = radius * turns + arm / classes;
    return [radius * cosineOfTurn(turn), radius * sineOfTurn(turn), arm];
  });
}

/**
 * Two interleaving half circles of radius 1: the upper around (0, 0), the lower around (1, 0.5). x `[count, 2]`,
 * y `[count]` 0 or 1. Default 200 points, noise 0.1.
 */
export function moons(options: PointsOptions = {}): MemoryDataset {
  checkOptions('moons', options, 'count noise seed');
  const { count = 200, noise = 0.1, seed = 0 } = options;
  const perMoon = Math.ceil(checkCount('moons: count', count, 2) / 2);
  const random = randomStream(seed, streams.moons);
  return labeledPoints('moons', count, 2, noise, random, (i) => {
    const turn = (Math.floor(i / 2) / Math.max(1, perMoon - 1)) * 0.5;
    const x = cosineOfTurn(turn);
    const y = sineOfTurn(turn);
    return i % 2 === 0 ? [x, y, 0] : [1 - x, 0.5 - y, 1];
  });
}

/** Options of {@link circles}. */
export interface CirclesOptions extends PointsOptions {
  /** The inner circle's radius, between 0 and 1. Default 0.5. */
  factor?: number;
}

/**
 * Two circles around the origin, the outer (class 0) of radius 1, the inner (class 1) of radius `factor`.
 * x `[count, 2]`, y `[count]`. Default 200 points, noise 0.05.
 */
export function circles(options: CirclesOptions = {}): MemoryDataset {
  checkOptions('circles', options, 'factor count noise seed');
  const { count = 200, noise = 0.05, seed = 0, factor = 0.5 } = options;
  checkNumber('circles: factor', factor, 0, 1);
  const perCircle = Math.ceil(checkCount('circles: count', count, 2) / 2);
  const random = randomStream(seed, streams.circles);
  return labeledPoints('circles', count, 2, noise, random, (i) => {
    const turn = Math.floor(i / 2) / perCircle;
    const radius = i % 2 === 0 ? 1 : factor;
    return [radius * cosineOfTurn(turn), radius * sineOfTurn(turn), i % 2];
  });
}

/** Options of {@link blobs}. */
export interface BlobsOptions {
  /** How many points. Default 300. */
  count?: number;
  /** How many clusters, or their centers. Default 3 clusters, their centers drawn from −5 … 5. */
  centers?: number | readonly (readonly number[])[];
  /** How many coordinates a point has where centers are drawn. Default 2. */
  features?: number;
  /** Standard deviation of a cluster. Default 1. */
  deviation?: number;
  /** Determines centers and points. Default 0. */
  seed?: number;
}

/**
 * Normally distributed clusters: x `[count, features]`, y `[count]` the cluster, as many points in each (to one).
 */
export function blobs(options: BlobsOptions = {}): MemoryDataset {
  checkOptions('blobs', options, 'count centers features deviation seed');
  const { count = 300, centers = 3, deviation = 1, seed = 0 } = options;
  const random = randomStream(seed, streams.blobs);
  const places =
    typeof centers === 'number'
      ? drawCenters(checkCount('blobs: centers', centers, 1), options.features ?? 2, random)
      : centers;
  const features = places[0]?.length ?? 0;
  if (features === 0 || places.some((place) => place.length !== features)) {
    throw new DataError('blobs: centers', {
      code: 'option',
      expected: 'at least one center, all with the same number of coordinates',
      found: JSON.stringify(centers),
    });
  }
  checkNumber('blobs: deviation', deviation, 0);
  checkCount('blobs: count', count, 1);
  const x = new Float32Array(count * features);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    y[i] = i % places.length;
    for (let f = 0; f < features; f++) x[i * features + f] = places[y[i]][f] + deviation * random.normal();
  }
  return memoryDataset(
    { x: { data: x, shape: [features] }, y: { data: y, shape: [] } },
    { name: 'blobs', classes: places.map((_, i) => `cluster ${i}`) },
  );
}

/** Options of {@link linearRegression}. */
export interface LinearRegressionOptions extends PointsOptions {
  /** How many inputs. Default 1, or the number of weights given. */
  features?: number;
  /** The true weights. Default: drawn from −3 … 3. */
  weights?: readonly number[];
  /** The true bias. Default: drawn from −3 … 3. */
  bias?: number;
}

/** A data set that knows the line it was made from. */
export interface LinearRegressionDataset extends MemoryDataset {
  readonly weights: readonly number[];
  readonly bias: number;
}

/**
 * A linear relation with noise: x `[count, features]` standard normal, y `[count, 1]` = x·weights + bias + noise.
 * Default 100 points, noise 0.1.
 */
export function linearRegression(options: LinearRegressionOptions = {}): LinearRegressionDataset {
  checkOptions('linearRegression', options, 'features weights bias count noise seed');
  const { count = 100, noise = 0.1, seed = 0 } = options;
  const features = checkCount(
    'linearRegression: features',
    options.features ?? options.weights?.length ?? 1,
    1,
  );
  checkCount('linearRegression: count', count, 1);
  checkNumber('linearRegression: noise', noise, 0);
  const random = randomStream(seed, streams.linearRegression);
  const drawn = Array.from({ length: features }, () => random.uniform(-3, 3));
  const weights = options.weights ?? drawn;
  const bias = options.bias ?? random.uniform(-3, 3);
  if (weights.length !== features) {
    throw new DataError('linearRegression: weights', {
      code: 'option',
      expected: `${features} numbers, one per feature`,
      found: String(weights.length),
    });
  }
  const x = new Float32Array(count * features);
  const y = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let value = bias;
    for (let f = 0; f < features; f++) {
      x[i * features + f] = random.normal();
      value += x[i * features + f] * weights[f];
    }
    y[i] = value + noise * random.normal();
  }
  const set = memoryDataset(
    { x: { data: x, shape: [features] }, y: { data: y, shape: [1] } },
    { name: 'linearRegression' },
  );
  return { ...set, weights: [...weights], bias };
}

function labeledPoints(
  name: string,
  count: number,
  classes: number,
  noise: number,
  random: RandomStream,
  point: (i: number) => [x: number, y: number, label: number],
): MemoryDataset {
  checkNumber(`${name}: noise`, noise, 0);
  const x = new Float32Array(2 * count);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const [px, py, label] = point(i);
    x[2 * i] = px + noise * random.normal();
    x[2 * i + 1] = py + noise * random.normal();
    y[i] = label;
  }
  return memoryDataset(
    { x: { data: x, shape: [2] }, y: { data: y, shape: [] } },
    { name, featureNames: ['x', 'y'], classes: Array.from({ length: classes }, (_, i) => String(i)) },
  );
}

function drawCenters(count: number, features: number, random: RandomStream): number[][] {
  checkCount('blobs: features', features, 1);
  return Array.from({ length: count }, () => Array.from({ length: features }, () => random.uniform(-5, 5)));
}

/** Returns an integer option that is large enough, else throws. */
export function checkCount(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new DataError(option, {
    code: 'option',
    expected: `an integer of at least ${least}`,
    found: String(value),
  });
}

function checkNumber(option: string, value: number, least: number, most = Number.MAX_VALUE): void {
  if (value >= least && value <= most) return;
  const range =
    most === Number.MAX_VALUE ? `a finite number of at least ${least}` : `a number from ${least} to ${most}`;
  throw new DataError(option, { code: 'option', expected: range, found: String(value) });
}
