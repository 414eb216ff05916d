/** What bundlers leave out of a program, and what it does then. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const program = `
  import { tensor } from './packages/tensor/src/index.ts';
  export const sum = () => tensor([1, 2]).sum().itemSync();`;

/** The program as one module, for a page of which `define` says something. */
async function bundled(define: Record<string, string>): Promise<{ code: string; sum: () => number }> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    conditions: ['@ag/source'],
    define,
  });
  const code = outputFiles[0].text;
  return { code, ...(await import(`data:text/javascript,${encodeURIComponent(code)}`)) };
}

it('computes with the reference backend where nothing was selected, unless the bundle was told to leave it out', async () => {
  const whole = await bundled({});
  const lean = await bundled({ AG_REFERENCE: 'false' });
  expect(whole.sum()).toBe(3);
  expect(lean.sum).toThrow(/no backend is selected: call use\(await wasm\(\)\) first/);
  expect(lean.code.length).toBeLessThan(whole.code.length - 25_000);
});
