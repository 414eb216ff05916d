import { linear, mseLoss, relu, sequential, meanAbsoluteError } from '@ag/nn';
import { sgd } from '@ag/optim';
import { fit } from '@ag/train';
import { manualSeed, tensor } from '@ag/tensor';
manualSeed(1);
const model = sequential(linear(4, 8), relu(), linear(8, 1));
const x = tensor([[1, 2, 3, 4], [2, 3, 4, 5]]), y = tensor([[1], [2]]);
for (const compile of [true, false]) {
  const best: number[] = [];
  for (let r = 0; r < 7; r++) {
    const train = { length: 2000, async *[Symbol.asyncIterator]() { for (let i = 0; i < 2000; i++) yield { x, y }; } };
    const t = performance.now();
    for await (const _ of fit({ model, optimizer: sgd(model.parameters(), { learningRate: 1e-4 }), loss: mseLoss, metrics: { meanAbsoluteError }, train, epochs: 1, compile, reportEvery: 0 }));
    best.push((performance.now() - t) / 2);
  }
  console.log(compile ? 'compiled' : 'define-by-run', Math.min(...best).toFixed(1), 'µs a step');
}
