/** Settings of the playground that are worth a look. */
import type { Text } from '../../shell/language.ts';

export interface Preset {
  readonly id: string;
  readonly title: Text;
  readonly parameters: Readonly<Record<string, string>>;
}

export const presets: readonly Preset[] = [
  {
    id: 'circles',
    title: { en: 'A circle inside another', zh: '圆中之圆' },
    parameters: {},
  },
  {
    id: 'xor',
    title: { en: 'XOR with 2-2-1 sigmoids', zh: '2-2-1 sigmoid 网络学异或' },
    parameters: {
      data: 'xor',
      layers: 'sigmoid:2',
      learningRate: '0.1',
      batchSize: '4',
      standardize: 'false',
    },
  },
  {
    id: 'spirals',
    title: { en: 'Two spirals', zh: '双螺旋' },
    parameters: {
      data: 'spirals',
      count: '300',
      noise: '0.03',
      layers: 'tanh:8,tanh:8',
      learningRate: '0.02',
    },
  },
  {
    id: 'blobs',
    title: { en: 'Five classes', zh: '五个类别' },
    parameters: { data: 'blobs', classes: '5', noise: '0.25', layers: 'relu:6,relu:5' },
  },
  {
    id: 'plane',
    title: { en: 'Fit a plane: a network of one neuron', zh: '拟合平面：单神经元网络' },
    parameters: { data: 'plane', layers: '', optimizer: 'sgd', learningRate: '0.05' },
  },
  {
    id: 'overfit',
    title: { en: 'Too little data: overfitting', zh: '数据太少：过拟合' },
    parameters: {
      data: 'moons',
      count: '40',
      noise: '0.35',
      test: '0.5',
      layers: 'tanh:8,tanh:8,tanh:8',
      learningRate: '0.02',
    },
  },
  {
    id: 'fast',
    title: { en: 'Learning rate 10: too large', zh: '学习率 10：过大' },
    parameters: { optimizer: 'sgd', layers: 'relu:8,relu:8', learningRate: '10' },
  },
];
