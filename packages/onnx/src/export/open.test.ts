/** Sizes that stay open in files: batch, length, and products of both. */
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { manualSeed, normal, type Tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../import/model.ts';
import { inspectOnnx } from '../inspect.ts';
import { difference } from '../testing/difference.ts';
import { openExamples } from '../testing/open.ts';
import { exportOnnx } from './exportOnnx.ts';

describe('several open sizes', () => {
  it.each(openExamples().map((example) => [example.name, example] as const))(
    '%s',
    async (_, { model, sizes, dtype, inputs }) => {
      const x = placeholder(sizes, { dtype });
      const file = await exportOnnx(model, { inputs: { x } });
      expect(inspectOnnx(file).inputs[0].shape).toEqual(
        sizes.map((size, i) => (size === null && i === 0 ? 'batch' : size)),
      );
      const loaded = loadOnnx(file);
      model.eval();
      for (const input of inputs) {
        const expected = model.forward(input) as Tensor;
        expect(difference(loaded.forward(input)[0], expected)).toBeLessThan(1e-5);
      }
    },
  );

  it('names open sizes of outputs, and products of them', async () => {
    class Rows extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.flatten(0, 1).mul(2);
      }
    }
    const file = await exportOnnx(new Rows(), { inputs: { x: placeholder(['batch', 'length', 3]) } });
    expect(inspectOnnx(file).outputs[0].shape).toEqual(['batch*length', 3]);
    const unnamed = await exportOnnx(nn.relu(), { inputs: { x: placeholder([null, null, 3]) } });
    expect(inspectOnnx(unnamed).outputs[0].shape).toEqual(['batch', null, 3]);
  });

  it('says where an open size has to be known', async () => {
    const sequence = placeholder([null, 2, 'length'], { name: 'x' });
    await expect(exportOnnx(nn.conv1d(2, 3, 3), { inputs: { x: sequence } })).rejects.toThrow(
      /conv1d: size 2 of \[any, 2, length\] is open until the placeholder is fed/,
    );
  });

  it('exports an imported recurrent network with its length open again', async () => {
    manualSeed(2);
    const model = nn.lstm(3, 4, { bidirectional: true });
    const x = placeholder(['batch', 'length', 3]);
    const loaded = loadOnnx(await exportOnnx(model, { inputs: { x } }));
    const again = loadOnnx(await exportOnnx(loaded, { inputs: { x } }));
    for (const length of [1, 7]) {
      const input = normal([2, length, 3]);
      expect(difference(again.forward(input)[0], model.eval().forward(input))).toBeLessThan(1e-6);
    }
  });
});
