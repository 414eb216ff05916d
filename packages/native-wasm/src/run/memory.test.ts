import { describe, expect, it } from 'vitest';
import { LinearMemory } from './memory.ts';

const mebibyte = 2 ** 20;

describe('linear memory', () => {
  it('gives aligned, zeroed blocks that do not overlap', () => {
    const memory = new LinearMemory(false, 64 * mebibyte);
    const blocks = [1, 64, 100, 0, 4096].map((bytes) => memory.allocate(bytes));
    for (const block of blocks) expect(block.address % 64).toBe(0);
    blocks.forEach((block, i) => {
      if (i > 0) expect(block.address).toBeGreaterThanOrEqual(blocks[i - 1].address + blocks[i - 1].bytes);
    });
    memory.u8.fill(7, blocks[4].address, blocks[4].address + 4096);
    const { address } = blocks[4];
    memory.release(blocks[4]);
    const again = memory.allocate(4000);
    expect(again.address).toBe(address);
    expect(memory.u8.subarray(again.address, again.address + 4000).every((byte) => byte === 0)).toBe(true);
  });

  it('merges neighbors, whatever the order they are released in', () => {
    const memory = new LinearMemory(false, 64 * mebibyte);
    const whole = memory.allocate(300_000);
    const { address } = whole;
    memory.release(whole);
    for (const order of [[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1]]) {
      const parts = [1, 2, 3].map(() => memory.allocate(90_000));
      for (const i of order) memory.release(parts[i]);
      const again = memory.allocate(300_000);
      expect(again.address).toBe(address);
      memory.release(again);
    } // biome-ignore format: short
    expect(memory.held).toBe(0);
    expect(memory.peak).toBeGreaterThanOrEqual(300_000);
  });

  it('grows, and keeps its contents', () => {
    const memory = new LinearMemory(false, 64 * mebibyte);
    const small = memory.allocate(16);
    memory.f32[small.address / 4] = 42;
    const large = memory.allocate(20 * mebibyte);
    expect(memory.memory.buffer.byteLength).toBeGreaterThan(20 * mebibyte);
    expect(memory.f32[small.address / 4]).toBe(42);
    expect(memory.u8[large.address + 20 * mebibyte - 1]).toBe(0);
  });

  it.each([false, true])(
    'says what was asked and what is held when it cannot grow (shared: %s)',
    (shared) => {
      const memory = new LinearMemory(shared, 8 * mebibyte);
      memory.allocate(3 * mebibyte);
      expect(() => memory.allocate(6 * mebibyte)).toThrow(
        /cannot allocate 6\.0 MiB: 3\.0 MiB are held and at most 8\.0 MiB are possible.*maxMemory/,
      );
      expect(() => memory.allocate(2 ** 33)).toThrow(RangeError);
      expect(() => memory.allocate(Number.NaN)).toThrow(RangeError);
      // What fits still fits.
      expect(memory.allocate(4 * mebibyte).bytes).toBe(4 * mebibyte);
    },
  );

  it('refuses to release twice', () => {
    const memory = new LinearMemory(false, 8 * mebibyte);
    const block = memory.allocate(8);
    memory.release(block);
    expect(() => memory.release(block)).toThrow('released twice');
  });

  it('survives many random allocations', () => {
    const memory = new LinearMemory(false, 64 * mebibyte);
    const live: {
      address: number;
      bytes: number;
      mark: number;
      block: ReturnType<LinearMemory['allocate']>;
    }[] = [];
    let seed = 1;
    const random = () => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed / 2 ** 32;
    };
    for (let i = 0; i < 3000; i++) {
      if (live.length > 0 && random() < 0.5) {
        const [entry] = live.splice(Math.floor(random() * live.length), 1);
        const bytes = memory.u8.subarray(entry.address, entry.address + entry.bytes);
        expect(bytes.every((byte) => byte === entry.mark)).toBe(true);
        memory.release(entry.block);
      } else {
        const block = memory.allocate(Math.floor(random() * 5000));
        const entry = { address: block.address, bytes: block.bytes, mark: i % 251, block };
        memory.u8.fill(entry.mark, block.address, block.address + block.bytes);
        live.push(entry);
      }
    }
    for (const { block } of live) memory.release(block);
    expect(memory.held).toBe(0);
  });
});
