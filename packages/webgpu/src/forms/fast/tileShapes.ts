/**
 * Which tile computes a product: few shapes, chosen by what the device allows and how large the result is.
 *
 * A workgroup computes `rows` × `columns` results at a time from `depth` terms in workgroup memory; each invocation holds
 * `ownRows` × `ownColumns` of them in registers. Larger tiles read less from memory for each product, smaller ones leave work
 * for all of a device's cores.
 */
import type { Facts } from '../../device/facts.ts';

export interface TileShape {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly ownRows: number;
  readonly ownColumns: number;
}

/** The shapes by name. All numbers are multiples of 4, and half of the invocations have a block of 4 × 4 of each factor. */
export const tileShapes = {
  /** Large results: a term is read from memory once for 128 products. 256 invocations, 16 KiB. */
  large: { rows: 128, columns: 128, depth: 16, ownRows: 8, ownColumns: 8 },
  /** 128 invocations, 8 KiB. */
  medium: { rows: 64, columns: 64, depth: 16, ownRows: 4, ownColumns: 8 },
  /** Few rows or few results. 64 invocations, 4 KiB. */
  small: { rows: 32, columns: 32, depth: 16, ownRows: 4, ownColumns: 4 },
} as const satisfies Record<string, TileShape>;

export type TileName = keyof typeof tileShapes;

/** Invocations of a workgroup. */
export function invocationsOf({ rows, columns, ownRows, ownColumns }: TileShape): number {
  return (rows / ownRows) * (columns / ownColumns);
}

/** Workgroups that keep a large device busy: how many cores a device has, WebGPU does not tell. */
export const busyWorkgroups = 256;

/** The largest shape that fits the device and leaves it work enough. */
export function tileFor(facts: Facts, batch: number, m: number, n: number): TileName {
  if (facts.tile !== undefined) return facts.tile;
  const groups = ({ rows, columns }: TileShape) => batch * Math.ceil(m / rows) * Math.ceil(n / columns);
  const fits = (name: TileName): boolean => {
    const shape = tileShapes[name];
    const bytes = (shape.rows + shape.columns) * shape.depth * 4;
    return (
      invocationsOf(shape) <= facts.maxInvocations &&
      bytes <= facts.maxWorkgroupMemory &&
      Math.min(m, n) >= shape.rows / 2
    );
  };
  if (fits('large') && groups(tileShapes.large) >= busyWorkgroups) return 'large';
  if (fits('medium') && groups(tileShapes.medium) >= busyWorkgroups / 4) return 'medium';
  return 'small';
}
