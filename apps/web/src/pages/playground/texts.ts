/** The words of the playground. */
import type { Text } from '../../shell/language.ts';
import type { DataId, LossId, Normalization } from './config.ts';

export const texts = {
  explanation: {
    en: 'A small network learns to tell points of the plane apart, or heights over it. Each square is a neuron and shows its output over the whole plane; each line is a weight: drag one, or the little square of a neuron (its bias), and the picture follows. Change rate, penalties or data while it trains, go back to any earlier step, and click a neuron or a place in the plane to see the numbers behind it.',
    zh: '一个小网络学习区分平面上的点，或预测平面上的高度。每个方块是一个神经元，显示它在整个平面上的输出；每条线是一个权重：拖动它，或神经元上的小方块（偏置），画面随之改变。训练中可改变学习率、惩罚项或数据，可回到任意先前的步；点击神经元或平面上的位置，查看背后的数字。',
  },
  example: { en: 'Example', zh: '示例' },
  chooseOne: { en: 'choose one', zh: '请选择' },
  data: { en: 'Data', zh: '数据' },
  points: { en: 'Points', zh: '点数' },
  noise: { en: 'Noise', zh: '噪声' },
  classes: { en: 'Classes', zh: '类别数' },
  testFraction: { en: 'Test fraction', zh: '测试集比例' },
  standardize: { en: 'standardize inputs', zh: '标准化输入' },
  hiddenLayers: { en: 'Hidden layers', zh: '隐藏层' },
  activationOf: (layer: number): Text => ({
    en: `Layer ${layer}: activation`,
    zh: `第 ${layer} 层：激活函数`,
  }),
  neurons: { en: 'neurons', zh: '神经元' },
  removeLayer: (layer: number): Text => ({ en: `Remove layer ${layer}`, zh: `移除第 ${layer} 层` }),
  addLayer: { en: 'Layer', zh: '添加层' },

  goesOn: { en: 'Changes as it trains', zh: '训练中可改' },
  beginsAnew: { en: 'Begins anew', zh: '更改后重新开始' },
  inputs: { en: 'Inputs', zh: '输入' },
  l1: { en: 'L1 penalty', zh: 'L1 惩罚' },
  l2: { en: 'L2 penalty', zh: 'L2 惩罚' },
  normalization: { en: 'Normalization', zh: '归一化' },
  penaltyNote: {
    en: 'Penalties add L1·Σ|w| + L2·½Σw² over the weights to the loss of each batch. The curves, and the loss over test points, are of the answers alone.',
    zh: '惩罚项把 L1·Σ|w| + L2·½Σw²（对所有权重）加到每批损失上。曲线和测试损失只计预测本身。',
  },
  rateNow: { en: 'learning rate here', zh: '此处学习率' },
  lossNow: { en: 'loss now', zh: '当前损失' },
  curveLabel: {
    en: 'What the network predicts along a line, and the points',
    zh: '网络沿一条线的预测与数据点',
  },
  speed: { en: 'Speed', zh: '速度' },
  rewind: { en: 'Go back to step', zh: '回到第几步' },
  status: (step: number, loss: string | null): Text => ({
    en: `Step ${step}, batch loss ${loss ?? 'not known'}.`,
    zh: `第 ${step} 步，本批损失${loss === null ? '未知' : ` ${loss}`}。`,
  }),

  atStep: (step: number): Text => ({ en: `Step ${step}: `, zh: `第 ${step} 步：` }),
  slower: (rate: string): Text => ({
    en: `Restart with a learning rate of ${rate}`,
    zh: `以学习率 ${rate} 重新开始`,
  }),
  goBack: { en: 'Go back ten steps', zh: '回退十步' },

  paint: {
    en: 'Click or drag on the plane to paint points, or paste a table.',
    zh: '在平面上点击或拖动来绘制数据点，或粘贴表格。',
  },
  pointsAre: { en: 'Points are', zh: '数据点是' },
  value: { en: 'Value', zh: '数值' },
  classNumber: (number: number): Text => ({ en: `class ${number}`, zh: `类别 ${number}` }),
  undo: { en: 'Undo the last point', zh: '撤销一个点' },
  clear: { en: 'Clear', zh: '清空' },
  pasteTable: { en: 'Paste a table (CSV)', zh: '粘贴表格（CSV）' },
  table: { en: 'Table', zh: '表格' },
  useTable: { en: 'Use this table', zh: '使用该表格' },

  noNetwork: {
    en: 'The network appears here as soon as there are two points.',
    zh: '有两个点之后，网络会出现在这里。',
  },
  linesShow: { en: 'Lines show', zh: '连线显示' },
  weights: { en: 'weights', zh: '权重' },
  gradients: { en: 'gradients', zh: '梯度' },
  diagramCaption: (kind: 'binary' | 'classes' | 'value'): Text => ({
    en: `Lines: blue positive, orange dashed negative, thicker for larger; drag one to change it. Squares: blue high, orange low${kind === 'binary' ? '; in the last one, blue for class 0 and orange for class 1' : ''}.`,
    zh: `连线：蓝色为正，橙色虚线为负，越粗越大；拖动即可改变。方块：蓝色高，橙色低${kind === 'binary' ? '；最后一个方块中蓝色为类别 0，橙色为类别 1' : ''}。`,
  }),
  parameters: (count: number): Text => ({ en: `${count} parameters`, zh: `${count} 个参数` }),
  neuronAt: (name: string, value: string): Text => ({
    en: `neuron ${name}, ${value} at the marked point`,
    zh: `神经元 ${name}，在标记点为 ${value}`,
  }),
  planeCaption: {
    binary: {
      en: 'Background: the predicted class, stronger where surer; on the line both are equally likely.',
      zh: '背景：预测的类别，越确定颜色越深；线上两类的可能性相等。',
    },
    classes: {
      en: 'Background: the most likely class, stronger where the network is surer.',
      zh: '背景：最可能的类别，越确定颜色越深。',
    },
    value: {
      en: 'Background: the prediction. Points: their targets, in the same colors.',
      zh: '背景：预测值。数据点：目标值，颜色相同。',
    },
    line: { en: 'Line: the prediction. Points: the data.', zh: '线：预测值。圆点：数据。' },
  },
  showTest: { en: 'show the test points', zh: '显示测试点' },
  paintOnThese: { en: 'Paint on these points', zh: '在这些点上继续绘制' },

  neuron: (name: string): Text => ({
    en: `Neuron ${name} at the marked point`,
    zh: `神经元 ${name} 在标记点的计算`,
  }),
  input: { en: 'input', zh: '输入' },
  inputValue: { en: 'value', zh: '值' },
  weight: { en: 'weight', zh: '权重' },
  weightOf: (input: string): Text => ({ en: `weight of ${input}`, zh: `${input} 的权重` }),
  weightGradient: { en: '∂loss / ∂weight', zh: '∂损失 / ∂权重' },
  bias: { en: 'bias', zh: '偏置' },
  gradientNote: {
    en: 'Numbers of a neuron: drag a weight or the bias, or change it by arrow keys. Gradients are those of the loss over all training points, without dropout and penalties. x₁′ is x₁ standardized.',
    zh: '神经元的数字：拖动权重或偏置，或用方向键改变。梯度取自全部训练点上的损失（不含 dropout 与惩罚项）。x₁′ 是标准化后的 x₁。',
  },

  trainingPoints: { en: 'The training points', zh: '训练点' },
  target: { en: 'target', zh: '目标' },
  prediction: { en: 'prediction', zh: '预测' },
  training: { en: 'training', zh: '训练' },
  test: { en: 'test', zh: '测试' },
  step: { en: 'step', zh: '步' },
  epoch: { en: 'epoch', zh: '轮' },
  loss: { en: 'loss', zh: '损失' },
  batchLoss: { en: 'batch loss', zh: '本批损失' },
  noCurve: {
    en: 'The curves of the loss begin with the first complete epoch.',
    zh: '损失曲线从第一个完整的轮开始。',
  },
  trainingLoss: { en: 'training loss', zh: '训练损失' },
  testLoss: { en: 'test loss', zh: '测试损失' },
  trainingAccuracy: { en: 'training accuracy', zh: '训练准确率' },
  testAccuracy: { en: 'test accuracy', zh: '测试准确率' },

  saveSafetensors: { en: 'Save weights (safetensors)', zh: '保存权重（safetensors）' },
  saveJson: { en: 'Save network and weights (JSON)', zh: '保存网络与权重（JSON）' },
};

export const dataTitles: readonly (readonly [DataId, Text])[] = [
  ['circles', { en: 'Circles', zh: '同心圆' }],
  ['xor', { en: 'XOR', zh: '异或' }],
  ['spirals', { en: 'Spirals', zh: '螺旋' }],
  ['moons', { en: 'Moons', zh: '双月' }],
  ['blobs', { en: 'Blobs', zh: '点团' }],
  ['plane', { en: 'A plane (regression)', zh: '平面（回归）' }],
  ['hills', { en: 'Hills (regression)', zh: '山丘（回归）' }],
  ['curve', { en: 'A curve (regression in 1-D)', zh: '曲线（一维回归）' }],
  ['points', { en: 'Your own points', zh: '自绘数据点' }],
];

/** What painted points stand for. */
export const pointKinds = {
  classes: { en: 'classes', zh: '类别' },
  values: { en: 'heights over the plane (regression)', zh: '平面上的高度（回归）' },
  line: { en: 'points of a curve (regression in 1-D)', zh: '曲线上的点（一维回归）' },
} satisfies Record<string, Text>;

export const lossTitles: Readonly<Record<LossId, Text>> = {
  bce: { en: 'cross-entropy', zh: '交叉熵' },
  crossEntropy: { en: 'cross-entropy', zh: '交叉熵' },
  mse: { en: 'mean squared error', zh: '均方误差' },
  mae: { en: 'mean absolute error', zh: '平均绝对误差' },
  huber: { en: 'Huber', zh: 'Huber' },
  quantile: { en: 'quantile 0.9', zh: '0.9 分位数' },
  hinge: { en: 'hinge', zh: '合页' },
  focal: { en: 'focal', zh: 'focal' },
};

export const normalizationTitles: readonly (readonly [Normalization, Text])[] = [
  ['none', { en: 'none', zh: '无' }],
  ['batch', { en: 'batch norm', zh: '批归一化' }],
  ['layer', { en: 'layer norm', zh: '层归一化' }],
];

export const speedTitles = [
  ['full', { en: 'as fast as possible', zh: '全速' }],
  ['fast', { en: '200 steps per second', zh: '每秒 200 步' }],
  ['medium', { en: '20 steps per second', zh: '每秒 20 步' }],
  ['slow', { en: '2 steps per second', zh: '每秒 2 步' }],
] as const;

const exploding: Text = {
  en: 'gradients explode. Choose a smaller learning rate.',
  zh: '梯度爆炸。请减小学习率。',
};
const alarms: ReadonlyMap<string, Text> = new Map([
  [
    'nonFiniteLoss',
    {
      en: 'the loss is no longer finite. The learning rate may be too large.',
      zh: '损失已不是有限数。学习率可能过大。',
    },
  ],
  [
    'risingLoss',
    {
      en: 'the loss rises instead of falling. Choose a smaller learning rate.',
      zh: '损失在上升而不是下降。请减小学习率。',
    },
  ],
  ['vanishingGradient', { en: 'gradients have vanished.', zh: '梯度消失。' }],
  ['explodingGradient', exploding],
  ['nonFiniteGradient', exploding],
  ['error', { en: 'training stopped.', zh: '训练中断。' }],
]);
const otherAlarm: Text = { en: 'something needs attention.', zh: '有情况需要注意。' };

/** What an alarm of the run means. */
export function alarmText(kind: string): Text {
  return alarms.get(kind) ?? otherAlarm;
}
