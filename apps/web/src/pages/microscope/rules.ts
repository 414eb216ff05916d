/** What each kind of operation does to a gradient, in one sentence. */
import type { Text } from '../../shell/language.ts';

const sentences: ReadonlyMap<string, Text> = new Map(
  Object.entries({
    add: {
      en: 'Addition distributes: both operands get the gradient unchanged.',
      zh: '加法分发：两个操作数都原样得到梯度。',
    },
    sub: {
      en: 'Subtraction distributes; the second operand gets the gradient with its sign flipped.',
      zh: '减法分发：第二个操作数得到变号的梯度。',
    },
    mul: {
      en: 'Multiplication switches: each operand gets the gradient times the other operand.',
      zh: '乘法交换：每个操作数得到梯度乘以另一个操作数。',
    },
    div: {
      en: 'Division: the numerator’s gradient is divided, the denominator’s also carries the quotient and a minus sign.',
      zh: '除法：分子的梯度被除，分母的梯度还带上商与负号。',
    },
    maximum: {
      en: 'Max routes: the larger operand gets the whole gradient, the other none.',
      zh: 'max 选路：较大的操作数得到全部梯度，另一个得到零。',
    },
    minimum: {
      en: 'Min routes: the smaller operand gets the whole gradient, the other none.',
      zh: 'min 选路：较小的操作数得到全部梯度，另一个得到零。',
    },
    sigmoid: {
      en: 'The sigmoid multiplies the gradient by y · (1 − y), which is at most ¼.',
      zh: 'sigmoid 把梯度乘以 y·(1−y)，最大只有 ¼。',
    },
    tanh: { en: 'The tanh multiplies the gradient by 1 − y².', zh: 'tanh 把梯度乘以 1−y²。' },
    relu: {
      en: 'ReLU lets the gradient through where its operand was positive and stops it elsewhere.',
      zh: 'ReLU 在操作数为正处放行梯度，其余处阻断。',
    },
    exp: {
      en: 'The exponential multiplies the gradient by its own value.',
      zh: '指数函数把梯度乘以自身的值。',
    },
    log: { en: 'The logarithm divides the gradient by its operand.', zh: '对数把梯度除以操作数。' },
    square: {
      en: 'The square multiplies the gradient by twice its operand.',
      zh: '平方把梯度乘以操作数的两倍。',
    },
    logSumExp: {
      en: 'Log-sum-exp multiplies the gradient by the softmax of its operand.',
      zh: 'log-sum-exp 把梯度乘以操作数的 softmax。',
    },
    mean: {
      en: 'A mean gives every element its gradient divided by their number.',
      zh: '均值把梯度除以元素个数，分给每个元素。',
    },
    reshape: {
      en: 'A reshape passes the gradient on, in the shape of its operand.',
      zh: 'reshape 原样传递梯度，只改回操作数的形状。',
    },
    permute: {
      en: 'A transpose passes the gradient on, transposed back.',
      zh: '转置把梯度转置回去后传递。',
    },
    neg: { en: 'Negation flips the sign of the gradient.', zh: '取负使梯度变号。' },
    sum: { en: 'A sum copies its gradient to every element.', zh: '求和把梯度复制给每个元素。' },
    contract: {
      en: 'A matrix product multiplies the gradient by the transpose of the other operand.',
      zh: '矩阵乘积把梯度乘以另一个操作数的转置。',
    },
  }),
);

const fallback: Text = {
  en: 'The gradient is multiplied by the local derivative.',
  zh: '梯度乘以局部导数。',
};

export function ruleOf(op: string): Text {
  return sentences.get(op) ?? fallback;
}
