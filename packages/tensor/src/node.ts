/**
 * A node of the lazy graph: what every tensor is to planning, running and differentiation.
 *
 * A node is *lazy* first: `op`, `inputs` and `attributes` say what it is. Once evaluated it is a *value*: `op` is null, `leaf`
 * says where its elements lie, and `origin` remembers for a while what it was made of. When that goes, what it was made of
 * is *forgotten* (`lost`). Leaves that users make (host arrays, literals, variables, placeholders) are values from the start.
 *
 * The fields stand in `Tensor` itself: to inherit them, or a private method, more than doubles the time to make a node.
 */
import type { TypedArray } from './dtype.ts';
import type { AnyOp } from './ops/op.ts';
import type { DeviceValue } from './run/deviceValue.ts';
import type { Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** Where a tensor without an operation gets its elements. */
export type Leaf =
  /** A number given at each run, never part of a plan's structure. `read` gives a newer one for compiled steps. */
  | { readonly kind: 'literal'; readonly value: number; readonly read?: () => number }
  | { readonly kind: 'host'; readonly data: TypedArray; uses: number; device: DeviceValue | null }
  | { readonly kind: 'device'; readonly device: DeviceValue }
  | { readonly kind: 'variable'; readonly variable: Variable; readonly version: number }
  | { readonly kind: 'placeholder'; readonly name: string };

/** What an evaluated tensor was made of, remembered for a short while so that `backward` may follow reading. */
export interface Origin {
  readonly op: AnyOp;
  readonly inputs: readonly Tensor[];
  readonly attributes: unknown;
}
