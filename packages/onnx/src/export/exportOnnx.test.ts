/** What is exported comes back equal, for every layer. */
import { readFileSync } from 'node:fs';
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { apply, defineOp, map, s, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../import/model.ts';
import { inspectOnnx } from '../inspect.ts';
import { difference } from '../testing/difference.ts';
import { layerExamples } from '../testing/layers.ts';
import { exportOnnx } from './exportOnnx.ts';

describe('export and import', () => {
  it.each(layerExamples().map((example) => [example.name, example] as const))(
    '%s',
    async (_, { model, input, fixed }) => {
      const shape = input.shape.map((size, i) => (i === 0 && !fixed ? null : size));
      const x = placeholder(shape, { dtype: input.dtype });
      for (const opset of [17, 18, 21]) {
        const back = loadOnnx(await exportOnnx(model, { inputs: { x }, opset }));
        model.eval();
        const expected = model.forward(input) as Tensor;
        expect(difference(back.forward(input)[0], expected)).toBeLessThan(1e-6);
        model.train();
      }
    },
  );
});

/** What onnxruntime computes from the exports: scripts/exports.py, which also lets onnx.checker look at them. */
const fixture: {
  readonly results: {
    readonly [name: string]: { readonly shape: readonly number[]; readonly data: readonly number[] };
  };
} = JSON.parse(readFileSync(new URL('../../fixtures/onnxruntime.json', import.meta.url), 'utf8'));

it('gives what onnxruntime gives', () => {
  const examples = layerExamples();
  expect(examples.map(({ name }) => name).sort()).toEqual(Object.keys(fixture.results).sort());
  for (const { name, model, input } of examples) {
    const { shape, data } = fixture.results[name];
    const own = model.eval().forward(input) as Tensor;
    expect(difference(own, tensor([...data], { shape })), name).toBeLessThan(1e-5);
  }
});

describe('exportOnnx', () => {
  const model = nn.sequential(nn.linear(3, 4), nn.dropout(0.5), nn.tanh());

  it('keeps names of weights, and leaves the model as it was', async () => {
    model.train();
    const file = await exportOnnx(model, { inputs: { pixels: placeholder([null, 3]) }, outputs: ['scores'] });
    expect(model.training).toBe(true);
    const summary = inspectOnnx(file);
    expect(summary.inputs).toEqual([{ name: 'pixels', type: 'float32', shape: ['batch', 3] }]);
    expect(summary.outputs).toEqual([{ name: 'scores', type: 'float32', shape: ['batch', 4] }]);
    const back = loadOnnx(file);
    expect([...back.namedParameters().keys()].sort()).toEqual([...model.namedParameters().keys()].sort());
    back.loadStateDict(model.stateDict());
  });

  it('exports what was imported, equal', async () => {
    const inputs = { x: placeholder([null, 3]) };
    const once = loadOnnx(await exportOnnx(model, { inputs }));
    const twice = loadOnnx(await exportOnnx(once, { inputs }));
    const x = tensor([[1, 2, 3]]);
    expect([...twice.forward(x)[0].dataSync()]).toEqual([...once.forward(x)[0].dataSync()]);
  });

  it('writes operations of users from their expression, or by their rule', async () => {
    const cube = defineOp({ name: 'cube', type: ([x]) => x, lower: map(([x]) => s.mul(s.mul(x, x), x)) });
    class Cube extends nn.Module {
      forward(x: Tensor): Tensor {
        return apply(cube, [x]);
      }
    }
    const inputs = { x: placeholder([null]) };
    const plain = await exportOnnx(new Cube(), { inputs });
    expect(inspectOnnx(plain).operators).toEqual({ Identity: 1, Mul: 2 });
    expect([
      ...loadOnnx(plain)
        .forward(tensor([2, -3]))[0]
        .dataSync(),
    ]).toEqual([8, -27]);
    const byRule = await exportOnnx(new Cube(), {
      inputs,
      rules: new Map([
        [cube, (writer, node) => writer.add('Pow', [...writer.inputs(node), writer.number(3)])],
      ]),
    });
    expect(inspectOnnx(byRule).operators).toEqual({ Identity: 1, Pow: 1 });
  });

  it('refuses by name', async () => {
    class Products extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.cumprod();
      }
    }
    await expect(exportOnnx(new Products(), { inputs: { x: placeholder([2, 3]) } })).rejects.toThrow(
      /cumprod of \[2, 3\] float32 cannot be written/,
    );
    await expect(exportOnnx(model, { inputs: { x: placeholder([null, 3]) }, opset: 16 })).rejects.toThrow(
      /opset/,
    );
  });

  it('refuses what is no module', async () => {
    await expect(exportOnnx({} as nn.AnyModule, { inputs: {} })).rejects.toMatchObject({
      code: 'AG_ARGUMENT_TYPE',
    });
  });

  it('refuses names that would be of two things', async () => {
    const x = placeholder([null, 3]);
    const named = (inputs: string, outputs: string[]) =>
      exportOnnx(nn.linear(3, 4), { inputs: { [inputs]: x }, outputs });
    await expect(named('weight', ['y'])).rejects.toThrow(/'weight' is a weight too/);
    await expect(named('x', ['bias'])).rejects.toThrow(/'bias' is a weight too/);
    await expect(named('x', ['x'])).rejects.toThrow(/'x' names two inputs or outputs/);
    await expect(named('x', ['y', 'z'])).rejects.toThrow(/2 names, forward gives 1/);
  });

  it('writes what a recurrent class of somebody computes, not what it comes from', async () => {
    class Last extends nn.Gru {
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(2);
      }
    }
    const own = new Last(3, 2);
    const x = tensor([[[1, 2, 3]]]);
    const back = loadOnnx(await exportOnnx(own, { inputs: { x: placeholder([1, 1, 3]) } }));
    expect(difference(back.forward(x)[0], own.eval().forward(x))).toBeLessThan(1e-6);
  });
});
