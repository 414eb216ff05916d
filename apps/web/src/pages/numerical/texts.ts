/** The words of the page that compares numerical gradients with backpropagation. */
import type { Text } from '../../shell/language.ts';

/** What decides the error of a numerical gradient. */
const reasons = {
  exact: { en: '', zh: '' },
  coarse: { en: ', because h is coarse', zh: '，因为 h 太粗' },
  rounding: { en: ', because of rounding', zh: '，因为舍入' },
} satisfies Record<string, Text>;

export const texts = {
  explanation: {
    en: 'How should a weight change? One way is to try: move it a little to both sides and see what the loss does. That takes two forward passes for every weight. Backpropagation finds the gradient for all weights in a single backward pass through the graph. Both networks start from the same weights and are to learn XOR, at very different cost. Add hidden units and watch the factor grow.',
    zh: '一个权重该如何改变？一种办法是试：把它向两边各移动一点，看损失怎么变——每个权重需要两次前向传播。反向传播只沿计算图往回走一遍，就得到所有权重的梯度。两个网络从相同的权重出发去学异或，代价却大不相同。增加隐藏单元，看倍数如何增长。',
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
  nearlyTheSame: { en: 'By step: nearly the same', zh: '按步数：几乎相同' },
  partAt: (step: number): Text => ({
    en: `They part at step ${step}: from there the losses have differed by more than a ten-thousandth of the first loss.`,
    zh: `两者在第 ${step} 步分开：从这里起，损失之差超过了首个损失的万分之一。`,
  }),
  gradientsDiffer: (error: string, by: 'exact' | 'coarse' | 'rounding'): Text => ({
    en: `Just after it, at the same weights, the numerical gradient is off by ${error} of the gradient’s length${reasons[by].en}.`,
    zh: `此后不久，在同一组权重下，数值梯度的误差为梯度长度的 ${error}${reasons[by].zh}。`,
  }),
  ofTheGradient: {
    en: 'So the steps themselves are different ones.',
    zh: '因此每一步本身就不同。',
  },
  grown: (growth: string, steps: number, rises: number): Text => ({
    en: `That is too little to be seen by itself: the difference has grown, by a factor of ${growth} for each step on average. The loss rose in ${rises} of the ${steps} steps before${rises > 0 ? ': a smaller learning rate makes steadier steps' : ''}.`,
    zh: `单凭这点误差看不出差别：差异是逐步放大的，平均每步乘以 ${growth}。在之前的 ${steps} 步中损失有 ${rises} 步上升${rises > 0 ? '：更小的学习率会更平稳' : ''}。`,
  }),
  startError: (error: string, halved: string, by: 'exact' | 'coarse' | 'rounding'): Text => ({
    en: `At the weights that both begin with, the numerical gradient is off by ${error} of the gradient’s length; with half the step size by ${halved}${reasons[by].en}.`,
    zh: `在共同的初始权重下，数值梯度的误差为梯度长度的 ${error}；步长减半时为 ${halved}${reasons[by].zh}。`,
  }),
  byCost: { en: 'By cost: far apart', zh: '按代价：相差甚远' },
  step: { en: 'step', zh: '步' },
  closing: {
    en: 'A step with numerical gradients takes two forward passes per parameter and one for the loss itself; one with backpropagation takes a single forward pass, whose loss it needs anyway, and one backward pass. A large h measures the slope of a chord instead of the tangent, a small one leaves few digits of the difference: what decides for the h that is set is measured above. Numerical gradients are still good for one thing: checking the others.',
    zh: '用数值梯度走一步，每个参数需要两次前向传播，外加一次计算损失；反向传播只需要一次前向传播（损失本来就要算）和一次反向传播。h 太大，量的是割线而非切线的斜率；h 太小，差值只剩下几位数字：对当前的 h 由哪一个决定，上面已测出。数值梯度如今仍有一个用处：检验其他梯度。',
  },
};

export const sides = {
  numerical: { en: 'Numerical gradients', zh: '数值梯度' },
  automatic: { en: 'Backpropagation', zh: '反向传播' },
} satisfies Record<string, Text>;
