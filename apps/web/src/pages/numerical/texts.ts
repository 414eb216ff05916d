/** The words of the page that compares numerical gradients with backpropagation. */
import type { Text } from '../../shell/language.ts';

export const texts = {
  explanation: {
    en: 'How should a weight change? One way is to try: move it a little to both sides and see what the loss does. That takes two forward passes for every weight. Backpropagation finds the gradient for all weights in a single backward pass through the graph. Both networks start from the same weights and learn XOR, at very different cost. Add hidden units and watch the factor grow.',
    zh: '一个权重该如何改变？一种办法是试：把它向两边各移动一点，看损失怎么变——每个权重需要两次前向传播。反向传播只沿计算图往回走一遍，就得到所有权重的梯度。两个网络从相同的权重出发学习异或，代价却大不相同。增加隐藏单元，看倍数如何增长。',
  },
  difference: { en: 'Step size h', zh: '步长 h' },
  status: (steps: number, factor: string): Text => ({
    en: `Step ${steps}: ${factor} times the forward passes.`,
    zh: `第 ${steps} 步：前向传播次数为 ${factor} 倍。`,
  }),
  factor: (parameters: number): Text => ({
    en: `the forward passes, for ${parameters} parameters`,
    zh: `的前向传播次数（${parameters} 个参数）`,
  }),
  afterStep: { en: 'after step', zh: '步数' },
  loss: { en: 'loss', zh: '损失' },
  forward: { en: 'forward passes', zh: '前向传播次数' },
  backward: { en: 'backward passes', zh: '反向传播次数' },
  time: { en: 'time', zh: '时间' },
  answers: { en: 'outputs for 00, 01, 10, 11', zh: '对 00、01、10、11 的输出' },
  agree: { en: 'The losses agree.', zh: '两个损失一致。' },
  disagree: { en: 'The losses do not agree.', zh: '两个损失不一致。' },
  apart: (difference: string): Text => ({
    en: `Largest difference between the two losses so far: ${difference} (float64)`,
    zh: `到目前为止两个损失的最大差值：${difference}（float64）`,
  }),
  sameCurve: { en: 'By step: the same curve', zh: '按步数：同一条曲线' },
  sameCurveCaption: {
    en: 'The two curves lie on top of each other.',
    zh: '两条曲线重叠在一起。',
  },
  curvesPart: { en: 'By step: the curves part', zh: '按步数：两条曲线分开' },
  byCost: { en: 'By cost: far apart', zh: '按代价：相差甚远' },
  step: { en: 'step', zh: '步' },
  closing: {
    en: 'A step with numerical gradients takes two forward passes per parameter and one for the loss itself; one with backpropagation takes a single forward pass, whose loss it needs anyway, and one backward pass. Try h = 0.1, which is too coarse, and h = 1e-10, where rounding errors take over: the difference grows. Numerical gradients are still good for one thing: checking the others.',
    zh: '用数值梯度走一步，每个参数需要两次前向传播，外加一次计算损失；反向传播只需要一次前向传播（损失本来就要算）和一次反向传播。试试 h = 0.1（太粗）和 h = 1e-10（舍入误差占上风）：差值会变大。数值梯度如今仍有一个用处：检验其他梯度。',
  },
};

export const sides = {
  numerical: { en: 'Numerical gradients', zh: '数值梯度' },
  automatic: { en: 'Backpropagation', zh: '反向传播' },
} satisfies Record<string, Text>;
