/** Loops under every transformation, beside the same steps written out. */
import {
  cond,
  fori,
  key,
  manualSeed,
  normal,
  scalar,
  scan,
  stack,
  type Tensor,
  tensor,
  uniform,
  Variable,
  whileLoop,
} from '@ag/tensor';
import { explain } from '@ag/tensor/debug';
import { describe, expect, it } from 'vitest';
import {
  backward,
  checkGradients,
  checkpoint,
  compile,
  customGradient,
  detectAnomaly,
  Graph,
  grad,
  gradients,
  hessian,
  inspect,
  jvp,
  placeholder,
  vmap,
} from './index.ts';

const double = { dtype: 'float64' } as const;
const number = (x: number): Tensor => scalar(x, double);

function close(a: Tensor, b: Tensor): void {
  expect(a.shape).toEqual(b.shape);
  const expected = b.dataSync();
  a.dataSync().forEach((x, i) => {
    expect(x).toBeCloseTo(expected[i], 10);
  });
}

const start = tensor([0.3, -0.2], double);
const weight = tensor(
  [
    [0.5, 0.1],
    [-0.3, 0.8],
  ],
  double,
);
const rows = tensor([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]], double); // biome-ignore format: short

function looped(h: Tensor, w: Tensor, xs: Tensor, options: object = {}): Tensor {
  const { carry, ys } = scan(
    (c: Tensor, x: Tensor) => {
      const next = c.matmul(w).add(x).tanh();
      return [next, next.square()];
    },
    h,
    xs,
    options,
  );
  return carry.sum().add(ys.sum());
}

function written(h: Tensor, w: Tensor, xs: Tensor): Tensor {
  let c = h;
  let sum = number(0);
  for (let i = 0; i < xs.shape[0]; i++) {
    c = c
      .matmul(w)
      .add(xs.slice(i, i + 1).squeeze(0))
      .tanh();
    sum = sum.add(c.square().sum());
  }
  return c.sum().add(sum);
}

describe('scan', () => {
  it('has the gradients of the steps written out', () => {
    const all = [start, weight, rows];
    const own = gradients(looped(start, weight, rows), all);
    gradients(written(start, weight, rows), all).forEach((g, i) => {
      close(own[i], g);
    });
    close(
      hessian((w: Tensor) => looped(start, w, rows))(weight),
      hessian((w: Tensor) => written(start, w, rows))(weight),
    );
  });

  it('has them in blocks, unrolled and backwards', () => {
    const xs = normal([7, 2], { ...double, key: key(3) });
    for (const reverse of [false, true]) {
      const expected = gradients(looped(start, weight, xs, { reverse }), [start, weight, xs]);
      for (const options of [
        { checkpoint: true },
        { checkpoint: 2 },
        { unroll: 3 },
        { checkpoint: 4, unroll: 2 },
      ]) {
        gradients(looped(start, weight, xs, { ...options, reverse }), [start, weight, xs]).forEach((g, i) => {
          close(g, expected[i]);
        });
      }
    }
  });

  it('keeps less with blocks that are computed again', () => {
    const names = (options: object): number => {
      const xs = tensor(new Float64Array(64 * 2), { shape: [64, 2] });
      const [g] = gradients(looped(start, weight, xs, options), [weight]);
      // The longest row of carried values that a loop of the gradient reads.
      const lengths: number[] = [];
      const met = new Set<Tensor>([g]);
      for (const node of met) {
        if (node.op?.name === 'result' && node.shape.length === 2 && node.shape[1] === 2)
          lengths.push(node.shape[0]);
        for (const input of node.inputs) met.add(input);
      }
      return Math.max(...lengths);
    };
    expect(names({})).toBe(64);
    expect(names({ checkpoint: true })).toBe(8);
  });

  it('maps over starts, rows and weights', () => {
    const starts = tensor([[0.3, -0.2], [0.1, 0.7]], double); // biome-ignore format: short
    const weights = stack([weight, weight.mul(0.5)]);
    const many = stack([rows, rows.neg()]);
    close(
      vmap(looped, [0, null, null])(starts, weight, rows),
      vmap(written, [0, null, null])(starts, weight, rows),
    );
    close(
      vmap(looped, [null, 0, 0])(start, weights, many),
      vmap(written, [null, 0, 0])(start, weights, many),
    );
    close(
      vmap(grad(looped, 1), [null, null, 0])(start, weight, many),
      vmap(grad(written, 1), [null, null, 0])(start, weight, many),
    );
  });

  it('has a derivative in a direction', () => {
    const at = [start, weight, rows] as const;
    close(jvp(looped, at, at)[1], jvp(written, at, at)[1]);
  });

  it('trains a variable in a compiled step, to the same numbers', () => {
    const losses = [looped, written].map((f) => {
      const w = new Variable(weight);
      const step = compile((h: Tensor) => {
        const loss = f(h, w.value, rows);
        const [g] = gradients(loss, [w]);
        w.assign(w.value.sub(g.mul(0.1)));
        return loss;
      });
      return [1, 2, 3, 4].map(() => step(start).itemSync());
    });
    expect(new Set(losses[0]).size).toBe(4);
    losses[0].forEach((loss, i) => {
      expect(loss).toBeCloseTo(losses[1][i], 10);
    });
  });

  it('fills the gradients of variables that only the body reads', () => {
    const w = new Variable(weight);
    backward(looped(start, w.value, rows));
    close(w.grad!, gradients(written(start, weight, rows), [weight])[0]);
  });

  it('goes into graphs that are fed any number of examples', () => {
    const x = placeholder([null, 2], { name: 'x', dtype: 'float64' });
    const y = fori(3, (_i, c) => c.matmul(weight).tanh(), x);
    const graph = new Graph({ inputs: [x], outputs: [y] });
    for (const size of [1, 3]) {
      const given = normal([size, 2], { ...double, key: key(size) });
      const [got] = graph.run({ x: given });
      close(got, given.matmul(weight).tanh().matmul(weight).tanh().matmul(weight).tanh());
    }
  });

  it('draws anew at each run of a compiled function, as the function does', () => {
    const draw = (): Tensor => scan((c: Tensor) => [c, uniform([2])], scalar(0), null, { length: 3 }).ys;
    manualSeed(3);
    const plain = [draw(), draw()].map((x) => [...x.dataSync()]);
    manualSeed(3);
    const compiled = compile(draw, { check: false });
    expect([compiled(), compiled()].map((x) => [...x.dataSync()])).toEqual(plain);
  });

  it('keeps gradient rules of functions apart that compute the same', () => {
    for (const factor of [3, 5, 3]) {
      const rule = customGradient(
        (x: Tensor) => x.mul(2),
        (g) => [g.mul(factor)],
      );
      expect(grad((x: Tensor) => fori(2, (_i, c) => rule(c), x))(scalar(1)).itemSync()).toBe(factor ** 2);
    }
    const block = checkpoint((c: Tensor) => c.matmul(weight).tanh());
    close(
      grad((x: Tensor) => fori(3, (_i, c) => block(c), x).sum())(start),
      grad((x: Tensor) => fori(3, (_i, c) => c.matmul(weight).tanh(), x).sum())(start),
    );
  });
});

describe('loops in loops', () => {
  const nested = (x: Tensor): Tensor =>
    fori(3, (i, c) => fori(2, (j, d) => d.mul(x).add(i.add(j).cast('float64')), c).sin(), x);
  const plain = (x: Tensor): Tensor => {
    let c = x;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 2; j++) c = c.mul(x).add(i + j);
      c = c.sin();
    }
    return c;
  };

  it('have derivatives of every order', () => {
    const x = number(0.3);
    close(nested(x), plain(x));
    close(grad(nested)(x), grad(plain)(x));
    close(grad(grad(nested))(x), grad(grad(plain))(x));
    close(
      vmap(grad(nested))(tensor([0.3, 0.5], double)),
      stack([0.3, 0.5].map((at) => grad(plain)(number(at)))),
    );
  });
});

describe('a solver of differential equations', () => {
  /** State after time 1 of dx/dt = v, dv/dt = −w² x, in 100 steps of the method of Runge and Kutta. */
  const solve = (w: Tensor, begin: Tensor): Tensor => {
    const size = 1 / 100;
    const change = (y: Tensor): Tensor => stack([y.index(1), y.index(0).mul(w.square()).neg()]);
    return scan(
      (y: Tensor) => {
        const a = change(y);
        const b = change(y.add(a.mul(size / 2)));
        const c = change(y.add(b.mul(size / 2)));
        const d = change(y.add(c.mul(size)));
        return [
          y.add(
            stack([a, b.mul(2), c.mul(2), d])
              .sum(0)
              .mul(size / 6),
          ),
        ];
      },
      begin,
      null,
      { length: 100 },
    ).carry;
  };
  const begin = tensor([1, 0.5], double);
  const w = number(1.3);
  const place = (at: Tensor): Tensor => solve(at, begin).index(0);

  it('follows the solution, x(1) = cos w + 0.5 sin w / w, with its derivatives to third order', () => {
    // w = 1.3, by differentiating three times: f = cos w + s(w)/2, s = sin w / w.
    const [sine, cosine] = [Math.sin(1.3), Math.cos(1.3)];
    const s = sine / 1.3;
    const s1 = (cosine - s) / 1.3;
    const s2 = (-sine - 2 * s1) / 1.3;
    const s3 = (-cosine - 3 * s2) / 1.3;
    expect(place(w).itemSync()).toBeCloseTo(cosine + s / 2, 8);
    expect(grad(place)(w).itemSync()).toBeCloseTo(-sine + s1 / 2, 7);
    expect(grad(grad(place))(w).itemSync()).toBeCloseTo(-cosine + s2 / 2, 6);
    expect(grad(grad(grad(place)))(w).itemSync()).toBeCloseTo(sine + s3 / 2, 5);
  });

  it('has the derivative by the first state', () => {
    const by = grad((first: Tensor) => solve(w, first).index(0))(begin).dataSync();
    expect(by[0]).toBeCloseTo(Math.cos(1.3), 7);
    expect(by[1]).toBeCloseTo(Math.sin(1.3) / 1.3, 7);
  });
});

describe('whileLoop', () => {
  const until = (x: Tensor): Tensor =>
    whileLoop<[Tensor, Tensor]>(
      ([, n]) => n.less(3),
      ([c, n]) => [c.mul(x).sin(), n.add(c.abs()).add(0.5)],
      [x, number(0)],
      { maxSteps: 6 },
    )[0];

  it('maps over examples that take different numbers of steps', () => {
    const at = [0.7, 0.1, 2];
    close(vmap(until)(tensor(at, double)), stack(at.map((x) => until(number(x)))));
    close(vmap(grad(until))(tensor(at, double)), stack(at.map((x) => grad(until)(number(x)))));
  });

  it('says what a gradient needs', () => {
    const open = (x: Tensor): Tensor =>
      whileLoop(
        (c) => c.less(10),
        (c) => c.mul(x),
        x,
      );
    expect(() => grad(open)(number(2))).toThrow(/whileLoop: the gradient.*maxSteps/);
  });
});

describe('cond', () => {
  const chosen = (x: Tensor): Tensor =>
    cond(
      x.sum().greater(0),
      () => x.square(),
      () => x.pow(3),
    ).sum();

  it('has the gradient of what was chosen, and 0 from the other', () => {
    const log = (x: Tensor): Tensor =>
      cond(
        x.greater(0),
        () => x.log(),
        () => x.mul(0),
      );
    expect(grad(log)(number(-1)).itemSync()).toBe(0);
    expect(grad(log)(number(2)).itemSync()).toBe(0.5);
    checkGradients(([x]) => chosen(x), [tensor([-0.7, 0.2], double)], { order: 3 });
  });

  it('maps over examples that choose differently', () => {
    const at = [[0.7, 1], [-0.1, -2], [2, 1]]; // biome-ignore format: short
    close(vmap(chosen)(tensor(at, double)), stack(at.map((x) => chosen(tensor(x, double)))));
    close(vmap(grad(chosen))(tensor(at, double)), stack(at.map((x) => grad(chosen)(tensor(x, double)))));
  });
});

describe('tools', () => {
  it('name the step where something is no longer finite, forward and backward', () => {
    const logs = (x: Tensor): Tensor =>
      scan((c: Tensor, row: Tensor) => [c.add(row.log()), c], number(0), x).carry;
    const x = tensor([3, 2, 0, 5], double);
    expect(() => detectAnomaly(() => logs(x))).toThrow(
      /log gives values that are not finite in the forward pass, step 2 of scan/,
    );
    const odd = customGradient(
      (y: Tensor) => y.mul(1),
      (g, [y]) => [g.div(y)],
    );
    const sum = (y: Tensor): Tensor =>
      scan((c: Tensor, row: Tensor) => [c.add(odd(row)), null], number(0), y).carry;
    expect(() => detectAnomaly(() => gradients(sum(x), [x])[0])).toThrow(
      /div gives.*in the backward pass.*step 2 of scan/,
    );
    // What the loop was given is named as before.
    expect(() => detectAnomaly(() => fori(2, (_i, c) => c.mul(2), x.log().sum()))).toThrow(
      /: log gives.*forward pass:/,
    );
  });

  it('show loops as they show other operations', () => {
    const y = looped(start, weight, rows);
    expect(inspect(y).toText()).toContain('scan');
    expect(inspect(y, { values: true, gradients: 'compute' }).nodes.length).toBeGreaterThan(5);
    close(y, written(start, weight, rows));
    const text = explain(looped(start, weight, rows));
    expect(text).toContain('loop scan');
    expect(text).toContain('program 0');
  });

  it('refuse backward in a step', () => {
    const w = new Variable(weight);
    const step = (_i: Tensor, c: Tensor): Tensor => {
      backward(c.matmul(w.value).sum());
      return c;
    };
    expect(() => fori(2, step, start)).toThrow(
      'backward: a variable has one .grad, not one for each step of a loop',
    );
  });
});
