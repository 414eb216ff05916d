/**
 * A network that solves a differential equation without any data (Raissi, Perdikaris, Karniadakis 2019): the loss holds the
 * derivatives of the network by its own input, and training differentiates those once more. Here a damped
 * oscillator, u″ + u′/2 + 4u = 0 with u(0) = 1 and u′(0) = 0, compared with its closed form.
 *
 *     npm run ts -- examples/18-physics-informed.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward, compile, gradients } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { linear, sequential, tanh } from '@ag/nn';
import { adam, cosine } from '@ag/optim';
import { linspace, manualSeed, type Tensor, use } from '@ag/tensor';
import { lineChart } from '@ag/viz';

use(await wasm());
manualSeed(18);
const [damping, stiffness, end, steps] = [0.5, 4, 4, process.env.AG_EXAMPLE === 'full' ? 6000 : 1500];

const network = sequential(linear(1, 24), tanh(), linear(24, 24), tanh(), linear(24, 1));
/** 1 + tanh²t · N(t): whatever the network says, it starts at 1 with speed 0. */
function solution(t: Tensor): Tensor {
  return network
    .forward(t.mul(2 / end).sub(1))
    .mul(t.tanh().square())
    .add(1);
}

const optimizer = adam(network.parameters(), { learningRate: cosine(0.01, { steps }) });
const train = compile((t: Tensor) => {
  const u = solution(t);
  const [speed] = gradients(u.sum(), [t]) as [Tensor]; //             u′, each by its own t
  const [acceleration] = gradients(speed.sum(), [t]) as [Tensor]; //  u″
  const residual = acceleration.add(speed.mul(damping)).add(u.mul(stiffness));
  const loss = residual.square().mean();
  backward(loss);
  optimizer.step();
  return loss;
});

const times = linspace(0, end, 64).reshape([64, 1]);
for (let step = 0; step < steps; step++) {
  const loss = train(times);
  if (step % 300 === 0) console.log(`step ${step}: mean squared residual ${(await loss.item()).toFixed(6)}`);
}

// e^(−γt)·(cos ωt + γ/ω · sin ωt) with γ = damping / 2 and ω² = stiffness − γ²
const gamma = damping / 2;
const omega = Math.sqrt(stiffness - gamma ** 2);
const exact = (t: number) =>
  Math.exp(-gamma * t) * (Math.cos(omega * t) + (gamma / omega) * Math.sin(omega * t));
const between = linspace(0, end, 101).reshape([101, 1]);
const [at, learned] = [await between.data(), await solution(between).data()];
const error = Math.max(...Array.from(learned, (u, i) => Math.abs(u - exact(at[i]))));
console.log(`largest error against the closed form: ${error.toExponential(1)}`);

if (process.argv[2]) {
  const curves = [
    { name: 'network', x: at, y: learned },
    { name: 'closed form', x: at, y: Array.from(at, exact) },
  ];
  writeFileSync(
    process.argv[2],
    lineChart(curves, { title: 'A damped oscillator', xLabel: 't', yLabel: 'u' }),
  );
}
