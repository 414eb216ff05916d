/** Formulas worth looking at, each with values. */
import { neuron } from '../../living/neuron.ts';
import type { Text } from '../../shell/language.ts';

export interface Preset {
  readonly id: string;
  readonly title: Text;
  readonly expression: string;
  readonly values: Readonly<Record<string, string>>;
  /** What is learned in it, and how fast, where that is not everything at 0.1. */
  readonly learn?: string;
  readonly rate?: number;
}

export const presets: readonly Preset[] = [
  {
    id: 'gates',
    title: { en: 'Sum and product', zh: '和与积' },
    expression: '(x + y) * z',
    values: { x: '-2', y: '5', z: '-4' },
  },
  {
    id: 'neuron',
    title: { en: 'A sigmoid neuron', zh: 'sigmoid 神经元' },
    expression: 'sigmoid(w0*x0 + w1*x1 + w2)',
    values: { w0: '2', x0: '-1', w1: '-3', x1: '-2', w2: '-3' },
  },
  {
    id: 'lesson',
    title: { en: 'A neuron that learns', zh: '会学习的神经元' },
    expression: neuron.expression,
    values: neuron.values,
    learn: neuron.learned.join(','),
    rate: neuron.rate,
  },
  {
    id: 'squared-norm',
    title: { en: 'Squared norm ‖W·x‖²', zh: '范数平方 ‖W·x‖²' },
    expression: 'sum((W @ x)^2)',
    values: { W: '[[0.1, 0.5], [-0.3, 0.8]]', x: '[0.2, 0.4]' },
  },
  {
    id: 'maximum',
    title: { en: 'Max routes', zh: 'max 选路' },
    expression: '2 * (x * y + maximum(z, w))',
    values: { x: '3', y: '-4', z: '2', w: '-1' },
  },
  {
    id: 'reuse',
    title: { en: 'One value, two uses', zh: '一值两用' },
    expression: 'x * sin(x)',
    values: { x: '2' },
  },
  {
    id: 'cross-entropy',
    title: { en: 'Softmax cross-entropy', zh: 'softmax 交叉熵' },
    expression: 'logSumExp(z) - sum(z * t)',
    values: { z: '[1, 2, 0.5]', t: '[0, 1, 0]' },
  },
  {
    id: 'slope',
    title: { en: 'Slope in a direction', zh: '方向导数' },
    expression: 'x^2 * y',
    values: { x: '1', y: '2' },
    rate: 0.02,
  },
];
