/**
 * Shapes in types: an editor shows the shape of a tensor at its name, and what cannot fit is underlined while it is written, with
 * a sentence that says why. Nothing of it exists when the program runs, and what is not known fits anything.
 *
 *     npm run ts -- examples/30-shapes-in-types.ts
 */
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { formatShape, manualSeed, normal, type Tensor, zeros } from '@ag/tensor';

manualSeed(30);

// Sizes that are written as numbers are known: each type here is what the editor says by itself.
const images: Tensor<[32, 784]> = normal([32, 784]);
const model = nn.sequential(nn.linear(784, 128), nn.relu(), nn.linear(128, 10));
const scores: Tensor<[32, 10]> = model.forward(images);
const classes: Tensor<[32]> = scores.argmax(-1);
const centered: Tensor<[32, 10]> = scores.sub(scores.mean(0));
for (const [name, tensor] of Object.entries({ images, scores, classes, centered }))
  console.log(`${name} ${formatShape(tensor.shape)}`);

// A size may have a name instead: that of a placeholder, or of whatever a function takes.
const batch: Tensor<['batch', 10]> = model.forward(placeholder(['batch', 784]));
const errors = (predicted: Tensor<['batch', 10]>, classes: Tensor<['batch']>) =>
  predicted.argmax(-1).notEqual(classes).sum();
console.log(`errors ${formatShape(errors(batch, placeholder(['batch'], { dtype: 'int32' })).shape)}`);

// What cannot fit is refused by the compiler, and would be by the library.
const refused = (what: string, f: () => unknown): void => {
  try {
    f();
  } catch (error) {
    console.log(`${what}: ${(error as Error).message.split('\n')[0]}`);
  }
};
refused('785', () => {
  // @ts-expect-error: matmul: inner sizes differ: 784 and 785
  images.matmul(zeros([785, 10]));
});
refused('100', () => {
  // @ts-expect-error: layer 2: linear: expects 100 features along the last axis, got 128
  nn.sequential(nn.linear(784, 128), nn.relu(), nn.linear(100, 10)).forward(images);
});

// A tensor whose shape the compiler does not know, `Tensor`, fits everywhere; the library looks when the program runs.
const read: Tensor = normal([5, 784]); // from a file, say
console.log(`read ${formatShape(model.forward(read).shape)}`);
