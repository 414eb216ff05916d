/**
 * The pages, in the order in which they are best read. Each is loaded when it is opened.
 */
import type { Page } from './page.ts';

export const pages: readonly Page[] = [
  {
    id: 'home',
    title: { en: 'See it learn', zh: '看见学习' },
    summary: { en: 'Where to begin', zh: '从这里开始' },
    load: () => import('../pages/home/page.tsx'),
  },
  {
    id: 'lessons',
    title: { en: 'Seven lessons', zh: '七节课' },
    summary: {
      en: 'Guided tours through these pages, from one neuron to over-fitting.',
      zh: '带你游览各个页面：从一个神经元到过拟合。',
    },
    load: () => import('../pages/lessons/page.tsx'),
  },
  {
    id: 'microscope',
    title: { en: 'Graph microscope', zh: '计算图显微镜' },
    summary: {
      en: 'A formula as a graph: values flow forward, gradients flow back, one node at a time.',
      zh: '把公式看成图：数值向前流动，梯度向后流动，一次一个节点。',
    },
    float64: true,
    load: () => import('../pages/microscope/page.tsx'),
  },
  {
    id: 'playground',
    title: { en: 'Playground', zh: '游乐场' },
    summary: {
      en: 'A small network learns to tell points apart; every neuron, weight and gradient can be watched.',
      zh: '一个小网络学习区分数据点；每个神经元、权重和梯度都看得见。',
    },
    load: () => import('../pages/playground/page.tsx'),
  },
  {
    id: 'gradients',
    title: { en: 'Gradient-flow lab', zh: '梯度流实验室' },
    summary: {
      en: 'A deep network, layer by layer: where gradients vanish, explode or die, and what keeps them alive.',
      zh: '逐层观察深层网络：梯度在哪里消失、爆炸或死亡，又靠什么存活。',
    },
    load: () => import('../pages/gradients/page.tsx'),
  },
  {
    id: 'landscape',
    title: { en: 'Landscape', zh: '损失地形' },
    summary: {
      en: 'Optimizers roll down surfaces that you turn, from one start or from hundreds; then the loss around a network.',
      zh: '优化器在可旋转的曲面上滚落，从一个或数百个起点出发；再看网络周围的损失。',
    },
    float64: true,
    load: () => import('../pages/landscape/page.tsx'),
  },
  {
    id: 'houses',
    title: { en: 'House prices', zh: '房价' },
    summary: {
      en: 'A network fits a surface to 506 houses. Turn it while it learns.',
      zh: '网络用一张曲面拟合 506 座房屋。可边学习边旋转观察。',
    },
    load: () => import('../pages/houses/page.tsx'),
  },
  {
    id: 'digits',
    title: { en: 'Digits', zh: '手写数字' },
    summary: {
      en: 'Train a network to read digits, see its mistakes, then draw one yourself.',
      zh: '训练网络识别数字，看它在哪里出错，然后自己写一个。',
    },
    load: () => import('../pages/digits/page.tsx'),
  },
  {
    id: 'numerical',
    title: { en: 'From numerical to automatic', zh: '从数值到自动' },
    summary: {
      en: 'The same network trained twice: with finite differences, and with backpropagation. The cost is counted.',
      zh: '同一个网络训练两次：用有限差分，与用反向传播。代价逐次计数。',
    },
    float64: true,
    load: () => import('../pages/numerical/page.tsx'),
  },
  {
    id: 'transformer',
    title: { en: 'Transformer', zh: 'Transformer' },
    summary: {
      en: 'A small GPT learns a text while you watch: what each head looks at, what comes next, what it writes.',
      zh: '小型 GPT 当着您的面学习一段文本：每个头看什么，下一个是什么，它写出什么。',
    },
    load: () => import('../pages/transformer/page.tsx'),
  },
  {
    id: 'device',
    title: { en: 'This device', zh: '本设备' },
    summary: {
      en: 'Hundreds of tests and three benchmarks on your own device, backend by backend. A broken kernel is named.',
      zh: '在您的设备上逐个后端运行数百项测试和三项基准。出错的内核会被点名。',
    },
    load: () => import('../pages/device/page.tsx'),
  },
  {
    id: 'code',
    title: { en: 'Code lab', zh: '代码实验室' },
    summary: {
      en: 'Write a program with the whole library: every tensor, chart and graph under the line that made it.',
      zh: '用整个库写一个程序：每个张量、图表和计算图都显示在产生它的那一行下面。',
    },
    load: () => import('../pages/code/page.tsx'),
  },
  {
    id: 'viewer',
    title: { en: 'Model viewer', zh: '模型查看器' },
    summary: {
      en: 'Drop ONNX, safetensors, .pt or .npz: the graph, the weights, and any node run and differentiated.',
      zh: '拖入 ONNX、safetensors、.pt 或 .npz：查看计算图与权重，运行任意节点并求导。',
    },
    load: () => import('../pages/viewer/page.tsx'),
  },
];
