/**
 * A loop as one operation: differentiating through a simulation. Foxes and rabbits follow the equations of Lotka and Volterra;
 * 400 steps of the method of Runge and Kutta are one `scan`, and its gradient finds the four rates from what was observed.
 *
 *     npm run ts -- examples/22-loops.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { adam } from '@ag/optim';
import { cond, scalar, scan, stack, type Tensor, tensor, use, Variable, whileLoop } from '@ag/tensor';
import { lineChart } from '@ag/viz';

use(await wasm());
const steps = 400;
const size = 0.02; // of a step, in years

/** d/dt (rabbits, foxes): births, rabbits eaten, foxes fed, foxes dying. */
function change(state: Tensor, [births, eaten, fed, dying]: readonly Tensor[]): Tensor {
  const [rabbits, foxes] = [state.index(0), state.index(1)];
  const met = rabbits.mul(foxes);
  return stack([rabbits.mul(births).sub(met.mul(eaten)), met.mul(fed).sub(foxes.mul(dying))]);
}

/** All states, `[steps, 2]`. The function of a step is run once, whatever the number of steps. */
function simulate(rates: Tensor): Tensor {
  const each = [0, 1, 2, 3].map((i) => rates.index(i));
  return scan(
    (state: Tensor) => {
      const a = change(state, each);
      const b = change(state.add(a.mul(size / 2)), each);
      const c = change(state.add(b.mul(size / 2)), each);
      const d = change(state.add(c.mul(size)), each);
      const next = state.add(
        a
          .add(b.mul(2))
          .add(c.mul(2))
          .add(d)
          .mul(size / 6),
      );
      return [next, next];
    },
    tensor([1, 0.5]),
    null,
    { length: steps },
  ).ys;
}

const truth = [1.1, 0.9, 0.6, 0.8];
const observed = tensor(await simulate(tensor(truth)).data(), { shape: [steps, 2] });
const rates = new Variable(tensor([0.8, 0.8, 0.8, 0.8]), { name: 'rates' });
const optimizer = adam([rates], { learningRate: 0.02 });
const train = compile(() => {
  const loss = simulate(rates.value).sub(observed).square().mean();
  backward(loss);
  optimizer.step();
  return loss;
});
const before = await simulate(rates.value).data();
for (let step = 0; step <= 400; step++) {
  const loss = await train().item();
  if (step % 100 === 0) console.log(`step ${step}: mean squared error ${loss.toExponential(1)}`);
}
const found = await rates.value.data();
console.log(
  `rates ${Array.from(found, (rate) => rate.toFixed(3)).join(' ')}, the true ones ${truth.join(' ')}`,
);

// A loop that ends by itself: √x by Newton's method, and a choice of which one side only is computed.
const root = (x: Tensor) =>
  whileLoop(
    (y) => y.square().sub(x).abs().greater(1e-5),
    (y) => y.add(x.div(y)).mul(0.5),
    x,
    { maxSteps: 30 },
  );
const signed = (x: Tensor) =>
  cond(
    x.greater(0),
    () => root(x),
    () => root(x.neg()).neg(),
  );
console.log(
  `roots ${(await signed(scalar(2)).item()).toFixed(4)} and ${(await signed(scalar(-9)).item()).toFixed(4)}`,
);

if (process.argv[2]) {
  const years = Array.from({ length: steps }, (_, i) => (i + 1) * size);
  const curve = (name: string, data: ArrayLike<number>, column: number) => ({
    name,
    x: years,
    y: years.map((_, i) => data[2 * i + column]),
  });
  const [after, given] = [await simulate(rates.value).data(), await observed.data()];
  const curves = [
    curve('rabbits, observed', given, 0),
    curve('rabbits, at first', before, 0),
    curve('rabbits, found', after, 0),
    curve('foxes, found', after, 1),
  ];
  writeFileSync(
    process.argv[2],
    lineChart(curves, { title: 'Foxes and rabbits', xLabel: 'years', yLabel: 'thousands' }),
  );
}
