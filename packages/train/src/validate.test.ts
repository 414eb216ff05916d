/** Loss, metrics and predictions over data. */
import { Module, mseLoss } from '@ag/nn';
import { type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { line } from './testTools.ts';
import { predict, validate } from './validate.ts';

describe('validate', () => {
  it('averages over examples, not over batches', async () => {
    // w = 1: squared errors 4, 16, 36, 64, mean 30; absolute errors 2, 4, 6, 8, mean 5.
    const { model, train } = line({ batchSize: 3 });
    const metrics = { error: (output: Tensor, y: Tensor) => output.sub(y).abs().mean() };
    const result = await validate(model, train, { loss: mseLoss, metrics });
    expect(result.examples).toBe(4);
    expect(result.loss).toBeCloseTo(30, 4);
    expect(result.metrics.error).toBeCloseTo(5, 5);
  });

  it('ends with the signal', async () => {
    const { model, train } = line();
    await expect(validate(model, train, { loss: mseLoss, signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    );
  });

  it('refuses empty data', async () => {
    await expect(validate(line().model, [], { loss: mseLoss })).rejects.toThrow(/no examples/);
  });
});

describe('predict', () => {
  it('answers in evaluation mode, in parts, and leaves every mode as it was', async () => {
    class Inner extends Module {
      forward(x: Tensor): Tensor {
        return this.training ? x : x.mul(10);
      }
    }
    class Outer extends Module {
      readonly a = new Inner();
      readonly b = new Inner();
      forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x));
      }
    }
    const model = new Outer();
    model.b.training = false;
    const answer = await predict(model, tensor([[1], [2], [3]]), { batchSize: 2 });
    expect(answer.shape).toEqual([3, 1]);
    expect(Array.from(await answer.data())).toEqual([100, 200, 300]);
    expect([model.training, model.a.training, model.b.training]).toEqual([true, true, false]);
  });

  it('takes batches, and refuses sizes that make no sense', async () => {
    const { model, train } = line({ batchSize: 3 });
    expect(Array.from(await (await predict(model, train)).data())).toEqual([1, 2, 3, 4]);
    await expect(predict(model, tensor([[1]]), { batchSize: 0 })).rejects.toThrow(/batchSize/);
    await expect(predict(model, [])).rejects.toThrow(/no inputs/);
  });
});
