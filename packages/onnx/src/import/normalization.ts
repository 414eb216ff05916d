/**
 * Normalization and dropout. What differs between training and evaluation follows the mode of the model.
 */
import { bernoulli, type Tensor, zeros } from '@ag/tensor';
import type { Call, Rules } from './call.ts';

const ones = (n: number): number[] => new Array<number>(n).fill(1);

/** [channels] beside [batch, channels, …]. */
function perChannel(t: Tensor, x: Tensor): Tensor {
  return t.reshape([t.shape[0], ...ones(x.shape.length - 2)]);
}

interface Standardized {
  readonly result: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly inverse: Tensor;
}

function standardize(x: Tensor, axes: readonly number[], epsilon: number): Standardized {
  const mean = x.mean(axes, { keepDims: true });
  const centered = x.sub(mean);
  const variance = centered.square().mean(axes, { keepDims: true });
  const inverse = variance.add(epsilon).rsqrt();
  return { result: centered.mul(inverse), mean, variance, inverse };
}

function batchNormalization(call: Call): readonly (Tensor | null)[] {
  const x = call.tensor(0);
  const [scale, bias] = [1, 2].map((i) => perChannel(call.tensor(i), x));
  const epsilon = call.float('epsilon', 1e-5);
  // Until version 13 the number of outputs said it.
  const explicit = call.opset >= 14 ? call.int('training_mode', 0) === 1 : call.wants(1);
  if (!call.run.training && !explicit) {
    const factor = perChannel(call.tensor(4), x).add(epsilon).rsqrt().mul(scale);
    return [
      x
        .sub(perChannel(call.tensor(3), x))
        .mul(factor)
        .add(bias)
        .cast(x.dtype),
    ];
  }
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const { result, mean, variance } = standardize(x, axes, epsilon);
  const momentum = call.float('momentum', 0.9);
  const flat = (t: Tensor): Tensor => t.reshape([x.shape[1]]).detach();
  const moved = (running: Tensor, now: Tensor): Tensor => running.mul(momentum).add(now.mul(1 - momentum));
  const running = [mean, variance].map((now, i) => {
    const { variable, tensor } = call.value(3 + i);
    // Where two nodes share statistics, the other may have moved them.
    const next = moved(variable?.value ?? tensor, flat(now));
    if (call.run.training) variable?.assign(next);
    return next;
  });
  return [result.mul(scale).add(bias), ...running];
}

function layerNormalization(call: Call): readonly (Tensor | null)[] {
  const x = call.tensor(0);
  const first = call.axis(call.int('axis', -1), x.shape.length);
  const axes = x.shape.flatMap((_, i) => (i >= first ? [i] : []));
  const { result, mean, inverse } = standardize(x, axes, call.float('epsilon', 1e-5));
  const scaled = result.mul(call.tensor(1));
  const bias = call.optional(2);
  return [bias ? scaled.add(bias) : scaled, mean, inverse];
}

function rmsNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const first = call.axis(call.int('axis', -1), x.shape.length);
  const axes = x.shape.flatMap((_, i) => (i >= first ? [i] : []));
  const factor = x.square().mean(axes, { keepDims: true }).add(call.float('epsilon', 1e-5)).rsqrt();
  return x.mul(factor).mul(call.tensor(1));
}

function instanceNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const axes = x.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis]));
  const { result } = standardize(x, axes, call.float('epsilon', 1e-5));
  return result.mul(perChannel(call.tensor(1), x)).add(perChannel(call.tensor(2), x));
}

function groupNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const groups = call.int('num_groups');
  const [batch, channels, ...rest] = x.shape as [number, number, ...number[]];
  const grouped = x.reshape([batch, groups, channels / groups, ...rest]);
  const axes = grouped.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis]));
  const { result } = standardize(grouped, axes, call.float('epsilon', 1e-5));
  if (call.opset < 21) {
    // One scale for each group.
    const own = (i: number): Tensor => call.tensor(i).reshape([groups, ...ones(grouped.shape.length - 2)]);
    return result.mul(own(1)).add(own(2)).reshape(x.shape);
  }
  return result
    .reshape(x.shape)
    .mul(perChannel(call.tensor(1), x))
    .add(perChannel(call.tensor(2), x));
}

function meanVariance(call: Call): Tensor {
  const x = call.tensor(0);
  const mean = x.mean(call.ints('axes') ?? [0, 2, 3], { keepDims: true });
  const deviation = x
    .square()
    .mean(call.ints('axes') ?? [0, 2, 3], { keepDims: true })
    .sub(mean.square())
    .sqrt();
  return x.sub(mean).div(deviation.add(1e-9));
}

function dropout(call: Call): readonly Tensor[] {
  const x = call.tensor(0);
  const ratio = call.opset < 12 ? call.float('ratio', 0.5) : call.number(1, 0.5);
  const explicit = call.has(2) && call.number(2) !== 0;
  if (ratio === 0 || !(call.run.training || explicit)) return [x, all(x)];
  const kept = bernoulli(x.shape, 1 - ratio).cast('bool');
  return [kept.where(x.mul(1 / (1 - ratio)), 0).cast(x.dtype), kept];
}

function all(x: Tensor): Tensor {
  return zeros(x.shape, { dtype: 'bool' }).logicalNot();
}

export const normalizations: Rules = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVariance,
  Dropout: dropout,
};
