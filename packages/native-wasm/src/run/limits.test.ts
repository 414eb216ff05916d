/**
 * Memory at its limits: what cannot be had is an error that says what was asked and what is held, and changes nothing;
 * what nobody holds makes room first. Very large shapes are refused before anything is computed.
 */
import { compile } from '@ag/graph';
import {
  evaluate,
  full,
  key,
  normal,
  OutOfMemoryError,
  ones,
  reference,
  stats,
  type Tensor,
  tensor,
  use,
  Variable,
  zeros,
} from '@ag/tensor';
import { afterEach, describe, expect, it } from 'vitest';
import { type WasmBackend, wasm } from '../index.ts';
import { leaveOnlyHighMemory } from '../testing/highMemory.ts';

const mebibyte = 2 ** 20;
const open: WasmBackend[] = [];

async function backendOf(megabytes: number, threads = 1): Promise<WasmBackend> {
  const backend = await wasm({ threads, maxMemory: megabytes * mebibyte });
  open.push(backend);
  use(backend);
  return backend;
}
afterEach(() => {
  for (const backend of open.splice(0)) backend.close();
});

/** `count` float32 elements, each `value`, in host memory. */
const elements = (count: number, value = 1): Tensor =>
  tensor(new Float32Array(count).fill(value), { copy: false });

describe('what nobody holds makes room', () => {
  it('results that were never read', async () => {
    await backendOf(8);
    const results: Tensor[] = [];
    for (let i = 0; i < 32; i++) {
      const result = full([128, 1024], i).add(0.5);
      evaluate([result]);
      results.push(result);
    }
    // Half a mebibyte each: most had to move, all are still there.
    for (let i = 0; i < 32; i++) expect((await results[i].data())[1000]).toBe(i + 0.5);
  });

  it('plans that hold copies of host arrays', async () => {
    await backendOf(8);
    for (let i = 0; i < 40; i++) {
      const count = 250_000 + i;
      expect(await elements(count).add(1).sum().item()).toBe(2 * count);
    }
  });

  it('for compiled functions as well', async () => {
    await backendOf(8);
    const total = compile((x: Tensor) => x.mul(2).sum());
    const results = Array.from({ length: 12 }, (_, i) => full([128, 1024], i).add(0));
    evaluate(results);
    // Its own copy of the argument is 4 MB.
    expect(await (total(elements(1_000_000)) as Tensor).item()).toBe(2_000_000);
    expect((await results[3].data())[5]).toBe(3);
  });
});

describe('a plan whose variables are computed first, by plans of their own,', () => {
  const sumOfNew = (size: number): Tensor =>
    new Variable(full([size], 3).mul(ones([size]))).value.sum().add(ones([size]).mul(2).sum());

  it('stays when compiled functions hold more plans than there may be', async () => {
    await backendOf(64);
    const functions = Array.from({ length: 260 }, (_, i) => {
      const total = compile((x: Tensor) => x.sum());
      total(elements(i + 1));
      return total;
    });
    expect(sumOfNew(10).itemSync()).toBe(50);
    expect(functions[259](elements(260)).itemSync()).toBe(260);
  });

  it('stays when memory is exhausted, which is the error', async () => {
    await backendOf(12);
    // An idle plan, which makes room.
    expect(
      elements(2 ** 18)
        .mul(2)
        .cumsum()
        .sum()
        .itemSync(),
    ).toBeGreaterThan(0);
    const [a, b] = [1, 2].map((seed) => new Variable(normal([2 ** 20], { key: key(seed) })));
    const much = a.value.add(b.value).cumsum().flip().cumsum().sum();
    expect(() => much.itemSync()).toThrow(OutOfMemoryError);
  });
});

describe('what cannot be had', () => {
  it('is said with what was asked and what is held; everything works as before', async () => {
    await backendOf(8);
    const held = elements(500_000, 3).add(0);
    await held.keep();
    const weight = new Variable(tensor([1, 2, 3]));
    expect(await weight.value.mul(2).data()).toEqual(new Float32Array([2, 4, 6]));
    const before = stats().bytes;
    const large = elements(4_000_000).exp();
    await expect(large.data()).rejects.toThrow(OutOfMemoryError);
    await expect(large.data()).rejects.toThrow(
      /wasm: cannot allocate 15\.3 MiB: \d+\.\d MiB are held and at most 8\.0 MiB are possible.*maxMemory/,
    );
    await expect(large.data()).rejects.toThrow(RangeError);
    expect(stats().bytes).toBeLessThanOrEqual(before);
    expect(await weight.value.mul(2).data()).toEqual(new Float32Array([2, 4, 6]));
    expect((await held.data())[400_000]).toBe(3);
    expect(await elements(1000).sum().item()).toBe(1000);
  });

  it('leaves a variable as it was when its update fails', async () => {
    await backendOf(8);
    const weight = new Variable(elements(1_000_000, 5).reshape([1000, 1000]));
    expect(await weight.value.sum().item()).toBe(5_000_000);
    // Its second version and what is added to it: 8 MB more.
    const step = elements(1_000_000).reshape([1000, 1000]);
    expect(() => weight.assign(weight.value.add(step))).toThrow(OutOfMemoryError);
    expect(await weight.value.sum().item()).toBe(5_000_000);
    use(await wasm({ threads: 1 }));
    weight.assign(weight.value.add(step));
    expect(await weight.value.sum().item()).toBe(6_000_000);
  });

  it('loses the former value of a variable when it moves to where only one fits', async () => {
    use(reference());
    const weight = new Variable(elements(1_000_000));
    const former = weight.value.sum();
    weight.assign(weight.value.add(1));
    await backendOf(6);
    expect(weight.value.sum().itemSync()).toBe(2_000_000);
    expect(() => former.itemSync()).toThrow(/that value is gone/);
  });

  it.each([
    ['zeros', () => zeros([2 ** 31])],
    ['zeros, in two axes', () => zeros([2 ** 16, 2 ** 16])],
    ['broadcasting', () => zeros([2 ** 20, 1]).add(zeros([1, 2 ** 20]))],
    ['broadcasting, then a sum', () => zeros([2 ** 20, 1]).add(zeros([1, 2 ** 20])).sum()],
    ['matmul', () => zeros([2 ** 16, 1]).matmul(zeros([1, 2 ** 16]))],
    ['pad', () => zeros([2, 2]).pad([[0, 2 ** 30], [0, 2]])],
    ['broadcastTo', () => zeros([1, 2]).broadcastTo([2 ** 31, 2]).sum()],
  ] as [string, () => Tensor][])('2³¹ elements or more: %s', async (_name, make) => {
    await backendOf(64);
    const read = async (): Promise<unknown> => make().data();
    await expect(read()).rejects.toThrow(/has \d+ elements; at most 2147483647 are possible/);
    expect(await tensor([1, 2]).add(1).data()).toEqual(new Float32Array([2, 3]));
  }); // biome-ignore format: a table
});

describe('memory above 2 GiB', () => {
  it.each([1, 2])('is memory like any other, with %i threads', async (threads) => {
    const backend = await backendOf(4096, threads);
    await backend.startThreads();
    leaveOnlyHighMemory(backend);
    const x = tensor(Float32Array.from({ length: 100_000 }, (_, i) => i % 100));
    expect(await x.add(1).sum().item()).toBe(100_000 * 50.5);
    const square = x
      .slice(0, 10_000)
      .reshape([100, 100])
      .matmul(x.slice(0, 100).reshape([100, 1]));
    expect(await square.sum().item()).toBe(100 * 328_350);
    const index = tensor([0, 7], { dtype: 'int32' });
    expect(await tensor([1, 2, 3]).cast('float64').div(3).add(0.5).slice(2).sum().item()).toBe(1.5);
    await expect(tensor([1, 2, 3]).take(index).data()).rejects.toThrow(
      'index 7 does not exist on an axis of size 3',
    );
    expect(await tensor([3, 1, 2]).cumsum().data()).toEqual(new Float32Array([3, 4, 6]));
  });
});
