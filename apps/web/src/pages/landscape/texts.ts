/** The words of the landscape. */
import { formatNumber } from '../../components/numbers.ts';
import type { Text } from '../../shell/language.ts';
import type { Kind } from './descend.ts';
import type { RacePath } from './race.ts';

export const texts = {
  explanation: {
    en: 'The same surface, the same start, different rules for taking a step. Drag the start on the map, or click the surface: from another place an optimizer may end in another minimum. Many starts at once show from where each minimum is reached. Turn the surface with the pointer, a finger or the arrow keys.',
    zh: '同一个曲面、同一个起点，不同的更新规则。在地图上拖动起点，或点击曲面：换个地方出发，可能落入另一个极小点。许多起点同时出发，可看出从哪里会到达哪个极小点。用指针、手指或方向键旋转曲面。',
  },
  networkExplanation: {
    en: 'The loss of a network over a plane through the space of its weights (Li et al., 2018). The network that was trained stands in the middle; the ball rolls along the way that its weights took. The main directions of the way show where training went; random directions, as long in each filter as the weights themselves, show how sharp the place is at which it arrived.',
    zh: '在权重空间中取一个平面，画出网络在其上的损失（Li 等，2018）。训练好的网络位于中心；小球沿权重走过的路径滚动。以路径的主方向切片，可看训练走向何处；以随机方向切片（每个滤波器与权重等长），可看所到之处有多尖锐。',
  },
  of: { en: 'Landscape of', zh: '地形' },
  ofFormula: { en: 'a formula', zh: '公式' },
  ofNetwork: { en: 'a network', zh: '神经网络' },
  view: { en: 'View', zh: '视图' },
  both: { en: 'Both', zh: '两者' },
  space: { en: '3-D', zh: '三维' },
  map: { en: 'Map', zh: '地图' },
  surface: { en: 'Surface', zh: '曲面' },
  expression: { en: 'or your own f(x, y)', zh: '或自定义 f(x, y)' },
  startX: { en: 'Start x', zh: '起点 x' },
  startY: { en: 'Start y', zh: '起点 y' },
  steps: { en: 'Steps', zh: '步数' },
  many: { en: 'Many starts at once', zh: '许多起点同时出发' },
  none: { en: 'off: race from one start', zh: '关：从一个起点竞速' },
  mapCaption: (minima: boolean): Text => ({
    en: `Ring: start. Dot: where it is now. ${minima ? 'Star: minimum. ' : ''}Stronger blue is higher; contours divide the map into equal areas.`,
    zh: `圆环：起点。圆点：当前位置。${minima ? '星：极小点。' : ''}蓝色越浓越高；等高线把地图分成面积相等的部分。`,
  }),
  play: { en: 'Play', zh: '播放' },
  pause: { en: 'Pause', zh: '暂停' },
  time: { en: 'Step', zh: '步' },
  stepOf: (step: number, steps: number): Text => ({
    en: `step ${step} of ${steps}`,
    zh: `第 ${step} / ${steps} 步`,
  }),
  spaceLabel: (what: string): Text => ({
    en: `${what} Arrow keys turn it, + and − zoom, 0 turns it back.`,
    zh: `${what} 方向键旋转，+ 与 − 缩放，0 复位。`,
  }),
  surfaceOf: (expression: string): Text => ({
    en: `Surface of ${expression} in space.`,
    zh: `${expression} 的立体曲面。`,
  }),
  sliceOf: (path: boolean): Text => ({
    en: `Loss around the trained network, along ${path ? 'the main directions of its way' : 'two random directions'}.`,
    zh: `训练好的网络周围的损失，沿${path ? '其路径的主方向' : '两个随机方向'}。`,
  }),
  noWebGl: {
    en: 'This browser offers no WebGL: a still picture, without those who walk. The map shows them.',
    zh: '此浏览器不支持 WebGL：只有静态图，看不到行走者；请看地图。',
  },
  turn: { en: 'Turn', zh: '旋转' },
  optimizer: { en: 'optimizer', zh: '优化器' },
  learningRate: { en: 'learning rate', zh: '学习率' },
  endsAt: { en: 'ends at x, y', zh: '终点 x, y' },
  height: { en: 'f there', zh: '该处的 f' },
  slope: { en: 'length of the gradient', zh: '梯度长度' },
  racers: { en: 'Who races', zh: '参赛者' },
  reached: { en: 'Where the starts lead', zh: '各起点的去处' },
  onTheWay: { en: 'still on the way', zh: '仍在途中' },
  lost: { en: 'diverged', zh: '发散' },
  attractor: (kind: Kind, x: number, y: number, share: string): Text => ({
    en: `${share}: ${kinds[kind].en} at (${formatNumber(x)}, ${formatNumber(y)})`,
    zh: `${share}：${kinds[kind].zh} (${formatNumber(x)}, ${formatNumber(y)})`,
  }),
  data: { en: 'Points', zh: '数据点' },
  activation: { en: 'Activation', zh: '激活函数' },
  directions: { en: 'Directions', zh: '方向' },
  path: { en: 'main ones of the way (PCA)', zh: '路径的主方向 (PCA)' },
  random: { en: 'random, filter-normalized', zh: '随机，滤波器归一化' },
  directionSeed: { en: 'Seed of the directions', zh: '方向的随机种子' },
  computing: { en: 'Training and slicing…', zh: '正在训练并切片…' },
  lossNow: { en: 'loss', zh: '损失' },
  center: { en: 'height in the middle', zh: '中心高度' },
  accuracy: { en: 'training accuracy', zh: '训练准确率' },
  weights: { en: 'weights', zh: '权重数' },
  explained: { en: 'of the way lies in this plane', zh: '的路径位于此平面内' },
  lossCurve: { en: 'The loss on the way', zh: '沿途的损失' },
};

const kinds: Readonly<Record<Kind, Text>> = {
  minimum: { en: 'a minimum', zh: '极小点' },
  maximum: { en: 'a maximum', zh: '极大点' },
  saddle: { en: 'a saddle', zh: '鞍点' },
  flat: { en: 'a level place, of a kind that its Hessian does not tell', zh: '平坦点（海森矩阵无法判别）' },
};

/** What became of a runner, in words. */
export function fateText({ fate, points, begin, end, slope, id }: RacePath): Text {
  const steps = points.length - 1;
  const [from, to] = [formatNumber(begin), formatNumber(end)];
  switch (fate) {
    case 'overflow':
      return id === 'newton'
        ? {
            en: `no step ${steps + 1}: the Hessian is singular, or the numbers overflow`,
            zh: `第 ${steps + 1} 步不存在：海森矩阵奇异或数值溢出`,
          }
        : {
            en: `diverged: not a finite number at step ${steps + 1}`,
            zh: `发散：第 ${steps + 1} 步数值已非有限`,
          };
    case 'climbing':
      return {
        en: `diverged: off the map after ${steps} steps, f rose from ${from} to ${to}`,
        zh: `发散：${steps} 步后已离开地图，f 从 ${from} 升到 ${to}`,
      };
    case 'away':
      return {
        en: `off the map after ${steps} steps, f went from ${from} to ${to}`,
        zh: `${steps} 步后已离开地图，f 从 ${from} 变为 ${to}`,
      };
    case 'moving':
      return {
        en: `still moving after ${steps} steps: the gradient is ${formatNumber(slope)} long`,
        zh: `${steps} 步后仍在移动：梯度长度 ${formatNumber(slope)}`,
      };
    default:
      return {
        en: `at ${kinds[fate].en} after ${steps} steps`,
        zh: `${steps} 步后到达${kinds[fate].zh}`,
      };
  }
}

export const dataTitles = [
  ['moons', { en: 'two moons', zh: '双月' }],
  ['circles', { en: 'two circles', zh: '同心圆' }],
  ['spirals', { en: 'two spirals', zh: '双螺旋' }],
] as const;
