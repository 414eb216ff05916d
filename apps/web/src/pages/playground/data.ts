/** The playground's data as a network sees them, split into training and test points. */
import {
  blobs,
  type Column,
  circles,
  linearRegression,
  type MemoryDataset,
  memoryDataset,
  moons,
  parseCsv,
  randomSplit,
  spirals,
  tableDataset,
  transforms,
  xor,
} from '@ag/datasets';
import { key, normal, splitKey, stack, uniform } from '@ag/tensor';
import {
  blobCenters,
  isLine,
  type Kind,
  maxClasses,
  maxPoints,
  type PaintedPoint,
  type PlaygroundConfig,
  paper,
  plane,
  taskOf,
} from './config.ts';
import { featuresOf } from './features.ts';

export interface Domain {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

export interface PlaygroundData {
  readonly kind: Kind;
  readonly classes: number;
  /** Whether x alone is given, and y is what is to be predicted. */
  readonly line: boolean;
  /** Inputs as the network gets them. */
  readonly train: MemoryDataset;
  readonly test: MemoryDataset | null;
  /** The same points in their own coordinates, for pictures. */
  readonly trainPoints: readonly PaintedPoint[];
  readonly testPoints: readonly PaintedPoint[];
  /** What the pictures show of the plane. */
  readonly domain: Domain;
  /** Points of the plane as the network gets them, in the order given. */
  readonly inputs: (points: Float32Array) => MemoryDataset;
}

/** @throws Error when there is nothing to learn from */
export async function makeData(config: PlaygroundConfig): Promise<PlaygroundData> {
  const { kind, classes } = taskOf(config);
  const line = isLine(config);
  const { x, y } = await makeSource(config);
  const all = memoryDataset(
    { x, y: kind === 'classes' ? asClasses(y) : asNumbers(y) },
    { name: config.data },
  );
  const testCount = testCountOf(config, all.length);
  const [train, test = null] =
    testCount > 0 ? randomSplit(all, [all.length - testCount, testCount], { seed: config.seed }) : [all];
  const featured = (set: MemoryDataset): MemoryDataset =>
    memoryDataset(
      {
        x: { data: featuresOf(config.features, set.columns.x.data), shape: [config.features.length] },
        y: set.columns.y,
      },
      set.info,
    );
  const given = featured(train);
  const scale = config.standardize ? transforms.standardize(given) : null;
  const scaled = (set: MemoryDataset): MemoryDataset => {
    if (!scale) return set;
    const indices = Int32Array.from({ length: set.length }, (_, i) => i);
    return memoryDataset(scale(set.rows(indices), { seed: 0, epoch: 0, start: 0, indices }), set.info);
  };
  const trainPoints = pointsOf(train);
  const testPoints = test ? pointsOf(test) : [];
  return {
    kind,
    classes,
    line,
    train: scaled(given),
    test: test && scaled(featured(test)),
    trainPoints,
    testPoints,
    domain: domainOf([...trainPoints, ...testPoints], line, config.data === 'points'),
    inputs: (points) =>
      scaled(
        featured(
          memoryDataset({
            x: { data: points, shape: [2] },
            y: { data: new Float32Array(points.length / 2), shape: [] },
          }),
        ),
      ),
  };
}

/** How many points are kept for testing; the four of the exclusive or are all learned. */
export function testCountOf({ data, test }: PlaygroundConfig, length: number): number {
  return data === 'xor' ? 0 : Math.min(length - 1, Math.round(length * test));
}

interface Source {
  /** Places, `[2]`. */
  readonly x: Column;
  readonly y: Column;
}

async function makeSource(config: PlaygroundConfig): Promise<Source> {
  const { data, count, noise, classes, seed, points } = config;
  switch (data) {
    case 'xor':
      return xor().columns;
    case 'circles':
      return circles({ count, noise, seed }).columns;
    case 'spirals':
      return spirals({ count, noise, seed, classes }).columns;
    case 'moons':
      return moons({ count, noise, seed }).columns;
    case 'blobs':
      return blobs({ count, deviation: noise, seed, centers: blobCenters.slice(0, classes) }).columns;
    case 'plane':
      return linearRegression({ count, noise, seed, ...plane }).columns;
    case 'hills':
    case 'curve':
      return computed(data, count, noise, seed);
    case 'points': {
      if (points.length < 2) throw new Error('paint at least two points, or paste a table');
      return {
        x: { data: Float32Array.from(points.flatMap(({ x, y }) => [x, y])), shape: [2] },
        y: {
          data: Float32Array.from(points, ({ y, target }) => (isLine(config) ? y : target)),
          shape: [1],
        },
      };
    }
  }
}

/** Heights over the plane, or a curve over x. The program of the page says the same. */
async function computed(
  data: 'hills' | 'curve',
  count: number,
  noise: number,
  seed: number,
): Promise<Source> {
  const [xKey, yKey, noiseKey] = splitKey(key(seed), 3);
  const x = uniform([count], { low: -1, high: 1, key: xKey });
  const y = uniform([count], { low: -1, high: 1, key: yKey });
  const smooth = data === 'curve' ? x.mul(4).sin().mul(0.7) : x.mul(3).sin().mul(y.mul(2).cos());
  const height = smooth.add(normal([count], { std: noise, key: noiseKey }));
  return {
    x: {
      data: Float32Array.from(await stack([x, data === 'curve' ? height : y], 1).data()),
      shape: [2],
    },
    y: { data: Float32Array.from(await height.data()), shape: [1] },
  };
}

const asClasses = ({ data }: Column): Column => ({ data: Int32Array.from(data), shape: [] });
const asNumbers = ({ data }: Column): Column => ({ data: Float32Array.from(data), shape: [1] });

function pointsOf({ columns: { x, y } }: MemoryDataset): PaintedPoint[] {
  return Array.from(y.data, (target, i) => ({ x: x.data[2 * i], y: x.data[2 * i + 1], target }));
}

/**
 * The square around the points, with a margin; over a line as wide and as high as they are. What is painted stays where
 * it is painted: the plane that is shown at first moves only for points outside of it, which a table may have.
 */
function domainOf(points: readonly PaintedPoint[], line: boolean, painted: boolean): Domain {
  const along = (axis: 'x' | 'y'): readonly [number, number] =>
    points.reduce<readonly [number, number]>(
      ([low, high], point) => [Math.min(low, point[axis]), Math.max(high, point[axis])],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
  const [x, y] = [along('x'), along('y')];
  const inside = ([low, high]: readonly [number, number], [from, to]: readonly [number, number]) =>
    low >= from && high <= to;
  if (painted && inside(x, paper.x) && inside(y, paper.y)) return paper;
  const [width, height] = [x, y].map(([low, high]) => 0.6 * Math.max(high - low, 1e-6));
  const around = ([low, high]: readonly [number, number], half: number): readonly [number, number] => {
    const middle = (low + high) / 2;
    return [round(middle - half), round(middle + half)];
  };
  const side = Math.max(width, height);
  return { x: around(x, line ? width : side), y: around(y, line ? height : side) };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

/**
 * The points of a pasted table: two columns of numbers, then the target, a number or the name of a class. Over a line
 * one column of numbers and the target.
 *
 * @throws Error when the text is no such table
 */
export async function pointsFromText(
  text: string,
  regression: boolean,
  line = false,
): Promise<{ points: PaintedPoint[]; classes: string[] }> {
  const inputs = line ? 1 : 2;
  const first = text.trim().split(/\r\n?|\n/)[0] ?? '';
  const delimiter = ['\t', ';', ','].find((each) => first.includes(each)) ?? ',';
  const hasHeader = first
    .split(delimiter)
    .slice(0, inputs)
    .some((cell) => !Number.isFinite(Number(cell)));
  const file = 'the pasted table';
  const table = await parseCsv(text.trim(), { delimiter, header: hasHeader, file });
  if (table.header.length !== inputs + 1) {
    const needed = line ? 'two: an input and a target' : 'three: two inputs and a target';
    throw new Error(`${file} has ${table.header.length} columns; it needs ${needed}`);
  }
  const target = table.header[inputs];
  const set = tableDataset(table, {
    target,
    features: table.header.slice(0, inputs),
    file,
    ...(!regression && { categorical: [target] }),
  });
  const classes = [...(set.classes ?? [])];
  if (classes.length > maxClasses) {
    throw new Error(`${file} has ${classes.length} classes; up to five can be shown. Is it a regression?`);
  }
  if (set.length > maxPoints) {
    throw new Error(`${file} has ${set.length} rows; up to ${maxPoints} fit into the address`);
  }
  const { x, y } = set.columns;
  return {
    points: line
      ? Array.from(y.data, (value, i) => ({ x: x.data[i], y: value, target: value }))
      : pointsOf(set),
    classes,
  };
}
