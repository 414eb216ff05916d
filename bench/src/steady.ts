/**
 * `pnpm bench steady`: do the steps of a loop stay as quick as they were? Whether a loop's thousandth step costs
 * what its tenth did, and a step with twice the variables twice the time. States that are carried on while only
 * something made from them is read, and many small variables.
 */
import { backward, grad, hvp } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { embedding, linear, lstm } from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { concat, key, normal, ones, stats, type Tensor, tensor, use, Variable, zeros } from '@ag/tensor';

const steps = 1000;

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0;

/** Bytes that the process and the backend hold, after a collection where the flag allows one. */
async function held(): Promise<{ readonly heap: number; readonly device: number }> {
  for (let i = 0; i < 3; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed + arrayBuffers, device: stats().bytes };
}

/** Runs a loop whose `step` gives what is read of it, and prints how it changes. */
async function loop(name: string, step: (i: number) => Tensor): Promise<void> {
  const times: number[] = [];
  let [plans, before] = [0, await held()];
  for (let i = 1; i <= steps; i++) {
    const began = performance.now();
    await step(i).item();
    times.push(performance.now() - began);
    if (i === 5) plans = stats().plansMade;
    if (i === 110) before = await held();
  }
  const after = await held();
  const [early, late] = [median(times.slice(9, 110)), median(times.slice(-100))];
  const columns = [
    early.toFixed(3),
    late.toFixed(3),
    (late / early).toFixed(2),
    stats().plansMade - plans,
    ((after.heap - before.heap) / 1024).toFixed(0),
    ((after.device - before.device) / 1024).toFixed(0),
  ];
  console.log(`| ${name} | ${columns.join(' | ')} |`);
}

async function carriedStates(): Promise<void> {
  console.log(
    `| carried state, ${steps} steps | ms, steps 10 to 110 | ms, last 100 | ratio | plans after step 5 | heap, +kB | device, +kB |`,
  );
  console.log('|---|--:|--:|--:|--:|--:|--:|');

  let grid = normal([4, 8], { key: key(1) });
  const coupling = normal([8, 8], { std: 0.3, key: key(2) });
  await loop('simulation', () => {
    grid = grid.matmul(coupling).tanh();
    return grid.sum();
  });

  const [cell, head] = [lstm(16, 32), linear(32, 10)];
  const input = ones([1, 1, 16]);
  let state: Parameters<typeof cell.forwardWithState>[1];
  await loop('recurrent inference', () => {
    const { output, state: next } = cell.forwardWithState(input, state);
    state = next;
    return head
      .forward(output.reshape([1, 32]))
      .argmax(-1)
      .sum();
  });

  const [table, out] = [embedding(50, 16), linear(16, 50)];
  let tokens = tensor(
    Array.from({ length: 32 }, (_, i) => i),
    { dtype: 'int32' },
  );
  await loop('token window', () => {
    const mean = table.forward(tokens).mean(0, { keepDims: true });
    const next = out.forward(mean).argmax(-1).cast('int32');
    tokens = concat([tokens.slice(1, 32), next.reshape([1])]);
    return next.sum();
  });

  const [x, y] = [normal([100, 20], { key: key(3) }), normal([100, 1], { key: key(4) })];
  const loss = (w: Tensor): Tensor => x.matmul(w).sub(y).square().mean();
  let w = normal([20, 1], { key: key(5) });
  await loop('functional SGD', () => {
    const value = loss(w);
    w = w.sub(grad(loss)(w).mul(0.1));
    return value;
  });

  const a = normal([20, 20], { key: key(6) });
  const form = a.matmul(a.transpose());
  const at = normal([20], { key: key(7) });
  let direction = normal([20], { key: key(8) });
  await loop('power iteration', () => {
    const product = hvp((p: Tensor) => p.matmul(form).mul(p).sum(), at, direction);
    const norm = product.square().sum().sqrt();
    direction = product.div(norm);
    return norm;
  });

  const [ofInput, ofState, read] = [linear(8, 16), linear(16, 16), linear(16, 1)];
  const optimizer = adam([ofInput, ofState, read].flatMap((layer) => layer.parameters()));
  let hidden: Tensor = zeros([4, 16]);
  await loop('truncated backpropagation', (i) => {
    const inputs = ofInput.forward(normal([4, 8], { key: key(i) }));
    hidden = inputs.add(ofState.forward(hidden.detach())).tanh();
    const error = read.forward(hidden).square().mean();
    backward(error);
    optimizer.step();
    return error;
  });
}

async function manyVariables(): Promise<void> {
  console.log(
    '\n| variables of one element | first step, ms | step, ms | µs a variable |\n|---|--:|--:|--:|',
  );
  for (const [name, make] of Object.entries({ sgd, adam })) {
    for (const count of [4000, 8000, 16_000]) {
      const all = Array.from({ length: count }, () => new Variable(ones([1])));
      const optimizer = make(all, { learningRate: 0.1 });
      const times: number[] = [];
      for (let i = 0; i < 8; i++) {
        const began = performance.now();
        backward(all.reduce((sum, p) => sum.add(p.value.square()), zeros([1])).sum());
        optimizer.step();
        await all[0].value.item();
        times.push(performance.now() - began);
      }
      const step = median(times.slice(1));
      console.log(
        `| ${name}, ${count} | ${times[0].toFixed(0)} | ${step.toFixed(0)} | ${((step / count) * 1000).toFixed(1)} |`,
      );
    }
  }
}

use(await wasm({ threads: 1 }));
await carriedStates();
await manyVariables();
