/** The words of the page of house prices. */
import type { Text } from '../../shell/language.ts';
import type { HousesRequest } from './houses.ts';

/** Mean squared error that the program of the original lesson reached on the real data. */
export const lessonLoss = 16.18;

export const texts = {
  explanation: {
    en: 'What is a house worth, given the average number of rooms (RM) and the share of poorer neighbors in per cent (LSTAT)? A network with one hidden layer of sigmoids fits a surface to the houses. Drag the picture to turn it.',
    zh: '已知平均房间数（RM）和低收入居民百分比（LSTAT），房子值多少钱？一个只有一层 sigmoid 隐藏单元的网络用一张曲面拟合这些房屋。拖动图片可以旋转。',
  },
  settings: { en: 'Data and training', zh: '数据与训练' },
  file: { en: 'BostonHousing.csv: choose or drop here', zh: 'BostonHousing.csv：选择或拖放到此处' },
  forget: { en: 'Generated houses again', zh: '改回生成数据' },
  epochs: { en: 'Epochs', zh: '轮数' },
  status: (epoch: number, loss: string): Text => ({
    en: `Epoch ${epoch}, mean squared error ${loss}.`,
    zh: `第 ${epoch} 轮，均方误差 ${loss}。`,
  }),
  generated: { en: 'Generated houses.', zh: '生成的数据。' },
  generatedNote: (houses: number): Text => ({
    en: `These ${houses} houses are invented, to look like the real ones; drop the file for those of Boston in the 1970s.`,
    zh: `这 ${houses} 座房屋是仿照真实数据虚构的；拖入文件即可使用 20 世纪 70 年代波士顿的真实数据。`,
  }),
  fromFile: (houses: number, file: string): Text => ({
    en: `${houses} houses from ${file}.`,
    zh: `来自 ${file} 的 ${houses} 座房屋。`,
  }),

  surface: { en: 'Price by rooms and LSTAT', zh: '房价与房间数、LSTAT 的关系' },
  price: { en: 'price, $1000', zh: '价格（千美元）' },
  surfaceCaption: {
    en: 'Surface: the network’s price, bright for high. Dots: houses; a thin line joins each to the price that is predicted for it.',
    zh: '曲面：网络给出的价格，越亮越高。圆点：房屋；细线连到对它的预测价格。',
  },
  turn: { en: 'Turn', zh: '旋转' },
  tilt: { en: 'Tilt', zh: '俯仰' },

  epoch: { en: 'epoch', zh: '轮' },
  meanSquaredError: { en: 'mean squared error', zh: '均方误差' },
  meanAbsoluteError: { en: 'mean absolute error', zh: '平均绝对误差' },
  thousandDollars: (value: string): Text => ({ en: `${value} thousand dollars`, zh: `${value} 千美元` }),
  curve: { en: 'Mean squared error', zh: '均方误差' },
  batches: { en: 'batches of the epoch', zh: '该轮的各批' },
  learnedHouses: { en: 'houses learned from', zh: '用于学习的房屋' },
  heldOut: { en: 'houses held out', zh: '留出的房屋' },
  heldOutShare: { en: 'Share held out', zh: '留出比例' },
  heldOutSquaredError: { en: 'squared, held out', zh: '留出集均方误差' },
  heldOutError: { en: 'absolute, held out', zh: '留出集绝对误差' },
  residuals: { en: 'Residual: price − prediction, $1000', zh: '残差：价格 − 预测（千美元）' },
  predicted: { en: 'predicted price, $1000', zh: '预测价格（千美元）' },
  residualCaption: (heldOut: boolean): Text => ({
    en: `Each house: above the line it costs more than is predicted, below it less.${heldOut ? ' Circles are learned from, diamonds are held out.' : ''}`,
    zh: `每座房屋：线上方表示价格高于预测，下方则低于预测。${heldOut ? '圆点用于学习，菱形为留出。' : ''}`,
  }),
  house: (rooms: string, status: string, price: string, predicted: string): Text => ({
    en: `${rooms} rooms, LSTAT ${status}: costs ${price}, predicted ${predicted}`,
    zh: `${rooms} 个房间，LSTAT ${status}：价格 ${price}，预测 ${predicted}`,
  }),
  lesson: { en: `the lesson: ${lessonLoss}`, zh: `原课程：${lessonLoss}` },
  curveNote: {
    en: 'The jumping curve is the mean loss of the batches of each epoch. They are drawn with replacement, as in the lesson, so that every epoch sees other houses. The calm curve, over the houses that are learned from, is the one to compare, and the one over houses held out says how well prices are predicted that were never seen.',
    zh: '跳动的曲线是每轮各批的平均损失。小批量是有放回抽取的（与原课程相同），每轮看到的房屋不同。平稳的曲线取自用于学习的房屋，适合比较；留出房屋的曲线则说明对从未见过的价格预测得如何。',
  },
};

export const optimizerTitles: Readonly<Record<HousesRequest['optimizer'], string | Text>> = {
  sgd: { en: 'SGD, as in the lesson', zh: 'SGD（与原课程相同）' },
  momentum: { en: 'SGD with momentum', zh: '带动量的 SGD' },
  adam: 'Adam',
};
