/** The race: optimizers of @ag/optim run down the same surface from the same start. */
import { backward, formula } from '@ag/graph';
import { adadelta, adagrad, adam, adamw, lion, nadam, type Optimizer, radam, rmsprop, sgd } from '@ag/optim';
import { type Tensor, tensor, Variable } from '@ag/tensor';

export interface RunnerInfo {
  readonly name: string;
  readonly learningRate: number;
  /** The function of @ag/optim, and its other options as code. */
  readonly function: string;
  readonly more?: string;
  readonly make: (p: readonly Variable[], rate: number) => Optimizer;
}

export const runners = {
  sgd: {
    name: 'SGD',
    learningRate: 0.95,
    function: 'sgd',
    make: (p: readonly Variable[], learningRate: number) => sgd(p, { learningRate }),
  },
  momentum: {
    name: 'Momentum',
    learningRate: 0.1,
    function: 'sgd',
    more: ', momentum: 0.9',
    make: (p: readonly Variable[], learningRate: number) => sgd(p, { learningRate, momentum: 0.9 }),
  },
  adagrad: {
    name: 'AdaGrad',
    learningRate: 1.5,
    function: 'adagrad',
    make: (p: readonly Variable[], learningRate: number) => adagrad(p, { learningRate }),
  },
  adam: {
    name: 'Adam',
    learningRate: 0.3,
    function: 'adam',
    make: (p: readonly Variable[], learningRate: number) => adam(p, { learningRate }),
  },
  rmsprop: {
    name: 'RMSProp',
    learningRate: 0.1,
    function: 'rmsprop',
    make: (p: readonly Variable[], learningRate: number) => rmsprop(p, { learningRate }),
  },
  adadelta: {
    name: 'AdaDelta',
    learningRate: 20,
    function: 'adadelta',
    make: (p: readonly Variable[], learningRate: number) => adadelta(p, { learningRate }),
  },
  adamw: {
    name: 'AdamW',
    learningRate: 0.3,
    function: 'adamw',
    make: (p: readonly Variable[], learningRate: number) => adamw(p, { learningRate }),
  },
  nadam: {
    name: 'NAdam',
    learningRate: 0.3,
    function: 'nadam',
    make: (p: readonly Variable[], learningRate: number) => nadam(p, { learningRate }),
  },
  radam: {
    name: 'RAdam',
    learningRate: 0.3,
    function: 'radam',
    make: (p: readonly Variable[], learningRate: number) => radam(p, { learningRate }),
  },
  lion: {
    name: 'Lion',
    learningRate: 0.1,
    function: 'lion',
    make: (p: readonly Variable[], learningRate: number) => lion(p, { learningRate }),
  },
} satisfies Record<string, RunnerInfo>;

export type Runner = keyof typeof runners;

export interface RaceRequest {
  /** A formula in x and y. */
  readonly expression: string;
  readonly start: readonly [number, number];
  readonly steps: number;
  readonly runners: readonly { readonly id: Runner; readonly learningRate: number }[];
  readonly domain: { readonly x: readonly [number, number]; readonly y: readonly [number, number] };
}

export interface RacePath {
  readonly id: Runner;
  readonly name: string;
  /** Points from the start on; shorter than asked when the runner left the finite numbers. */
  readonly points: [number, number][];
  /** The height at the last point. */
  readonly end: number;
  readonly diverged: boolean;
}

export interface RaceResult {
  readonly paths: readonly RacePath[];
  /** Heights, first row at the lowest y. */
  readonly grid: { readonly columns: number; readonly rows: number; readonly values: Float64Array };
}

/** Points of the grid along each axis. */
const resolution = 96;

/** @throws Error for a formula that is wrong or has other names than x and y */
export async function race({
  expression,
  start,
  steps,
  runners: chosen,
  domain,
}: RaceRequest): Promise<RaceResult> {
  const surface = formula(expression);
  const other = surface.names.find((name) => name !== 'x' && name !== 'y');
  if (other !== undefined) throw new Error(`the surface is a formula in x and y; '${other}' is neither`);
  const height = (x: Tensor, y: Tensor): Tensor => surface.evaluate({ x, y });

  const paths: RacePath[] = [];
  for (const { id, learningRate } of chosen) {
    const x = new Variable(tensor(start[0], { dtype: 'float64' }), { name: 'x' });
    const y = new Variable(tensor(start[1], { dtype: 'float64' }), { name: 'y' });
    const optimizer = runners[id].make([x, y], learningRate);
    const points: [number, number][] = [[start[0], start[1]]];
    let diverged = false;
    for (let step = 0; step < steps && !diverged; step++) {
      backward(height(x.value, y.value));
      optimizer.step();
      const point: [number, number] = [await x.value.item(), await y.value.item()];
      diverged = !point.every(Number.isFinite);
      if (!diverged) points.push(point);
    }
    const end = await height(x.value, y.value).item();
    paths.push({ id, name: runners[id].name, points, end, diverged });
  }
  return { paths, grid: await heights(height, domain) };
}

async function heights(
  height: (x: Tensor, y: Tensor) => Tensor,
  { x, y }: RaceRequest['domain'],
): Promise<RaceResult['grid']> {
  const along = ([low, high]: readonly [number, number]) =>
    Float64Array.from({ length: resolution }, (_, i) => low + ((high - low) * i) / (resolution - 1));
  const z = height(
    tensor(along(x), { shape: [1, resolution] }),
    tensor(along(y), { shape: [resolution, 1] }),
  );
  const values = (await z.broadcastTo([resolution, resolution]).data()) as Float64Array;
  return { columns: resolution, rows: resolution, values };
}
