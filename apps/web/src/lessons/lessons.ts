/**
 * The seven lessons, each a tour through pages.
 *
 * A step is data: the address that it opens, what to do there, and how the state of the page (`window.__ag.state()`)
 * shows that it is done.
 */
import { neuron } from '../living/neuron.ts';
import type { Text } from '../shell/language.ts';

/** Names that a page has had, or will have: links with either open it. */
const names: ReadonlyMap<string, readonly string[]> = new Map([['race', ['race', 'landscape']]]);

/** Whether the page that is shown is that of the step. */
export function isAt({ page }: Pick<LessonStep, 'page'>, state: PageState): boolean {
  return (names.get(page) ?? [page]).includes(state.page as string);
}

/** What a page says of itself. */
export type PageState = Readonly<Record<string, unknown>>;

export interface LessonStep {
  readonly page: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly text: Text;
  readonly isReached: (state: PageState) => boolean;
}

export interface Lesson {
  readonly id: string;
  readonly title: Text;
  readonly summary: Text;
  readonly steps: readonly LessonStep[];
}

interface Node {
  readonly label: string;
  readonly op?: string;
  readonly value: unknown;
  readonly gradient: unknown;
}

const numbersOf = (value: unknown): readonly number[] => (Array.isArray(value) ? (value as number[]) : []);
const lastOf = (values: unknown): number => numbersOf(values).at(-1) ?? Number.NaN;
const nodesOf = (state: PageState) => (Array.isArray(state.nodes) ? (state.nodes as readonly Node[]) : []);
const gradientOf = (state: PageState, name: string) =>
  nodesOf(state).find(({ label, op }) => label === name && op === undefined)?.gradient;
const isThrough = ({ step, steps }: PageState) => Number(steps) > 0 && step === steps;
const lossOf = (part: unknown): number => Number((part as { loss?: number } | null)?.loss ?? Number.NaN);

const microscope = (expression: string, values: Readonly<Record<string, string>>, more = {}) => ({
  expression,
  ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`v.${name}`, value])),
  ...more,
});
const lesson = (more: Readonly<Record<string, string>>) => microscope(neuron.expression, neuron.values, more);

export const lessons: readonly Lesson[] = [
  {
    id: 'scalar',
    title: { en: 'A graph of scalars', zh: '标量计算图' },
    summary: {
      en: 'One neuron computes, its error flows back, and it learns.',
      zh: '一个神经元先计算，误差再流回，于是它开始学习。',
    },
    steps: [
      {
        page: 'microscope',
        parameters: lesson({ step: '0' }),
        text: {
          en: 'A line k·x + b, a sigmoid, a squared error. Press “All forward”: each node is computed once its operands are, which is the topological order.',
          zh: '直线 k·x + b、sigmoid、平方误差。点击“完成前向”：每个节点在其操作数算出之后计算，这就是拓扑序。',
        },
        isReached: ({ step, steps }) => Number(steps) > 0 && Number(step) >= Number(steps) / 2,
      },
      {
        page: 'microscope',
        parameters: lesson({ step: '5' }),
        text: {
          en: 'Press “All backward”: each node multiplies the gradient that reaches it by its own derivative. That is the chain rule.',
          zh: '点击“完成反向”：每个节点把到达它的梯度乘以自己的导数，这就是链式法则。',
        },
        isReached: isThrough,
      },
      {
        page: 'microscope',
        parameters: lesson({ step: 'all' }),
        text: {
          en: 'Under “Learn”, update k and b against their gradients until the loss is below 0.003: press × 10.',
          zh: '在“学习”中让 k 和 b 沿梯度的反方向更新，直到损失低于 0.003：点击 × 10。',
        },
        isReached: ({ losses }) => lastOf(losses) < 0.003,
      },
    ],
  },
  {
    id: 'gates',
    title: { en: 'Gates', zh: '门' },
    summary: {
      en: 'Addition distributes a gradient, multiplication switches it, max routes it.',
      zh: '加法分发梯度，乘法交换梯度，max 为梯度选路。',
    },
    steps: [
      {
        page: 'microscope',
        parameters: microscope('(x + y) * z', { x: '-2', y: '5', z: '-4' }, { step: 'all' }),
        text: {
          en: 'x and y get the same gradient, which is z; z gets x + y. Change z, by dragging it, until the gradient of x is positive.',
          zh: 'x 与 y 得到相同的梯度，即 z；z 得到 x + y。拖动改变 z，直到 x 的梯度为正。',
        },
        isReached: (state) => Number(gradientOf(state, 'x')) > 0,
      },
      {
        page: 'microscope',
        parameters: microscope(
          '2 * (x * y + maximum(z, w))',
          { x: '3', y: '-4', z: '2', w: '-1' },
          { step: 'all' },
        ),
        text: {
          en: 'max gives the whole gradient to the larger operand. Change w until it gets the gradient, and z none.',
          zh: 'max 把全部梯度给较大的操作数。改变 w，让它得到梯度，而 z 得不到。',
        },
        isReached: (state) => gradientOf(state, 'w') === 2 && gradientOf(state, 'z') === 0,
      },
    ],
  },
  {
    id: 'dimensions',
    title: { en: 'Many dimensions: houses', zh: '多维：房价' },
    summary: {
      en: 'The same rules with matrices, and a surface that is fitted to houses.',
      zh: '同样的规则用于矩阵，并为房价拟合一张曲面。',
    },
    steps: [
      {
        page: 'microscope',
        parameters: microscope(
          'sum((W @ x)^2)',
          { W: '[[0.1, 0.5], [-0.3, 0.8]]', x: '[0.2, 0.4]' },
          { step: '0' },
        ),
        text: {
          en: 'A derivative of a vector by a vector is a matrix, the Jacobian. Go all backward and look at that of the product.',
          zh: '向量对向量的导数是矩阵，即雅可比矩阵。完成反向，看看乘积的雅可比矩阵。',
        },
        isReached: isThrough,
      },
      {
        page: 'houses',
        parameters: { epochs: '100' },
        text: {
          en: 'Two inputs, many houses: the network bends a surface towards them. Let it learn until the mean squared error has fallen by half.',
          zh: '两个输入、许多房屋：网络把曲面弯向它们。让它学习，直到均方误差降低一半。',
        },
        isReached: ({ losses }) => lastOf(losses) < numbersOf(losses)[0] / 2,
      },
    ],
  },
  {
    id: 'xor',
    title: { en: 'XOR', zh: '异或' },
    summary: {
      en: 'What no line separates, a hidden layer does.',
      zh: '直线分不开的，隐藏层可以。',
    },
    steps: [
      {
        page: 'playground',
        parameters: { data: 'xor', layers: 'tanh:3', learningRate: '0.1', noise: '0' },
        text: {
          en: 'Train three hidden neurons until the loss is below 0.1. Each of them draws a line; together they separate the corners.',
          zh: '训练三个隐藏神经元，直到损失低于 0.1。每个神经元画一条线，合起来就把四角分开。',
        },
        isReached: ({ losses, config }) =>
          lastOf(losses) < 0.1 &&
          ((config as { layers?: readonly { units?: number }[] })?.layers ?? []).length === 1,
      },
    ],
  },
  {
    id: 'vanishing',
    title: { en: 'Vanishing gradients', zh: '梯度消失' },
    summary: {
      en: 'Ten layers, and what must hold for the first to learn.',
      zh: '十层网络，以及第一层能够学习的条件。',
    },
    steps: [
      {
        page: 'gradients',
        parameters: { activation: 'sigmoid', init: 'normal', std: '0.01', depth: '10' },
        text: {
          en: 'Ten layers of sigmoids with small weights: each multiplies the gradient by less than a quarter. See how little reaches the first, then go on.',
          zh: '十层 sigmoid、权重很小：每层把梯度乘以不到四分之一。看看到达第一层的有多少，再继续。',
        },
        isReached: ({ ratio }) => Number(ratio) < 1e-4,
      },
      {
        page: 'gradients',
        parameters: { activation: 'sigmoid', init: 'he', depth: '10' },
        text: {
          en: 'Choose another activation, so that the first layer gets at least a tenth of what the last one gets.',
          zh: '换一个激活函数，使第一层得到的梯度至少是最后一层的十分之一。',
        },
        isReached: ({ ratio }) => Number(ratio) >= 0.1,
      },
    ],
  },
  {
    id: 'automatic',
    title: { en: 'From numerical to automatic, and too far', zh: '从数值到自动，以及过犹不及' },
    summary: {
      en: 'Why backpropagation, and why a small training loss is not the goal.',
      zh: '为什么要反向传播，为什么训练损失小并不是目的。',
    },
    steps: [
      {
        page: 'numerical',
        parameters: { steps: '50' },
        text: {
          en: 'The same network, trained by finite differences and by backpropagation. Wait for the end: how many forward passes did the first need for each one of the second?',
          zh: '同一个网络，分别用有限差分和反向传播训练。等它结束：前者的前向次数是后者的多少倍？',
        },
        isReached: ({ done, factor }) => done === true && Number(factor) > 1,
      },
      {
        page: 'playground',
        parameters: {
          data: 'moons',
          count: '40',
          noise: '0.35',
          test: '0.5',
          layers: 'tanh:8,tanh:8,tanh:8',
          learningRate: '0.02',
        },
        text: {
          en: 'Twenty points for a large network. Train until the loss on the points that it has not seen is twice that on those it has: over-fitting.',
          zh: '大网络只有二十个点。训练到未见点的损失是已见点的两倍：过拟合。',
        },
        isReached: ({ train, test }) => lossOf(test) > 2 * lossOf(train),
      },
    ],
  },
  {
    id: 'descent',
    title: { en: 'Descent', zh: '梯度下降' },
    summary: {
      en: 'The slope in every direction, and who gets down fastest.',
      zh: '每个方向上的斜率，以及谁下降得最快。',
    },
    steps: [
      {
        page: 'microscope',
        parameters: microscope('x^2*y', { x: '1', y: '2' }, { direction: '0,1', step: 'all' }),
        text: {
          en: 'Turn the arrow of “Slope in a direction” until the slope is above 4.1, which is nearly the steepest: that is the gradient.',
          zh: '转动“方向导数”的箭头，直到斜率大于 4.1，几乎最陡：那就是梯度的方向。',
        },
        isReached: ({ slope }) => Number((slope as { along?: number } | null)?.along) > 4.1,
      },
      {
        page: 'race',
        parameters: { expression: 'x^2/20 + y^2', x: '-7', y: '2', steps: '30' },
        text: {
          en: 'Four optimizers in a long valley, whose bottom is at 0. Give them more steps until one is below 0.001.',
          zh: '狭长山谷中的四个优化器，谷底为 0。增加步数，直到有一个低于 0.001。',
        },
        isReached: ({ paths, steps }) =>
          Number(steps) > 30 &&
          Array.isArray(paths) &&
          (paths as readonly { end: number; diverged: boolean }[]).some(
            ({ end, diverged }) => !diverged && end < 0.001,
          ),
      },
    ],
  },
];
