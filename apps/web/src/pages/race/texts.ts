/** The words of the optimizer race. */
import type { Text } from '../../shell/language.ts';

export const texts = {
  explanation: {
    en: 'The same surface, the same start, different rules for taking a step. Drag the start on the map: from another place an optimizer may end in another minimum.',
    zh: '同一个曲面、同一个起点，不同的更新规则。在地图上拖动起点：换个地方出发，可能落入另一个极小点。',
  },
  surface: { en: 'Surface', zh: '曲面' },
  expression: { en: 'or your own f(x, y)', zh: '或自定义 f(x, y)' },
  startX: { en: 'Start x', zh: '起点 x' },
  startY: { en: 'Start y', zh: '起点 y' },
  steps: { en: 'Steps', zh: '步数' },
  mapCaption: (minima: boolean): Text => ({
    en: `Ring: start. Large dot: end. ${minima ? 'Star: minimum. ' : ''}Stronger blue is higher; contours divide the map into equal areas.`,
    zh: `圆环：起点。大圆点：终点。${minima ? '星：极小点。' : ''}蓝色越浓越高；等高线把地图分成面积相等的部分。`,
  }),
  reliefCaption: { en: 'The same surface in space: bright is high.', zh: '同一曲面的立体图：越亮越高。' },
  turn: { en: 'Turn', zh: '旋转' },
  optimizer: { en: 'optimizer', zh: '优化器' },
  learningRate: { en: 'learning rate', zh: '学习率' },
  endsAt: { en: 'ends at x, y', zh: '终点 x, y' },
  height: { en: 'f there', zh: '该处的 f' },
  diverged: { en: 'diverged', zh: '发散' },
};
