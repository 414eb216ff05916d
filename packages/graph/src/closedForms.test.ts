/**
 * Derivatives whose values are known from elsewhere: by hand, from textbooks. Points and formulas stand beside each.
 */
import {
  backend,
  cholesky,
  det,
  diagonal,
  inverse,
  key,
  logdet,
  normal,
  type Tensor,
  tensor,
  use,
} from '@ag/tensor';
import { nullBackend } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import {
  grad,
  gradients,
  hessian,
  hvp,
  jacobian,
  jvp,
  type TensorTree,
  valueAndGrad,
  vjp,
  vmap,
} from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  tensor(normal(shape, { key: key(seed), dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });
const f64 = (data: readonly unknown[] | number): Tensor => tensor(data as number[], { dtype: 'float64' });

function expectClose(actual: Tensor, expected: Tensor | readonly unknown[], digits = 9): void {
  const right = Array.isArray(expected) ? f64(expected) : (expected as Tensor);
  expect(actual.shape).toEqual(right.shape);
  const numbers = right.dataSync();
  actual
    .dataSync()
    .forEach((value, i) =>
      expect(value / Math.max(1, Math.abs(numbers[i]))).toBeCloseTo(
        numbers[i] / Math.max(1, Math.abs(numbers[i])),
        digits,
      ),
    );
}

/** The coordinates of a point as scalars. */
const parts = (x: Tensor): [Tensor, Tensor] => [x.slice(0, 1).reshape([]), x.slice(1, 2).reshape([])];

describe('Rosenbrock: (1 − x)² + 100(y − x²)²', () => {
  const f = (point: Tensor): Tensor => {
    const [x, y] = parts(point);
    return x.neg().add(1).square().add(y.sub(x.square()).square().mul(100));
  };
  const gradient = (x: number, y: number): number[] => [
    -2 * (1 - x) - 400 * x * (y - x * x),
    200 * (y - x * x),
  ];
  const second = (x: number, y: number): number[][] => [
    [2 - 400 * y + 1200 * x * x, -400 * x],
    [-400 * x, 200],
  ];
  for (const [x, y] of [
    [1, 1],
    [-1.2, 1],
    [0.3, -2],
  ] as const) {
    it(`at (${x}, ${y})`, () => {
      const at = f64([x, y]);
      expectClose(grad(f)(at), gradient(x, y));
      expectClose(hessian(f)(at), second(x, y));
      const [[a, b], [, d]] = second(x, y) as [[number, number], [number, number]];
      expectClose(hvp(f, at, f64([2, -1])), [2 * a - b, 2 * b - d]);
      // Third derivatives: f_xxx = 2400x, f_xxy = −400, the rest 0.
      expectClose(jacobian((p: Tensor) => hessian(f)(p))(at), [
        [
          [2400 * x, -400],
          [-400, 0],
        ],
        [
          [-400, 0],
          [0, 0],
        ],
      ]);
    });
  }
});

describe('Goldstein–Price', () => {
  // f = (1 + (x + y + 1)²·(19 − 14x + 3x² − 14y + 6xy + 3y²)) · (30 + (2x − 3y)²·(18 − 32x + 12x² + 48y − 36xy + 27y²));
  // minimum 3 at (0, −1) (Goldstein, Price, "On descent from local minima", 1971).
  const f = (point: Tensor): Tensor => {
    const [x, y] = parts(point);
    const p = x
      .mul(-14)
      .add(x.square().mul(3))
      .add(y.mul(-14))
      .add(x.mul(y).mul(6))
      .add(y.square().mul(3))
      .add(19);
    const a = x.add(y).add(1).square().mul(p).add(1);
    const q = x
      .mul(-32)
      .add(x.square().mul(12))
      .add(y.mul(48))
      .sub(x.mul(y).mul(36))
      .add(y.square().mul(27))
      .add(18);
    const b = x.mul(2).sub(y.mul(3)).square().mul(q).add(30);
    return a.mul(b);
  };
  /** With u = x + y + 1, v = 2x − 3y: f = A·B, A = 1 + u²P, B = 30 + v²Q; the product and chain rules by hand. */
  const byHand = (x: number, y: number): { gradient: number[]; hessian: number[][] } => {
    const u = x + y + 1;
    const v = 2 * x - 3 * y;
    const P = 19 - 14 * x + 3 * x * x - 14 * y + 6 * x * y + 3 * y * y;
    const Q = 18 - 32 * x + 12 * x * x + 48 * y - 36 * x * y + 27 * y * y;
    const dP = -14 + 6 * x + 6 * y; // by x and by y alike
    const Qx = -32 + 24 * x - 36 * y;
    const Qy = 48 - 36 * x + 54 * y;
    const A = 1 + u * u * P;
    const B = 30 + v * v * Q;
    const dA = 2 * u * P + u * u * dP;
    const ddA = 2 * P + 4 * u * dP + 6 * u * u; // all second derivatives of A are equal: A depends on x + y only
    const Bx = 4 * v * Q + v * v * Qx;
    const By = -6 * v * Q + v * v * Qy;
    const Bxx = 8 * Q + 8 * v * Qx + 24 * v * v;
    const Bxy = -12 * Q + 4 * v * Qy - 6 * v * Qx - 36 * v * v;
    const Byy = 18 * Q - 12 * v * Qy + 54 * v * v;
    return {
      gradient: [dA * B + A * Bx, dA * B + A * By],
      hessian: [
        [ddA * B + 2 * dA * Bx + A * Bxx, ddA * B + dA * (Bx + By) + A * Bxy],
        [ddA * B + dA * (Bx + By) + A * Bxy, ddA * B + 2 * dA * By + A * Byy],
      ],
    };
  };
  it('has its minimum 3 at (0, −1)', () => {
    const [value, gradient] = valueAndGrad(f)(f64([0, -1]));
    expect(value.itemSync()).toBe(3);
    expectClose(gradient, [0, 0]);
  });
  for (const [x, y] of [
    [0, -1],
    [1, 1],
    [-0.7, 0.4],
  ] as const) {
    it(`at (${x}, ${y})`, () => {
      expectClose(grad(f)(f64([x, y])), byHand(x, y).gradient);
      expectClose(hessian(f)(f64([x, y])), byHand(x, y).hessian);
    });
  }
});

describe('matrix calculus', () => {
  it('quadratic form xᵀAx: gradient (A + Aᵀ)x, Hessian A + Aᵀ', () => {
    const a = sample([4, 4], 1);
    const x = sample([4], 2);
    const f = (at: Tensor): Tensor => at.dot(a.matmul(at));
    expectClose(grad(f)(x), a.add(a.transpose()).matmul(x));
    expectClose(hessian(f)(x), a.add(a.transpose()));
    expectClose(gradients(f(x), [a])[0], x.unsqueeze(1).mul(x));
  });

  it('least squares ‖Ax − b‖²: gradient 2Aᵀ(Ax − b), Hessian 2AᵀA', () => {
    const a = sample([5, 3], 1);
    const b = sample([5], 2);
    const x = sample([3], 3);
    const f = (at: Tensor): Tensor => a.matmul(at).sub(b).square().sum();
    expectClose(grad(f)(x), a.transpose().matmul(a.matmul(x).sub(b)).mul(2));
    expectClose(hessian(f)(x), a.transpose().matmul(a).mul(2));
  });

  it('softmax: Jacobian diag(p) − p·pᵀ', () => {
    const x = sample([5], 1);
    const p = x.softmax();
    const diagonal = tensor(
      Float64Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)),
      { shape: [5, 5] },
    ).mul(p);
    expectClose(jacobian((at: Tensor) => at.softmax())(x), diagonal.sub(p.unsqueeze(1).mul(p)));
  });

  it('logSumExp: gradient softmax, Hessian diag(p) − p·pᵀ', () => {
    const x = sample([4], 1);
    const p = x.softmax();
    expectClose(grad((at: Tensor) => at.logSumExp())(x), p);
    expectClose(hessian((at: Tensor) => at.logSumExp())(x), jacobian((at: Tensor) => at.softmax())(x));
  });

  it('log det: gradient A⁻ᵀ; det: det(A)·A⁻ᵀ; inverse: −A⁻¹ dA A⁻¹', () => {
    const a = sample([3, 3], 4).add(
      f64([
        [3, 0, 0],
        [0, 3, 0],
        [0, 0, 3],
      ]),
    );
    const turned = inverse(a).transpose();
    expectClose(grad((at: Tensor) => logdet(at))(a), turned);
    expectClose(grad((at: Tensor) => det(at))(a), turned.mul(det(a)));
    const d = sample([3, 3], 5);
    expectClose(jvp((at: Tensor) => inverse(at), [a], [d])[1], inverse(a).matmul(d).matmul(inverse(a)).neg());
    // Of a symmetric matrix twice the sum of the logarithms on Cholesky's diagonal is the same number.
    const s = a.matmul(a.transpose());
    expect(diagonal(cholesky(s)).log().sum().mul(2).itemSync()).toBeCloseTo(logdet(s).itemSync(), 10);
  });

  it('trace of a power: d tr(A³) = 3(A²)ᵀ', () => {
    const a = sample([3, 3], 4);
    const f = (at: Tensor): Tensor =>
      at
        .matmul(at)
        .matmul(at)
        .mul(
          f64([
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ]),
        )
        .sum();
    expectClose(grad(f)(a), a.matmul(a).transpose().mul(3));
  });

  it('cross-entropy with logits: gradient (p − t) / n', () => {
    const x = sample([4, 3], 1);
    const t = f64([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0.2, 0.3, 0.5],
    ]);
    const loss = (at: Tensor): Tensor => at.logSoftmax().mul(t).sum(-1).mean().neg();
    expectClose(grad(loss)(x), x.softmax().sub(t).div(4));
  });
});

describe('functions of objects', () => {
  const model = {
    layers: [
      { w: sample([2, 3], 1), b: sample([3], 2) },
      { w: sample([3, 1], 3), b: sample([1], 4) },
    ],
  };
  const x = sample([5, 2], 5);
  const f = (m: typeof model): Tensor =>
    m.layers
      .reduce((h, { w, b }) => h.matmul(w).add(b).tanh(), x)
      .square()
      .mean();

  it('gives gradients in their form, typed', () => {
    const g = grad(f)(model);
    expect(g.layers[0].w.shape).toEqual([2, 3]);
    const [b] = gradients(f(model), [model.layers[1].b]);
    expectClose(g.layers[1].b, b);
    const several = grad((m: typeof model, scale: Tensor) => f(m).mul(scale), [0, 1])(model, f64(2));
    expectClose(several[1], f(model));
    expectClose(several[0].layers[0].b, g.layers[0].b.mul(2));
  });

  it('multiplies Hessians with directions of the same form: symmetric, and the gradient of the slope', () => {
    const direction = (seed: number): typeof model => ({
      layers: [
        { w: sample([2, 3], seed), b: sample([3], seed + 1) },
        { w: sample([3, 1], seed + 2), b: sample([1], seed + 3) },
      ],
    });
    const dot = (a: typeof model, b: typeof model): number =>
      a.layers.reduce(
        (sum, layer, i) =>
          sum + layer.w.mul(b.layers[i].w).sum().itemSync() + layer.b.mul(b.layers[i].b).sum().itemSync(),
        0,
      );
    const u = direction(10);
    const v = direction(20);
    // uᵀHv = vᵀHu.
    expect(dot(u, hvp(f, model, v))).toBeCloseTo(dot(v, hvp(f, model, u)), 10);
    // vᵀHv is the second derivative along v: jvp of jvp.
    const along = (m: typeof model): Tensor => jvp(f, [m], [v])[1];
    expect(jvp(along, [model], [v])[1].itemSync()).toBeCloseTo(dot(v, hvp(f, model, v)), 10);
    // jvp of grad is hvp.
    const pushed = jvp((m: typeof model) => grad(f)(m) as TensorTree, [model], [v])[1] as typeof model;
    expectClose(pushed.layers[0].w, hvp(f, model, v).layers[0].w);
  });

  it('gives Jacobians and Hessians of objects as trees of trees', () => {
    // f = a·b² + Σ c³ at a = 2, b = 3, c = (1, 2).
    const at = { a: f64(2), rest: [f64(3), f64([1, 2])] as const };
    const cubic = ({ a, rest: [b, c] }: typeof at): Tensor => a.mul(b.square()).add(c.mul(c.square()).sum());
    const h = hessian(cubic)(at);
    expectClose(h.a.a, f64(0));
    expectClose(h.a.rest[0], f64(6));
    expectClose(h.rest[0].a, f64(6));
    expectClose(h.rest[0].rest[0], f64(4));
    expectClose(h.rest[1].rest[1], [
      [6, 0],
      [0, 12],
    ]);
    expectClose(h.rest[1].a, [0, 0]);
    expectClose(h.a.rest[1], [0, 0]);
    const j = jacobian(({ a, rest: [b, c] }: typeof at) => ({ sum: c.mul(a), all: [b.add(a)] }))(at);
    expectClose(j.sum.rest[1], [
      [2, 0],
      [0, 2],
    ]);
    expectClose(j.sum.a, [1, 2]);
    expectClose(j.all[0].rest[0], f64(1));
    expectClose(j.all[0].rest[1], [0, 0]);
  });

  it('maps over a batch of inputs with shared parameters', () => {
    const loss = (m: typeof model, at: Tensor): Tensor =>
      m.layers
        .reduce((h, { w, b }) => h.matmul(w).add(b).tanh(), at)
        .square()
        .sum();
    const each = vmap(grad(loss), [null, 0])(model, x);
    expect(each.layers[0].w.shape).toEqual([5, 2, 3]);
    expectClose(each.layers[0].w.mean(0), grad(f)(model).layers[0].w);
  });
});

describe('implicit Jacobians', () => {
  it('are never formed by jvp, vjp and hvp', () => {
    // A map of 20,000 numbers: its Jacobian has 4·10⁸ entries, 1.6 GB.
    const before = backend();
    const device = nullBackend();
    use(device);
    try {
      const x = tensor(new Float32Array(20_000));
      const f = (at: Tensor): Tensor => at.tanh().mul(at.flip(0)).cumsum();
      jvp(f, [x], [x])[1].dataSync();
      vjp(f, x)[1](x)[0].dataSync();
      hvp((at: Tensor) => f(at).square().sum(), x, x).dataSync();
      expect(device.total.runs).toBe(3);
      expect(device.stats().peakBytes).toBeLessThan(40 * 80_000);
      expect(device.total.bytesWritten).toBeLessThan(100 * 80_000);
    } finally {
      use(before);
    }
  });
});
