/**
 * Random small graphs: every form of kernel, views between them, values used several times. The same graph evaluated
 * fused, unfused or on another backend has to give the same numbers.
 */

import type { DType } from '../dtype.ts';
import { conv2d } from '../functions/convolution.ts';
import { eye, tensor } from '../functions/create.ts';
import { bitwiseXor, leftShift, rightShift } from '../functions/elementwise/bits.ts';
import { argsort, concat, diagonal, gather, scatterAdd, sort, stack, take, tril } from '../functions/free.ts';
import { cholesky, inverse } from '../functions/linearAlgebra.ts';
import { avgPool2d, maxPool2d } from '../functions/pooling.ts';
import { uniform } from '../functions/random.ts';
import { evaluate } from '../run/evaluate.ts';
import { setFusion } from '../run/planCache.ts';
import { key } from '../run/randomKeys.ts';
import { broadcastShapes, type Shape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { expectCloseData, seededRandom } from './compare.ts';

/** A graph that can be built anew. Values stay moderate, so that rounding differences do too. */
export interface RandomGraph {
  readonly seed: number;
  /** One line for each step, for failure messages. */
  readonly text: string;
  /** Fresh leaves and the results computed from them. `leaves` are float; all results depend on some. */
  build(): { readonly leaves: Tensor[]; readonly results: Tensor[] };
}

type Pick = <T>(list: readonly T[]) => T;
type Step = (made: readonly Tensor[]) => Tensor;

/** The graph that a seed decides. */
export function randomGraph(seed: number): RandomGraph {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick: Pick = (list) => list[below(list.length)]!;
  const dtype: DType = random() < 0.3 ? 'float64' : 'float32';
  const sizes = pick([
    [1, 2, 3, 4],
    [2, 3, 5],
    [1, 7, 8],
    [3, 16, 17],
  ]);
  const lines: string[] = [];

  const leafCount = 1 + below(3);
  const leafSpecs = Array.from({ length: leafCount }, (_, i) => {
    const shape = Array.from({ length: below(4) }, () => pick(sizes));
    const values = Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1);
    lines.push(`t${i} = ${dtype} [${shape.join(', ')}]`);
    return { shape, values };
  });

  const steps: Step[] = [];
  // Shapes are found by building once along the way; nothing is evaluated.
  const shapes: Shape[] = leafSpecs.map((leaf) => leaf.shape);
  const sketch: Tensor[] = leafSpecs.map(({ shape, values }) => tensor(values, { shape, dtype }));
  const add = (text: string, step: Step): void => {
    const made = step(sketch);
    lines.push(`t${sketch.length} = ${text}  [${made.shape.join(', ')}]`);
    sketch.push(made);
    shapes.push(made.shape);
    steps.push(step);
  };

  /** A sum of integers or truth values made of a leaf, whose elements no backend rounds. */
  const addIntegers = (a: number, leaf: number, axis: number): void => {
    const type = pick(['int32', 'int32', 'uint32', 'uint8', 'bool'] as const);
    const rank = shapes[leaf].length;
    const along = rank === 0 ? undefined : Math.min(axis, rank - 1);
    const kind = pick([
      'arithmetic',
      'bits',
      'extremes',
      'order',
      'positions',
      'products',
      'places',
    ] as const);
    const scalar = (x: Tensor): Tensor => {
      switch (kind) {
        case 'arithmetic':
          return x.mul(7).sub(x).maximum(x.mod(5)).add(x.pow(2)).sum();
        case 'bits':
          return type === 'bool' ? x.logicalNot().any() : bitwiseXor(leftShift(x, 2), rightShift(x, 1)).sum();
        case 'extremes':
          return along === undefined ? x.max() : x.max(along).minimum(x.min(along)).sum();
        case 'order':
          return (along === undefined ? x : sort(x, along).cumsum(along)).max();
        case 'positions':
          return x.argmax(along).sub(x.argmin(along)).sum();
        case 'products':
          return rank < 2 ? x.sum() : x.matmul(x.transpose()).sum();
        default:
          return rank === 0
            ? x.prod()
            : concat([x, x.flip()], along).slice(1, undefined, { axis: along! }).sum();
      }
    };
    add(`t${a} + ${kind} of t${leaf} as ${type}`, (t) => {
      const x = t[leaf].abs().mul(20).round().cast(type);
      return t[a].add(scalar(x).cast('int32').mod(11).cast(dtype).mul(0.1));
    });
  };
  const fits = (own: Shape, shape: Shape): boolean =>
    broadcasts(own, shape) && sizeOf(broadcastShapes(own, shape, 'random')) <= 4000;

  const length = 3 + below(14);
  while (steps.length < length) {
    const a = random() < 0.6 ? sketch.length - 1 : below(sketch.length);
    const shape = shapes[a];
    const rank = shape.length;
    const axis = rank > 0 ? below(rank) : 0;
    const choice = pick(kinds);
    switch (choice) {
      case 'unary': {
        const name = pick([
          'tanh',
          'sigmoid',
          'sin',
          'cos',
          'neg',
          'abs',
          'relu',
          'softplus',
          'erf',
          'softsign',
          'atan',
        ] as const);
        add(`t${a}.${name}()`, (t) => t[a][name]());
        break;
      }
      case 'bounded': {
        const name = pick(['exp', 'square', 'expm1', 'sinh', 'cosh', 'tan'] as const);
        add(`t${a}.tanh().${name}()`, (t) => t[a].tanh()[name]());
        break;
      }
      case 'limited': {
        // Where each function is smooth.
        if (random() < 0.5) {
          const name = pick(['asin', 'acos', 'log1p'] as const);
          add(`(t${a}.tanh() · 0.8).${name}()`, (t) => t[a].tanh().mul(0.8)[name]());
        } else {
          const name = pick(['log', 'sqrt'] as const);
          add(`(t${a}² + 1).${name}()`, (t) => t[a].square().add(1)[name]());
        }
        break;
      }
      case 'discrete': {
        // Of leaves, whose elements no backend rounds: a step in rounding would be a step in the result.
        const leaf = below(leafCount);
        if (!fits(leafSpecs[leaf].shape, shape)) break;
        const name = pick(['floor', 'ceil', 'round', 'sign'] as const);
        add(`t${a} + (3·t${leaf}).${name}()/10`, (t) => t[a].add(t[leaf].mul(3)[name]().mul(0.1)));
        break;
      }
      case 'logic': {
        const leaf = below(leafCount);
        if (!fits(leafSpecs[leaf].shape, shape)) break;
        add(`where(t${leaf} within ±0.5 or finite and not NaN, …)`, (t) => {
          const x = t[leaf];
          const inside = x.less(0.5).logicalAnd(x.lessEqual(-0.5).logicalNot());
          const whole = x.mul(2).round().equal(1).logicalOr(x.notEqual(x));
          const sound = x.isFinite().logicalAnd(x.isNaN().logicalNot());
          return inside.logicalOr(whole.logicalAnd(sound)).where(t[a], t[a].neg());
        });
        break;
      }
      case 'power':
        if (random() < 0.5)
          add(`(t${a}² + 0.5) ** tanh t${a}`, (t) => t[a].tanh().square().add(0.5).pow(t[a].tanh()));
        else add(`atan2(t${a}, t${a}² + 1)`, (t) => t[a].atan2(t[a].square().add(1)));
        break;
      case 'number': {
        const value = pick([0.5, -0.25, 1, 0, 0.75]);
        if (random() < 0.5) add(`t${a}.mul(${value})`, (t) => t[a].mul(value));
        else add(`t${a}.add(${value})`, (t) => t[a].add(value));
        break;
      }
      case 'binary': {
        const b = pick(sketch.map((_, i) => i).filter((i) => broadcasts(shapes[i], shape)));
        const out = broadcastShapes(shape, shapes[b], 'random');
        if (sizeOf(out) > 4000) break;
        const name = pick(['add', 'sub', 'mul', 'maximum', 'minimum'] as const);
        add(`t${a}.${name}(t${b})`, (t) => t[a][name](t[b]));
        break;
      }
      case 'quotient': {
        const b = pick(sketch.map((_, i) => i).filter((i) => broadcasts(shapes[i], shape)));
        if (sizeOf(broadcastShapes(shape, shapes[b], 'random')) > 4000) break;
        add(`t${a}.div(t${b}.square().add(1))`, (t) => t[a].div(t[b].square().add(1)));
        break;
      }
      case 'reduce': {
        const name = pick(['sum', 'mean', 'max', 'min', 'logSumExp'] as const);
        const keepDims = random() < 0.5;
        const axes =
          random() < 0.3 || rank === 0 ? undefined : random() < 0.3 && rank > 1 ? [0, rank - 1] : [axis];
        const scale =
          name === 'sum' ? 1 / Math.max(1, axes ? axes.reduce((n, i) => n * shape[i], 1) : sizeOf(shape)) : 1;
        add(`t${a}.${name}(${axes ? `[${axes}]` : ''}, keepDims ${keepDims}) · ${scale.toFixed(3)}`, (t) =>
          t[a][name](axes, { keepDims }).mul(scale),
        );
        break;
      }
      case 'normalize':
        if (rank === 0) break;
        if (random() < 0.5) add(`t${a}.softmax(${axis})`, (t) => t[a].softmax(axis));
        else
          add(`normalized t${a} along ${axis}`, (t) =>
            t[a]
              .sub(t[a].mean(axis, { keepDims: true }))
              .div(t[a].variance(axis, { keepDims: true }).add(0.1).sqrt()),
          );
        break;
      case 'permute': {
        const order = shape.map((_, i) => i).sort(() => random() - 0.5);
        add(`t${a}.permute([${order}])`, (t) => t[a].permute(order));
        break;
      }
      case 'reshape': {
        const to = random() < 0.5 ? [sizeOf(shape)] : [...shape.slice(0, axis), 1, ...shape.slice(axis)];
        if (to.length > 5) break;
        add(`t${a}.reshape([${to}])`, (t) => t[a].reshape(to));
        break;
      }
      case 'slice': {
        if (rank === 0 || shape[axis] === 0) break;
        const step = pick([1, 1, 2, -1]);
        const n = shape[axis];
        const start = step > 0 ? below(n) : n - 1 - below(n);
        add(`t${a}.slice(${start}, …, { axis: ${axis}, step: ${step} })`, (t) =>
          t[a].slice(start, undefined, { axis, step }),
        );
        break;
      }
      case 'flip':
        add(`t${a}.flip()`, (t) => t[a].flip());
        break;
      case 'pad':
        if (rank === 0 || sizeOf(shape) > 1000) break;
        add(`t${a}.pad(1 before ${axis})`, (t) =>
          t[a].pad(
            shape.map((_, i) => (i === axis ? [1, 0] : [0, 0])),
            0.5,
          ),
        );
        break;
      case 'join':
        if (rank === 0 || sizeOf(shape) > 1000) break;
        if (random() < 0.5) add(`concat([t${a}, −t${a}], ${axis})`, (t) => concat([t[a], t[a].neg()], axis));
        else if (rank < 4) add(`stack([t${a}, t${a}/2], ${axis})`, (t) => stack([t[a], t[a].mul(0.5)], axis));
        break;
      case 'product': {
        if (rank < 2 || rank > 3) break;
        const n = shape[rank - 1];
        const kind = below(3);
        const scale = 1 / Math.max(1, n);
        if (kind === 0)
          add(`t${a} · t${a}ᵀ · ${scale.toFixed(3)}`, (t) => t[a].matmul(t[a].transpose()).mul(scale));
        else if (kind === 1)
          add(`(t${a} · t${a}ᵀ + 1).tanh()`, (t) => t[a].matmul(t[a].transpose()).add(1).tanh());
        else
          add(`t${a} · tanh(row of t${a})`, (t) => t[a].matmul(t[a].flatten().slice(0, n).tanh()).mul(scale));
        break;
      }
      case 'index': {
        if (rank === 0 || shape[axis] === 0) break;
        const n = shape[axis];
        const index = Array.from({ length: 3 }, () => below(2 * n) - n);
        const at = (): Tensor => tensor(index, { dtype: 'int32' });
        if (random() < 0.5) add(`take(t${a}, [${index}], ${axis})`, (t) => take(t[a], at(), axis));
        else if (rank === 1)
          add(`scatterAdd(t${a}, [${index}], …)`, (t) =>
            scatterAdd(t[a], at(), t[a].mean().mul(tensor([1, 2, 3], { dtype })), 0),
          );
        else
          add(`gather(t${a}, [${index}], 0)`, (t) =>
            gather(
              t[a],
              tensor(
                index.map((i) => ((i % shape[0]) + shape[0]) % shape[0]),
                { dtype: 'int32', shape: [3, ...shape.slice(1).map(() => 1)] },
              ),
              0,
            ),
          );
        break;
      }
      case 'scan':
        if (rank === 0) break;
        if (random() < 0.3) add(`cumprod(1 + tanh(t${a})/10, ${axis})`, (t) => near(t[a]).cumprod(axis));
        else
          add(`t${a}.cumsum(${axis})/n`, (t) =>
            t[a].cumsum(axis, { reverse: shape[axis] % 2 === 1 }).div(Math.max(1, shape[axis])),
          );
        break;
      case 'multiply':
        add(`prod(1 + tanh(t${a})/10)`, (t) => near(t[a]).prod(rank > 0 ? axis : undefined));
        break;
      case 'diagonal': {
        if (rank < 2) break;
        const offset = shape[rank - 1] > 1 ? pick([0, 1]) : 0;
        add(`diagonal(t${a}, ${offset})`, (t) => diagonal(t[a], offset));
        break;
      }
      case 'convolve': {
        if (rank < 2 || sizeOf(shape) < 4 || sizeOf(shape) > 1000) break;
        const [rows, columns] = [shape[rank - 2], shape[rank - 1]];
        const images = [sizeOf(shape) / rows / columns, 1, rows, columns];
        const options = { padding: pick([0, 1]), stride: pick([1, 2]), dilation: pick([1, 1, 2]) };
        if (Math.min(rows, columns) + 2 * options.padding < 1 + options.dilation) break;
        add(`conv2d(t${a}, from t${a}, ${JSON.stringify(options)})`, (t) => {
          const weight = t[a].flatten().slice(0, 4).tanh().reshape([1, 1, 2, 2]);
          return conv2d(t[a].reshape(images), weight, options).mul(0.25);
        });
        break;
      }
      case 'pool': {
        const leaf = leafSpecs[below(leafCount)];
        const at = leafSpecs.indexOf(leaf);
        const leafRank = leaf.shape.length;
        if (leafRank < 2 || leaf.values.length === 0) break;
        const [rows, columns] = [leaf.shape[leafRank - 2], leaf.shape[leafRank - 1]];
        const images = [1, leaf.values.length / rows / columns, rows, columns];
        const window = [Math.min(2, rows), Math.min(3, columns)];
        // No window may lie wholly in the padding.
        const options = { stride: pick([1, 2]), padding: pick([0, Math.min(...window) > 1 ? 1 : 0]) };
        const of = pick([maxPool2d, avgPool2d]);
        add(`t${a} + mean of ${of.name}(t${at})`, (t) =>
          t[a].add(of(t[at].reshape(images), window, options).mean()),
        );
        break;
      }
      case 'host': {
        if (rank < 2 || shape[rank - 2] > 17) break;
        const n = shape[rank - 2];
        const of = pick([inverse, cholesky]);
        // Eigenvalues from 1 to 1 + n.
        add(`${of.name}(1 + tanh(t${a}) · tanh(t${a})ᵀ / columns)`, (t) => {
          const u = t[a].tanh();
          return of(
            u
              .matmul(u.transpose())
              .div(Math.max(1, shape[rank - 1]))
              .add(eye(n, n, { dtype })),
          );
        });
        break;
      }
      case 'order': {
        // Sorted by leaves, whose elements no backend rounds.
        const leaf = below(leafCount);
        if (leafSpecs[leaf].shape.length !== 1 || rank === 0 || shape[axis] < leafSpecs[leaf].shape[0]) break;
        add(`take(t${a}, argsort(t${leaf}), ${axis})`, (t) => take(t[a], argsort(t[leaf]), axis));
        break;
      }
      case 'select': {
        const leaf = below(leafCount);
        if (!fits(leafSpecs[leaf].shape, shape)) break;
        add(`where(t${leaf} > 0, t${a}, 0.5·t${a})`, (t) => t[leaf].greater(0).where(t[a], t[a].mul(0.5)));
        break;
      }
      case 'triangle':
        if (rank < 2) break;
        add(`tril(t${a})`, (t) => tril(t[a]));
        break;
      case 'noise':
        add(`t${a} + uniform`, (t) => t[a].add(uniform(shape, { key: key(seed), dtype }).sub(0.5)));
        break;
      case 'integers':
        addIntegers(a, below(leafCount), axis);
        break;
    }
  }
  // Results: the last, and a few on the way, so that some intermediate values have to be stored.
  const wanted = new Set([sketch.length - 1]);
  for (let i = 0; i < below(3); i++) wanted.add(leafCount + below(steps.length));
  lines.push(`results: ${[...wanted].map((i) => `t${i}`).join(', ')}`);
  return {
    seed,
    text: lines.join('\n'),
    build() {
      const leaves = leafSpecs.map(({ shape, values }) => tensor(values, { shape, dtype }));
      const made: Tensor[] = [...leaves];
      for (const step of steps) made.push(step(made));
      return { leaves, results: [...wanted].map((i) => made[i]) };
    },
  };
}

const kinds = [
  'unary', 'unary', 'bounded', 'number', 'binary', 'binary', 'binary', 'quotient', 'reduce', 'reduce', 'normalize', 'permute', 'reshape', 'slice', 'flip',
  'pad', 'join', 'product', 'product', 'index', 'scan', 'order', 'select', 'triangle', 'noise', 'integers', 'integers',
  'limited', 'discrete', 'logic', 'power', 'multiply', 'diagonal', 'convolve', 'pool', 'host',
] as const; // biome-ignore format: a table

/** 1 + tanh(x)/10: what stays moderate when many are multiplied. */
const near = (x: Tensor): Tensor => x.tanh().mul(0.1).add(1);

function broadcasts(a: Shape, b: Shape): boolean {
  for (let i = 1; i <= Math.min(a.length, b.length); i++) {
    const x = a[a.length - i];
    const y = b[b.length - i];
    if (x !== y && x !== 1 && y !== 1) return false;
  }
  return true;
}

/** `@ag/graph`'s function, for gradients as further results. */
type Gradients = (y: Tensor, wrt: readonly Tensor[]) => Tensor[];

/** The elements of a graph's results (and, with `gradients`, of the gradients of their sum), evaluated in one plan. */
export function evaluateGraph(graph: RandomGraph, fused: boolean, gradients?: Gradients): number[][] {
  const before = setFusion(fused);
  try {
    const { leaves, results } = graph.build();
    const all = [...results];
    if (gradients) {
      const loss = results.map((result) => result.mean()).reduce((sum, term) => sum.add(term));
      all.push(...gradients(loss, leaves));
    }
    evaluate(all);
    return all.map((result) => [...result.dataSync()]);
  } finally {
    setFusion(before);
  }
}

/**
 * Checks that two evaluations agree to `tolerance`, relative to the largest element of each result.
 * @throws Error with the steps of the graph; `atSeed` adds the seed
 */
export function expectAgreement(
  graph: RandomGraph,
  a: readonly number[][],
  b: readonly number[][],
  tolerance: number,
): void {
  a.forEach((values, i) => {
    const scale = Math.max(1, ...b[i].map((v) => (Number.isFinite(v) ? Math.abs(v) : 0)));
    try {
      expectCloseData(values, b[i], { relative: 0, absolute: tolerance * scale }, `result ${i}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${graph.text}`, { cause: error });
    }
  });
}
