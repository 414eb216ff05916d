/** What space and map both show: a surface, who walks on it, and how high it is drawn. */
import { log } from '@ag/tensor/math';
import type { Text } from '../../shell/language.ts';
import type { Basins, Domain, HeightGrid } from './race.ts';

export interface Scenery {
  /** Another text for another surface. */
  readonly key: string;
  readonly grid: HeightGrid;
  readonly domain: Domain;
  /** Heights are drawn as their logarithms. */
  readonly logarithmic: boolean;
  readonly heightLabel: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly paths: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
  /** Many runners at once; null for none. */
  readonly basins: Basins | null;
  readonly minima: readonly (readonly [number, number])[];
  /** Steps of the longest path. */
  readonly steps: number;
  /** What it is, for whoever does not see it. */
  readonly description: Text;
}

/** Heights of surfaces with cliffs; their minima are 0. */
const floor = 1e-3;

/** Heights as they are drawn, logarithmic where the scenery says so. */
export function drawnHeights({ grid, logarithmic }: Pick<Scenery, 'grid' | 'logarithmic'>): Float64Array {
  return logarithmic ? grid.values.map((height) => log(height + floor) * Math.LOG10E) : grid.values;
}

/** A surface of heights from 0 to 1, to be asked for any place of its domain. */
export interface Relief {
  readonly columns: number;
  readonly rows: number;
  /** 0 … 1; NaN where the surface has no height. */
  readonly heights: Float32Array;
  /** The heights that are drawn as 0 and 1. */
  readonly range: readonly [number, number];
  /** Between the four points around it; null beside the map and where there is no height. */
  at(x: number, y: number): { readonly across: number; readonly up: number; readonly height: number } | null;
}

export function reliefOf(scenery: Pick<Scenery, 'grid' | 'logarithmic' | 'domain'>): Relief {
  const { domain } = scenery;
  const { columns, rows } = scenery.grid;
  const values = drawnHeights(scenery);
  const [low, high] = rangeOf(values);
  const heights = Float32Array.from(values, (value) =>
    Number.isFinite(value) ? Math.min(1, Math.max(0, (value - low) / (high - low || 1))) : Number.NaN,
  );
  return {
    columns,
    rows,
    heights,
    range: [low, high],
    at(x, y) {
      const across = (x - domain.x[0]) / (domain.x[1] - domain.x[0]);
      const up = (y - domain.y[0]) / (domain.y[1] - domain.y[0]);
      if (!(across >= 0 && across <= 1 && up >= 0 && up <= 1)) return null;
      const [u, v] = [across * (columns - 1), up * (rows - 1)];
      const [j, i] = [Math.min(columns - 2, Math.floor(u)), Math.min(rows - 2, Math.floor(v))];
      const height = (r: number, c: number) => heights[r * columns + c];
      const near = height(i, j) * (1 - (u - j)) + height(i, j + 1) * (u - j);
      const far = height(i + 1, j) * (1 - (u - j)) + height(i + 1, j + 1) * (u - j);
      const between = near * (1 - (v - i)) + far * (v - i);
      return Number.isFinite(between) ? { across, up, height: between } : null;
    },
  };
}

/** From the lowest to the highest, without the highest hundredth where that is a spike far above the rest. */
function rangeOf(values: Float64Array): readonly [number, number] {
  const sorted = values.filter(Number.isFinite).sort();
  if (sorted.length === 0) return [0, 1];
  const [low, most, high] = [sorted[0], sorted[Math.floor(0.99 * (sorted.length - 1))], sorted.at(-1)!];
  return high - low > 4 * (most - low) && most > low ? [low, most] : [low, high];
}

/** A place on a path at a time in steps, between two points as on a straight line. */
export function placeAt(
  points: readonly (readonly [number, number])[],
  time: number,
): readonly [number, number] {
  const step = Math.min(points.length - 1, Math.max(0, Math.floor(time)));
  const next = Math.min(points.length - 1, step + 1);
  const share = Math.min(1, Math.max(0, time - step));
  const [[ax, ay], [bx, by]] = [points[step], points[next]];
  return step === next ? [ax, ay] : [ax + share * (bx - ax), ay + share * (by - ay)];
}

/** The place of runner `i` of many at a time in steps. */
export function swarmPlace(
  { tracks, side, steps }: Basins,
  i: number,
  time: number,
): readonly [number, number] {
  const count = side * side;
  const step = Math.min(steps, Math.max(0, Math.floor(time)));
  const next = Math.min(steps, step + 1);
  const share = Math.min(1, Math.max(0, time - step));
  const [a, b] = [2 * (step * count + i), 2 * (next * count + i)];
  return [
    tracks[a] + share * (tracks[b] - tracks[a]),
    tracks[a + 1] + share * (tracks[b + 1] - tracks[a + 1]),
  ];
}
