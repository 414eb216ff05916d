/** Which backend `best` takes, and what it says about it. */
import { laterBackend } from '@ag/tensor/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

let said: string[];
const say = (sentence: string) => said.push(sentence);
beforeEach(() => {
  said = [];
  vi.resetModules();
});
afterEach(() => vi.doUnmock('@ag/webgpu'));

/** A graphics processor, as far as `best` can tell. */
function pretend(parts: { software?: boolean } = {}) {
  const { software = false } = parts;
  const closed: string[] = [];
  const there = { available: true, reason: '' };
  vi.doMock('@ag/webgpu', () => ({
    webgpuSupport: async () => ({
      adapter: there,
      hardware: software ? { available: false, reason: 'this adapter is software' } : there,
      info: { vendor: 'acme', architecture: 'roadrunner', device: '', description: '' },
    }),
    webgpu: async () =>
      Object.assign(laterBackend({ name: 'webgpu' }), { close: () => closed.push('webgpu') }),
  }));
  return closed;
}

describe('best', () => {
  it('stays with WebAssembly where the work is not known, or is small', async () => {
    pretend();
    const ag = await import('./index.ts');
    expect((await ag.best({ say })).name).toBe('wasm');
    const small = ag
      .ones([32, 784])
      .matmul(ag.ones([784, 50]))
      .sigmoid();
    expect((await ag.best({ work: small, say })).name).toBe('wasm');
    expect(said[0]).toMatch(/^wasm computes: what there is to compute was not said/);
    // 2 · 32 · 784 · 50, by hand.
    expect(said[1]).toBe(
      'wasm computes: the largest kernel has 2.6 million operations, a graphics processor is worth it from about 50 million',
    );
  });

  it('takes a graphics processor for a kernel that is worth it, and computes nothing to find out', async () => {
    pretend();
    const ag = await import('./index.ts');
    const large = ag.ones([512, 512]).matmul(ag.ones([512, 512]));
    const chosen = await ag.best({ work: [large, large.sum()], say });
    expect(chosen.name).toBe('webgpu');
    expect(said).toEqual([
      'webgpu computes (acme roadrunner): the largest kernel has 268 million operations',
    ]);
    expect(chosen.stats().bytes).toBe(0);
  });

  it('says why there is none', async () => {
    const ag = await import('./index.ts');
    const large = ag.ones([512, 512]).matmul(ag.ones([512, 512]));
    expect((await ag.best({ work: large, say })).name).toBe('wasm');
    expect(said[0]).toMatch(/^wasm computes: this platform has no WebGPU: .*npm package webgpu/);
  });

  it('does not take software for a graphics processor', async () => {
    pretend({ software: true });
    const ag = await import('./index.ts');
    const large = ag.ones([512, 512]).matmul(ag.ones([512, 512]));
    expect((await ag.best({ work: large, say })).name).toBe('wasm');
    expect(said).toEqual(['wasm computes: this adapter is software']);
  });

  it.each(['wasm', 'webgpu'])('measures work that is a function: %s', async (quicker) => {
    const closed = pretend();
    const ag = await import('./index.ts');
    ag.use(ag.reference());
    const work = async () => {
      if (ag.backend().name !== quicker) await new Promise((resolve) => setTimeout(resolve, 200));
      await ag.ones([4, 4]).sum().item();
    };
    expect((await ag.best({ work, say })).name).toBe(quicker);
    expect(said[0]).toMatch(/computes: [\d.]+ ms by webgpu \(acme roadrunner\), [\d.]+ ms by wasm$/);
    expect(closed).toEqual(quicker === 'wasm' ? ['webgpu'] : []);
    expect(ag.backend().name).toBe('reference');
  });

  it('tells the console where nobody listens, and refuses what is no work', async () => {
    pretend();
    const info = vi.spyOn(console, 'info').mockImplementation(() => {});
    const ag = await import('./index.ts');
    await ag.best();
    expect(info.mock.calls[0][0]).toMatch(/^ag: wasm computes: /);
    info.mockRestore();
    await expect(ag.best({ work: 3 as never, say })).rejects.toThrow(
      'best: work must be tensors or a function',
    );
  });
});
