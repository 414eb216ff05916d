/** Steps from one start or from many at once, and what kind of place a point of a surface is. */
import { backward, grad, hessian, vmap } from '@ag/graph';
import { lbfgs } from '@ag/optim';
import { evaluate, type Tensor, tensor, Variable } from '@ag/tensor';
import { type Runner, type RunnerInfo, runners } from './runners.ts';

/** The surface: heights over places, element by element. */
export type Height = (x: Tensor, y: Tensor) => Tensor;

/** Places side by side. */
export interface Places {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

type Point = { readonly x: Tensor; readonly y: Tensor };

/**
 * Where the runners are before the first step and after each; it ends early where none of them is at a finite place any
 * more.
 */
export async function descend(
  id: Runner,
  rate: number,
  starts: Places,
  steps: number,
  height: Height,
): Promise<Places[]> {
  const x = new Variable(tensor(starts.x), { name: 'x' });
  const y = new Variable(tensor(starts.y), { name: 'y' });
  const step = stepper(id, rate, x, y, height);
  const visited: Places[] = [starts];
  for (let i = 0; i < steps; i++) {
    await step();
    const [a, b] = await Promise.all([x.value.data(), y.value.data()]);
    const places = { x: a as Float64Array, y: b as Float64Array };
    visited.push(places);
    if (!places.x.some((value, at) => Number.isFinite(value) && Number.isFinite(places.y[at]))) break;
  }
  return visited;
}

function stepper(id: Runner, rate: number, x: Variable, y: Variable, height: Height): () => unknown {
  const total = () => {
    const sum = height(x.value, y.value).sum();
    backward(sum);
    return sum;
  };
  const { make }: RunnerInfo = runners[id];
  if (make) {
    const optimizer = make([x, y], rate);
    return () => {
      total();
      optimizer.step();
    };
  }
  if (id === 'lbfgs') {
    const optimizer = lbfgs([x, y], { learningRate: rate, maxIterations: 1, maxEvaluations: 25 });
    return () => optimizer.step(total);
  }
  const slope = vmap(grad(at(height)));
  const curvature = vmap(hessian(at(height)));
  return () => {
    const p = { x: x.value, y: y.value };
    const [g, h] = [slope(p) as unknown as Point, curvature(p)];
    // Two equations by Cramer's rule: where the Hessian is singular the step is not finite, and says so by that.
    const determinant = h.x.x.mul(h.y.y).sub(h.x.y.mul(h.y.x));
    const right = h.y.y.mul(g.x).sub(h.x.y.mul(g.y)).div(determinant);
    const up = h.x.x.mul(g.y).sub(h.y.x.mul(g.x)).div(determinant);
    x.assign(p.x.sub(right.mul(rate)));
    y.assign(p.y.sub(up.mul(rate)));
  };
}

/** One point's height, for the transforms of @ag/graph. A formula may leave out a coordinate, which has slope 0 then. */
const at =
  (height: Height) =>
  ({ x, y }: Point): Tensor =>
    height(x, y).add(x.add(y).mul(0));

/** What kind of place it is, by the Hessian there; flat where that does not decide. */
export type Kind = 'minimum' | 'maximum' | 'saddle' | 'flat';

/** Heights, lengths of the gradient and kinds of places. */
export async function inspectPlaces(
  height: Height,
  { x, y }: Places,
): Promise<readonly { readonly height: number; readonly slope: number; readonly kind: Kind }[]> {
  const p = { x: tensor(x), y: tensor(y) };
  const g = vmap(grad(at(height)))(p) as unknown as Point;
  const h = vmap(hessian(at(height)))(p);
  const z = vmap(at(height))(p);
  const slope = g.x.square().add(g.y.square()).sqrt();
  const determinant = h.x.x.mul(h.y.y).sub(h.x.y.mul(h.y.x));
  const trace = h.x.x.add(h.y.y);
  const size = h.x.x.square().add(h.y.y.square()).add(h.x.y.square().mul(2));
  const wanted = [z, slope, determinant, trace, size];
  evaluate(wanted);
  const [heights, slopes, determinants, traces, sizes] = await Promise.all(wanted.map((each) => each.data()));
  return Array.from(heights, (value, i) => {
    const decided = Math.abs(determinants[i]) > 1e-9 * sizes[i];
    const bent: Kind = determinants[i] < 0 ? 'saddle' : traces[i] > 0 ? 'minimum' : 'maximum';
    return { height: value, slope: slopes[i], kind: decided ? bent : 'flat' };
  });
}
