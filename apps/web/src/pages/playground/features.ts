/**
 * What a network is given of a place in the plane: coordinates, and what is computed of them.
 *
 * The same functions are written into the program that the page shows.
 */
import type { FeatureId } from './config.ts';

interface Feature {
  /** As it is written in formulas. */
  readonly name: string;
  readonly of: (x: number, y: number) => number;
  /** The same in the program. */
  readonly code: string;
}

export const features: Readonly<Record<FeatureId, Feature>> = {
  x: { name: 'x₁', of: (x) => x, code: 'x' },
  y: { name: 'x₂', of: (_, y) => y, code: 'y' },
  x2: { name: 'x₁²', of: (x) => x * x, code: 'x * x' },
  y2: { name: 'x₂²', of: (_, y) => y * y, code: 'y * y' },
  xy: { name: 'x₁x₂', of: (x, y) => x * y, code: 'x * y' },
  // One whole wave from −1 to 1, which is where most of the points are.
  sinx: { name: 'sin πx₁', of: (x) => Math.sin(Math.PI * x), code: 'Math.sin(Math.PI * x)' },
  siny: { name: 'sin πx₂', of: (_, y) => Math.sin(Math.PI * y), code: 'Math.sin(Math.PI * y)' },
};

/** Rows of features, one after the other. @param points pairs of coordinates */
export function featuresOf(ids: readonly FeatureId[], points: ArrayLike<number>): Float32Array {
  const rows = new Float32Array((points.length / 2) * ids.length);
  for (let i = 0; i < points.length / 2; i++)
    ids.forEach((id, f) => {
      rows[i * ids.length + f] = features[id].of(points[2 * i], points[2 * i + 1]);
    });
  return rows;
}
