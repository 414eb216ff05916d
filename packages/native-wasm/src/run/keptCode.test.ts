/** Code kept between processes: used when it is whole and of this version, never needed, never in the way. */
import { type Tensor, tensor, use } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { wasm } from '../backend.ts';
import type { KernelStore } from './keptCode.ts';

class Shelf implements KernelStore {
  readonly contents = new Map<string, Uint8Array>();
  saved = 0;
  found = 0;

  load(name: string): Uint8Array | null {
    const content = this.contents.get(name) ?? null;
    if (content) this.found++;
    return content;
  }

  save(name: string, content: Uint8Array): void {
    this.saved++;
    this.contents.set(name, content);
  }
}

const numbers = (length: number) => Float32Array.from({ length }, (_, i) => ((i * 37) % 101) / 10 - 5);

/** Products, a reduction, and a remainder, which is a function of the host. */
function computation(): Tensor {
  const x = tensor(numbers(50 * 30), { shape: [50, 30] });
  const remainder = tensor(Float64Array.from(numbers(30)), { dtype: 'float64' })
    .mod(1.7)
    .cast('float32');
  return x.matmul(x.transpose()).sigmoid().matmul(x).add(remainder).sum(1);
}

async function compute(kernelStore: KernelStore | undefined, threads = 1): Promise<Float32Array> {
  const backend = await wasm(kernelStore ? { threads, kernelStore } : { threads });
  use(backend);
  if (threads > 1) await backend.startThreads();
  try {
    return computation().dataSync() as Float32Array;
  } finally {
    backend.close();
  }
}

describe('kept code', () => {
  it('is saved once and found by the next backend, which computes the same bits', async () => {
    const shelf = new Shelf();
    const plain = await compute(undefined);
    expect(await compute(shelf)).toEqual(plain);
    const { saved } = shelf;
    expect(saved).toBeGreaterThan(0);
    expect(shelf.found).toBe(0);
    expect(await compute(shelf)).toEqual(plain);
    expect(shelf.saved).toBe(saved);
    expect(shelf.found).toBe(saved);
  });

  it('is not shared by backends whose code differs', async () => {
    const shelf = new Shelf();
    await compute(shelf);
    await compute(shelf, 2);
    expect(shelf.found).toBe(0);
    await compute(shelf, 2);
    expect(shelf.found).toBeGreaterThan(0);
  });

  it.each([
    ['cut off', (content: Uint8Array) => content.subarray(0, content.length - 3)],
    ['empty', () => new Uint8Array(0)],
    [
      'of one other bit',
      (content: Uint8Array) => content.map((byte, i) => (i === content.length - 9 ? byte ^ 4 : byte)),
    ],
    ['of something else', (content: Uint8Array) => content.map(() => 65)],
  ])('that is %s is written anew', async (_, damage) => {
    const shelf = new Shelf();
    const plain = await compute(shelf);
    const { saved } = shelf;
    for (const [name, content] of shelf.contents) shelf.contents.set(name, damage(content));
    expect(await compute(shelf)).toEqual(plain);
    expect(shelf.saved).toBe(2 * saved);
  });

  it('found under the name of other code is not used', async () => {
    const shelf = new Shelf();
    const plain = await compute(shelf);
    const [first] = shelf.contents.values();
    use(await wasm({ threads: 1, kernelStore: { load: () => first, save: () => {} } }));
    expect(tensor(numbers(30)).exp().sum().dataSync()).toHaveLength(1);
    expect(await compute({ load: () => first, save: () => {} })).toEqual(plain);
  });

  it('is no matter where the store fails', async () => {
    const fail = () => {
      throw new Error('no space left');
    };
    expect(await compute({ load: fail, save: fail })).toEqual(await compute(undefined));
  });
});
