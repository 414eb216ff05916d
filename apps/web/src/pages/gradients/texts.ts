/** The words of the gradient-flow lab, and the settings it proposes. */
import type { Text } from '../../shell/language.ts';
import type { AlarmKind, activations, initializers, normalizations } from './flow.ts';

export const texts = {
  explanation: {
    en: 'On its way back through a deep network the gradient is multiplied by every layer: by its weights and by the slope of its activation. If each factor is a little below one, nothing is left at the first layer; if it is above one, everything is too large. Choose a network and look at every layer, before and during training.',
    zh: '梯度在深层网络中反向传播时，每经过一层都要乘上该层的权重和激活函数的斜率。若每个因子略小于一，到第一层就所剩无几；若大于一，一切都会过大。选择一个网络，在训练之前和训练之中观察每一层。',
  },
  layers: { en: 'Layers', zh: '层数' },
  width: { en: 'Units per layer', zh: '每层单元数' },
  activation: { en: 'Activation', zh: '激活函数' },
  initializer: { en: 'Initializer', zh: '初始化' },
  std: { en: 'Standard deviation', zh: '标准差' },
  normalization: { en: 'Normalization', zh: '归一化' },
  river: {
    en: 'The signal flows forward through the layers, the gradient flows back; wider is larger.',
    zh: '信号向前流过各层，梯度向后流回；越宽越大。',
  },
  riverCaption: {
    en: 'How wide a stream is says how large: the deviation of what a layer answers (above) and the norm of its weights’ gradient (below), by powers of ten from 1e−14 to 100. Click a layer for its numbers.',
    zh: '水流的宽度表示大小：上方是各层输出的标准差，下方是权重梯度的范数，按 1e−14 到 100 的数量级绘制。点击某层查看数值。',
  },
  signalFlows: { en: 'signal →', zh: '信号 →' },
  gradientFlows: { en: '← gradient', zh: '← 梯度' },
  chosenLayer: { en: 'Layer', zh: '层' },
  layerNumbers: (layer: number, signal: string, norm: string, dead: number): Text => ({
    en: `layer ${layer}: signal ${signal}, gradient ${norm}${dead > 0 ? `, ${dead} % dead` : ''}`,
    zh: `第 ${layer} 层：信号 ${signal}，梯度 ${norm}${dead > 0 ? `，${dead} % 死亡` : ''}`,
  }),
  allLayers: { en: 'Every layer', zh: '所有层' },
  size: { en: 'Size', zh: '大小' },
  sizes: (smallest: string, largest: string, loss: string): Text => ({
    en: `gradients from ${smallest} to ${largest}, for a loss of ${loss}`,
    zh: `梯度从 ${smallest} 到 ${largest}，损失为 ${loss}`,
  }),
  ratioTitle: { en: 'Ratio', zh: '比值' },
  residual: { en: 'residual connections', zh: '残差连接' },
  status: (step: number, loss: string): Text => ({
    en: `Step ${step}, loss ${loss}.`,
    zh: `第 ${step} 步，损失 ${loss}。`,
  }),
  calm: { en: 'No alarm.', zh: '没有警报。' },
  calmReason: { en: 'Every layer gets a gradient of a useful size.', zh: '每一层都得到大小合适的梯度。' },
  ratio: {
    en: 'Gradient norm of the first layer divided by that of the last: ',
    zh: '第一层与最后一层的梯度范数之比：',
  },
  step: { en: 'step', zh: '步' },
  loss: { en: 'loss', zh: '损失' },
  batchAccuracy: { en: 'batch accuracy', zh: '本批准确率' },
  norm: { en: 'norm of the gradient', zh: '梯度范数' },
  vanishing: { en: 'vanishing', zh: '消失' },
  exploding: { en: 'exploding', zh: '爆炸' },
  zero: { en: 'zero', zh: '为零' },
  notFinite: { en: 'not finite', zh: '非有限' },
  dead: { en: 'dead', zh: '死亡' },
  byLayer: { en: 'Gradients by layer, now', zh: '当前各层梯度' },
  byLayerOverTime: { en: 'Gradients by layer, over time', zh: '各层梯度随时间的变化' },
  lossByStep: { en: 'Loss of each step', zh: '每步损失' },
  lossCaption: { en: 'Faint: each step. Bold: moving average.', zh: '细线：每步。粗线：滑动平均。' },
  untrained: {
    en: 'Nothing has been trained yet: this is the network as it was initialized.',
    zh: '尚未训练：这是刚初始化的网络。',
  },
  layer: (number: number): Text => ({ en: `layer ${number}`, zh: `第 ${number} 层` }),
};

/** What is said of the gradients' size. */
export const sizeVerdicts = {
  tiny: { en: 'too small to learn from', zh: '太小，无法学习' },
  exploding: { en: 'too large', zh: '太大' },
  notFinite: { en: 'beyond the numbers', zh: '超出数值范围' },
  useful: { en: 'useful', zh: '可用' },
} satisfies Record<string, Text>;

/** What is said of the first layer's gradient beside the last one's. */
export const ratioVerdicts = {
  vanishing: { en: 'vanishes on the way back', zh: '在回传途中消失' },
  growing: { en: 'grows on the way back', zh: '在回传途中增大' },
  unknown: { en: 'cannot be told', zh: '无法判断' },
  arriving: { en: 'arrives', zh: '到达' },
} satisfies Record<string, Text>;

export const normalizationNames: Readonly<Record<keyof typeof normalizations, Text>> = {
  none: { en: 'none', zh: '无' },
  batch: { en: 'batch norm', zh: '批归一化' },
  layer: { en: 'layer norm', zh: '层归一化' },
};

/** The rows of histograms: what is counted, and what their axes are. */
export const distributions = {
  activations: {
    title: { en: 'Activations', zh: '激活值' },
    axes: { en: 'across: output of a unit; up: how many', zh: '横轴：单元的输出；纵轴：个数' },
  },
  gradients: {
    title: { en: 'Gradients of the weights', zh: '权重梯度' },
    axes: {
      en: 'across: log₁₀ of the absolute value; up: how many',
      zh: '横轴：绝对值的常用对数；纵轴：个数',
    },
  },
} satisfies Record<string, { title: Text; axes: Text }>;

export const activationNames: Readonly<Record<keyof typeof activations, string | Text>> = {
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  relu: 'ReLU',
  leakyRelu: 'leaky ReLU',
  elu: 'ELU',
  selu: 'SELU',
  gelu: 'GELU',
  identity: { en: 'none (linear)', zh: '无（线性）' },
};

export const initializerNames: Readonly<Record<keyof typeof initializers, string | Text>> = {
  normal: { en: 'normal, std as given', zh: '正态，指定标准差' },
  xavier: 'Xavier (Glorot)',
  he: 'He',
  lecun: 'LeCun',
  orthogonal: { en: 'orthogonal', zh: '正交' },
};

export interface Preset {
  readonly id: string;
  readonly title: Text;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
}

export const presets: readonly Preset[] = [
  {
    id: 'vanishing',
    title: { en: 'Sigmoids, small weights', zh: 'sigmoid + 小权重' },
    parameters: {
      depth: 10,
      width: 100,
      activation: 'sigmoid',
      init: 'normal',
      std: 0.01,
      normalization: 'none',
      residual: false,
      rate: 0.1,
    },
  },
  {
    id: 'he',
    title: { en: 'Leaky ReLU, He', zh: 'leaky ReLU + He' },
    parameters: {
      depth: 10,
      width: 100,
      activation: 'leakyRelu',
      init: 'he',
      normalization: 'none',
      residual: false,
      rate: 0.1,
    },
  },
  {
    id: 'residual',
    title: { en: 'Sigmoids, residual', zh: 'sigmoid + 残差连接' },
    parameters: {
      depth: 10,
      width: 100,
      activation: 'sigmoid',
      init: 'normal',
      std: 0.01,
      normalization: 'none',
      residual: true,
      rate: 0.1,
    },
  },
  {
    id: 'exploding',
    title: { en: 'Weights too large', zh: '权重过大' },
    parameters: {
      depth: 10,
      width: 100,
      activation: 'leakyRelu',
      init: 'normal',
      std: 0.5,
      normalization: 'none',
      residual: false,
      rate: 0.1,
    },
  },
  {
    id: 'norm',
    title: { en: 'Fifty tanh, batch norm', zh: '五十层 tanh + 批归一化' },
    parameters: {
      depth: 50,
      width: 32,
      activation: 'tanh',
      init: 'xavier',
      normalization: 'batch',
      residual: false,
      rate: 0.1,
    },
  },
  {
    id: 'dead',
    title: { en: 'Narrow and deep ReLUs', zh: '窄而深的 ReLU' },
    parameters: {
      depth: 20,
      width: 10,
      activation: 'relu',
      init: 'he',
      normalization: 'none',
      residual: false,
      rate: 0.1,
    },
  },
];

export const alarmTexts: Readonly<Record<AlarmKind, { readonly title: Text; readonly advice: Text }>> = {
  vanishing: {
    title: { en: 'The gradient vanishes.', zh: '梯度消失。' },
    advice: {
      en: 'The first layer gets less than a thousandth of what the last one gets, so it hardly learns. Remedies: an initializer that fits the activation (He for ReLU, Xavier for tanh), an activation that does not saturate, residual connections.',
      zh: '第一层得到的梯度不到最后一层的千分之一，几乎学不动。办法：使用与激活函数匹配的初始化（ReLU 用 He，tanh 用 Xavier）、不饱和的激活函数、残差连接。',
    },
  },
  tiny: {
    title: { en: 'The gradient vanishes everywhere.', zh: '各层梯度都消失。' },
    advice: {
      en: 'Every layer gets less than a millionth of the loss, so none of them learns. Remedies: larger initial weights (He for ReLU, Xavier for tanh), fewer layers, residual connections.',
      zh: '每一层得到的梯度都不到损失的百万分之一，没有一层在学习。办法：增大初始权重（ReLU 用 He，tanh 用 Xavier）、减少层数、残差连接。',
    },
  },
  exploding: {
    title: { en: 'The gradient explodes.', zh: '梯度爆炸。' },
    advice: {
      en: 'A layer’s gradient has a norm above 100: a step along it throws the weights far off. Remedies: smaller initial weights, a smaller learning rate, gradient clipping.',
      zh: '某层梯度范数超过 100：沿它走一步会把权重抛得很远。办法：减小初始权重、降低学习率、裁剪梯度。',
    },
  },
  dead: {
    title: { en: 'Units are dead.', zh: '有单元死亡。' },
    advice: {
      en: 'More than a fifth of a layer’s units answer 0 to every example: no gradient passes through them, so they cannot recover. Remedies: leaky ReLU, a smaller learning rate, wider layers.',
      zh: '某层超过五分之一的单元对所有样本都输出 0：梯度无法通过，它们也就无法恢复。办法：leaky ReLU、更小的学习率、更宽的层。',
    },
  },
  notFinite: {
    title: { en: 'Loss or gradients overflow.', zh: '数值溢出。' },
    advice: {
      en: 'They are no longer finite. Choose smaller weights or a smaller learning rate and reset.',
      zh: '损失或梯度不再是有限值。请减小权重或学习率，然后重置。',
    },
  },
};
