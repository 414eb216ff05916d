/** Models in one file: architecture, weights and texts come back, and nothing that is not ours is made of a file. */
import { manualSeed, ones, zeros } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from '../index.ts';
import { Net } from '../testModels.ts';

it('a model comes back whole, with its texts', async () => {
  manualSeed(3);
  const model = nn.sequential(nn.linear(3, 4, { weightInit: nn.init.zeros }), nn.tanh(), nn.linear(4, 2));
  const bytes = await nn.saveModel(model, { metadata: { preprocessing: '{"a":1}' } });
  const { model: again, metadata } = nn.loadModel(bytes);
  expect(metadata.preprocessing).toBe('{"a":1}');
  expect(again.toJSON()).toEqual(model.toJSON());
  for (const [name, value] of Object.entries(model.stateDict())) {
    expect(await again.stateDict()[name].toArray()).toEqual(await value.toArray());
  }
  // For other programs it is a file of weights like any other.
  expect([...nn.loadSafetensors(bytes).names].sort()).toEqual(['0.bias', '0.weight', '2.bias', '2.weight']);
});

it('says what it cannot describe, and what a file lacks', async () => {
  await expect(nn.saveModel(new Net())).rejects.toThrow(/saveModel: Net holds modules of its own/);
  expect(nn.architectureOf(nn.sequential(new Net() as unknown as nn.Module))).toBeNull();
  const weights = await nn.saveSafetensors({ w: ones([1]) });
  expect(() => nn.loadModel(weights)).toThrow('weights without an architecture');
  const file = (architecture: string, tensors = {}) =>
    nn.saveSafetensors(tensors, { metadata: { architecture } });
  for (const [text, message] of [
    ['{', 'the architecture is no JSON'],
    ['null', 'fromJSON: expected'],
    ['{"layer":"constructor","arguments":[]}', "'constructor' is no layer of this library"],
    ['{"layer":"linear","arguments":[2,1]}', '0.weight|weight'],
  ] as const) {
    await expect(async () => nn.loadModel(await file(text)), text).rejects.toThrow(new RegExp(message));
  }
  const fits = { weight: zeros([1, 2]), bias: zeros([1]) };
  const { model } = nn.loadModel(await file('{"layer":"linear","arguments":[2,1]}', fits));
  expect(model).toBeInstanceOf(nn.Linear);
});
