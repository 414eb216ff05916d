/**
 * Memory: the adding problem of Hochreiter and Schmidhuber (1997). Each sequence holds random numbers, two of them marked;
 * the answer is the sum of the marked two. Who ignores the marks does best by always saying 1, with a squared error of 1/6.
 * An LSTM has to keep the first number over many steps until the second comes.
 *
 *     npm run ts -- examples/12-lstm.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { Linear, Lstm, Module, mseLoss } from '@ag/nn';
import { adam, clipGradNorm, cosine } from '@ag/optim';
import { arange, manualSeed, randint, stack, type Tensor, uniform, use } from '@ag/tensor';
import { lineChart } from '@ag/viz';

use(await wasm());
manualSeed(12);
const full = process.env.AG_EXAMPLE === 'full';
const [time, batch, steps] = full ? [50, 64, 4000] : [16, 64, 800];

/** Sequences `[count, time, 2]`, each step a number and its mark, and the sums `[count, 1]`. */
function adding(count: number): { x: Tensor; y: Tensor } {
  const values = uniform([count, time]);
  const half = time / 2; // one mark in either half
  const marked = (place: Tensor) => arange(time).equal(place).cast('float32');
  const marks = marked(randint([count, 1], 0, half)).add(marked(randint([count, 1], half, time)));
  return { x: stack([values, marks], 2), y: values.mul(marks).sum(1, { keepDims: true }) };
}

class Adder extends Module {
  readonly memory = new Lstm(2, 24);
  readonly output = new Linear(24, 1);
  override forward(x: Tensor): Tensor {
    return this.output.forward(this.memory.forward(x).index(':', -1));
  }
}
const model = new Adder();
const optimizer = adam(model.parameters(), { learningRate: cosine(0.01, { steps }) });
const train = compile(() => {
  const { x, y } = adding(batch); // drawn anew at each run
  const loss = mseLoss(model.forward(x), y);
  backward(loss);
  clipGradNorm(model.parameters(), 1);
  optimizer.step();
  return loss;
});

const losses: number[] = [];
for (let step = 0; step < steps; step++) {
  losses.push(await train().item());
  if (step % (steps / 5) === 0) console.log(`step ${step}: squared error ${losses.at(-1)!.toFixed(4)}`);
}
const { x, y } = adding(1000);
const error = await mseLoss(model.forward(x), y).item();
console.log(
  `unseen sequences of ${time} steps: squared error ${error.toFixed(4)}, without memory ${(1 / 6).toFixed(4)}`,
);

if (process.argv[2]) {
  const referenceLines = [{ y: 1 / 6, label: 'without memory' }];
  const options = { title: 'The adding problem', yScale: 'log', smoothing: 0.8, referenceLines } as const;
  writeFileSync(process.argv[2], lineChart([{ name: 'squared error', y: losses }], options));
}
