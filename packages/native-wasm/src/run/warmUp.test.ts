import { reference } from '@ag/tensor';
import * as engine from '@ag/tensor/engine';
import { expect, it, vi } from 'vitest';
import { WasmBackend, wasm } from '../index.ts';
import { typicalStep, whileIdle } from './warmUp.ts';

it('goes on whenever the program waits, until the end', async () => {
  const done: number[] = [];
  function* work(): Generator<void> {
    for (let i = 0; i < 3; i++) {
      done.push(i);
      // Longer than a turn may take.
      for (const start = performance.now(); performance.now() - start < 5; );
      yield;
    }
  }
  const all = whileIdle(work(), () => true);
  expect(done).toEqual([]);
  let turns = 0;
  const other = setInterval(() => turns++, 0);
  expect(await all).toBe(true);
  clearInterval(other);
  expect(done).toEqual([0, 1, 2]);
  expect(turns).toBeGreaterThan(0);
});

it('stops when it is wanted no more', async () => {
  let parts = 0;
  function* work(): Generator<void> {
    for (;;) {
      parts++;
      yield;
    }
  }
  expect(await whileIdle(work(), () => parts < 7)).toBe(false);
  expect(parts).toBe(7);
});

it('is a step of a network that a backend can compute', () => {
  const program = typicalStep(engine);
  const forms = new Set(program.launches.map(({ kernel }) => kernel.form));
  expect([...forms].sort()).toEqual(['contract', 'map', 'reduce']);
  const bindings = program.buffers.flatMap((buffer) =>
    buffer.kind === 'bound' ? [{ at: buffer.binding, data: new Float32Array(buffer.length).fill(0.5) }] : [],
  );
  const ordered = bindings.sort((a, b) => a.at - b.at).map(({ data }) => data);
  const backend = reference();
  backend.run(backend.prepare(program), ordered, new Float64Array(program.scalarCount));
  // The loss: sigmoid(64 · ¼ + ½) is 1 to seven digits, so each of 32 × 10 results is 48 · ½, and ½ was wanted.
  const losses = ordered.filter((data) => data.length === 1).map(([loss]) => loss);
  expect(losses).toContainEqual(expect.closeTo(320 * 23.5 ** 2, -1));
});

it('compiles and keeps nothing', async () => {
  const backend = new WasmBackend(
    { relaxedSimd: false, tallTiles: false, threads: 1, winograd: true },
    2 ** 24,
  );
  const before = backend.stats();
  const modules = vi.spyOn(WebAssembly, 'Module');
  await backend.warmUp();
  expect(modules).not.toHaveBeenCalled();
  modules.mockRestore();
  expect(backend.stats()).toEqual(before);
  expect(backend.runningThreads).toBe(1);
});

it('starts the threads of a program that waits', async () => {
  const backend = await wasm({ threads: 2 });
  await vi.waitFor(() => expect(backend.runningThreads).toBe(2), 5000);
  backend.close();
});
