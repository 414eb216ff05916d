/**
 * A gradient can also be measured: move one weight a little, see how the loss moves. It is simple, needs two forward
 * passes for every weight, and is never exact: too large a step misses the curvature, too small a one drowns in rounding.
 * Automatic differentiation needs one backward pass for all weights. So: differences to check, derivatives to learn.
 *
 *     npm run ts -- examples/03-numerical-gradient.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { checkGradients, grad, numericalGradient } from '@ag/graph';
import { manualSeed, normal, type Tensor } from '@ag/tensor';
import { lineChart } from '@ag/viz';

manualSeed(3);
const dtype = 'float64';
const x = normal([8, 5], { dtype });
const target = normal([8, 1], { dtype });
const readout = normal([4, 1], { dtype });

let forwardPasses = 0;
/** Mean squared error of a small network whose hidden weights, [5, 4], are the argument. */
function loss(weights: Tensor): Tensor {
  forwardPasses++;
  return x.matmul(weights).tanh().matmul(readout).sub(target).square().mean();
}

const weights = normal([5, 4], { dtype });
const exact = await grad(loss)(weights).data();
console.log(`automatic: ${forwardPasses} forward pass and one backward pass for ${exact.length} weights`);

const steps = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12];
const errors: number[] = [];
for (const h of steps) {
  forwardPasses = 0;
  const measured = await numericalGradient(loss, weights, h).data();
  errors.push(Math.max(...exact.map((g, i) => Math.abs(g - measured[i]))));
  console.log(
    `h = ${h.toExponential(0)}: largest error ${errors.at(-1)!.toExponential(1)}, ${forwardPasses} forward passes`,
  );
}

const best = steps[errors.indexOf(Math.min(...errors))];
console.log(`best step: ${best.toExponential(0)}, error ${Math.min(...errors).toExponential(1)}`);

// One call does the comparison, second derivatives included, and throws where a rule is wrong.
const { errors: orders } = checkGradients(([w]) => loss(w), [weights]);
console.log(
  `checkGradients: ${orders.map((e, i) => `order ${i + 1} off by ${e.toExponential(1)}`).join(', ')}`,
);

if (process.argv[2]) {
  const curve = { name: 'largest error', x: steps, y: errors };
  const labels = { xLabel: 'step h', xScale: 'log', yScale: 'log', points: true } as const;
  writeFileSync(process.argv[2], lineChart([curve], { title: 'Error of numerical gradients', ...labels }));
}
