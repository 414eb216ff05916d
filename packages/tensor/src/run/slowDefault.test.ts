/** Who has not chosen a backend hears once that the reference backend is slow, after much work. */
import { expect, it, vi } from 'vitest';
import type { Program } from '../kernel/kernel.ts';

const dims = (...sizes: number[]) => ({ launches: [{ dims: sizes }] }) as unknown as Program;

/** What is said while programs of these sizes run after a first tensor was read. */
async function saidOf(chosen: boolean, programs: readonly Program[]): Promise<string[]> {
  vi.resetModules();
  const { reference, use, tensor } = await import('../index.ts');
  const { noteSlowRun } = await import('./slowDefault.ts');
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  if (chosen) use(reference());
  await tensor([1, 2]).sum().data();
  for (const program of programs) noteSlowRun(program);
  const said = warn.mock.calls.map(([text]) => String(text));
  warn.mockRestore();
  return said;
}

it('says once what to write instead', async () => {
  const said = await saidOf(false, [dims(50_000, 50_000), dims(50_000, 50_000)]);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain("import { wasm } from '@ag/native-wasm';\n  use(await wasm());");
});

it('adds up what many small runs do', async () => {
  const step = dims(1000, 1000);
  expect(await saidOf(false, Array(1900).fill(step))).toEqual([]);
  expect(await saidOf(false, Array(2100).fill(step))).toHaveLength(1);
});

it('says nothing to those who have chosen it', async () => {
  expect(await saidOf(true, [dims(50_000, 50_000)])).toEqual([]);
});
