/** The words of the digits page. */
import type { Text } from '../../shell/language.ts';
import type { ModelId } from './config.ts';

export const texts = {
  explanation: {
    en: 'This network has learned from 20,000 generated digits: draw one, and it answers while you draw. Its first convolution slides a window over your drawing; the gradient of the score says which pixels the answer hangs on; and what it gets wrong you can teach it. Or train one from the beginning: after each epoch it is tested on images it has never seen: when the training accuracy goes on rising and the test accuracy does not, it is overfitting. Then draw a digit yourself; it is centered and scaled, with the width of its lines, as the images of MNIST are.',
    zh: '这个网络已从两万张程序生成的数字中学过：写一个数字，它边看边答。第一层卷积的窗口滑过您的笔迹；分数的梯度指出答案取决于哪些像素；答错了可以教它。也可从头训练：每轮之后用它从未见过的图像测试：若训练准确率继续上升而测试准确率停滞，就是过拟合。然后请自己写一个数字；它会像 MNIST 的图像那样居中并缩放（连同笔画粗细）。',
  },
  network: { en: 'Network', zh: '网络' },
  images: { en: 'Images', zh: '图像' },
  trainImages: { en: 'Training images', zh: '训练图像数' },
  testImages: { en: 'Test images', zh: '测试图像数' },
  drop: {
    en: 'Drop the folder or the four files of MNIST here (gzipped or not), or choose them',
    zh: '将 MNIST 的文件夹或四个文件拖到此处（可为 gzip），或选择文件',
  },
  found: (train: number, test: number): Text => ({
    en: `${train} training images, ${test} test images`,
    zh: `${train} 张训练图像，${test} 张测试图像`,
  }),
  filesNote: {
    en: 'They stay in this browser. A number of 0 images takes all there are.',
    zh: '文件只留在此浏览器中。图像数为 0 表示全部使用。',
  },

  epochs: { en: 'Epochs to train', zh: '训练轮数' },
  saveCheckpoint: { en: 'Save a checkpoint', zh: '保存检查点' },
  saveWeights: { en: 'Save the weights', zh: '保存权重' },
  restore: { en: 'Resume from a checkpoint', zh: '从检查点继续' },
  status: (step: number, epoch: number, accuracy: string): Text => ({
    en: `Step ${step}, ${epoch} complete epochs, test accuracy ${accuracy}.`,
    zh: `第 ${step} 步，完整 ${epoch} 轮，测试准确率 ${accuracy}。`,
  }),
  stopped: { en: 'Training has stopped.', zh: '训练已停止。' },

  training: { en: 'training', zh: '训练' },
  test: { en: 'test', zh: '测试' },
  step: { en: 'step', zh: '步' },
  epoch: { en: 'epoch', zh: '轮' },
  completeEpochs: { en: 'complete epochs', zh: '完整轮数' },
  batch: { en: 'batch', zh: '批' },
  loss: { en: 'loss', zh: '损失' },
  batchLoss: { en: 'batch loss', zh: '本批损失' },
  accuracy: { en: 'accuracy', zh: '准确率' },
  trainingAccuracy: { en: 'training accuracy', zh: '训练准确率' },
  testAccuracy: { en: 'test accuracy', zh: '测试准确率' },
  epochSeconds: { en: 'seconds for the last epoch', zh: '上一轮用时（秒）' },
  parameters: { en: 'parameters', zh: '参数' },
  batchLossCaption: { en: 'Faint: each batch. Bold: moving average.', zh: '细线：每批。粗线：滑动平均。' },

  draw: { en: 'Draw a digit', zh: '写一个数字' },
  board: { en: 'Board to draw a digit on', zh: '用于手写数字的画板' },
  wipe: { en: 'Clear', zh: '清除' },
  untrained: {
    en: 'The network has not finished an epoch yet: its answers are little more than guesses.',
    zh: '网络尚未完成一轮训练：它的回答几乎只是猜测。',
  },
  channel: { en: 'Channel', zh: '通道' },
  slide: { en: 'Slide', zh: '滑动' },
  windowTitle: { en: 'A window of the first convolution', zh: '第一层卷积的窗口' },
  windowLabel: (row: number, column: number): Text => ({
    en: `Your drawing with the window at row ${row}, column ${column}. Arrow keys move it.`,
    zh: `您的笔迹，窗口位于第 ${row} 行第 ${column} 列。方向键移动。`,
  }),
  products: { en: 'Pixels times weights', zh: '像素乘权重' },
  sum: (sum: string, bias: string, total: string, out: string): Text => ({
    en: `sum ${sum} + bias ${bias} = ${total}, after relu ${out}`,
    zh: `和 ${sum} + 偏置 ${bias} = ${total}，relu 之后 ${out}`,
  }),
  saliency: (digit: number): Text => ({
    en: `What the answer ${digit} hangs on`,
    zh: `答案 ${digit} 取决于哪里`,
  }),
  saliencyLabel: {
    en: 'Gradient of the score with respect to each pixel',
    zh: '分数对每个像素的梯度',
  },
  saliencyCaption: {
    en: 'Blue: more ink raises the score. Orange: it lowers it.',
    zh: '蓝：墨越多分数越高。橙：越低。',
  },
  neighbors: { en: 'Nearest training images: label · distance', zh: '最近的训练图像：标签 · 距离' },
  teach: { en: 'Wrong? It is a', zh: '答错了？它是' },
  teachCaption: {
    en: 'A few steps on your drawing among training images.',
    zh: '在训练图像之间用您的笔迹训练几步。',
  },
  learned: (digit: number, steps: number, before: string, after: string): Text => ({
    en:
      steps === 0
        ? `It was sure of ${digit} already: ${before}.`
        : `Learned in ${steps} ${steps === 1 ? 'step' : 'steps'}: ${digit} went from ${before} to ${after}.`,
    zh:
      steps === 0
        ? `它本已确信是 ${digit}：${before}。`
        : `训练 ${steps} 步：${digit} 从 ${before} 到 ${after}。`,
  }),
  layers: { en: 'What its layers see', zh: '各层所见' },
  input: { en: 'input of the network, 28×28', zh: '网络的输入，28×28' },
  layersCaption: {
    en: 'Layers: the brighter, the larger the value.',
    zh: '各层：越亮，值越大。',
  },

  testResults: { en: 'Confusion matrix of the test images', zh: '测试图像的混淆矩阵' },
  correct: (share: string): Text => ({ en: `${share} correct`, zh: `正确率 ${share}` }),
  trueDigit: { en: 'true digit', zh: '真实数字' },
  predictedDigit: { en: 'predicted', zh: '预测' },
  confusionCaption: {
    en: 'Each row: what the images of one digit were taken for, in numbers and shares of the row. Blue is right, orange is wrong.',
    zh: '每行：某个数字的图像被识别成什么，以张数和占该行的比例表示。蓝色为正确，橙色为错误。',
  },
  mistakes: { en: 'The worst mistakes', zh: '最严重的错误' },
  mistakesCaption: {
    en: 'Below each image: true digit → predicted digit, and the probability that the network gave to its prediction.',
    zh: '每张图像下方：真实数字 → 预测数字，以及网络给该预测的概率。',
  },
  hash: { en: 'SHA-256 of the weights: ', zh: '权重的 SHA-256：' },
  changing: { en: 'changing while training', zh: '训练中，正在变化' },
};

export const modelTitles: readonly (readonly [ModelId, Text])[] = [
  ['trained', { en: 'Convolutional, already trained', zh: '卷积网络，已训练好' }],
  ['mlp', { en: 'Fully connected, from the beginning', zh: '全连接网络，从头训练' }],
  ['cnn', { en: 'Convolutional, from the beginning', zh: '卷积网络，从头训练' }],
];

export const dataTitles = [
  ['generated', { en: 'generated', zh: '程序生成' }],
  ['files', { en: 'my files (MNIST)', zh: '我的文件（MNIST）' }],
] as const;
