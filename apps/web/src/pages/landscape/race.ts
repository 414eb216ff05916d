/** The race: every runner down the same surface from the same start, and one runner from many starts. */
import { formula } from '@ag/graph';
import { tensor } from '@ag/tensor';
import { descend, type Height, inspectPlaces, type Kind, type Places } from './descend.ts';
import { type Runner, runners } from './runners.ts';

export interface Domain {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

export interface RaceRequest {
  /** A formula in x and y. */
  readonly expression: string;
  readonly start: readonly [number, number];
  readonly steps: number;
  readonly runners: readonly { readonly id: Runner; readonly learningRate: number }[];
  readonly domain: Domain;
}

/** What became of a runner. */
export type Fate =
  /** At a place where the gradient is 0, of the kind that its Hessian says. */
  | Kind
  /** Among the numbers that are not finite. */
  | 'overflow'
  /** Off the map and higher than it began. */
  | 'climbing'
  /** Off the map, and not higher. */
  | 'away'
  | 'moving';

export interface RacePath {
  readonly id: Runner;
  readonly name: string;
  /** Points from the start on; shorter than asked when the runner left the finite numbers. */
  readonly points: [number, number][];
  /** Heights of the first and the last point. */
  readonly begin: number;
  readonly end: number;
  /** Length of the gradient at the last point. */
  readonly slope: number;
  readonly fate: Fate;
  readonly diverged: boolean;
}

export interface HeightGrid {
  readonly columns: number;
  readonly rows: number;
  /** First row at the lowest y. */
  readonly values: Float64Array;
}

export interface RaceResult {
  readonly paths: readonly RacePath[];
  readonly grid: HeightGrid;
}

/** Points of the grid along each axis. */
const resolution = 97;

/** A gradient below this is taken for 0. */
export const still = 1e-3;

/** @throws Error for a formula that is wrong or has other names than x and y */
export async function race({
  expression,
  start,
  steps,
  runners: chosen,
  domain,
}: RaceRequest): Promise<RaceResult> {
  const height = heightOf(expression);
  const paths: RacePath[] = [];
  for (const { id, learningRate } of chosen) {
    const from = { x: Float64Array.of(start[0]), y: Float64Array.of(start[1]) };
    const visited = await descend(id, learningRate, from, steps, height);
    const points = visited.map(({ x, y }): [number, number] => [x[0], y[0]]);
    const overflow = !points.at(-1)!.every(Number.isFinite);
    if (overflow) points.pop();
    const [first, last] = await inspectPlaces(height, placesOf([points[0], points.at(-1)!]));
    const fate = fateOf(overflow, points.at(-1)!, first.height, last, domain);
    paths.push({
      id,
      name: runners[id].name,
      points,
      begin: first.height,
      end: last.height,
      slope: last.slope,
      fate,
      diverged: fate === 'overflow' || fate === 'climbing',
    });
  }
  return { paths, grid: await heights(height, domain) };
}

/** What can be said of a runner at its last point. */
export function fateOf(
  overflow: boolean,
  [x, y]: readonly [number, number],
  begin: number,
  last: { readonly height: number; readonly slope: number; readonly kind: Kind },
  domain: Domain,
): Fate {
  if (overflow || !Number.isFinite(last.height)) return 'overflow';
  const off = x < domain.x[0] || x > domain.x[1] || y < domain.y[0] || y > domain.y[1];
  if (off) return last.height > begin ? 'climbing' : 'away';
  return last.slope < still ? last.kind : 'moving';
}

/** @throws Error for a formula that is wrong or has other names than x and y */
function heightOf(expression: string): Height {
  const surface = formula(expression);
  const other = surface.names.find((name) => name !== 'x' && name !== 'y');
  if (other !== undefined) throw new Error(`the surface is a formula in x and y; '${other}' is neither`);
  return (x, y) => surface.evaluate({ x, y });
}

function placesOf(points: readonly (readonly [number, number])[]): Places {
  return {
    x: Float64Array.from(points, ([x]) => x),
    y: Float64Array.from(points, ([, y]) => y),
  };
}

async function heights(height: Height, { x, y }: Domain): Promise<HeightGrid> {
  const z = height(
    tensor(along(x, resolution), { shape: [1, resolution] }),
    tensor(along(y, resolution), { shape: [resolution, 1] }),
  );
  const values = (await z.broadcastTo([resolution, resolution]).data()) as Float64Array;
  return { columns: resolution, rows: resolution, values };
}

function along([low, high]: readonly [number, number], count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
}

export interface BasinsRequest {
  readonly expression: string;
  readonly runner: Runner;
  readonly learningRate: number;
  readonly steps: number;
  /** Starts along each axis. */
  readonly side: number;
  readonly domain: Domain;
}

/** Where runners came to rest, and how many. */
export interface Attractor {
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly kind: Kind;
  readonly count: number;
}

export interface Basins {
  readonly side: number;
  /** Most often reached first. */
  readonly attractors: readonly Attractor[];
  /** For each start, first row at the lowest y: the number of its attractor, −1 still on the way, −2 diverged or gone. */
  readonly labels: Int16Array;
  /** Coordinates x, y of all runners, step after step. */
  readonly tracks: Float32Array;
  readonly steps: number;
}

/** Runs from a lattice of starts and tells the places that they reach apart. */
export async function basins(request: BasinsRequest): Promise<Basins> {
  const { expression, runner, learningRate, steps, side, domain } = request;
  const height = heightOf(expression);
  const [xs, ys] = [along(domain.x, side), along(domain.y, side)];
  const count = side * side;
  const starts = {
    x: Float64Array.from({ length: count }, (_, i) => xs[i % side]),
    y: Float64Array.from({ length: count }, (_, i) => ys[Math.floor(i / side)]),
  };
  const visited = await descend(runner, learningRate, starts, steps, height);
  const tracks = new Float32Array(visited.length * count * 2);
  for (const [step, { x, y }] of visited.entries()) {
    for (let i = 0; i < count; i++) {
      tracks[2 * (step * count + i)] = x[i];
      tracks[2 * (step * count + i) + 1] = y[i];
    }
  }
  const last = visited.at(-1)!;
  const found = await inspectPlaces(height, last);
  const begun = await inspectPlaces(height, starts);
  // Closer together than this is the same place.
  const near = 0.02 * Math.max(domain.x[1] - domain.x[0], domain.y[1] - domain.y[0]);
  const groups: { x: number; y: number; height: number; kind: Kind; members: number[] }[] = [];
  const labels = new Int16Array(count).fill(-1);
  const groupAt = (x: number, y: number) =>
    groups.find((group) => (group.x - x) ** 2 + (group.y - y) ** 2 < near ** 2);
  for (let i = 0; i < count; i++) {
    const [x, y] = [last.x[i], last.y[i]];
    const overflow = !(Number.isFinite(x) && Number.isFinite(y));
    const { kind, slope, height: z } = found[i];
    const fate = fateOf(overflow, [x, y], begun[i].height, found[i], domain);
    if (fate === 'overflow' || fate === 'climbing') labels[i] = -2;
    else if (slope < still) {
      const known = groupAt(x, y);
      if (known) known.members.push(i);
      else groups.push({ x, y, height: z, kind, members: [i] });
    }
  }
  // Who is as near as that to a place where others rest has arrived there, if not quite at rest.
  for (let i = 0; i < count; i++)
    if (labels[i] === -1 && found[i].slope >= still) groupAt(last.x[i], last.y[i])?.members.push(i);
  groups.sort((a, b) => b.members.length - a.members.length);
  for (const [label, { members }] of groups.entries()) for (const i of members) labels[i] = label;
  return {
    side,
    attractors: groups.map(({ members, ...place }) => ({ ...place, count: members.length })),
    labels,
    tracks,
    steps: visited.length - 1,
  };
}
