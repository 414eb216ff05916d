/**
 * Operators that draw numbers, and the windows of spectra. Seeds of files are not taken over: keys of the library decide.
 */
import { arange, normal, type Tensor, uniform } from '@ag/tensor';
import { dtypeFor } from '../file/tensors.ts';
import type { Call, Rule, Rules } from './call.ts';

function drawn(shape: (call: Call) => readonly number[], of: 'normal' | 'uniform'): Rule {
  return (call) => {
    const like = call.inputs.length > 0 ? call.tensor(0).dtype : 'float32';
    const dtype = call.attribute('dtype') ? dtypeFor(call.int('dtype'), 'dtype') : like;
    const sizes = shape(call);
    const values =
      of === 'normal'
        ? normal(sizes, { mean: call.float('mean', 0), std: call.float('scale', 1) })
        : uniform(sizes, { low: call.float('low', 0), high: call.float('high', 1) });
    return values.cast(dtype);
  };
}

/** A cosine window: a − b·cos + c·cos, periodic unless said otherwise. */
function window(a: number, b: number, c: number): Rule {
  return (call): Tensor => {
    const size = call.number(0);
    const length = call.int('periodic', 1) === 1 ? size : size - 1;
    const angle = arange(0, size).mul((2 * Math.PI) / Math.max(1, length));
    const plain = angle.cos().mul(-b).add(a);
    const result = c === 0 ? plain : plain.add(angle.mul(2).cos().mul(c));
    return result.cast(dtypeFor(call.int('output_datatype', 1), 'output_datatype'));
  };
}

export const random: Rules = {
  RandomNormal: drawn((call) => call.ints('shape') ?? [], 'normal'),
  RandomNormalLike: drawn((call) => call.tensor(0).shape, 'normal'),
  RandomUniform: drawn((call) => call.ints('shape') ?? [], 'uniform'),
  RandomUniformLike: drawn((call) => call.tensor(0).shape, 'uniform'),
  Bernoulli: (call) => {
    const x = call.tensor(0);
    const dtype = call.attribute('dtype') ? dtypeFor(call.int('dtype'), 'dtype') : x.dtype;
    return uniform(x.shape, {}).less(x).cast(dtype);
  },
  HannWindow: window(0.5, 0.5, 0),
  HammingWindow: window(25 / 46, 1 - 25 / 46, 0),
  BlackmanWindow: window(0.42, 0.5, 0.08),
};
