/**
 * Follows docs/adding-a-layer.md: a layer defined outside of the library trains, saves, loads and is summarized like a
 * built-in one. The page and this file must say the same.
 */
import { readFileSync } from 'node:fs';
import { backward, checkGradients } from '@ag/graph';
import { sgd } from '@ag/optim';
import { full, type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import {
  fromJSON,
  linear,
  loadSafetensors,
  Module,
  residual,
  saveSafetensors,
  sequential,
  summary,
} from './index.ts';

// The page begins here.
/** y = γ · x with one factor for each feature, `[..., features] → [..., features]`. */
class LayerScale extends Module {
  readonly features: number;
  readonly initial: number;
  /** [features] */
  readonly gamma: Variable;

  constructor(features: number, initial: number) {
    super();
    this.features = features;
    this.initial = initial;
    this.gamma = new Variable(full([features], initial), { name: 'gamma' });
  }

  override forward(x: Tensor): Tensor {
    if (x.shape.at(-1) !== this.features) {
      throw new RangeError(`layerScale: expects ${this.features} features, got [${x.shape.join(', ')}]`);
    }
    return x.mul(this.gamma.value);
  }

  override describe() {
    return ['layerScale', this.features, this.initial] as const;
  }
}

/**
 * A trained factor for each feature, `[..., features] → [..., features]` (Touvron et al. 2021).
 *
 * @param initial where the factors start, default 1e-4
 * @throws RangeError for an input with another number of features
 */
function layerScale(features: number, initial = 1e-4): LayerScale {
  return new LayerScale(features, initial);
}
// The page ends here.

const build = () => sequential(linear(4, 8), residual(sequential(linear(8, 8), layerScale(8))));
const x = tensor([[1, -2, 3, -4]]);

describe('the layer of docs/adding-a-layer.md', () => {
  it('is the one on the page', () => {
    const page = readFileSync(new URL('../../../docs/adding-a-layer.md', import.meta.url), 'utf8');
    const own = readFileSync(new URL(import.meta.url), 'utf8');
    const code = own.slice(own.indexOf('/** y = γ'), own.indexOf('// The page ends here.')).trim();
    expect(page).toContain(code);
  });

  it('computes and checks its input', async () => {
    expect(
      await layerScale(2, 3)
        .forward(tensor([[1, 2]]))
        .toArray(),
    ).toEqual([[3, 6]]);
    expect(() => layerScale(2).forward(tensor([1, 2, 3]))).toThrow('layerScale: expects 2 features, got [3]');
  });

  it('has gradients to the second order, by input and factor', () => {
    const layer = layerScale(3, 0.5);
    checkGradients((at) => layer.forward(at).tanh(), tensor([[0.1, -0.2, 0.3]], { dtype: 'float64' }));
    backward(layer.forward(tensor([[1, 2, 3]])).sum());
    expect([...layer.gamma.grad!.dataSync()]).toEqual([1, 2, 3]);
  });

  it('trains inside a model', () => {
    const model = build();
    const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
    backward(model.forward(x).square().sum());
    optimizer.step();
    const gamma = model.namedParameters().get('1.body.1.gamma')!;
    expect([...gamma.value.dataSync()].some((value) => value !== Math.fround(1e-4))).toBe(true);
  });

  it('is saved and loaded: architecture as JSON, weights as a file', async () => {
    const model = build();
    const text = JSON.stringify(model);
    expect(text).toContain('{"layer":"layerScale","arguments":[8,0.0001]}');
    const copy = fromJSON(JSON.parse(text), { layerScale }) as typeof model;
    const file = await saveSafetensors(model.stateDict());
    copy.loadStateDict(loadSafetensors(file).tensors);
    expect([...copy.forward(x).dataSync()]).toEqual([...model.forward(x).dataSync()]);
    expect(() => fromJSON(JSON.parse(text))).toThrow(
      'give its factory, fromJSON(description, { layerScale: … })',
    );
  });

  it('stands in the summary under its name', () => {
    const { rows } = summary(build(), [1, 4]);
    expect(rows.find(({ path }) => path === '1.body.1')).toMatchObject({
      layer: 'layerScale',
      outputShape: [1, 8],
      parameters: 8,
    });
  });
});
