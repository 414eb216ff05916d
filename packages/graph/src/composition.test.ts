/**
 * Transformations inside of transformations, against derivatives written down by hand, and what is said where one cannot
 * be inside of another.
 */
import { key, normal, type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import {
  backward,
  checkGradients,
  checkpoint,
  compile,
  customGradient,
  grad,
  hessian,
  hvp,
  jacobian,
  jvp,
  vjp,
  vmap,
} from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  tensor(normal(shape, { key: key(seed), dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });
const one = tensor(1, { dtype: 'float64' });
const rows = sample([4, 3], 1);
const x = sample([3], 2);
const v = sample([3], 3);

function expectValues(found: Tensor, expected: (x: number, i: number) => number, at: Tensor = x): void {
  const values = found.dataSync();
  expect(values).toHaveLength(at.size);
  at.dataSync().forEach((point, i) => {
    expect(values[i]).toBeCloseTo(expected(point, i), 10);
  });
}

// f(x) = Σ x sin x: f' = sin x + x cos x, f'' = 2 cos x − x sin x.
const f = (a: Tensor): Tensor => a.sin().mul(a).sum();
const first = (a: number): number => Math.sin(a) + a * Math.cos(a);
const second = (a: number): number => 2 * Math.cos(a) - a * Math.sin(a);

describe('transformations in transformations', () => {
  it('vmap of grad, and of the gradient of a checkpoint', () => {
    expectValues(vmap(grad(f))(rows), first, rows);
    expectValues(
      vmap(grad((a: Tensor) => checkpoint((b: Tensor) => b.sin().mul(b))(a).sum()))(rows),
      first,
      rows,
    );
    expectValues(compile(vmap(grad(f)))(rows), first, rows);
  });

  it('jvp of vjp, of jvp, and vjp of vmap of jvp', () => {
    const direction = v.dataSync();
    expectValues(jvp((a: Tensor) => vjp(f, a)[1](one)[0], [x], [v])[1], (a, i) => second(a) * direction[i]);
    // Twice along v: d²(x³) = 6x v².
    expectValues(
      jvp((a: Tensor) => jvp((b: Tensor) => b.pow(3), [a], [v])[1], [x], [v])[1],
      (a, i) => 6 * a * direction[i] ** 2,
    );
    const [, pull] = vjp(
      (a: Tensor) => vmap((row: Tensor) => jvp((b: Tensor) => b.pow(3), [row], [v])[1])(a),
      rows,
    );
    expectValues(pull(rows)[0], (a, i) => 6 * a * direction[i % 3] * a, rows);
  });

  it('hessian of a mapped function, vmap of hessian, jacobian of jacobian', () => {
    // Σᵣ Πᵢ xᵣᵢ for rows of two: the only second derivatives are those by both elements of a row.
    const pairs = sample([2, 2], 4);
    expect([...hessian((a: Tensor) => vmap((row: Tensor) => row.prod())(a).sum())(pairs).dataSync()]).toEqual(
      [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0],
    );
    const each = vmap(hessian((row: Tensor) => row.pow(3).sum()))(rows).dataSync();
    rows.dataSync().forEach((a, i) => {
      const [example, axis] = [Math.floor(i / 3), i % 3];
      expect(each[example * 9 + axis * 4]).toBeCloseTo(6 * a, 10);
    });
    const twice = jacobian(jacobian((a: Tensor) => a.pow(3)))(x).dataSync();
    x.dataSync().forEach((a, i) => {
      expect(twice[i * 13]).toBeCloseTo(6 * a, 10);
    });
    expect(twice.filter((value) => value !== 0)).toHaveLength(3);
  });

  it('checkpoint in the gradient of a gradient of a gradient', () => {
    const inside = (a: Tensor): Tensor => checkpoint((b: Tensor) => b.pow(4))(a).sum();
    const d = (g: (a: Tensor) => Tensor) => (a: Tensor) => grad(g)(a).sum();
    expectValues(grad(d(d(inside)))(x), (a) => 24 * a);
    expectValues(hvp(inside, x, v), (a, i) => 12 * a ** 2 * v.dataSync()[i]);
    expect(
      checkGradients((a) => checkpoint((b: Tensor) => b.sin().mul(b))(a), x, { order: 3, tolerance: 1e-5 })
        .order,
    ).toBe(3);
  });

  it('a rule of one’s own in vmap, jvp, hessian and jacobian', () => {
    // Twice x, said to grow ten times as fast.
    const own = customGradient(
      (a: Tensor) => a.mul(2),
      (g) => [g.mul(10)],
    );
    expectValues(vmap(grad((a: Tensor) => own(a.square()).sum()))(rows), (a) => 20 * a, rows);
    expectValues(jvp(own, [x], [v])[1], (_, i) => 10 * v.dataSync()[i]);
    expectValues(
      hvp((a: Tensor) => own(a.square()).sum(), x, v),
      (_, i) => 20 * v.dataSync()[i],
    );
    const whole = jacobian((a: Tensor) => vmap((element: Tensor) => own(element))(a))(x);
    expect([...whole.dataSync()]).toEqual([10, 0, 0, 0, 10, 0, 0, 0, 10]);
    // A rule that is not linear in what arrives counts as it is at 0.
    const clipped = customGradient(
      (a: Tensor) => a.mul(1),
      (g) => [g.clamp(-1, 1)],
    );
    expectValues(jvp(clipped, [x], [v])[1], (_, i) => v.dataSync()[i]);
  });

  it('compiled functions are part of what is transformed', () => {
    const square = compile((a: Tensor) => a.square());
    expectValues(grad((a: Tensor) => square(a).sum())(x), (a) => 2 * a);
    expectValues(vmap(square)(rows), (a) => a * a, rows);
    expectValues(jvp(square, [x], [v])[1], (a, i) => 2 * a * v.dataSync()[i]);
    expectValues(square(x), (a) => a * a);
  });
});

describe('what cannot be inside', () => {
  it('a rule that reads a value, of jvp, vmap and compile', () => {
    const reading = customGradient(
      (a: Tensor) => a.mul(2),
      (g) => [tensor(g.dataSync(), { shape: g.shape, dtype: g.dtype })],
    );
    expectValues(grad((a: Tensor) => reading(a).sum())(x), () => 1);
    expect(() => jvp(reading, [x], [v])).toThrow(
      /jvp: a rule of customGradient read a value.*tensor operations/,
    );
    expect(() => vmap(grad((a: Tensor) => reading(a).sum()))(rows)).toThrow(
      /vmap: the function read a value/,
    );
    expect(() => compile((a: Tensor) => grad((b: Tensor) => reading(b).sum())(a))(x)).toThrow(
      /read while .* traced/,
    );
  });

  it('an update of a variable, of vmap; and nothing is left behind', () => {
    const mean = new Variable(tensor([0, 0, 0], { dtype: 'float64' }), { name: 'mean', trainable: false });
    const assign = (row: Tensor): Tensor => {
      mean.assign(mean.value.add(row));
      return row;
    };
    expect(() => vmap(assign)(rows)).toThrow(/one value, not one for each example.*eval mode.*'mean'/s);
    expect(() => compile(vmap(assign))(rows)).toThrow(/'mean'/);
    const weight = new Variable(x, { name: 'weight' });
    expect(() =>
      vmap((row: Tensor) => {
        backward(row.mul(weight.value).sum());
        return row;
      })(rows),
    ).toThrow(/backward: inside vmap.*vmap\(grad\(f\), \[null, 0\]\)/s);
    expect(weight.grad).toBeUndefined();
    mean.assign(mean.value.add(1));
    expect([...mean.value.dataSync()]).toEqual([1, 1, 1]);
  });
});
