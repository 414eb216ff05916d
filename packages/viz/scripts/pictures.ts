/**
 * Draws the pictures of the README. Data are small and computed here, so that the same texts come out every time.
 * `gallery.ts` writes them, `src/gallery.test.ts` compares.
 */
import {
  confusion,
  contourPath,
  decisionBoundary,
  gradientFlow,
  graphView,
  heatmap,
  histogram,
  imageGrid,
  lineChart,
  parallelCoordinates,
  surface,
} from '../src/index.ts';

/** Numbers in 0 … 1 that look random: the generator of Park and Miller (1988). */
let state = 7;
function random(): number {
  state = (state * 48271) % 2147483647;
  return state / 2147483647;
}
const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());

type Range = readonly [number, number];

function grid(x: Range, y: Range, columns: number, rows: number, f: (x: number, y: number) => number) {
  const at = ([low, high]: Range, i: number, n: number): number => low + ((high - low) * i) / (n - 1);
  const values = Array.from({ length: columns * rows }, (_, k) =>
    f(at(x, k % columns, columns), at(y, Math.floor(k / columns), rows)),
  );
  return { x, y, columns, rows, values };
}

const steps = Array.from({ length: 400 }, (_, i) => i);
const training = steps.map((i) => 2.3 * Math.exp(-i / 70) + 0.06 + 0.5 * random() * Math.exp(-i / 160));
const validation = steps.map((i) => 2.3 * Math.exp(-i / 75) + 0.12 + 0.0003 * i);

const bowl = (x: number, y: number): number => (x * x) / 20 + y * y;
function descend(rate: number, momentum: number): [number, number][] {
  let [x, y, vx, vy] = [-7, 2, 0, 0];
  const points: [number, number][] = [[x, y]];
  for (let i = 0; i < 30; i++) {
    [vx, vy] = [momentum * vx - (rate * x) / 10, momentum * vy - rate * 2 * y];
    [x, y] = [x + vx, y + vy];
    points.push([x, y]);
  }
  return points;
}

const spiral = Array.from({ length: 120 }, (_, k) => {
  const t = (k / 120) * 4 + 0.5;
  const angle = t * 1.6 + (k % 2) * Math.PI;
  return {
    x: (t * Math.cos(angle)) / 5 + 0.02 * normal(),
    y: (t * Math.sin(angle)) / 5 + 0.02 * normal(),
    target: k % 2,
  };
});
const side = (x: number, y: number): number =>
  1 / (1 + Math.exp(-6 * Math.sin(Math.atan2(y, x) - 8 * Math.hypot(x, y) - Math.PI / 2)));

const price = (rooms: number, status: number): number =>
  Math.max(4, 6 * rooms - 0.7 * status + 3 * (rooms - 6) ** 2 - 6);
const homes = Array.from({ length: 70 }, (): [number, number, number] => {
  const [rooms, status] = [4.3 + 4.4 * random(), 2 + 34 * random()];
  return [rooms, status, price(rooms, status) + 4 * normal()];
});

const weights: readonly [string, number, number][] = [
  ['w0', 2, -0.1966],
  ['x0', -1, 0.3932],
  ['w1', -3, -0.3932],
  ['x1', -2, -0.5898],
  ['w2', -3, 0.1966],
];

/** By the name of its file. */
export const pictures: Readonly<Record<string, string>> = {
  'line-chart': lineChart(
    [
      { name: 'training', y: training },
      { name: 'validation', y: validation },
    ],
    {
      title: 'Loss',
      xLabel: 'step',
      yLabel: 'cross-entropy (nats)',
      smoothing: 0.9,
      width: 560,
      height: 300,
    },
  ),
  confusion: confusion(
    [
      [48, 0, 2],
      [1, 44, 5],
      [0, 3, 47],
    ],
    { title: 'Test set', labels: ['setosa', 'versicolor', 'virginica'] },
  ),
  graph: graphView(
    {
      nodes: [
        ...weights.map(([id, value, gradient], i) => {
          return {
            id,
            label: id,
            value,
            gradient,
            kind: i % 2 === 0 ? ('parameter' as const) : ('input' as const),
          };
        }),
        { id: 'm0', label: 'mul', op: 'mul', value: -2, gradient: 0.1966 },
        { id: 'm1', label: 'mul', op: 'mul', value: 6, gradient: 0.1966 },
        { id: 'a', label: 'add', op: 'add', value: 4, gradient: 0.1966 },
        { id: 'b', label: 'add', op: 'add', value: 1, gradient: 0.1966 },
        { id: 's', label: 'sigmoid', op: 'sigmoid', value: 0.7311, gradient: 1 },
      ],
      edges: ['w0 m0', 'x0 m0', 'w1 m1', 'x1 m1', 'm0 a', 'm1 a', 'a b', 'w2 b', 'b s'].map((pair) => {
        const [from, to] = pair.split(' ') as [string, string];
        return { from, to };
      }),
    },
    { title: 'A neuron: values above, gradients below' },
  ),
  'decision-boundary': decisionBoundary(grid([-1, 1], [-1, 1], 46, 46, side), spiral, {
    title: 'Spirals',
    labels: ['inside', 'outside'],
  }),
  'contour-path': contourPath(
    grid([-8, 8], [-3, 3], 33, 25, bowl),
    [
      { name: 'gradient descent', points: descend(0.9, 0) },
      { name: 'momentum', points: descend(0.1, 0.9) },
    ],
    { title: 'x²/20 + y²', minima: [[0, 0]] },
  ),
  surface: surface(grid([4, 9], [2, 38], 25, 25, price), {
    title: 'House prices',
    xLabel: 'rooms',
    yLabel: 'lower status (%)',
    zLabel: 'price',
    points: homes,
    resolution: 16,
  }),
  'gradient-flow': gradientFlow(
    Array.from({ length: 8 }, (_, i) => ({ name: `layer ${i + 1}`, norm: 10 ** (i - 8.3) })),
    { title: 'Gradients that vanish' },
  ),
  heatmap: heatmap(
    Array.from({ length: 6 }, () => Array.from({ length: 8 }, () => 0.6 * normal())),
    { title: 'Weights', xLabel: 'input', yLabel: 'unit' },
  ),
  histogram: histogram(
    Array.from({ length: 5000 }, () => Math.max(0, normal())).filter((value) => value > 0),
    { title: 'Activations above zero', xLabel: 'value' },
  ),
  'image-grid': imageGrid(
    Array.from({ length: 12 }, (_, k) => ({
      pixels: Array.from({ length: 256 }, (_, i) => {
        const [x, y] = [(i % 16) - 7.5, Math.floor(i / 16) - 7.5];
        return Math.exp(-((Math.hypot(x, y) - 2 - (k % 5)) ** 2) / 2);
      }),
      width: 16,
      height: 16,
      caption: k === 4 ? 'not disc' : 'ring',
      mark: k === 4 ? ('wrong' as const) : ('right' as const),
    })),
    { title: 'Predictions', columns: 6 },
  ),
  'parallel-coordinates': parallelCoordinates(
    Array.from({ length: 40 }, () => {
      const rate = 10 ** -(1 + 3 * random());
      const dropout = random() / 2;
      const hidden = [16, 32, 64, 128][Math.floor(random() * 4)];
      const loss = 0.03 * Math.abs(Math.log10(rate) + 2.5) + 0.04 * dropout;
      return { 'learning rate': rate, hidden, dropout, accuracy: 0.97 - loss + 0.004 * normal() };
    }),
    {
      title: 'A sweep of 40 runs',
      dimensions: [{ key: 'learning rate', scale: 'log' }, 'hidden', 'dropout', 'accuracy'],
    },
  ),
};
