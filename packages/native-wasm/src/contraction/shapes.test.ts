/**
 * Products and convolutions (forward, and both gradients) of random shapes of at most a million floating point
 * operations, against plain loops in float64: 10,000 of them with `AG_TEST=full`, a sample otherwise.
 *
 * A sum of k products is off by at most about k roundings of Σ|a·b| (N. Higham, "Accuracy and Stability of Numerical
 * Algorithms", 3.1), so that is what the tolerance is measured in.
 */
import { gradients } from '@ag/graph';
import { conv1d, conv2d, type DType, evaluate, type Tensor, tensor, use } from '@ag/tensor';
import { atSeed, seededRandom, testSeeds } from '@ag/tensor/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../index.ts';
import { leaveOnlyHighMemory } from '../testing/highMemory.ts';

/** Multiplications of one case; each comes with an addition. */
const mostProducts = 500_000;

const backends = await Promise.all([
  wasm({ threads: 1, relaxedSimd: true }),
  wasm({ threads: 1, relaxedSimd: false }),
  wasm({ threads: 2, relaxedSimd: true }),
  wasm({ threads: 2, relaxedSimd: false }),
]);
await Promise.all(backends.map((backend) => backend.startThreads()));
leaveOnlyHighMemory(backends[3]);
afterAll(() => {
  for (const backend of backends) backend.close();
});

describe('random shapes agree with plain loops', () => {
  const seeds = testSeeds(300, 10_000);
  const half = Math.ceil(seeds.length / 2);
  it(`products, seeds ${seeds[0]} …`, () => {
    for (const seed of seeds.slice(0, half)) atSeed(seed, () => onBackend(seed, product));
  });
  it(`convolutions, seeds ${seeds[half]} …`, () => {
    for (const seed of seeds.slice(half)) atSeed(seed, () => onBackend(seed, convolution));
  });
});

function onBackend(seed: number, check: (random: Random) => void): void {
  use(backends[seed % backends.length]);
  check(new Random(seed));
}

class Random {
  readonly next: () => number;
  constructor(seed: number) {
    this.next = seededRandom(seed);
  }
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  /** Small ones as likely as large ones, at most `high`. */
  size(high: number): number {
    return Math.min(high, Math.floor(Math.exp(this.next() * Math.log(high + 1))));
  }
  chance(p: number): boolean {
    return this.next() < p;
  }
  dtype(): DType {
    return this.chance(0.75) ? 'float32' : this.chance(0.5) ? 'float64' : 'int32';
  }
  elements(n: number, dtype: DType): number[] {
    return Array.from({ length: n }, () =>
      dtype === 'int32' ? this.integer(-90, 90) : Math.fround(this.next() * 2 - 1),
    );
  }
  /** The tensor of `shape` with these elements, laid out in memory in one of several ways. */
  lay(data: readonly number[], shape: readonly number[], dtype: DType): Tensor {
    const rank = shape.length;
    const [rows, columns] = [shape[rank - 2], shape[rank - 1]];
    const move = (width: number, from: (row: number, column: number) => number): number[] => {
      const out = new Array<number>((data.length / columns) * width).fill(55);
      for (let i = 0; i < data.length; i++) {
        const column = i % columns;
        const row = Math.floor(i / columns) % rows;
        const matrix = Math.floor(i / (rows * columns));
        out[matrix * rows * width + from(row, column)] = data[i];
      }
      return out;
    };
    const outer = shape.slice(0, -2);
    switch (this.integer(0, 4)) {
      case 0: {
        const turned = move(columns, (row, column) => column * rows + row);
        return tensor(turned, { shape: [...outer, columns, rows], dtype }).transpose();
      }
      case 1: {
        const width = 2 * columns + 3;
        const spread = move(width, (row, column) => row * width + 3 + 2 * column);
        const from = tensor(spread, { shape: [...outer, rows, width], dtype });
        return from.slice(3, undefined, { axis: -1, step: 2 });
      }
      case 2:
        return tensor([...data].reverse(), { shape: [...shape], dtype }).flip();
      default:
        return tensor([...data], { shape: [...shape], dtype });
    }
  }
}

/** Sums, and the sums of the sizes of their terms. */
class Sums {
  readonly value: Float64Array;
  readonly size: Float64Array;
  readonly terms: Float64Array;
  constructor(length: number) {
    this.value = new Float64Array(length);
    this.size = new Float64Array(length);
    this.terms = new Float64Array(length);
  }
  add(at: number, a: number, b: number): void {
    this.value[at] += a * b;
    this.size[at] += Math.abs(a * b);
    this.terms[at]++;
  }
  /** `actual` holds these sums, followed by `after`. */
  check(actual: Tensor, what: string, after: (x: number, at: number) => number = (x) => x): void {
    const data = actual.dataSync();
    expect(data.length, what).toBe(this.value.length);
    const unit = actual.dtype === 'float64' ? 2 ** -52 : actual.dtype === 'float32' ? 2 ** -24 : 0;
    for (let i = 0; i < data.length; i++) {
      const wanted = after(this.value[i], i);
      const allowed = unit * ((this.terms[i] + 3) * this.size[i] + 3 * Math.abs(wanted));
      if (!(Math.abs(data[i] - wanted) <= allowed))
        throw new Error(`${what}: element ${i} is ${data[i]}, expected ${wanted} ± ${allowed}`);
    }
  }
}

function product(random: Random): void {
  const dtype = random.dtype();
  const batch = random.chance(0.3) ? random.integer(1, 5) : 1;
  // The three sizes in any order, so that each of them is the long one now and then.
  const budget = mostProducts / batch;
  const first = random.size(Math.min(4000, budget));
  const second = random.size(Math.min(4000, Math.floor(budget / first)));
  const third = random.size(Math.min(4000, Math.floor(budget / first / second)));
  const turn = random.integer(0, 2);
  const [m, n, k] = [0, 1, 2].map((i) => [first, second, third][(i + turn) % 3]) as [number, number, number];
  const batchedA = batch > 1 && random.chance(0.7);
  const batchedB = batch > 1 && (!batchedA || random.chance(0.7));
  const a = random.elements((batchedA ? batch : 1) * m * k, dtype);
  const b = random.elements((batchedB ? batch : 1) * k * n, dtype);
  const x = random.lay(a, [...(batchedA ? [batch] : []), m, k], dtype);
  const y = random.lay(b, [...(batchedB ? [batch] : []), k, n], dtype);
  const sums = new Sums(batch * m * n);
  for (let z = 0; z < batch; z++) {
    for (let i = 0; i < m; i++) {
      for (let p = 0; p < k; p++) {
        const left = a[((batchedA ? z * m : 0) + i) * k + p];
        for (let j = 0; j < n; j++)
          sums.add((z * m + i) * n + j, left, b[((batchedB ? z * k : 0) + p) * n + j]);
      }
    }
  }
  const what = `${dtype} ${batch} × [${m}, ${k}] · [${k}, ${n}]`;
  if (random.chance(0.7)) sums.check(x.matmul(y), what);
  else {
    const bias = random.elements(n, dtype);
    const result = x.matmul(y).add(tensor(bias, { dtype })).relu();
    sums.check(result, `${what} + bias, relu`, (sum, at) => Math.max(0, sum + bias[at % n]));
  }
}

function convolution(random: Random): void {
  const dtype = random.chance(0.8) ? 'float32' : 'float64';
  const flat = random.chance(0.15);
  for (;;) {
    const depthwise = random.chance(0.2);
    const groups = depthwise ? random.integer(2, 12) : random.chance(0.75) ? 1 : random.integer(2, 4);
    const images = random.size(9);
    const inner = depthwise ? 1 : random.size(20);
    const filters = groups * random.size(depthwise ? 4 : 20);
    const axes = [0, 1].map((axis) => {
      const single = flat && axis === 0;
      const size = single ? 1 : random.size(40);
      const window = single ? 1 : random.integer(1, 5);
      const stride = single ? 1 : random.integer(1, 3);
      const dilation = single ? 1 : random.integer(1, 2);
      const before = single ? 0 : random.integer(0, 3);
      const after = single ? 0 : random.integer(0, 3);
      const output = Math.floor((size + before + after - dilation * (window - 1) - 1) / stride) + 1;
      return { size, window, stride, dilation, before, after, output };
    }) as [Axis, Axis];
    const area = axes[0].output * axes[1].output;
    const products = images * filters * area * inner * axes[0].window * axes[1].window;
    if (axes.some(({ output }) => output < 1) || products > mostProducts) continue;
    checkConvolution(random, dtype, flat, { groups, images, inner, filters }, axes);
    return;
  }
}

interface Axis {
  readonly size: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  readonly output: number;
}

function checkConvolution(
  random: Random,
  dtype: DType,
  flat: boolean,
  { groups, images, inner, filters }: Record<'groups' | 'images' | 'inner' | 'filters', number>,
  axes: readonly [Axis, Axis],
): void {
  const [rows, columns] = axes;
  const channels = groups * inner;
  const pixels = rows.size * columns.size;
  const area = rows.output * columns.output;
  const windowArea = rows.window * columns.window;
  const x = random.elements(images * channels * pixels, dtype);
  const w = random.elements(filters * inner * windowArea, dtype);
  const g = random.elements(images * filters * area, dtype);
  const y = new Sums(g.length);
  const dx = new Sums(x.length);
  const dw = new Sums(w.length);
  for (let image = 0; image < images; image++) {
    for (let filter = 0; filter < filters; filter++) {
      const group = Math.floor(filter / (filters / groups));
      for (let c = 0; c < inner; c++) {
        for (let i = 0; i < windowArea; i++) {
          const [u, v] = [Math.floor(i / columns.window), i % columns.window];
          const weightAt = (filter * inner + c) * windowArea + i;
          for (let o = 0; o < area; o++) {
            const [r, s] = [Math.floor(o / columns.output), o % columns.output];
            const row = rows.stride * r + rows.dilation * u - rows.before;
            const column = columns.stride * s + columns.dilation * v - columns.before;
            if (row < 0 || row >= rows.size || column < 0 || column >= columns.size) continue;
            const from = (image * channels + group * inner + c) * pixels + row * columns.size + column;
            const to = (image * filters + filter) * area + o;
            y.add(to, x[from], w[weightAt]);
            dx.add(from, g[to], w[weightAt]);
            dw.add(weightAt, g[to], x[from]);
          }
        }
      }
    }
  }
  const used = flat ? [columns] : [rows, columns];
  const shape = (first: number, second: number, of: (axis: Axis) => number) => [
    first,
    second,
    ...used.map(of),
  ];
  const input = random.lay(x, shape(images, channels, ({ size }) => size), dtype); // biome-ignore format: short
  const weight = random.lay(w, shape(filters, inner, ({ window }) => window), dtype); // biome-ignore format: short
  const cotangent = tensor(g, { shape: shape(images, filters, ({ output }) => output), dtype });
  const result = (flat ? conv1d : conv2d)(input, weight, {
    groups,
    stride: used.map(({ stride }) => stride),
    dilation: used.map(({ dilation }) => dilation),
    padding: used.map(({ before, after }) => [before, after] as const),
  });
  const [inputGradient, weightGradient] = gradients(result.mul(cotangent).sum(), [input, weight]);
  evaluate([result, inputGradient, weightGradient]);
  const what = `${dtype} ${JSON.stringify({ images, inner, filters, groups, axes })}`;
  y.check(result, what);
  dx.check(inputGradient, `input gradient, ${what}`);
  dw.check(weightGradient, `weight gradient, ${what}`);
}
