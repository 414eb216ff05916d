/** Snippets of derivatives. */
import { type Group, snippet } from './snippet.ts';

export const gradients: Group = {
  title: { en: 'Gradients', zh: '梯度' },
  snippets: [
    snippet(
      'first',
      'A gradient and its graph',
      '梯度与计算图',
      `
import { backward, inspect } from '@ag/graph';
import { tensor, Variable } from '@ag/tensor';

const x = new Variable(tensor(-2), { name: 'x' });
const y = new Variable(tensor(5), { name: 'y' });
const z = new Variable(tensor(-4), { name: 'z' });
const f = x.value.add(y.value).mul(z.value); // (x + y) · z

backward(f);
f; // −12
show(x.grad, y.grad, z.grad); // −4, −4, 3
inspect(f, { values: true, gradients: true });
`,
    ),
    snippet(
      'sigmoid-derivative',
      'The derivative of a curve',
      '曲线的导数',
      `
import { grad } from '@ag/graph';
import { linspace, type Tensor } from '@ag/tensor';
import { lineChart } from '@ag/viz';

const x = linspace(-6, 6, 121);
const f = (x: Tensor) => x.sigmoid();
const slope = grad((x: Tensor) => f(x).sum()); // of each place by itself
const curve = async (name: string, y: Tensor) => ({ name, x: await x.data(), y: await y.data() });
lineChart([await curve('sigmoid', f(x)), await curve('its derivative', slope(x))]);
`,
    ),
    snippet(
      'numerical',
      'Measured against automatic',
      '数值梯度与自动梯度',
      `
import { checkGradients } from '@ag/graph';
import { tensor } from '@ag/tensor';

const x = tensor([0.3, -1.2, 2], { dtype: 'float64' });
checkGradients(([x]) => x.sin().mul(x.exp()).sum(), [x]);
`,
    ),
    snippet(
      'jacobian',
      'A Jacobian',
      '雅可比矩阵',
      `
import { jacobian } from '@ag/graph';
import { tensor } from '@ag/tensor';

const x = tensor([1, 2, 3], { dtype: 'float64' });
jacobian((x) => x.softmax(0))(x); // diag(s) − s·sᵀ: rows sum to 0
`,
    ),
    snippet(
      'hessian',
      'Curvature, and Newton’s step',
      '曲率与牛顿法',
      `
import { grad, hessian } from '@ag/graph';
import { solve, type Tensor, tensor } from '@ag/tensor';

const f = (p: Tensor) => p.square().mul(tensor([1, 10], { dtype: 'float64' })).sum();
const at = tensor([3, -2], { dtype: 'float64' });
hessian(f)(at);
at.sub(solve(hessian(f)(at), grad(f)(at))); // a parabola's minimum in one step
`,
    ),
    snippet(
      'direction',
      'A directional derivative',
      '方向导数',
      `
import { jvp } from '@ag/graph';
import { type Tensor, tensor } from '@ag/tensor';

// f = x²y at (1, 2) in the direction (3, 4)/5: (2·2·3 + 1·4)/5 = 3.2
const f = (p: Tensor) => p.index(0).square().mul(p.index(1));
const [value, slope] = jvp(f, [tensor([1, 2])], [tensor([0.6, 0.8])]);
show(value, slope);
`,
    ),
    snippet(
      'descent',
      'Gradient descent by hand',
      '手写梯度下降',
      `
import { grad } from '@ag/graph';
import { type Tensor, tensor } from '@ag/tensor';
import { lineChart } from '@ag/viz';

const f = (x: Tensor) => x.sub(3).square();
const slope = grad(f);
let x = tensor(-4);
const path = [await x.item()];
for (let step = 0; step < 30; step++) {
  x = x.sub(slope(x).mul(0.1));
  path.push(await x.item());
}
lineChart([{ name: 'x', y: path }], { title: 'Towards 3' });
`,
    ),
    snippet(
      'own-formula',
      'A formula as text',
      '文本公式',
      `
import { backward, formula, inspect } from '@ag/graph';
import { tensor, Variable } from '@ag/tensor';

const f = formula('sin(x) * y + x^2');
const x = new Variable(tensor(0.5), { name: 'x' });
const y = new Variable(tensor(2), { name: 'y' });
const value = f.evaluate({ x: x.value, y: y.value });
backward(value);
show(value, x.grad, y.grad);
inspect(value, { values: true, gradients: true });
`,
    ),
    snippet(
      'custom-gradient',
      'A gradient of your own',
      '自定义梯度',
      `
import { backward, customGradient } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';

// Rounds, but lets the gradient pass as if it did not: a straight-through estimator.
const rounded = customGradient((x: Tensor) => x.round(), (g) => [g]);
const x = new Variable(tensor([0.2, 0.7, 1.6]));
backward(rounded(x.value).square().sum());
show(x.grad); // 2 · round(x)
`,
    ),
    snippet(
      'lost-digits',
      'Where digits are lost',
      '精度在哪里丢失',
      `
import { checkNumerics } from '@ag/graph';
import { tensor } from '@ag/tensor';

const x = tensor([1e-5, 3e-5]);
const { digits, losses } = await checkNumerics((x) => x.exp().sub(1), x);
digits[0];
for (const { message } of losses) console.log(message);
`,
    ),
  ],
};
