/** What layers do beyond their formula: modes, state, masks, and what they refuse. */
import { backward, compile, gradients } from '@ag/graph';
import { sgd } from '@ag/optim';
import { concat, manualSeed, normal, type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

describe('batch normalization', () => {
  it('moves its statistics once for each batch, with the step', () => {
    const norm = nn.batchNorm1d(1, { momentum: 0.5 });
    const net = nn.sequential(nn.linear(1, 1), norm);
    const optimizer = sgd(net.parameters(), { learningRate: 0 });
    (net.at(0) as nn.Linear).loadStateDict({ weight: tensor([[1]]), bias: tensor([0]) });
    for (let i = 0; i < 2; i++) {
      backward(
        net
          .forward(tensor([[1], [3]]))
          .square()
          .sum(),
      );
      optimizer.step();
    }
    // 0 → 1 → 1.5 and 1 → 1.5 → 1.75: the batch has mean 2 and unbiased variance 2.
    expect(norm.runningMean!.value.itemSync()).toBe(1.5);
    expect(norm.runningVariance!.value.itemSync()).toBe(1.75);
    net.eval();
    net.forward(tensor([[9], [9]])).dataSync();
    expect(norm.runningMean!.value.itemSync()).toBe(1.5);
  });

  it('refuses single values while training', () => {
    expect(() => nn.batchNorm1d(2).forward(tensor([[1, 2]]))).toThrow(/no variance.*eval/);
    expect(() => nn.batchNorm2d(2).forward(tensor([[1, 2]]))).toThrow(
      /\[batch, channels, height, width\], got \[1, 2\]/,
    );
  });

  it('does the same when compiled', () => {
    const run = (compiled: boolean): number[] => {
      const norm = nn.batchNorm1d(2);
      const plain = (x: Tensor): Tensor => norm.forward(x).square().sum();
      const f = compiled ? compile(plain) : plain;
      const outputs = [1, 2, 3].map((i) =>
        f(
          tensor([
            [i, 1],
            [0, i * i],
          ]),
        ).itemSync(),
      );
      return [...outputs, ...norm.runningMean!.value.dataSync(), ...norm.runningVariance!.value.dataSync()];
    };
    expect(run(true)).toEqual(run(false));
  });
});

describe('dropout', () => {
  it('leaves out the share asked for and keeps the mean', () => {
    manualSeed(1);
    const layer = nn.dropout(0.3);
    const y = layer.forward(zeros([100, 100]).add(1)).dataSync();
    const kept = y.filter((v) => v !== 0);
    expect(kept.every((v) => v === Math.fround(1 / 0.7))).toBe(true);
    expect(kept.length / y.length).toBeGreaterThan(0.68);
    expect(kept.length / y.length).toBeLessThan(0.72);
  });

  it('draws anew at each call, passes everything in evaluation, and uses one mask for value and gradient', () => {
    const layer = nn.dropout(0.5);
    const x = new Variable(zeros([64]).add(2));
    const y = layer.forward(x.value);
    backward(y.sum());
    const values = y.dataSync();
    expect([...x.grad!.dataSync()]).toEqual([...values].map((v) => v / 2));
    expect([...layer.forward(x.value).dataSync()]).not.toEqual([...values]);
    layer.eval();
    expect([...layer.forward(x.value).dataSync()]).toEqual(new Array(64).fill(2));
    expect([...nn.dropout(1).forward(x.value).dataSync()]).toEqual(new Array(64).fill(0));
    expect(() => nn.dropout(1.5)).toThrow(/\[0, 1\], got 1.5/);
  });

  it('draws anew at each run when compiled', () => {
    const layer = nn.dropout(0.5);
    const f = compile((x: Tensor) => layer.forward(x));
    const x = zeros([64]).add(1);
    const drawn = Array.from({ length: 3 }, () => f(x).dataSync().join());
    expect(new Set(drawn).size).toBe(3);
  });
});

/** The operations that a tensor is made of. */
function names(y: Tensor): Set<string> {
  const met = new Set<Tensor>([y]);
  for (const node of met) for (const input of node.inputs) met.add(input);
  return new Set([...met].flatMap(({ op }) => (op ? [op.name] : [])));
}

describe('recurrent layers', () => {
  it.each([nn.rnn, nn.lstm, nn.gru])('go on from their state as if the sequence had not been cut', (make) => {
    const layer = make(2, 3, { layers: 2, dtype: 'float64' });
    const x = normal([2, 5, 2], { dtype: 'float64' });
    const whole = layer.forwardWithState(x);
    const first = layer.forwardWithState(x.slice(0, 3, { axis: 1 }));
    const second = layer.forwardWithState(x.slice(3, 5, { axis: 1 }), first.state);
    expect(whole.state.hidden.shape).toEqual([2, 2, 3]);
    const close = (a: Tensor, b: Tensor): void => {
      const expected = b.dataSync();
      for (const [i, v] of a.dataSync().entries()) expect(v).toBeCloseTo(expected[i], 12);
    };
    close(second.output, whole.output.slice(3, 5, { axis: 1 }));
    close(second.state.hidden, whole.state.hidden);
    if (whole.state.cell) close(second.state.cell!, whole.state.cell);
  });

  it.each([nn.rnn, nn.lstm, nn.gru])(
    'compute a long sequence, which is a loop, as its short pieces',
    (make) => {
      const layer = make(2, 3, { layers: 2, dtype: 'float64' });
      const x = normal([2, 30, 2], { dtype: 'float64' });
      const inPieces = (given: Tensor): Tensor => {
        let state: nn.RecurrentState | undefined;
        const outputs = [0, 10, 20].map((from) => {
          const piece = layer.forwardWithState(given.slice(from, from + 10, { axis: 1 }), state);
          state = piece.state;
          return piece.output;
        });
        return concat(outputs, 1);
      };
      const all = [x, ...layer.parameters()];
      const [whole, pieces] = [layer.forward(x), inPieces(x)].map((y) => [
        y,
        ...gradients(y.square().sum(), all),
      ]);
      expect(names(whole[0])).toContain('scan');
      expect(names(pieces[0])).not.toContain('scan');
      whole.forEach((own, i) => {
        const expected = pieces[i].dataSync();
        for (const [at, v] of own.dataSync().entries()) expect(v).toBeCloseTo(expected[at], 10);
      });
    },
  );

  it('say what they expect', () => {
    expect(() => nn.lstm(3, 2).forward(zeros([2, 3]))).toThrow(
      /lstm: expects \[batch, time, 3\], got \[2, 3\]/,
    );
    expect(() => nn.gru(3, 2).forward(zeros([2, 0, 3]))).toThrow(/gru: the sequence is empty/);
    const x = zeros([4, 5, 3]);
    expect(() => nn.gru(3, 2, { layers: 2 }).forwardWithState(x, { hidden: zeros([1, 4, 2]) })).toThrow(
      /gru: the state's hidden should be \[layers · directions, batch, hidden\] = \[2, 4, 2\], got \[1, 4, 2\]/,
    );
    const [hidden, cell] = [zeros([1, 4, 2]), zeros([1, 1, 2])];
    expect(() => nn.lstm(3, 2).forwardWithState(x, { hidden, cell })).toThrow(/the state's cell should be/);
  });
});

describe('attention', () => {
  it('does not see keys that are masked', () => {
    const attention = nn.multiHeadAttention(4, 2);
    const x = normal([2, 3, 4]);
    const keyMask = tensor(
      [
        [1, 1, 0],
        [1, 1, 1],
      ],
      { dtype: 'bool' },
    );
    const masked = attention.forward(x, { keyMask }).dataSync();
    const cut = attention.forward(x.slice(0, 1), { key: x.slice(0, 1).slice(0, 2, { axis: 1 }) }).dataSync();
    cut.forEach((v, i) => expect(masked[i]).toBeCloseTo(v, 5));
  });

  it('stays finite for a place that may look nowhere', () => {
    const q = zeros([1, 2, 2]);
    const v = tensor([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    const mask = tensor(
      [
        [0, 0],
        [1, 0],
      ],
      { dtype: 'bool' },
    );
    expect([...nn.scaledDotProductAttention(q, q, v, { mask }).dataSync()]).toEqual([2, 3, 1, 2]);
  });

  it('refuses what does not fit', () => {
    expect(() => nn.multiHeadAttention(5, 2)).toThrow(/5 features cannot be shared equally by 2 heads/);
    expect(() => nn.multiHeadAttention(4, 2).forward(zeros([2, 4]))).toThrow(
      /\[batch, time, 4\], got \[2, 4\]/,
    );
    const q = zeros([1, 2, 2]);
    expect(() => nn.scaledDotProductAttention(q, q, q, { mask: zeros([2, 2], { dtype: 'int32' }) })).toThrow(
      /mask must be bool.* got int32/,
    );
  });
});

it('an embedding takes an index of any shape', () => {
  const table = nn.embedding(3, 2, {
    weightInit: () =>
      tensor([
        [0, 1],
        [2, 3],
        [4, 5],
      ]),
  });
  expect([...table.forward(tensor(2)).dataSync()]).toEqual([4, 5]);
  expect(table.forward(tensor([[[1], [0]]])).shape).toEqual([1, 2, 1, 2]);
  expect([...table.forward(tensor([[[1], [0]]])).dataSync()]).toEqual([2, 3, 0, 1]);
  // Not the last row: −1 often stands where a sentence was filled up.
  for (const outside of [3, -1]) {
    expect(() => table.forward(tensor([0, outside])).dataSync()).toThrow(/outside|does not exist/);
  }
});

it('sequential takes layers whose further inputs are optional', () => {
  const model = nn.sequential(nn.transformerEncoderLayer(4, 2), nn.multiHeadAttention(4, 2));
  expect(model.forward(zeros([2, 3, 4])).shape).toEqual([2, 3, 4]);
});

it('layers refuse sizes that make no sense', () => {
  expect(() => nn.linear(0, 3)).toThrow(/linear: the number of inputs must be a whole number ≥ 1, got 0/);
  expect(() => nn.linear(4 as number, 3).forward(zeros([2, 5]))).toThrow(
    /linear: expects 4 features along the last axis, got \[2, 5\]/,
  );
  expect(() => nn.conv2d(3, 4, 3, { groups: 2 })).toThrow(/do not divide into 2 groups/);
  expect(() => nn.groupNorm(2, 3)).toThrow(/3 channels cannot be cut into 2 equal groups/);
  expect(() => nn.embedding(3, 2, { paddingIndex: 3 })).toThrow(/paddingIndex must be in 0 … 2, got 3/);
  expect(() => nn.sequential(3 as unknown as nn.Module)).toThrow(
    /argument 0 is neither a module nor a function/,
  );
});
