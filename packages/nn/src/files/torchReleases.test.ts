/** What `torch.save` of PyTorch 1.6 to 2.x wrote, in both formats: views, tied weights, half precision, optimizers. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as nn from '../index.ts';

interface Release {
  readonly zip: string;
  readonly legacy: string;
  readonly expected: Record<string, { readonly shape: number[]; readonly values: number[] }>;
}
const releases = Object.entries(
  JSON.parse(readFileSync(new URL('../../fixtures/torchReleases.json', import.meta.url), 'utf8')) as Record<
    string,
    Release
  >,
);

it('has releases from the first with archives to the newest', () => {
  expect(releases[0][0]).toBe('1.6.0');
  expect(releases.length).toBeGreaterThanOrEqual(6);
});

describe.each(releases)('PyTorch %s', (_, release) => {
  it.each(['zip', 'legacy'] as const)('%s', async (format) => {
    const { tensors, content } = await nn.loadTorch(Uint8Array.from(Buffer.from(release[format], 'base64')));
    expect(Object.keys(tensors)).toEqual(Object.keys(release.expected));
    for (const [name, { shape, values }] of Object.entries(release.expected)) {
      expect(tensors[name].shape, name).toEqual(shape);
      expect([...tensors[name].dataSync()].map(Number), name).toEqual(values);
    }
    // The weight that two layers share is there for both.
    expect(tensors['model.head.weight'].dataSync()).toEqual(tensors['model.embed.weight'].dataSync());
    expect(tensors['model.norm.num_batches_tracked'].dtype).toBe('int32');
    expect(content).toMatchObject({
      epoch: 7,
      best: Number.NEGATIVE_INFINITY,
      optimizer: { param_groups: [{ lr: 0.01, weight_decay: 0.5 }] },
      scheduler: { step_size: 3 },
    });
  });
});
