/**
 * The ends of detectors and quantized models: boxes that overlap, blocks, 8-bit numbers.
 */
import { type Tensor, tensor, zeros } from '@ag/tensor';
import { shapeError } from '@ag/tensor/engine';
import { typeName } from '../file/tensors.ts';
import { type Call, hostLength, type Rules } from './call.ts';

type Box = readonly [top: number, left: number, bottom: number, right: number];

const area = ([top, left, bottom, right]: Box): number => (bottom - top) * (right - left);

function overlap(a: Box, b: Box): number {
  const height = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const width = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (height <= 0 || width <= 0) return 0;
  return (height * width) / (area(a) + area(b) - height * width);
}

/** The best boxes of each class that do not overlap much with a better one. Read: how many there are depends on the values. */
function nonMaxSuppression(call: Call): Tensor {
  const boxes = call.value(0).read();
  const scores = call.value(1).read();
  const most = call.number(2, 0);
  const [overlapLimit, scoreLimit] = [call.number(3, 0), call.number(4, Number.NEGATIVE_INFINITY)];
  const centered = call.int('center_point_box', 0) === 1;
  const [batches, classes, count] = scores.shape;
  const boxAt = (batch: number, i: number): Box => {
    const [a, b, c, d] = Array.from({ length: 4 }, (_, j) => boxes.data[(batch * count + i) * 4 + j]);
    if (centered) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
    return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
  };
  const found: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    for (let own = 0; own < classes; own++) {
      const scoreOf = (i: number): number => scores.data[(batch * classes + own) * count + i];
      const order = [...new Array(count).keys()].filter((i) => scoreOf(i) > scoreLimit);
      order.sort((i, j) => scoreOf(j) - scoreOf(i));
      const kept: Box[] = [];
      for (const i of order) {
        if (kept.length >= most) break;
        const box = boxAt(batch, i);
        if (kept.some((other) => overlap(box, other) > overlapLimit)) continue;
        kept.push(box);
        found.push(batch, own, i);
      }
    }
  }
  return tensor(Int32Array.from(found), { shape: [found.length / 3, 3] });
}

/** Blocks added where they were taken from. */
function columnsToImage(call: Call): Tensor {
  const x = call.tensor(0);
  const [image, block] = [call.numbers(1), call.numbers(2)];
  const n = image.length;
  const stride = call.ints('strides') ?? new Array<number>(n).fill(1);
  const dilation = call.ints('dilations') ?? new Array<number>(n).fill(1);
  const pads = call.ints('pads') ?? new Array<number>(2 * n).fill(0);
  const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);
  const counts = image.map((size, i) =>
    Math.floor((size + pads[i] + pads[n + i] - dilation[i] * (block[i] - 1) - 1) / stride[i] + 1),
  );
  const [taps, places, size] = [product(block), product(counts), product(image)];
  const channels = x.shape[1] / taps;
  hostLength(taps * places);
  if (!Number.isInteger(channels) || x.shape[2] !== places)
    throw shapeError(`[${x.shape.join(', ')}] has no ${taps} × ${places} blocks`);
  const parts = (flat: number, sizes: readonly number[]): number[] =>
    sizes.map((own, i) => Math.floor(flat / product(sizes.slice(i + 1))) % own);
  const index = new Int32Array(taps * places);
  for (let k = 0; k < taps; k++) {
    const tap = parts(k, block);
    for (let l = 0; l < places; l++) {
      const at = parts(l, counts).map((o, i) => o * stride[i] - pads[i] + tap[i] * dilation[i]);
      const isInside = at.every((position, i) => position >= 0 && position < image[i]);
      // What lies in the padding goes behind the end.
      index[k * places + l] = isInside ? at.reduce((sum, position, i) => sum * image[i] + position, 0) : size;
    }
  }
  const [batch] = x.shape;
  const rows = x.reshape([batch * channels, taps * places]);
  const at = tensor(index, { shape: [1, index.length] }).broadcastTo(rows.shape);
  return zeros([rows.shape[0], size + 1], { dtype: x.dtype })
    .scatterAdd(at, rows, 1)
    .slice(0, size, { axis: 1 })
    .reshape([batch, channels, ...image]);
}

/** Scales and zero points beside the tensor that they belong to: one, one for each position of an axis, or for blocks along it. */
function beside(t: Tensor, x: Tensor, call: Call): Tensor {
  if (t.shape.length === 0) return t;
  const axis = call.axis(call.int('axis', 1), x.shape.length);
  if (t.shape.length === 1) return t.reshape(x.shape.map((_, i) => (i === axis ? t.shape[0] : 1)));
  const size = call.int('block_size', 0) || Math.ceil(x.shape[axis] / t.shape[axis]);
  return t.repeat(size, axis).slice(0, x.shape[axis], { axis });
}

export const detection: Rules = {
  NonMaxSuppression: nonMaxSuppression,
  Col2Im: columnsToImage,
  DequantizeLinear: (call) => {
    const x = call.tensor(0);
    const [scale, zero] = [call.tensor(1), call.optional(2)];
    const own = x.cast('float32');
    return (zero ? own.sub(beside(zero, x, call).cast('float32')) : own).mul(beside(scale, x, call));
  },
  QuantizeLinear: (call) => {
    const x = call.tensor(0);
    const zero = call.optional(2);
    if (zero && zero.dtype !== 'uint8') throw call.refuse(`quantizing to ${zero.dtype}`);
    const wanted = call.int('output_dtype', 0);
    if (wanted !== 0 && wanted !== 2) throw call.refuse(`quantizing to ${typeName(wanted)}`);
    const level = x.div(beside(call.tensor(1), x, call)).round();
    return (zero ? level.add(beside(zero, x, call).cast('float32')) : level).clamp(0, 255).cast('uint8');
  },
  DynamicQuantizeLinear: (call) => {
    const x = call.tensor(0);
    const [low, high] = [x.min().minimum(0), x.max().maximum(0)];
    const scale = high.sub(low).div(255);
    const zero = low.neg().div(scale).round().clamp(0, 255);
    return [x.div(scale).round().add(zero).clamp(0, 255).cast('uint8'), scale, zero.cast('uint8')];
  },
};
