/**
 * Damaged files of weights give an error with a code, or tensors no larger than they are; never a crash, a hang, or memory that
 * the file does not have. `test:full` tries 10,000 of each format.
 */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { generator, mutated } from '../../fixtures/mutate.ts';
import * as nn from '../index.ts';
import { readZip } from './zip.ts';
import { writeZip } from './zipWriter.ts';

const full = process.env.AG_TEST === 'full';
const count = full ? 10_000 : 150;
/** Those that found something: a member that begins before its archive. */
const found = [1023];

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), 'utf8'));
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
const releases: Record<string, { zip: string; legacy: string }> = fixture('torchReleases');
const state: Record<string, Tensor> = {
  'layers.0.weight': tensor([[1, 2, 3]]),
  count: tensor([7, 8], { dtype: 'int32' }),
  flags: tensor([true, false, true]),
  none: zeros([0, 4]),
  wide: tensor(0.5, { dtype: 'float64' }),
};

type Load = (bytes: Uint8Array) => Promise<readonly Tensor[]> | readonly Tensor[];
const tensorsOf = ({ tensors }: { readonly tensors: nn.StateDict }): Tensor[] => Object.values(tensors);
const ofTorch: Load = async (bytes) => tensorsOf(await nn.loadTorch(bytes));

/** Files, how to read them, and where damage goes: by default anywhere. */
interface Format {
  readonly files: () => Promise<readonly Uint8Array[]>;
  readonly load: Load;
  readonly damage?: (bytes: Uint8Array, draw: (limit: number) => number) => Promise<Uint8Array>;
}

/** Damages what lies in an archive and writes its checksums anew, so that readers of the inside see it. */
async function withinArchive(bytes: Uint8Array, draw: (limit: number) => number): Promise<Uint8Array> {
  const members = new Map<string, Uint8Array>();
  for await (const [name, content] of readZip(bytes, { operation: 'test' })) members.set(name, content);
  const names = [...members.keys()];
  const pickle = names.find((name) => name.endsWith('data.pkl'));
  const name = pickle && draw(4) > 0 ? pickle : names[draw(names.length)];
  const content = members.get(name) ?? new Uint8Array(0);
  members.set(name, mutated(content.length === 0 ? new Uint8Array(1) : content, draw));
  return writeZip(members);
}

const formats: Record<string, Format> = {
  'pt, archive': {
    files: async () => [bytesOf(releases['1.6.0'].zip), await nn.saveTorch(state)],
    load: ofTorch,
  },
  'pt, within the archive': {
    files: async () => Object.values(releases).map(({ zip }) => bytesOf(zip)),
    load: ofTorch,
    damage: withinArchive,
  },
  'pt, legacy': {
    files: async () => Object.values(releases).map(({ legacy }) => bytesOf(legacy)),
    load: ofTorch,
  },
  safetensors: {
    files: async () => [
      await nn.saveSafetensors(state, { metadata: { epoch: '3' } }),
      await nn.saveSafetensors(state, { floats: 'BF16' }),
    ],
    load: (bytes) => tensorsOf(nn.loadSafetensors(bytes)),
  },
  npy: {
    files: async () => Promise.all(Object.values(state).map((one) => nn.saveNpy(one))),
    load: (bytes) => [nn.loadNpy(bytes)],
  },
  npz: {
    files: async () => [
      await nn.saveNpz(state),
      ...Object.values(fixture('archives').archives as Record<string, string>).map(bytesOf),
    ],
    load: async (bytes) => Object.values(await nn.loadNpz(bytes, { maxBytes: 1e6 })),
  },
  'npz, within the archive': {
    files: async () => [await nn.saveNpz(state)],
    load: async (bytes) => Object.values(await nn.loadNpz(bytes, { maxBytes: 1e6 })),
    damage: withinArchive,
  },
  'index of several files': {
    files: async () => [
      (await nn.saveShardedSafetensors(state, { maxShardSize: 12 }))['model.safetensors.index.json'],
    ],
    load: async (bytes) =>
      tensorsOf(
        await nn.loadShardedSafetensors(bytes, await nn.saveShardedSafetensors(state, { maxShardSize: 12 })),
      ),
  },
};

describe.each(Object.entries(formats))('%s', (_, { files, load, damage }) => {
  // However busy the machine is: what is looked for are files that never end.
  it(`${count} of them`, { timeout: full ? 3_600_000 : 120_000 }, async () => {
    const bases = await files();
    // What compressed members may unpack to is limited apart.
    const most = (bytes: Uint8Array): number => 8 * bytes.length + 2 ** 20;
    let failed = 0;
    const before = process.memoryUsage.rss();
    for (const seed of new Set([...Array(count).keys(), ...found])) {
      const draw = generator(seed);
      const base = bases[draw(bases.length)];
      const bytes = damage ? await damage(base, draw) : mutated(base, draw);
      try {
        const tensors = await load(bytes);
        const made = tensors.reduce((sum, one) => sum + one.size * (one.dtype === 'float64' ? 8 : 4), 0);
        expect(made, `seed ${seed}`).toBeLessThan(most(bytes));
      } catch (error) {
        if (!(error instanceof Error) || !/^AG_FILE_FORMAT$/.test(String(Reflect.get(error, 'code'))))
          throw new Error(`seed ${seed}: an error without a code, or none about the file`, { cause: error });
        expect(error.message.length, `seed ${seed}`).toBeLessThan(1000);
        failed++;
      }
    }
    // Most damage is noticed; what hits a number or a name that nobody reads is not.
    expect(failed).toBeGreaterThan(count / 4);
    if (full) expect(process.memoryUsage.rss() - before).toBeLessThan(1e9);
  });
});

describe('a pickle that calls a program', () => {
  const { refused } = fixture('torchFiles') as { refused: Record<string, { zip: string; legacy: string }> };
  it.each(['zip', 'legacy'] as const)('is refused by name, %s', async (format) => {
    await expect(nn.loadTorch(bytesOf(refused.system[format]))).rejects.toThrow(/asks for posix\.system/);
  });
});
