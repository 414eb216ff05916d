import { type Linear, linear, Module, sequential } from '@ag/nn';
import { key, normal, ones, type Tensor, tensor, Variable } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { describe, expect, it } from 'vitest';
import {
  AnomalyError,
  backward,
  compile,
  detectAnomaly,
  Graph,
  gradients,
  placeholder,
  startAnomalyDetection,
} from './index.ts';

function anomalyOf(f: () => unknown, options = {}): AnomalyError {
  try {
    detectAnomaly(f, options);
  } catch (error) {
    if (error instanceof AnomalyError) return error;
    throw error;
  }
  throw new Error('nothing was found');
}

/** The line that this is called on, as `file:line`. */
function line(offset: number): string {
  const frame = new Error().stack!.split('\n')[2];
  const [, file, row] = /([\w.-]+):(\d+):\d+\)?$/.exec(frame)!;
  return `${file}:${Number(row) + offset}:`;
}

describe('detectAnomaly', () => {
  it('names the operation, its operands and the line of the forward pass', () => {
    let here = '';
    const error = anomalyOf(() => {
      const x = tensor([1, 0, 2]);
      here = line(1);
      const y = x.log();
      return y.mul(2).sum();
    });
    expect(error.anomaly).toMatchObject({
      op: 'log',
      phase: 'forward',
      gradientOf: null,
      shape: [3],
      count: 1,
      inputs: [{ shape: [3], dtype: 'float32', least: 0, largest: 2 }],
    });
    expect(error.anomaly.site).toContain(here);
    expect(error.message).toMatch(
      /log gives values that are not finite in the forward pass: 1 of 3 elements of its result \[3\], from \[3\] float32 in 0 … 2, at .*anomaly\.test\.ts/,
    );
  });

  it('names what was differentiated in the backward pass', () => {
    let here = '';
    const w = new Variable(tensor([0, 4]), { name: 'w' });
    const error = anomalyOf(() => {
      here = line(1);
      const y = w.value.pow(0.25);
      backward(y.sum());
      return w.grad!;
    });
    // The derivative ¼·x^(−¾) is infinite at 0.
    expect(error.anomaly).toMatchObject({ op: 'pow', phase: 'backward', gradientOf: 'pow', count: 1 });
    expect(error.anomaly.site).toContain(here);
  });

  it('follows gradients of gradients to the line', () => {
    const x = tensor([0], { dtype: 'float64' });
    const error = anomalyOf(() => {
      const [g] = gradients(x.pow(1.5).sum(), [x]);
      return gradients(g.sum(), [x]);
    });
    // 1.5·√x is finite at 0, its derivative is not.
    expect(error.anomaly).toMatchObject({ phase: 'backward', gradientOf: 'pow, a gradient of pow' });
    expect(error.anomaly.site).toMatch(/anomaly\.test\.ts/);
  });

  it('commits nothing of a step that fails', () => {
    const w = new Variable(tensor([1]), { name: 'w' });
    const error = anomalyOf(() => {
      const loss = w.value.sub(1).log().sum();
      backward(loss);
      commitUpdates(new Map([[w, w.value.sub(w.grad!)]]));
    });
    expect(error.anomaly.op).toBe('log');
    expect(w.version).toBe(0);
    expect(w.value.itemSync()).toBe(1);
  });

  it('names inputs and variables that are not finite themselves', () => {
    const given = anomalyOf(() => tensor([1, Number.NaN]).mul(2));
    expect(given.message).toMatch(
      /a tensor that was given of shape \[2\] is not finite in 1 of 2 elements, at .*anomaly\.test/,
    );
    const w = new Variable(tensor([Number.POSITIVE_INFINITY]), { name: 'weights' });
    expect(anomalyOf(() => w.value.mul(2)).message).toMatch(
      /variable 'weights' of shape \[1\] is not finite in its only element/,
    );
  });

  it('passes infinities that do not reach a result', async () => {
    const scores = tensor([
      [1, 2],
      [3, 4],
    ]);
    const masked = detectAnomaly(() =>
      tensor([
        [1, 0],
        [1, 1],
      ])
        .greater(0)
        .where(scores, Number.NEGATIVE_INFINITY)
        .softmax(),
    );
    expect(((await masked.toArray()) as number[][])[0]).toEqual([1, 0]);
    expect(await detectAnomaly(() => scores.sum()).item()).toBe(10);
  });

  it('names modules', () => {
    const layer = { forward: (x: Tensor): Tensor => x.sub(1).log() };
    const model = {
      forward: (x: Tensor): Tensor => layer.forward(x),
      namedModules: () =>
        new Map<string, object>([
          ['', model],
          ['body.0', layer],
        ]),
    };
    const error = anomalyOf(() => model.forward(tensor([1])), { model });
    expect(error.anomaly.module).toBe('body.0');
    expect(error.message).toContain("in module 'body.0'");
  });

  it('names layers of a network, and a parameter that is not finite', () => {
    class Logarithm extends Module {
      forward(x: Tensor): Tensor {
        return x.mul(0).log();
      }
    }
    const model = sequential(linear(2, 3), sequential(linear(3, 1), new Logarithm()));
    expect(anomalyOf(() => model.forward(tensor([[1, 2]])), { model }).anomaly).toMatchObject({
      op: 'log',
      module: '1.1',
    });
    const { weight } = model.at(0) as Linear;
    weight.assign(weight.value.mul(Number.POSITIVE_INFINITY));
    expect(anomalyOf(() => (model.at(0) as Linear).forward(tensor([[1, 2]])), { model }).message).toMatch(
      /^detectAnomaly: variable '\S+' of shape \[\d, \d\] is not finite in 6 of 6 elements/,
    );
  });

  it('stays on through async functions and off afterwards', async () => {
    const work = detectAnomaly(async () => {
      await Promise.resolve();
      return tensor([-1]).log();
    });
    await expect(work).rejects.toThrow(/log gives/);
    expect(await tensor([-1]).log().item()).toBeNaN();
    const stop = startAnomalyDetection();
    expect(() => tensor([-1]).log().itemSync()).toThrow(/log gives/);
    stop();
    expect(tensor([-1]).log().itemSync()).toBeNaN();
  });

  it('knows no line of what was built before, and says how to see it', () => {
    const y = tensor([-1]).log();
    expect(() => detectAnomaly(() => y.itemSync())).toThrow(
      /log gives .* from \[1\] float32 in -1 … -1; build it inside detectAnomaly/,
    );
  });

  it('checks compiled functions, as they are written or by an option', () => {
    const f = (x: Tensor): Tensor => x.log().sum();
    const quick = compile(f);
    expect(quick(tensor([-1])).itemSync()).toBeNaN();
    expect(anomalyOf(() => quick(tensor([-1]))).anomaly.op).toBe('log');
    expect(() => compile(f, { detectAnomaly: true })(tensor([-1]))).toThrow(
      /log gives .* at .*anomaly\.test/,
    );
    expect(compile(f, { detectAnomaly: true })(tensor([1])).itemSync()).toBe(0);
  });

  it('checks graphs of placeholders', () => {
    const x = placeholder([null, 2], { name: 'x' });
    const w = new Variable(tensor([1, 1]), { name: 'w' });
    const graph = new Graph({
      inputs: [x],
      outputs: { y: x.mul(w.value).log().sum(1) },
      updates: new Map([[w, w.value.mul(2)]]),
    });
    expect(graph.run({ x: [[0, 1]] }).y.itemSync()).toBe(Number.NEGATIVE_INFINITY);
    expect(w.value.dataSync()[0]).toBe(2);
    expect(anomalyOf(() => graph.run({ x: [[0, 1]] })).anomaly.op).toBe('log');
    expect(w.value.dataSync()[0]).toBe(2);
    expect(detectAnomaly(() => graph.run({ x: [[1, 1]] })).y.itemSync()).toBeCloseTo(2 * Math.log(2), 6);
    expect(w.value.dataSync()[0]).toBe(4);
  });

  it('checks gradients by an option of backward', () => {
    const w = new Variable(tensor([0, 4]), { name: 'w' });
    expect(() => backward(w.value.pow(0.25).sum(), { detectAnomaly: true })).toThrow(
      /pow gives .* backward pass \(a gradient of pow\)/,
    );
    const other = new Variable(tensor([0, 4]));
    expect(() => backward(other.value.sum(), { detectAnomaly: true })).not.toThrow();
  });

  it('agrees with the graph of random nodes: the culprit has only finite operands', () => {
    const x = normal([8], { key: key(3) });
    const error = anomalyOf(() =>
      x.mul(1e30).square().mul(0.5).sub(x).tanh().add(x.mul(1e30).square()).sum(),
    );
    expect(error.anomaly.op).toBe('square');
    for (const input of error.anomaly.inputs)
      expect(Number.isFinite(input.least) && Number.isFinite(input.largest)).toBe(true);
  });
});

describe('a position that does not exist', () => {
  it('names the operation and the line', async () => {
    const table = new Variable(ones([4, 2]), { name: 'table' });
    const work = () => table.value.indexSelect(0, tensor([0, 4], { dtype: 'int32' }));
    const run = (value: () => Tensor) =>
      detectAnomaly(async () => void (await value().data())).then(
        () => null,
        (error) => error as Error & { code: string },
      );
    const forward = await run(work);
    expect(forward?.code).toBe('AG_INDEX_OUT_OF_RANGE');
    expect(forward?.message).toMatch(
      /index 4 .*\n {2}in gather of \[4, 2\] float32 and .*, at .*anomaly\.test\.ts:\d+/,
    );
    expect(forward?.stack).toContain(forward?.message);
    const outside = await work()
      .data()
      .catch((error) => error as Error);
    expect((outside as Error).message).not.toContain('anomaly.test.ts');
  });
});
