/**
 * Second derivatives: the gradient of a gradient is one more call. On Rosenbrock's valley, (1 − x)² + 100(y − x²)², gradient
 * descent creeps because the Hessian's curvatures differ 2500-fold; Newton's method divides by the Hessian and is done in
 * a few steps. Where the Hessian is too large to write down, its product with a vector is not.
 *
 *     npm run ts -- examples/14-second-order.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { grad, hessian, hvp } from '@ag/graph';
import { solve, type Tensor, tensor } from '@ag/tensor';
import { contourPath } from '@ag/viz';

const dtype = 'float64';
function rosenbrock(p: Tensor): Tensor {
  const [x, y] = [p.slice(0, 1), p.slice(1, 2)];
  return x.neg().add(1).square().add(y.sub(x.square()).square().mul(100)).sum();
}
const gradient = grad(rosenbrock);
const curvature = hessian(rosenbrock);

async function descend(name: string, count: number, step: (at: Tensor) => Tensor): Promise<number[][]> {
  let at = tensor([-1.2, 1], { dtype });
  const points = [[-1.2, 1]];
  for (let i = 1; i <= count; i++) {
    at = tensor(await step(at).data(), { dtype });
    points.push([...(await at.data())]);
  }
  const [x, y] = points.at(-1)!;
  const rest = await rosenbrock(at).item();
  console.log(
    `${name}: ${count} steps, at (${x.toFixed(6)}, ${y.toFixed(6)}), height ${rest.toExponential(1)}`,
  );
  return points;
}

const slow = await descend('gradient descent', 500, (at) => at.sub(gradient(at).mul(0.001)));
const fast = await descend('newton', 6, (at) => at.sub(solve(curvature(at), gradient(at))));

// At the minimum: two curvatures, the roots of λ² − trace·λ + determinant.
const minimum = tensor([1, 1], { dtype });
const [[a, b], [c, d]] = (await curvature(minimum).toArray()) as [[number, number], [number, number]];
const root = Math.sqrt((a + d) ** 2 - 4 * (a * d - b * c));
const [least, largest] = [(a + d - root) / 2, (a + d + root) / 2];
console.log(`hessian at (1, 1): [[${a}, ${b}], [${c}, ${d}]]`);
console.log(
  `curvatures ${least.toFixed(3)} and ${largest.toFixed(1)}, ratio ${(largest / least).toFixed(0)}`,
);

// A chain of 2000 variables: the Hessian would have four million entries, its product with a vector has 2000.
const n = 2000;
const chain = (p: Tensor) =>
  p
    .slice(1, n)
    .sub(p.slice(0, n - 1).square())
    .square()
    .sum();
const ones = tensor(new Float64Array(n).fill(1), { dtype });
const product = await hvp(chain, ones, ones).data();
console.log(`hessian · 1 of ${n} variables: ${product[0]}, ${product[1]}, …, ${product[n - 1]}`);

if (process.argv[2]) {
  const [columns, rows] = [80, 60];
  const values = Array.from({ length: columns * rows }, (_, i) => {
    const [x, y] = [
      -2 + (4 * (i % columns)) / (columns - 1),
      -1 + (4 * Math.floor(i / columns)) / (rows - 1),
    ];
    return Math.log10(1 + (1 - x) ** 2 + 100 * (y - x * x) ** 2);
  });
  const paths = [
    { name: 'gradient descent', points: slow as [number, number][] },
    { name: 'newton', points: fast as [number, number][] },
  ];
  const grid = { x: [-2, 2], y: [-1, 3], columns, rows, values } as const;
  writeFileSync(process.argv[2], contourPath(grid, paths, { title: 'Rosenbrock', minima: [[1, 1]] }));
}
