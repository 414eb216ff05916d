import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { wasm, wasmSupport } from '../index.ts';
import { fusesProducts, knowsRelaxedSimd, productAndSum } from './support.ts';

// Node 20 has relaxed SIMD behind a flag, which may be set while running.
if (!knowsRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

describe('relaxed SIMD', () => {
  it('rounds after compiling for speed as it does at the start', () => {
    const f = productAndSum();
    const epsilon = 2 ** -12;
    const results = new Set<number>();
    for (let i = 0; i < 300_000; i++) results.add(f(1 + epsilon, -(1 + 2 * epsilon)));
    // Either a rounded product, of which nothing is left, or a single rounding.
    expect([...results]).toEqual([fusesProducts() ? epsilon ** 2 : 0]);
  });

  it('is what the backend says that its arithmetic is', async () => {
    const backend = await wasm({ threads: 1 });
    expect(backend.arithmetic).toBe(fusesProducts() ? 'fused' : 'separate');
    expect(wasmSupport().relaxedSimd.available).toBe(fusesProducts());
    backend.close();
  });
});
