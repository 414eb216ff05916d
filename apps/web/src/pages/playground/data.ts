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
import { blobCenters, maxPoints, type PaintedPoint, type PlaygroundConfig, paper, plane } from './config.ts';

/** What is to be predicted: one of two classes, one of several, or a number. */
export type Kind = 'binary' | 'classes' | 'value';

export interface Domain {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

export interface PlaygroundData {
  readonly kind: Kind;
  readonly classes: number;
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
export function makeData(config: PlaygroundConfig): PlaygroundData {
  const source = makeSource(config);
  const kind: Kind = source.regression ? 'value' : source.classes > 2 ? 'classes' : 'binary';
  const all = memoryDataset(
    { x: source.x, y: kind === 'classes' ? asClasses(source.y) : asNumbers(source.y) },
    { name: config.data },
  );
  const testCount = Math.min(all.length - 1, Math.round(all.length * config.test));
  const split = config.data !== 'xor' && testCount > 0;
  const [train, test = null] = split
    ? randomSplit(all, [all.length - testCount, testCount], { seed: config.seed })
    : [all];
  const scale = config.standardize ? transforms.standardize(train) : null;
  const scaled = (set: MemoryDataset): MemoryDataset => {
    if (!scale) return set;
    const indices = Int32Array.from({ length: set.length }, (_, i) => i);
    return memoryDataset(scale(set.rows(indices), { seed: 0, epoch: 0, start: 0, indices }), set.info);
  };
  return {
    kind,
    classes: source.classes,
    train: scaled(train),
    test: test && scaled(test),
    trainPoints: pointsOf(train),
    testPoints: test ? pointsOf(test) : [],
    domain: domainOf(all, config.data === 'points'),
    inputs: (points) =>
      scaled(
        memoryDataset({
          x: { data: points, shape: [2] },
          y: { data: new Float32Array(points.length / 2), shape: [] },
        }),
      ),
  };
}

interface Source {
  readonly x: Column;
  readonly y: Column;
  readonly classes: number;
  readonly regression: boolean;
}

function makeSource({ data, count, noise, classes, seed, regression, points }: PlaygroundConfig): Source {
  const of = (set: MemoryDataset, kinds: number): Source => ({
    ...set.columns,
    classes: kinds,
    regression: kinds === 1,
  });
  switch (data) {
    case 'xor':
      return of(xor(), 2);
    case 'circles':
      return of(circles({ count, noise, seed }), 2);
    case 'spirals':
      return of(spirals({ count, noise, seed, classes }), classes);
    case 'moons':
      return of(moons({ count, noise, seed }), 2);
    case 'blobs':
      return of(blobs({ count, deviation: noise, seed, centers: blobCenters.slice(0, classes) }), classes);
    case 'plane':
      return of(linearRegression({ count, noise, seed, ...plane }), 1);
    case 'points': {
      if (points.length < 2) throw new Error('paint at least two points, or paste a table');
      return {
        x: { data: Float32Array.from(points.flatMap(({ x, y }) => [x, y])), shape: [2] },
        y: { data: Float32Array.from(points, ({ target }) => target), shape: [1] },
        classes: regression ? 1 : Math.max(2, 1 + Math.max(...points.map(({ target }) => target))),
        regression,
      };
    }
  }
}

const asClasses = ({ data }: Column): Column => ({ data: Int32Array.from(data), shape: [] });
const asNumbers = ({ data }: Column): Column => ({ data: Float32Array.from(data), shape: [1] });

function pointsOf({ columns: { x, y } }: MemoryDataset): PaintedPoint[] {
  return Array.from(y.data, (target, i) => ({ x: x.data[2 * i], y: x.data[2 * i + 1], target }));
}

/**
 * The square around the points, with a margin. What is painted stays where it is painted: the plane that is shown at
 * first moves only for points outside of it, which a table may have.
 */
function domainOf({ columns }: MemoryDataset, painted: boolean): Domain {
  const along = (axis: 0 | 1): readonly [number, number] => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = axis; i < columns.x.data.length; i += 2) {
      low = Math.min(low, columns.x.data[i]);
      high = Math.max(high, columns.x.data[i]);
    }
    return [low, high];
  };
  const [x, y] = [along(0), along(1)];
  const inside = ([low, high]: readonly [number, number], [from, to]: readonly [number, number]) =>
    low >= from && high <= to;
  if (painted && inside(x, paper.x) && inside(y, paper.y)) return paper;
  const half = 0.6 * Math.max(x[1] - x[0], y[1] - y[0], 1e-6);
  const around = ([low, high]: readonly [number, number]): readonly [number, number] => {
    const middle = (low + high) / 2;
    return [round(middle - half), round(middle + half)];
  };
  return { x: around(x), y: around(y) };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

/**
 * The points of a pasted table: two columns of numbers, then the target, a number or the name of a class.
 *
 * @throws Error when the text is no such table
 */
export async function pointsFromText(
  text: string,
  regression: boolean,
): Promise<{ points: PaintedPoint[]; classes: string[] }> {
  const first = text.trim().split(/\r\n?|\n/)[0] ?? '';
  const delimiter = ['\t', ';', ','].find((each) => first.includes(each)) ?? ',';
  const hasHeader = first
    .split(delimiter)
    .slice(0, 2)
    .some((cell) => !Number.isFinite(Number(cell)));
  const table = await parseCsv(text.trim(), { delimiter, header: hasHeader, file: 'the pasted table' });
  const [x, y, target] = table.header;
  if (table.header.length !== 3) {
    throw new Error(
      `the pasted table has ${table.header.length} columns; it needs three: two inputs and a target`,
    );
  }
  const set = tableDataset(table, {
    target: target,
    features: [x, y],
    file: 'the pasted table',
    ...(!regression && { categorical: [target] }),
  });
  const classes = [...(set.classes ?? [])];
  if (classes.length > 5) {
    throw new Error(
      `the pasted table has ${classes.length} classes; up to five can be shown. Is it a regression?`,
    );
  }
  if (set.length > maxPoints) {
    throw new Error(`the pasted table has ${set.length} rows; up to ${maxPoints} fit into the address`);
  }
  return { points: pointsOf(set), classes };
}
