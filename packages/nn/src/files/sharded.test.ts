/** Weights in several files: written as Hugging Face has them, read back, and refused where the index is wrong. */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../index.ts';

const fixture = JSON.parse(readFileSync(new URL('../../fixtures/sharded.json', import.meta.url), 'utf8')) as {
  files: Record<string, string>;
  names: string[];
  sums: Record<string, number>;
  written: { said: string };
};
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const model = () => nn.sequential(nn.linear(3, 4), nn.batchNorm1d(4), nn.linear(4, 2));
const bits = (state: nn.StateDict): [string, number[]][] =>
  Object.entries(state).map(([name, t]) => [name, [...new Uint8Array(t.dataSync().slice().buffer)]]);

describe('saveShardedSafetensors', () => {
  it('writes what fits into each file, and an index', async () => {
    const state = model().stateDict();
    const files = await nn.saveShardedSafetensors(state, { maxShardSize: 64, metadata: { format: 'pt' } });
    // 48 and 16 bytes; four times 16; 32 and 8.
    const map = JSON.parse(text(files['model.safetensors.index.json']));
    expect(map.metadata).toEqual({ total_size: 48 + 16 + 4 * 16 + 32 + 8 });
    const file = (i: number) => `model-0000${i}-of-00003.safetensors`;
    expect(map.weight_map).toEqual({
      '0.weight': file(1),
      '0.bias': file(1),
      '1.weight': file(2),
      '1.bias': file(2),
      '1.runningMean': file(2),
      '1.runningVariance': file(2),
      '2.weight': file(3),
      '2.bias': file(3),
    });
    expect(nn.loadSafetensors(files[file(2)]).names).toHaveLength(4);
    const loaded = await nn.loadShardedSafetensors(files['model.safetensors.index.json'], files);
    expect(Object.fromEntries(bits(loaded.tensors))).toEqual(Object.fromEntries(bits(state)));
    expect(loaded.metadata).toEqual({ format: 'pt' });
    model().loadStateDict(loaded.tensors);
  });

  it('one file where that is enough, and one for a tensor that is too large', async () => {
    expect(Object.keys(await nn.saveShardedSafetensors(model().stateDict()))).toEqual(['model.safetensors']);
    const names = Object.keys(await nn.saveShardedSafetensors(model().stateDict(), { maxShardSize: 1 }));
    expect(names).toHaveLength(9);
  });

  it("with PyTorch's names, half as many bytes", async () => {
    const files = await nn.saveShardedSafetensors(model().stateDict(), {
      names: 'pytorch',
      floats: 'F16',
      maxShardSize: 64,
    });
    const index = text(files['model.safetensors.index.json']);
    expect(Object.keys(JSON.parse(index).weight_map)).toContain('1.num_batches_tracked');
    const { tensors } = await nn.loadShardedSafetensors(index, async (file) => files[file]);
    model().loadStateDict(tensors);
  });
});

describe('saveSafetensors', () => {
  it("takes PyTorch's names from what stateDict gave", async () => {
    const { names } = nn.loadSafetensors(
      await nn.saveSafetensors(nn.gru(2, 3).stateDict(), { names: 'pytorch' }),
    );
    expect([...names].sort()).toEqual(['bias_hh_l0', 'bias_ih_l0', 'weight_hh_l0', 'weight_ih_l0']);
    await expect(nn.saveSafetensors({ a: tensor([1]) }, { names: 'pytorch' })).rejects.toThrow(
      /saveSafetensors: \{ names: 'pytorch' \} needs what model\.stateDict\(\) gave/,
    );
    await expect(nn.saveSafetensors({}, { names: 'torch' as 'own' })).rejects.toThrow(
      /names must be 'own' or 'pytorch'/,
    );
  });
});

describe('loadShardedSafetensors', () => {
  it('reads what huggingface_hub wrote', async () => {
    const { files } = fixture;
    const loaded = await nn.loadShardedSafetensors(
      text(bytesOf(files['model.safetensors.index.json'])),
      async (file) => bytesOf(files[file]),
    );
    expect([...loaded.names].sort()).toEqual([...fixture.names].sort());
    for (const [name, sum] of Object.entries(fixture.sums))
      expect(loaded.tensors[name].sum().itemSync(), name).toBeCloseTo(sum, 4);
    expect(fixture.written.said).toBe('<All keys matched successfully>');
  });

  const one: Record<string, Tensor> = { a: tensor([1]), b: tensor([2]) };
  const index = (map: unknown): string => JSON.stringify({ metadata: {}, weight_map: map });
  it.each<[string, string, RegExp]>([
    ['no JSON', '{', /the index is no JSON/],
    ['a list', '[]', /no 'weight_map'/],
    ['a list within', index(['x']), /no 'weight_map'/],
    ['a path', index({ a: '../x.safetensors' }), /'\.\.\/x\.safetensors', which is no name/],
    ['another path', index({ a: 'c:\\x.safetensors' }), /which is no name/],
    ['a number', index({ a: 3 }), /in '3', which is no name/],
    [
      'a file that is not there',
      index({ a: 'y.safetensors' }),
      /names 'y\.safetensors', which was not given/,
    ],
    ['one that all objects have', index({ a: 'constructor.safetensors' }), /was not given/],
    ['another tensor', index({ c: 'x.safetensors' }), /does not hold 'c', which the index places there/],
    [
      'one that is left out',
      index({ a: 'x.safetensors' }),
      /holds 'b', which the index does not place there/,
    ],
    ['damage', index({ a: 'z.safetensors' }), /'z\.safetensors': loadSafetensors: the file has 1 bytes/],
    ['a name twice', '{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}', /'a' stands twice/],
  ])('refuses %s', async (_, given, message) => {
    const files = { 'x.safetensors': await nn.saveSafetensors(one), 'z.safetensors': Uint8Array.of(1) };
    await expect(nn.loadShardedSafetensors(given, files)).rejects.toThrow(message);
  });

  it('an empty index is an empty state', async () => {
    expect((await nn.loadShardedSafetensors(index({}), {})).names).toEqual([]);
  });
});
