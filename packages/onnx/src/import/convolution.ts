/**
 * Convolution and pooling over any number of axes. Windows and paddings are as ONNX gives them.
 */
import { apply, type Shape, type Tensor, tensor, zeros } from '@ag/tensor';
import {
  convolution,
  maxPool,
  type PoolAttributes,
  poolPosition,
  shapeError,
  valueError,
  windowSum,
} from '@ag/tensor/engine';
import { type Call, hostLength, type Rules } from './call.ts';

/** How windows lie along the spatial axes. */
interface Geometry {
  readonly stride: number[];
  readonly dilation: number[];
  readonly low: number[];
  readonly output: number[];
}

const ones = (n: number): number[] => new Array<number>(n).fill(1);

function geometryOf(call: Call, input: Shape, window: Shape): Geometry {
  const n = input.length;
  const stride = call.ints('strides') ?? ones(n);
  const dilation = call.ints('dilations') ?? ones(n);
  const pads = call.ints('pads') ?? new Array<number>(2 * n).fill(0);
  const auto = call.text('auto_pad', 'NOTSET');
  const ceil = call.int('ceil_mode', 0) === 1;
  const low: number[] = [];
  const output = input.map((size, i) => {
    const reach = dilation[i] * (window[i] - 1) + 1;
    let [before, after] = auto === 'VALID' ? [0, 0] : [pads[i], pads[n + i]];
    if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
      const count = Math.ceil(size / stride[i]);
      const total = Math.max(0, (count - 1) * stride[i] + reach - size);
      before = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after = total - before;
    }
    low.push(before);
    const steps = (size + before + after - reach) / stride[i];
    let count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that would begin behind the input is none.
    if (ceil && (count - 1) * stride[i] >= size + before) count--;
    if (!(count >= 1 && stride[i] >= 1 && dilation[i] >= 1))
      throw shapeError(`a window of ${window[i]} does not fit into axis ${2 + i} of [${input.join(', ')}]`);
    return count;
  });
  return { stride, dilation, low, output };
}

function withBias(y: Tensor, bias: Tensor | null): Tensor {
  return bias ? y.add(bias.reshape([-1, ...ones(y.shape.length - 2)])) : y;
}

function checkChannels(x: Tensor, channels: number): void {
  if (x.shape[1] !== channels) {
    throw shapeError(
      `the input [${x.shape.join(', ')}] has ${x.shape[1]} channels, the weight is for ${channels}`,
    );
  }
}

function conv(call: Call): Tensor {
  const [x, w] = [call.tensor(0), call.tensor(1)];
  const groups = call.int('group', 1);
  checkChannels(x, w.shape[1] * groups);
  const { output, ...geometry } = geometryOf(call, x.shape.slice(2), w.shape.slice(2));
  const y = apply(convolution, [x, w], { wanted: 'output', size: output, groups, ...geometry });
  return withBias(y, call.optional(2));
}

function convTranspose(call: Call): Tensor {
  const [x, w] = [call.tensor(0), call.tensor(1)];
  const groups = call.int('group', 1);
  checkChannels(x, w.shape[0]);
  const n = x.shape.length - 2;
  const stride = call.ints('strides') ?? ones(n);
  const dilation = call.ints('dilations') ?? ones(n);
  const extra = call.ints('output_padding') ?? new Array<number>(n).fill(0);
  const pads = call.ints('pads') ?? new Array<number>(2 * n).fill(0);
  const wanted = call.ints('output_shape');
  const auto = call.text('auto_pad', 'NOTSET');
  const low: number[] = [];
  const size = stride.map((step, i) => {
    const whole = (x.shape[2 + i] - 1) * step + dilation[i] * (w.shape[2 + i] - 1) + 1 + extra[i];
    const same = auto.startsWith('SAME') ? x.shape[2 + i] * step : null;
    const target = wanted ? wanted[wanted.length - n + i] : same;
    if (target === null) {
      low.push(auto === 'VALID' ? 0 : pads[i]);
      return auto === 'VALID' ? whole : whole - pads[i] - pads[n + i];
    }
    const total = whole - target;
    low.push(auto === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2));
    return target;
  });
  const y = apply(convolution, [w, x], { wanted: 'input', size, stride, dilation, low, groups });
  return withBias(y, call.optional(2));
}

function poolOf(call: Call, x: Tensor, window: readonly number[]): PoolAttributes {
  const input = x.shape.slice(2);
  return { input, window, ...geometryOf(call, input, window) };
}

function windowOf(call: Call, x: Tensor): readonly number[] {
  return call.ints('kernel_shape') ?? x.shape.slice(2);
}

function maximum(call: Call): readonly (Tensor | null)[] {
  const x = call.tensor(0);
  const pool = poolOf(call, x, windowOf(call, x));
  const values = apply(maxPool, [x], pool);
  if (!call.wants(1)) return [values];
  return [values, positionsOf(call, x, pool)];
}

/** Positions of the largest elements in the whole tensor; axes of the plane in the order that `storage_order` says. */
function positionsOf(call: Call, x: Tensor, pool: PoolAttributes): Tensor {
  const rank = x.shape.length;
  let rest = apply(poolPosition, [x], pool);
  const along = (list: readonly number[], axis: number): Tensor =>
    tensor(Int32Array.from(list)).reshape(rest.shape.map((_, i) => (i === axis ? list.length : 1)));
  const steps = pool.input.map((_, i) => pool.input.slice(i + 1).reduce((a, b) => a * b, 1));
  if (call.int('storage_order', 0) === 1) {
    steps.forEach((_, i) => {
      steps[i] = pool.input.slice(0, i).reduce((a, b) => a * b, 1);
    });
  }
  let flat: Tensor | null = null;
  for (let i = pool.window.length - 1; i >= 0; i--) {
    const own = i === 0 ? rest : rest.mod(pool.window[i]);
    const starts = Array.from(
      { length: hostLength(pool.output[i]) },
      (_, o) => o * pool.stride[i] - pool.low[i],
    );
    const term = along(starts, rank - pool.window.length + i)
      .add(own.mul(pool.dilation[i]))
      .mul(steps[i]);
    flat = flat ? flat.add(term) : term;
    rest = rest.sub(own).div(pool.window[i]).cast('int32');
  }
  const plane = pool.input.reduce((a, b) => a * b, 1);
  const planes = Array.from({ length: x.shape[0] * x.shape[1] }, (_, i) => i * plane);
  return flat!.add(tensor(Int32Array.from(planes)).reshape([x.shape[0], x.shape[1], ...ones(rank - 2)]));
}

function average(call: Call): Tensor {
  const x = call.tensor(0);
  const pool = poolOf(call, x, windowOf(call, x));
  const sums = apply(windowSum, [x], { ...pool, wanted: 'output' });
  const pads = call.ints('pads') ?? [];
  const n = pool.input.length;
  const withPads = call.int('count_include_pad', 0) === 1;
  const counts = pool.output.map((count, i) =>
    Array.from({ length: hostLength(count) }, (_, o) => {
      const auto = !['NOTSET', 'VALID'].includes(call.text('auto_pad', 'NOTSET'));
      const after = withPads ? (auto ? Number.POSITIVE_INFINITY : (pads[n + i] ?? 0)) : 0;
      const [first, last] = [withPads ? -pool.low[i] : 0, pool.input[i] + after];
      const start = o * pool.stride[i] - pool.low[i];
      const from = Math.max(0, Math.ceil((first - start) / pool.dilation[i]));
      const to = Math.min(pool.window[i], Math.ceil((last - start) / pool.dilation[i]));
      return Math.max(0, to - from);
    }),
  );
  if (counts.every((list) => list.every((count) => count === list[0]))) {
    return sums.div(counts.reduce((product, [count]) => product * count, 1));
  }
  return counts.reduce(
    (y, list, i) =>
      y.div(
        tensor(Float32Array.from(list)).reshape(y.shape.map((_, axis) => (axis === 2 + i ? list.length : 1))),
      ),
    sums,
  );
}

function lp(call: Call, global: boolean): Tensor {
  const x = call.tensor(0);
  const p = call.int('p', 2);
  const powers = x.abs().pow(p);
  const sums = global
    ? powers.sum(spatial(x), { keepDims: true })
    : apply(windowSum, [powers], { ...poolOf(call, x, windowOf(call, x)), wanted: 'output' });
  return sums.pow(1 / p);
}

const spatial = (x: Tensor): number[] => x.shape.flatMap((_, i) => (i < 2 ? [] : [i]));

/** The largest elements put back where they came from. */
function unpool(call: Call): Tensor {
  const [x, position] = [call.tensor(0), call.tensor(1)];
  const n = x.shape.length - 2;
  const window = call.ints('kernel_shape') ?? ones(n);
  const stride = call.ints('strides') ?? ones(n);
  const pads = call.ints('pads') ?? new Array<number>(2 * n).fill(0);
  const plain = x.shape.slice(2).map((size, i) => (size - 1) * stride[i] + window[i] - pads[i] - pads[n + i]);
  // Positions count in the shape that would come out by itself; a larger one has zeros behind.
  const inferred = [...x.shape.slice(0, 2), ...plain];
  const base = zeros([inferred.reduce((a, b) => a * b, 1)], { dtype: x.dtype });
  const result = base.scatterAdd(position.reshape([-1]), x.reshape([-1]), 0).reshape(inferred);
  const wanted = call.optionalNumbers(2);
  return wanted ? result.pad(inferred.map((size, i): [number, number] => [0, wanted[i] - size])) : result;
}

/** Local response normalization over channels (Krizhevsky et al. 2012). */
function localResponse(call: Call): Tensor {
  const x = call.tensor(0);
  const size = call.int('size');
  if (!(size >= 1 && size < 2 ** 16)) throw valueError(`the size ${size} is not possible`);
  const squares = x.square();
  const before = Math.floor((size - 1) / 2);
  const padded = squares.pad(
    x.shape.map((_, i): [number, number] => (i === 1 ? [before, size - 1 - before] : [0, 0])),
  );
  let sum: Tensor | null = null;
  for (let k = 0; k < size; k++) {
    const part = padded.slice(k, k + x.shape[1], { axis: 1 });
    sum = sum ? sum.add(part) : part;
  }
  const scale = sum!.mul(call.float('alpha', 1e-4) / size).add(call.float('bias', 1));
  return x.div(scale.pow(call.float('beta', 0.75)));
}

export const convolutions: Rules = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: maximum,
  AveragePool: average,
  LpPool: (call) => lp(call, false),
  GlobalLpPool: (call) => lp(call, true),
  GlobalAveragePool: (call) => call.tensor(0).mean(spatial(call.tensor(0)), { keepDims: true }),
  GlobalMaxPool: (call) => call.tensor(0).max(spatial(call.tensor(0)), { keepDims: true }),
  MaxUnpool: unpool,
  LRN: localResponse,
};
