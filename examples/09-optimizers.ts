/**
 * Four ways down the same valley, x²/20 + y², which is ten times steeper across than along. Plain gradient descent
 * zigzags, momentum rolls through the bends, AdaGrad and Adam give each coordinate a rate of its own.
 *
 *     npm run ts -- examples/09-optimizers.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward } from '@ag/graph';
import { adagrad, adam, type Optimizer, sgd } from '@ag/optim';
import { tensor, Variable } from '@ag/tensor';
import { contourPath } from '@ag/viz';

const steepness = tensor([1 / 20, 1], { dtype: 'float64' });
const height = (x: number, y: number) => x ** 2 / 20 + y ** 2;

const optimizers: Record<string, (parameters: Variable[]) => Optimizer> = {
  sgd: (parameters) => sgd(parameters, { learningRate: 0.95 }),
  momentum: (parameters) => sgd(parameters, { learningRate: 0.1, momentum: 0.9 }),
  adagrad: (parameters) => adagrad(parameters, { learningRate: 1.5 }),
  adam: (parameters) => adam(parameters, { learningRate: 0.3 }),
};

const paths: { name: string; points: [number, number][] }[] = [];
for (const [name, make] of Object.entries(optimizers)) {
  const place = new Variable(tensor([-7, 2], { dtype: 'float64' }), { name });
  const optimizer = make([place]);
  const points: [number, number][] = [[-7, 2]];
  for (let step = 0; step < 30; step++) {
    backward(place.value.square().mul(steepness).sum());
    optimizer.step();
    const [x, y] = await place.value.data();
    points.push([x, y]);
  }
  paths.push({ name, points });
  const [x, y] = points.at(-1)!;
  console.log(
    `${name}: after 30 steps at (${x.toFixed(8)}, ${y.toFixed(8)}), height ${height(x, y).toFixed(6)}`,
  );
}

if (process.argv[2]) {
  const [columns, rows] = [80, 40];
  const values = Array.from({ length: columns * rows }, (_, i) =>
    height(-10 + (20 * (i % columns)) / (columns - 1), -4 + (8 * Math.floor(i / columns)) / (rows - 1)),
  );
  const grid = { x: [-10, 10], y: [-4, 4], columns, rows, values } as const;
  writeFileSync(process.argv[2], contourPath(grid, paths, { title: 'x²/20 + y²', minima: [[0, 0]] }));
}
