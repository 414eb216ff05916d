/**
 * Operations and gradients of your own. First an operation: the activation x + sin²x (Ziyin, Hartwig, Ueda 2020), made
 * for functions that repeat themselves; one object says what it computes and what its derivative is, and every backend,
 * fusion and higher derivatives follow. Then a gradient that is deliberately not the derivative.
 *
 *     npm run ts -- examples/15-custom-op.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward, checkGradients, compile, customGradient } from '@ag/graph';
import { linear, mseLoss, sequential } from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import {
  apply,
  broadcastFloatType,
  defineOp,
  linspace,
  manualSeed,
  map,
  normal,
  s,
  sign,
  type Tensor,
  Variable,
} from '@ag/tensor';
import { lineChart } from '@ag/viz';

manualSeed(15);
const snake = defineOp({
  name: 'snake',
  type: broadcastFloatType('snake'),
  lower: map(([x]) => s.add(x, s.mul(s.sin(x), s.sin(x)))),
  vjp: (g, [x]) => [g.mul(x.mul(2).sin().add(1))], // d/dx (x + sin²x) = 1 + sin 2x
});
const snakeOf = (x: Tensor) => apply(snake, [x]);

const places = linspace(-3, 3, 13, { dtype: 'float64' });
const { errors } = checkGradients(([at]) => snakeOf(at), [places], { order: 3 });
console.log(`derivatives of order 1, 2, 3 are off by ${errors.map((e) => e.toExponential(0)).join(', ')}`);

// It learns sin 2x on [−3, 3].
const x = linspace(-3, 3, 60).reshape([60, 1]);
const y = x.mul(2).sin();
const network = sequential(linear(1, 24), snakeOf, linear(24, 1));
const optimizer = adam(network.parameters(), { learningRate: 0.02 });
const step = compile(() => {
  const loss = mseLoss(network.forward(x), y);
  backward(loss);
  optimizer.step();
  return loss;
});
let last = step();
for (let i = 1; i < 400; i++) last = step();
console.log(`snake network on sin 2x: loss ${(await last.item()).toFixed(5)}`);

// A sign has derivative 0 nearly everywhere, so nothing would be learned. Let the gradient pass as if it were not there
// (a straight-through estimator) and weights that are only ever −1 or 1 can be found.
const binary = customGradient(
  (w: Tensor) => w.greater(0).where(1, -1).cast('float32'),
  (g) => [g],
);
const truth = binary(normal([32, 1]));
const inputs = normal([200, 32]);
const answers = inputs.matmul(truth);
for (const [name, round] of Object.entries({ 'plain sign': sign, 'straight through': binary })) {
  const w = new Variable(normal([32, 1], { std: 0.1 }), { name });
  const descent = sgd([w], { learningRate: 0.01 });
  for (let i = 0; i < 100; i++) {
    backward(mseLoss(inputs.matmul(round(w.value)), answers));
    descent.step();
  }
  const right = await round(w.value).equal(truth).cast('float32').sum().item();
  console.log(`${name}: ${right} of 32 binary weights found`);
}

if (process.argv[2]) {
  const far = linspace(-6, 6, 240);
  const curve = async (name: string, y: Tensor) => ({ name, x: await far.data(), y: await y.data() });
  const learned = await curve('learned', network.forward(far.unsqueeze(1)).flatten());
  const target = await curve('sin 2x', far.mul(2).sin());
  writeFileSync(process.argv[2], lineChart([learned, target], { title: 'Learned on −3 … 3' }));
}
