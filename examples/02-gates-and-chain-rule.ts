/**
 * What each operation does with a gradient that reaches it: an addition hands it on, a product multiplies it with the
 * other factor, a maximum gives all of it to the winner. The chain rule is no more than these gates one after the other.
 *
 *     npm run ts -- examples/02-gates-and-chain-rule.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward, inspect } from '@ag/graph';
import { maximum, tensor, Variable } from '@ag/tensor';
import { graphView } from '@ag/viz';

// f = (x·y + max(z, w))², worked out by hand first, from the end to the beginning.
const [x, y, z, w] = [2, -3, 1, 4];
const sum = x * y + Math.max(z, w); // −6 + 4 = −2
const dSum = 2 * sum; //                square: its derivative is twice its input: −4
const dProduct = dSum; //               add: hands the gradient on to both sides
const byHand = {
  x: dProduct * y, //                   multiply: times the other factor: 12
  y: dProduct * x, //                   −8
  z: z > w ? dSum : 0, //               maximum: the loser gets nothing: 0
  w: w > z ? dSum : 0, //               the winner gets all: −4
};

// The same, by the library.
const variables = {
  x: new Variable(tensor(x), { name: 'x' }),
  y: new Variable(tensor(y), { name: 'y' }),
  z: new Variable(tensor(z), { name: 'z' }),
  w: new Variable(tensor(w), { name: 'w' }),
};
const larger = maximum(variables.z.value, variables.w.value);
const f = variables.x.value.mul(variables.y.value).add(larger).square();
backward(f);

console.log(inspect(f, { values: true, gradients: true }).toText());
for (const [name, variable] of Object.entries(variables)) {
  const automatic = await variable.grad!.item();
  console.log(`∂f/∂${name}: by hand ${byHand[name as keyof typeof byHand]}, automatic ${automatic}`);
}

// A gate may be as large as one likes. The sigmoid as four gates, and as one whose derivative is s·(1 − s):
const t = new Variable(tensor(0.5), { name: 't' });
const fourGates = t.value.neg().exp().add(1).reciprocal();
backward(fourGates);
const long = await t.grad!.item();
const s = await fourGates.item();
console.log(`sigmoid′(0.5): through four gates ${long.toFixed(6)}, s·(1 − s) = ${(s * (1 - s)).toFixed(6)}`);

if (process.argv[2]) writeFileSync(process.argv[2], graphView(inspect(f, { values: true, gradients: true })));
