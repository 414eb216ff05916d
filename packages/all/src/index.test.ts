/** One import brings everything, and WebAssembly computes without being asked. */
import { describe, expect, it, vi } from 'vitest';

describe('@ag/all', () => {
  it('chooses WebAssembly by itself, and only when something is computed', async () => {
    vi.resetModules();
    const ag = await import('./index.ts');
    expect(await ag.tensor([1, 2, 3]).square().sum().item()).toBe(14);
    expect(ag.backend().name).toBe('wasm');
  });

  it('leaves the choice to `use`', async () => {
    vi.resetModules();
    const ag = await import('./index.ts');
    ag.use(ag.reference());
    await ag.tensor([1, 2, 3]).sum().data();
    expect(ag.backend().name).toBe('reference');
  });

  it('says so where there is no WebAssembly, and computes', async () => {
    vi.resetModules();
    vi.doMock('@ag/native-wasm', async (original) => ({
      ...(await original<object>()),
      wasmSupport: () => ({ simd: { available: false, reason: 'this engine has no WebAssembly SIMD' } }),
    }));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const ag = await import('./index.ts');
    expect(await ag.tensor([1, 2, 3]).sum().item()).toBe(6);
    expect(ag.backend().name).toBe('reference');
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^ag: the reference backend computes, which is slow, because this engine has no WebAssembly SIMD \(.*index\.test\.ts:\d+:\d+\) \[AG_SLOW_BACKEND\]$/,
        ),
      ],
    ]);
    warn.mockRestore();
    vi.doUnmock('@ag/native-wasm');
  });

  it('has layers, optimizers, data and charts under names of their own', async () => {
    const { datasets, nn, optim, relu, tensor, viz } = await import('./index.ts');
    const data = datasets.xor();
    const model = nn.sequential(nn.linear(2, 4), nn.relu(), nn.linear(4, 1));
    const optimizer = optim.sgd(model.parameters(), { learningRate: 0.1 });
    expect([data.length, model.parameters().length, typeof optimizer.step]).toEqual([4, 4, 'function']);
    expect(await relu(tensor([-1, 2])).toArray()).toEqual([0, 2]);
    expect(viz.lineChart([{ name: 'loss', y: [3, 2, 1] }])).toContain('<svg');
  });
});
