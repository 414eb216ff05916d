/**
 * Every layer's `state_dict` goes to PyTorch and comes from there, strictly, under its names and under ours, and computes the
 * same.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { concat, Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { layerOf, pattern, stateCases, torchState } from '../../fixtures/stateDicts.ts';
import * as nn from '../index.ts';
import * as layers from '../layers.ts';

const read: readonly { name: string; sha256: string; said: string; output: number[] }[] = JSON.parse(
  readFileSync(new URL('../../fixtures/stateDictsRead.json', import.meta.url), 'utf8'),
).cases;

/** Attention to something else sees the input's own features, as many as it takes. */
function outputOf(layer: nn.Module, x: Tensor): Tensor {
  const part = (features: number): Tensor => concat([x, x], -1).slice(0, features, { axis: -1 });
  const other: nn.AnyModule = layer;
  if (other instanceof nn.CrossAttention) return other.forward(x, part(other.attention.keyWeight!.shape[1]));
  if (other instanceof nn.TransformerDecoder || other instanceof nn.TransformerDecoderLayer)
    return other.forward(x, x);
  if (other instanceof nn.MultiHeadAttention && other.keyWeight && other.valueWeight)
    return other.forward(x, { key: part(other.keyWeight.shape[1]), value: part(other.valueWeight.shape[1]) });
  // Cells give their state.
  const given: unknown = layer.forward(x);
  return given instanceof Tensor ? given : (given as nn.LstmCellState).hidden;
}

/** Layers that hold no weights of their own. */
const without = new Set([
  'residual',
  'sequential',
  'dropout',
  'dropout2d',
  'alphaDropout',
  'upsample',
  ...Object.keys(layers).filter((name) => /Pool\dd$/.test(name)),
]);

it('has every layer with weights', () => {
  const made = new Set(stateCases.map(({ call }) => call[0]));
  const missing = Object.entries(layers).filter(([name, make]) => {
    if (!/^[a-z]/.test(name) || without.has(name) || made.has(name)) return false;
    try {
      const layer: unknown = Reflect.apply(make, null, [4, 2, 2]);
      return layer instanceof nn.Module && Object.keys(layer.stateDict()).length > 0;
    } catch {
      return true;
    }
  });
  expect(missing.map(([name]) => name)).toEqual([]);
});

describe.each(stateCases.map((one, i) => [one.name, one, read[i]] as const))('%s', (name, one, theirs) => {
  const x = one.shape
    ? pattern(one.shape, 90, 1)
    : tensor(
        [
          [0, 4],
          [2, 1],
        ],
        { dtype: 'int32' },
      );
  const expectOutput = (layer: nn.Module): void => {
    const found = outputOf(layer, x).dataSync();
    expect(found.length).toBe(one.output.length);
    one.output.forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 9);
    });
  };

  it('comes from PyTorch', () => {
    expectOutput(layerOf(one).loadStateDict(torchState(one)));
  });

  it('comes under the names that it has here', () => {
    const layer = layerOf(one).loadStateDict(torchState(one));
    const state = layer.stateDict();
    expectOutput(layerOf(one).loadStateDict(state));
    const [first] = Object.keys(state);
    const { [first]: _, ...rest } = state;
    expect(() => layerOf(one).loadStateDict(rest)).toThrow(`missing: '${first}'`);
    expect(() => layerOf(one).loadStateDict({ ...state, other: state[first] })).toThrow("unknown: 'other'");
  });

  it('goes to PyTorch, which has loaded it strictly', async () => {
    const layer = layerOf(one).loadStateDict(torchState(one));
    const state = nn.torchStateDict(layer);
    expect(Object.keys(state).sort()).toEqual(Object.keys(one.state).sort());
    for (const [key, shape] of Object.entries(one.state)) expect(state[key].shape, key).toEqual(shape);
    expect(theirs.name).toBe(name);
    expect(theirs.said).toBe('<All keys matched successfully>');
    expect(theirs.output).toEqual(one.output);
    // Another hash: PyTorch must read it again, see stateDicts.py.
    const sha256 = createHash('sha256')
      .update(await nn.saveTorch(layer))
      .digest('hex');
    expect(sha256).toBe(theirs.sha256);
  });
});
