/**
 * Follows docs/adding-an-op.md: an operation defined outside of the library has value, gradients, fusion and mapping like
 * a built-in one. The page and this file must say the same.
 */
import { readFileSync } from 'node:fs';
import {
  apply,
  broadcastFloatType,
  builder,
  defineOp,
  map,
  reference,
  s,
  type Tensor,
  tensor,
  use,
} from '@ag/tensor';
import { casesOfElementwise, checkGradientCase } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import * as graph from './index.ts';
import { checkGradients, grad, vmap } from './index.ts';

// biome-ignore format: as on the page
// The page begins here.
const logCosh = defineOp({
  name: 'logCosh',
  // Shape of the operand; integers and booleans become float32.
  type: broadcastFloatType('logCosh'),
  // One element: |x| + log(1 + e^(−2|x|)) − log 2, which is log cosh x and never overflows.
  lower: map(
    ([x]) => {
      const size = s.abs(x);
      const number = (value: number) => builder().number(value, size);
      const rest = s.log1p(s.exp(s.mul(size, number(-2))));
      return s.sub(s.add(size, rest), number(Math.LN2));
    },
    { cost: 16 },
  ),
  // dy/dx = tanh x, written with the tensor's own methods.
  vjp: (g, [x]) => [g.mul(x.tanh())],
});

/** log cosh x, elementwise, without overflow. */
function logCoshOf(x: Tensor): Tensor {
  return apply(logCosh, [x]);
}
// The page ends here.

const x = tensor([-2, -0.5, 0, 3], { dtype: 'float64' });

describe('the operation of docs/adding-an-op.md', () => {
  it('is the one on the page', () => {
    const page = readFileSync(new URL('../../../docs/adding-an-op.md', import.meta.url), 'utf8');
    const own = readFileSync(new URL(import.meta.url), 'utf8');
    const code = own.slice(own.indexOf('const logCosh'), own.indexOf('// The page ends here.')).trim();
    expect(page).toContain(code);
  });

  it('has the right values and types', () => {
    // By hand: log((e^x + e^−x) / 2).
    const found = logCoshOf(x).dataSync();
    [-2, -0.5, 0, 3].forEach((at, i) => {
      expect(found[i]).toBeCloseTo(Math.log((Math.exp(at) + Math.exp(-at)) / 2), 12);
    });
    expect(logCoshOf(tensor([1000])).itemSync()).toBeCloseTo(1000 - Math.LN2, 3);
    expect(logCoshOf(tensor([[1, 2]], { dtype: 'int32' })).dtype).toBe('float32');
    expect(logCoshOf(tensor([]).reshape([0, 2])).shape).toEqual([0, 2]);
  });

  it('is differentiable to any order', () => {
    expect(checkGradients(([at]) => logCoshOf(at), [x], { order: 3, tolerance: 1e-5 }).order).toBe(3);
    const second = grad((at: Tensor) => grad((t: Tensor) => logCoshOf(t).sum())(at).sum())(x).dataSync();
    [-2, -0.5, 0, 3].forEach((at, i) => {
      expect(second[i]).toBeCloseTo(1 - Math.tanh(at) ** 2, 12);
    });
  });

  it('has gradient cases that follow from its row', () => {
    // The row begins here.
    const row = {
      name: 'logCosh',
      of: ([x]: readonly Tensor[]) => logCoshOf(x),
      value: (x: number) => Math.log(Math.cosh(x)),
      ranges: [[-3, 3]] as const,
    };
    for (const one of casesOfElementwise(row)) checkGradientCase(one, graph);
    // The row ends here.
    expect(casesOfElementwise(row).map(({ variant }) => variant)).toEqual([
      'vector',
      'scalar',
      'strided',
      'zero-size',
    ]);
    expect(row.of([x]).dataSync()[3]).toBeCloseTo(row.value(3), 12);
    const own = readFileSync(new URL(import.meta.url), 'utf8');
    const written = own.split('// The row begins here.')[1].split('// The row ends here.')[0];
    const page = readFileSync(new URL('../../../docs/adding-an-op.md', import.meta.url), 'utf8');
    expect(page).toContain(written.trim().replaceAll('\n    ', '\n'));
  });

  it('fuses with its neighbors and maps over examples', () => {
    const device = reference();
    const prepare = device.prepare.bind(device);
    const labels: string[] = [];
    device.prepare = (program) => {
      labels.push(...program.launches.map(({ label }) => label));
      return prepare(program);
    };
    use(device);
    try {
      logCoshOf(x.mul(2)).add(1).dataSync();
      expect(labels).toEqual(['mul·logCosh·add']);
    } finally {
      use(reference());
    }
    const mapped = vmap((row: Tensor) => logCoshOf(row).sum())(
      tensor(
        [
          [0, 0],
          [1, -1],
        ],
        { dtype: 'float64' },
      ),
    );
    expect(mapped.dataSync()[1]).toBeCloseTo(2 * Math.log(Math.cosh(1)), 12);
  });
});
