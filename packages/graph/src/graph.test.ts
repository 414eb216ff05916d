import { concat, conv1d, evaluate, normal, stats, type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { describe, expect, it } from 'vitest';
import { backward, Graph, gradients, placeholder, topologicalSort } from './index.ts';

describe('the scalar graph of the lesson', () => {
  // k·x + b → sigmoid → (y − ·)², by hand in plain numbers, step by step.
  const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

  it('computes, differentiates and learns as on paper, ten steps', async () => {
    const x = placeholder([], { name: 'x', dtype: 'float64' });
    const y = placeholder([], { name: 'y', dtype: 'float64' });
    const k = new Variable(tensor(0.5, { dtype: 'float64' }), { name: 'k' });
    const b = new Variable(tensor(-0.3, { dtype: 'float64' }), { name: 'b' });
    const line = k.value.mul(x).add(b.value);
    const guess = line.sigmoid();
    const loss = y.sub(guess).square();
    const [dk, db] = gradients(loss, [k, b]);
    const graph = new Graph({
      inputs: [x, y],
      outputs: { loss, guess, dk: dk, db: db },
      updates: new Map([
        [k, k.value.sub(dk.mul(0.5))],
        [b, b.value.sub(db.mul(0.5))],
      ]),
    });

    const order = topologicalSort(loss);
    for (const node of order)
      for (const input of node.inputs) expect(order.indexOf(input)).toBeLessThan(order.indexOf(node));
    expect(order.filter((node) => node.op).map((node) => node.op!.name)).toEqual([
      'mul',
      'add',
      'sigmoid',
      'sub',
      'square',
    ]);

    let [pk, pb, last] = [0.5, -0.3, Number.POSITIVE_INFINITY];
    for (let step = 0; step < 10; step++) {
      const s = sigmoid(pk * 2 + pb);
      const slope = 2 * (s - 0.9) * s * (1 - s);
      const now = graph.run({ x: 2, y: 0.9 });
      expect(await now.guess.item()).toBeCloseTo(s, 14);
      expect(await now.loss.item()).toBeCloseTo((0.9 - s) ** 2, 14);
      expect(await now.dk.item()).toBeCloseTo(slope * 2, 14);
      expect(await now.db.item()).toBeCloseTo(slope, 14);
      expect(await now.loss.item()).toBeLessThan(last);
      last = await now.loss.item();
      pk -= 0.5 * slope * 2;
      pb -= 0.5 * slope;
      expect(await k.value.item()).toBeCloseTo(pk, 14);
      expect(await b.value.item()).toBeCloseTo(pb, 14);
    }
    expect(stats().plansMade).toBeGreaterThan(0);
  });

  it('draws what its variables start with in one plan, define-by-run and prepared', () => {
    const variables = () => [[3, 2], [2], [5]].map((shape) => new Variable(normal(shape)));
    const sum = (all: Variable[]) => all.map(({ value }) => value.sum()).reduce((a, b) => a.add(b));
    let before = stats().plansMade;
    sum(variables()).itemSync();
    expect(stats().plansMade - before).toBe(2);
    before = stats().plansMade;
    // The plans of equal graphs are there.
    new Graph({ inputs: [], outputs: [sum(variables())] }).run({});
    expect(stats().plansMade - before).toBe(0);
    const zero = new Variable(zeros([5, 7]));
    expect(zero.value.dataSync()).toEqual(new Float32Array(35));
    expect(stats().plansMade - before).toBe(0);
  });

  it('is the same with backward and values instead of placeholders', async () => {
    const k = new Variable(tensor(0.5), { name: 'k' });
    const b = new Variable(tensor(-0.3), { name: 'b' });
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      const loss = tensor(0.9).sub(k.value.mul(2).add(b.value).sigmoid()).square();
      backward(loss);
      commitUpdates(new Map([k, b].map((v) => [v, v.value.sub(v.grad!.mul(0.5))])));
      losses.push(await loss.item());
    }
    losses.slice(1).forEach((loss, i) => expect(loss).toBeLessThan(losses[i]));
    expect(losses[0]).toBeCloseTo((0.9 - sigmoid(0.7)) ** 2, 6);
  });
});

describe('placeholders', () => {
  it('leave the first size open and are fed arrays, nested arrays and tensors, by name or by node', async () => {
    const x = placeholder([null, 2], { name: 'x' });
    const w = new Variable(tensor([[1], [10]]), { name: 'w' });
    const graph = new Graph({ inputs: [x], outputs: [x.matmul(w.value).sum(1), x.mean(0)] });
    const [rows, mean] = graph.run({
      x: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    });
    expect(await rows.toArray()).toEqual([21, 43, 65]);
    expect(await mean.toArray()).toEqual([3, 4]);
    expect(await graph.run({ x: Float32Array.of(1, 1) })[0].toArray()).toEqual([11]);
    expect(await graph.run(new Map([[x, tensor([[2, 2]]).add(1)]]))[0].toArray()).toEqual([33]);
    expect(await graph.run({ x: tensor([[7, 8]], { dtype: 'int32' }) })[0].toArray()).toEqual([87]);
    expect(await graph.run({ x: new Float32Array(0) })[0].toArray()).toEqual([]);
  });

  it('give errors that name the feed: missing, unknown, misshapen, not to be counted', () => {
    const x = placeholder([null, 2], { name: 'x' });
    const y = placeholder([2], { name: 'target' });
    const graph = new Graph({ inputs: [x, y], outputs: [x.sub(y)] });
    expect(() => graph.run({ x: [[1, 2]] })).toThrow(/'target' was not fed/);
    expect(() => graph.run({ x: [[1, 2]], target: [1, 2], z: 1 })).toThrow(/no input 'z'.*'x', 'target'/s);
    expect(() => graph.run({ x: [[1, 2, 3]], target: [1, 2] })).toThrow(
      /'x' needs \[any, 2\] float32, was fed \[1, 3\]/,
    );
    expect(() => graph.run({ x: [[1, 2]], target: [1] })).toThrow(/'target'/);
    expect(() => graph.run({ x: Float32Array.of(1, 2, 3), target: [1, 2] })).toThrow(/'x'.*3 elements/s);
    expect(() => x.size).toThrow(/open/);
    expect(() => x.sum().itemSync()).toThrow(/placeholder 'x'.*Graph/s);
    expect(() => new Graph({ inputs: [x], outputs: [x.sub(y)] })).toThrow(/'target'.*not among the inputs/);
  });

  it('refuse what needs the open size, rather than computing something else', () => {
    const x = placeholder([null, 2], { name: 'x' });
    expect(() => x.slice(0, 1)).toThrow(/slice: size 0 of \[any, 2\] is open/s);
    expect(() =>
      x.pad([
        [1, 0],
        [0, 0],
      ]),
    ).toThrow(/pad: size 0 of \[any, 2\] is open/s);
    expect(() => concat([x, tensor([[1, 2]])])).toThrow(/concat: size 0 of \[any, 2\] is open/s);
    expect(x.slice(0, 1, { axis: 1 }).shape).toEqual([-1, 1]);
    expect(
      x.pad([
        [0, 0],
        [0, 1],
      ]).shape,
    ).toEqual([-1, 3]);
    expect(concat([x, x], 1).shape).toEqual([-1, 4]);
  });

  it('leave several sizes open, those of one name being equal', async () => {
    const x = placeholder(['batch', 'length', 4], { name: 'x' });
    const mask = placeholder([null, 'length'], { name: 'mask' });
    const [batch, length] = x.shape;
    const w = new Variable(normal([4, 4])).value;
    const f = (t: Tensor, seen: Tensor): Tensor[] => [
      // Parts of the last axis, positions and what is seen, as attention has them.
      t.matmul(w).reshape([batch, length, 2, 2]).transpose(1, 2),
      t.mul(seen.unsqueeze(-1)).mean(1),
      t.flatten(0, 1).sum(1),
      t.reshape([-1, 2]).max(0),
      concat([t, t], 2).softmax(1),
      gradients(t.mul(seen.unsqueeze(-1)).tanh().sum(), [t])[0],
    ];
    const outputs = f(x, mask);
    expect(outputs[0].shape).toEqual([batch, 2, length, 2]);
    expect(`${outputs[2]}`).toBe('[lazy batch*length float32]');
    expect(`${outputs[4]}`).toBe('[lazy any×length×8 float32]');
    const graph = new Graph({ inputs: [x, mask], outputs });
    for (const [b, l] of [
      [2, 3],
      [1, 5],
      [4, 1],
    ]) {
      const [data, seen] = [normal([b, l, 4]), normal([b, l])];
      const own = data.add(0);
      const plain = [
        own.matmul(w).reshape([b, l, 2, 2]).transpose(1, 2),
        own.mul(seen.unsqueeze(-1)).mean(1),
        own.reshape([b * l, 4]).sum(1),
        own.reshape([b * l * 2, 2]).max(0),
        concat([own, own], 2).softmax(1),
        gradients(own.mul(seen.unsqueeze(-1)).tanh().sum(), [own])[0],
      ];
      const results = graph.run({ x: data, mask: seen });
      for (const [i, result] of results.entries()) {
        expect(result.shape).toEqual(plain[i].shape);
        expect(await result.toArray()).toEqual(await plain[i].toArray());
      }
    }
    expect(() => graph.run({ x: normal([2, 3, 4]), mask: normal([2, 4]) })).toThrow(
      /open size 'length' was fed as 3 and, with placeholder 'mask', as 4/,
    );
    expect(() => graph.run({ x: new Float32Array(24), mask: normal([2, 3]) })).toThrow(
      /does not say its sizes/,
    );
  });

  it('keep open sizes of other names, and of none, apart', () => {
    const x = placeholder([null, 'length', 4], { name: 'x' });
    expect(() => x.add(placeholder([null, 'words' as string, 4]))).toThrow(/sizes length and words meet/);
    expect(() => placeholder([null, null]).add(placeholder([null, null]))).toThrow(/sizes any and any meet/);
    expect(x.add(placeholder([1, 'length', 1])).shape).toEqual(x.shape);
    expect(() => placeholder([null, -1])).toThrow(/integers ≥ 0, null or a name/);
    expect(() => placeholder([null, ''])).toThrow(/integers ≥ 0, null or a name/);
  });

  it('say so where an open size would be computed with', () => {
    const x = placeholder([null, 2, 'length'], { name: 'x' });
    const length = x.shape[2];
    expect(() => conv1d(x, normal([3, 2, 3]))).toThrow(/conv1d: size 2 of \[any, 2, length\] is open/);
    expect(() => x.slice(1, undefined, { axis: 2 })).toThrow(/slice: size 2 of/);
    expect(() => x.reshape([-1, length * 2])).toThrow(/computed from one that is open|sizes must be/);
    expect(() => x.reshape([-1, 2, length / 2])).toThrow(/computed from one that is open|sizes must be/);
    expect(() => x.reshape([4, -1, 3])).toThrow(/sizes of the placeholder are open/);
    expect(() => x.size).toThrow(expect.objectContaining({ code: 'AG_OPEN_SIZE' }));
  });

  it('compute gradients for any fed size with one graph', async () => {
    const x = placeholder([null, 3], { name: 'x' });
    const w = new Variable(normal([3, 2]), { name: 'w' });
    const loss = x.matmul(w.value).tanh().square().mean();
    const graph = new Graph({ inputs: [x], outputs: gradients(loss, [w, x]) });
    for (const rows of [1, 4, 7]) {
      const data = normal([rows, 3]);
      const [dw, dx] = graph.run({ x: data });
      const plain = data.add(0);
      const expected = gradients(plain.matmul(w.value).tanh().square().mean(), [w, plain]);
      evaluate(expected);
      for (const [given, own] of [
        [dw, expected[0]],
        [dx, expected[1]],
      ] as [Tensor, Tensor][]) {
        expect(given.shape).toEqual(own.shape);
        const numbers = own.dataSync();
        given.dataSync().forEach((v, i) => expect(v).toBeCloseTo(numbers[i], 6));
      }
    }
  });
});
