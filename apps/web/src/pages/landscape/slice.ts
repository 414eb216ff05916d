/**
 * The loss on a plane through the space of a network's weights.
 *
 * Directions and projection after Li, Xu, Taylor, Studer & Goldstein, "Visualizing the Loss Landscape of Neural Nets"
 * (NeurIPS 2018): random directions whose filters are as long as the network's (their section 4, biases left out as in
 * their code), or the two main directions of the path (section 7.2).
 */
import { vmap } from '@ag/graph';
import { functionalCall } from '@ag/nn';
import { concat, evaluate, key, matmul, normal, solve, stack, svd, type Tensor, tensor } from '@ag/tensor';
import { lossOf, type Trained } from './network.ts';
import type { HeightGrid } from './race.ts';

export interface SliceRequest {
  /** Random directions scaled filter by filter, or the main directions of the path. */
  readonly directions: 'random' | 'path';
  /** Of the random directions. */
  readonly seed: number;
}

export interface Slice {
  readonly grid: HeightGrid;
  /** Both axes go from −reach to reach; the network is at 0, 0. */
  readonly reach: readonly [number, number];
  /** The path in coordinates of the plane; its last point is 0, 0. */
  readonly points: readonly (readonly [number, number])[];
  /** How much of the path's way is within the plane: shares of its squared distances from the network. */
  readonly explained: number;
  /** The two directions, for whoever checks. */
  readonly axes: readonly [Float64Array, Float64Array];
}

/** Points of the grid along each axis; odd, so that the network itself is one. */
export const sliceResolution = 41;

export async function sliceOf(trained: Trained, request: SliceRequest): Promise<Slice> {
  const last = tensor(trained.path.at(-1)!);
  const offsets = stack(
    trained.path.map((place) => tensor(place)),
    0,
  ).sub(last);
  const axes =
    request.directions === 'random' ? randomDirections(trained, request.seed) : pathDirections(offsets);
  // The nearest point of the plane: [T, P]·[P, 2] are inner products, turned into coordinates by the axes' own.
  const products = offsets.matmul(axes.transpose());
  const coordinates = solve(matmul(axes, axes.transpose()), products.transpose()).transpose();
  const away = offsets.square().sum();
  const within = coordinates.matmul(axes).square().sum();
  evaluate([axes, coordinates, away, within]);
  const places = await coordinates.data();
  const points = trained.path.map((_, i): [number, number] => [places[2 * i], places[2 * i + 1]]);
  const reachOf = (axis: 0 | 1) =>
    request.directions === 'random'
      ? 1
      : 1.2 * Math.max(...points.map((point) => Math.abs(point[axis])), 1e-6);
  const reach = [reachOf(0), reachOf(1)] as const;
  const size = trained.path[0].length;
  const flat = (await axes.data()) as Float64Array;
  return {
    grid: await lossGrid(trained, last, axes, reach),
    reach,
    points,
    explained: (await within.item()) / Math.max(await away.item(), 1e-300),
    axes: [flat.slice(0, size), flat.slice(size)],
  };
}

/** Two random directions `[2, P]`: in each row of a weight matrix as long as the network's row, in biases 0. */
function randomDirections({ parameters, path }: Trained, seed: number): Tensor {
  const place = path.at(-1)!;
  const rows = [0, 1].map((which) => {
    const parts = parameters.map(({ shape, offset, size }, i) => {
      const value = tensor(place.slice(offset, offset + size), { shape });
      if (shape.length < 2) return value.mul(0).reshape([size]);
      const noise = normal(shape, { dtype: 'float64', key: key(1000 * seed + 100 * which + i) });
      const length = (t: Tensor) => t.square().sum([1], { keepDims: true }).sqrt();
      return noise.mul(length(value).div(length(noise))).reshape([size]);
    });
    return concat(parts);
  });
  return stack(rows, 0);
}

/** The two directions in which the path is widest, orthonormal. */
function pathDirections(offsets: Tensor): Tensor {
  const centered = offsets.sub(offsets.mean(0, { keepDims: true }));
  // At most 60 of its places: as wide, and much quicker.
  const every = Math.max(1, Math.floor(offsets.shape[0] / 60));
  return svd(centered.slice(0, undefined, { step: every })).vt.slice(0, 2);
}

/** Losses of networks on a lattice of the plane, a row of them at once. */
async function lossGrid(
  { network, x, y, parameters }: Trained,
  last: Tensor,
  axes: Tensor,
  [right, up]: readonly [number, number],
): Promise<HeightGrid> {
  const along = (reach: number, i: number) => reach * ((2 * i) / (sliceResolution - 1) - 1);
  const across = tensor(
    Float64Array.from({ length: sliceResolution }, (_, i) => along(right, i)),
    { shape: [sliceResolution, 1] },
  );
  const losses = vmap((weights: Tensor) => {
    const state = Object.fromEntries(
      parameters.map(({ name, shape, offset, size }) => [
        name,
        weights.slice(offset, offset + size).reshape(shape),
      ]),
    );
    return lossOf(functionalCall(network, state, x), y);
  });
  const [a, b] = [axes.slice(0, 1), axes.slice(1, 2)];
  const values = new Float64Array(sliceResolution ** 2);
  for (let row = 0; row < sliceResolution; row++) {
    const places = last.add(across.mul(a)).add(b.mul(along(up, row)));
    values.set(await losses(places).data(), row * sliceResolution);
  }
  return { columns: sliceResolution, rows: sliceResolution, values };
}
