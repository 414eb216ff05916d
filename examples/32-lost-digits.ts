/**
 * How many digits are real: formulas from the textbook that lose them in float32, the operation and the line that does, and the
 * form that keeps them.
 *
 *     npm run ts -- examples/32-lost-digits.ts
 */
import { checkNumerics } from '@ag/graph';
import { hypot, type Tensor, tensor } from '@ag/tensor';

const small = tensor([1e-5, 3e-5, 2e-4]);
const formulas: Readonly<Record<string, [f: (x: Tensor) => Tensor, x: Tensor]>> = {
  'exp(x) − 1': [(x) => x.exp().sub(1), small],
  'expm1(x)': [(x) => x.expm1(), small],
  'log(1 + x)': [(x) => x.add(1).log(), small],
  'log1p(x)': [(x) => x.log1p(), small],
  'E[x²] − E[x]²': [(x) => x.square().mean().sub(x.mean().square()), tensor([10000.1, 10000.2, 10000.4])],
  'variance(x)': [(x) => x.variance(), tensor([10000.1, 10000.2, 10000.4])],
  '√(x² + 1)': [(x) => x.square().add(1).sqrt(), tensor([1e20, 3])],
  'hypot(x, 1)': [(x) => hypot(x, tensor(1)), tensor([1e20, 3])],
};
for (const [name, [f, x]] of Object.entries(formulas)) {
  const { digits, losses } = await checkNumerics(f, x);
  console.log(`${name.padEnd(14)} ${digits[0].toFixed(1)} digits`);
  for (const { message } of losses) console.log(`    ${message}`);
}
