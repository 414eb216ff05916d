/** What is said where model, data, loss and metrics do not fit each other; what the compiler says before. */
import { dataLoader, tensorDataset } from '@ag/datasets';
import { accuracy, crossEntropy, linear, Module, mseLoss, sequential } from '@ag/nn';
import { sgd } from '@ag/optim';
import { concat, type Tensor, tensor, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { TrainingError } from './errors.ts';
import { fit } from './fit.ts';
import type { AnyFitOptions, FitOptions } from './options.ts';
import { collect } from './testTools.ts';
import { predict, validate } from './validate.ts';

interface Inputs {
  readonly image: Tensor;
  readonly meta: Tensor;
}
interface Outputs {
  readonly class: Tensor;
  readonly box: Tensor;
}

class Net extends Module<[Inputs], Outputs> {
  readonly a = linear(6, 3);
  readonly b = linear(6, 2);
  override forward({ image, meta }: Inputs): Outputs {
    const x = concat([image, meta], 1);
    return { class: this.a.forward(x), box: this.b.forward(x) };
  }
}

const x = { image: zeros([4, 4]), meta: zeros([4, 2]) };
const y = { class: tensor([0, 1, 2, 0]), box: zeros([4, 2]) };

function options(): FitOptions<Inputs, Outputs, Outputs> {
  const model = new Net();
  return {
    model,
    optimizer: sgd(model.parameters(), { learningRate: 0.1 }),
    loss: { class: crossEntropy, box: mseLoss },
    train: dataLoader(tensorDataset(x, y), { batchSize: 2 }),
    epochs: 1,
  };
}

async function* of(...batches: unknown[]): AsyncGenerator<never> {
  for (const batch of batches) yield batch as never;
}

const single = sequential(linear(4, 3));
class Spread extends Module<[Tensor, Tensor], Tensor> {
  readonly a = linear(4, 3);
  override forward(image: Tensor, meta: Tensor): Tensor {
    return this.a.forward(image).add(meta.sum());
  }
}

describe('fit says', () => {
  const cases: readonly [string, Record<string, unknown>, RegExp][] = [
    [
      'which head of the output was probably meant',
      { loss: { clas: crossEntropy, box: mseLoss } },
      /loss of the head 'clas' needs .* the model's output does not have; did you mean 'class'\? It has class, box/,
    ],
    [
      'which target was probably meant',
      { train: of({ x, y: { klass: y.class, box: y.box } }) },
      /the batch's y does not have; did you mean 'klass'\? It has klass, box/,
    ],
    [
      'which target has no loss',
      { loss: { class: crossEntropy } },
      /y has the head 'box', for which there is no loss\. There are class; .* null/,
    ],
    ['that no head has one', { loss: {} }, /the loss names no head/],
    [
      'that the output is one tensor',
      { model: single, train: of({ x: x.image, y }) },
      /needs the head 'class', but the model's output is one tensor \[4, 3\]; return an object/,
    ],
    [
      'that the targets are one tensor',
      { train: of({ x, y: y.class }) },
      /needs the head 'class', but the batch's y is one tensor \[4\]/,
    ],
    [
      'that one loss got several heads',
      { loss: crossEntropy },
      /the loss failed on the output { class: \[2, 3\], box: \[2, 2\] } .* by head: { class: …, box: … }/,
    ],
    [
      'that one metric got several heads',
      { metrics: { accuracy } },
      /the metric accuracy failed on .* { class: { name: … }, box: { name: … } }/,
    ],
    [
      'which head of a metric was meant',
      { metrics: { boxes: { mseLoss } } },
      /the metric boxes\/mseLoss needs the head 'boxes', .* did you mean 'box'\?/,
    ],
    [
      'at which head shapes differ',
      { loss: { class: mseLoss, box: mseLoss } },
      /the loss of the head 'class': mseLoss: prediction \[2, 3\] and target \[2\]/,
    ],
    [
      'which loss is no scalar',
      { loss: { class: crossEntropy, box: (output: Tensor) => output } },
      /the loss of the head 'box' gave \[2, 2\], not a scalar/,
    ],
    [
      'which loss is none',
      { loss: { class: 'crossEntropy', box: mseLoss } },
      /the loss of the head 'class' must be a function, .*got 'crossEntropy'|head 'class' must be a function of/,
    ],
    ['that a text is no loss', { loss: 'mse' }, /the loss must be a function .*got 'mse'/],
    ['which metric is none', { metrics: { class: { accuracy: 1 } } }, /the metric class\/accuracy must be/],
    [
      'which weight has no loss',
      { weights: { klass: 2 } },
      /weights names the head 'klass', .* did you mean 'class'\? There are class, box/,
    ],
    ['which weight is negative', { weights: { box: -1 } }, /the weight of the head 'box' .* got -1/],
    [
      'which weight is given twice',
      { loss: { class: crossEntropy, box: { loss: mseLoss, weight: 2 } }, weights: { box: 3 } },
      /weight of the head 'box' is given twice/,
    ],
    [
      'that one loss needs no weights',
      { loss: crossEntropy, weights: { class: 1 } },
      /the loss is one function/,
    ],
    [
      'which metric has the name of a loss',
      { metrics: { class: { loss: accuracy } } },
      /two metrics are named 'class\/loss'/,
    ],
    [
      'that forward takes one tensor',
      { model: single },
      /forward failed on x { image: \[2, 4\], meta: \[2, 2\] }\. .*forward\({ a, b }\) for an object.* linear: expected/,
    ],
    [
      'that a tuple is one argument',
      { model: new Spread(), train: of({ x: [x.image, x.meta], y: y.class }), loss: crossEntropy },
      /forward failed on x \(\[4, 4\], \[4, 2\]\)\. .*forward\(\[a, b\]\) for a tuple/,
    ],
    [
      'that forward takes several inputs',
      { train: of({ x: x.image, y }) },
      /forward failed on x \[4, 4\]\. It takes several inputs/,
    ],
    [
      'which input is shorter',
      { train: of({ x: { ...x, meta: zeros([3, 2]) }, y }) },
      /4 in x\/image \[4, 4\], 3 in x\/meta \[3, 2\]/,
    ],
    [
      'which target is longer',
      { train: of({ x, y: { ...y, box: zeros([5, 2]) } }) },
      /4 in x\/image \[4, 4\], 5 in y\/box \[5, 2\]/,
    ],
    [
      'what is no tensor',
      { train: of({ x: { ...x, meta: [1, 2] }, y }) },
      /x\/meta\/0 of the batch is 1, not a tensor/,
    ],
    ['that a batch has no x', { train: of({ ...x, ...y }) }, /x of the batch is undefined/],
  ];

  it.each(cases)('%s', async (_, change, message) => {
    const run = async (): Promise<void> => {
      const run = { ...options(), ...change } as AnyFitOptions;
      const optimizer = sgd(run.model.parameters(), { learningRate: 0.1 });
      for await (const _event of fit({ ...run, optimizer }));
    };
    const error = await run().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TrainingError);
    expect(error).toMatchObject({ kind: 'option', message: expect.stringMatching(message) });
    expect((error as Error).message).toMatch(/^fit: /);
  });

  it('nothing of its own where a model of one tensor makes a mistake', async () => {
    class Wrong extends Module {
      override forward(x: Tensor): Tensor {
        return (x as unknown as { nothing(): Tensor }).nothing();
      }
    }
    const one = dataLoader(tensorDataset([[1], [2]], [[1], [2]]));
    const run = collect({ ...options(), model: new Wrong(), loss: mseLoss, train: one } as AnyFitOptions);
    await expect(run).rejects.toThrow(TypeError);
  });
});

describe('validate and predict', () => {
  it('say the same', async () => {
    const model = new Net();
    const { train } = options();
    await expect(validate(model, train, { loss: { clas: crossEntropy } as never })).rejects.toThrow(
      /^validate: .*did you mean 'class'/,
    );
    await expect(predict(model, { ...x, meta: zeros([3, 2]) })).rejects.toThrow(/predict: .*3 in x\/meta/);
    await expect(predict(model, { image: x.image } as never)).rejects.toThrow(
      /predict: the model's forward failed/,
    );
    await expect(predict(model, x.image as never)).rejects.toThrow(/takes several inputs/);
    class Odd extends Module<[Inputs], unknown> {
      override forward({ image }: Inputs): unknown {
        return { image, name: 'a' };
      }
    }
    await expect(predict(new Odd(), x)).rejects.toThrow(/'name' of the model's output is 'a', not a tensor/);
  });

  it('give parts without a batch axis to every batch', async () => {
    class Scaled extends Module<[{ readonly x: Tensor; readonly by: Tensor }], Tensor> {
      override forward({ x, by }: { readonly x: Tensor; readonly by: Tensor }): Tensor {
        return x.mul(by);
      }
    }
    const answer = await predict(new Scaled(), { x: tensor([1, 2, 3]), by: tensor(2) }, { batchSize: 2 });
    expect(Array.from(await answer.data())).toEqual([2, 4, 6]);
  });
});

// What the compiler holds: a data set of { image, meta } gives a model whose forward takes that, and losses of its heads.
(): void => {
  const run = options();
  fit({
    ...run,
    loss: { class: (o, y) => crossEntropy(o, y), box: { loss: (o, y) => mseLoss(o, y), weight: 1 } },
  });
  fit({ ...run, loss: (o, y) => crossEntropy(o.class, y.class) });
  fit({
    ...run,
    metrics: { class: { accuracy, own: (o, y) => o.sum().add(y.sum()) }, all: (o) => o.box.sum() },
  });
  // @ts-expect-error: no such head
  fit({ ...run, loss: { clas: crossEntropy, box: mseLoss } });
  // @ts-expect-error: a head without a loss
  fit({ ...run, loss: { class: crossEntropy } });
  // @ts-expect-error: a loss of one tensor for a structure
  fit({ ...run, loss: crossEntropy });
  // @ts-expect-error: no such weight
  fit({ ...run, weights: { clas: 1 } });
  // @ts-expect-error: the metric of a head under the head's name
  fit({ ...run, metrics: { class: accuracy } });
  // @ts-expect-error: a model of one tensor
  fit({ ...run, model: single });
  // @ts-expect-error: data of one tensor
  fit({ ...run, train: dataLoader(tensorDataset([[1]], [[1]])) });
  // @ts-expect-error: an input is missing
  predict(run.model, { image: x.image });
};
