/**
 * Exclusive or: no straight line separates its two classes, so a network without a hidden layer ends at 0.5 for each of
 * the four inputs. A few hidden units bend the line. Shows layers, a loss and an optimizer from the packages.
 *
 *     npm run ts -- examples/05-xor.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { xor } from '@ag/datasets';
import { backward } from '@ag/graph';
import { bceWithLogits, linear, type Module, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, tensor } from '@ag/tensor';
import { decisionBoundary } from '@ag/viz';

const { x, y } = await xor().batch([0, 1, 2, 3]);
const truth = await y.data();

async function train(name: string, model: Module): Promise<void> {
  const optimizer = adam(model.parameters(), { learningRate: 0.1 });
  for (let step = 0; step < 150; step++) {
    backward(bceWithLogits(model.forward(x), y));
    optimizer.step();
  }
  const loss = await bceWithLogits(model.forward(x), y).item();
  const answers = await model.forward(x).sigmoid().data();
  const right = answers.filter((p, i) => Math.abs(p - truth[i]) < 0.4).length;
  const shown = Array.from(answers, (p) => p.toFixed(3)).join(' ');
  console.log(`${name}: loss ${loss.toFixed(4)}, answers ${shown}, ${right} of 4 right`);
}

manualSeed(5);
await train('a line', sequential(linear(2, 1)));
const network = sequential(linear(2, 4), tanh(), linear(4, 1));
await train('with 4 hidden units', network);

if (process.argv[2]) {
  const n = 50;
  const at = (i: number) => -0.5 + (2 * i) / (n - 1);
  const plane = Array.from({ length: n * n }, (_, i) => [at(i % n), at(Math.floor(i / n))]);
  const values = await network.forward(tensor(plane)).sigmoid().data();
  const grid = { x: [-0.5, 1.5], y: [-0.5, 1.5], columns: n, rows: n, values } as const;
  const inputs = await x.data();
  const points = [...truth].map((target, i) => ({ x: inputs[2 * i], y: inputs[2 * i + 1], target }));
  writeFileSync(process.argv[2], decisionBoundary(grid, points, { title: 'Exclusive or' }));
}
