/**
 * A two-layer network in twenty lines, from tensors alone: two matrices, a relu between them, a loss, its gradients, and
 * a small step against them. Everything that the later examples add (layers, optimizers, loaders) is comfort around this.
 *
 *     npm run ts -- examples/04-two-layers.ts
 */
import { gradients } from '@ag/graph';
import { evaluate, manualSeed, normal, type Tensor, Variable } from '@ag/tensor';

manualSeed(4);
const x = normal([64, 20]); // 64 examples of 20 numbers
const y = x.matmul(normal([20, 3])).tanh(); // 3 numbers to predict from them
const w1 = new Variable(normal([20, 50], { std: Math.sqrt(2 / 20) }));
const w2 = new Variable(normal([50, 3], { std: Math.sqrt(1 / 50) }));

for (let step = 0; step <= 300; step++) {
  const prediction = x.matmul(w1.value).relu().matmul(w2.value);
  const loss = prediction.sub(y).square().mean();
  const [d1, d2] = gradients(loss, [w1, w2]) as [Tensor, Tensor];
  evaluate([loss, d1, d2]); // up to here nothing was computed; now all three are, in one go
  w1.assign(w1.value.sub(d1.mul(0.3)));
  w2.assign(w2.value.sub(d2.mul(0.3)));
  if (step % 50 === 0) console.log(`step ${step}: loss ${(await loss.item()).toFixed(5)}`);
}
