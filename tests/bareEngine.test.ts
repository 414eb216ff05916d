/**
 * Engines that offer the language and little else (embedded ones, worklets): no console, no clock but Date, no timers, no messages,
 * no finalization. The library trains there all the same, with the reference backend.
 */
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

/** What a new context of Node has beyond the language, or what small engines lack of that. */
const absent = ['console', 'performance', 'MessageChannel', 'setTimeout', 'setImmediate', 'FinalizationRegistry', 'WeakRef', 'WebAssembly', 'SharedArrayBuffer']; // biome-ignore format: a list

/** A program that imports our packages, run with nothing but the language; `result` is what it leaves. */
async function runBare(program: string): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents: `${program}`, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'ag',
    platform: 'neutral',
    conditions: ['@ag/source'],
    // Libraries for files are loaded when such a file is met.
    external: ['node:*', 'papaparse', 'pngjs', 'jpeg-js', '@zip.js/*'],
    logLevel: 'error',
  });
  const missing = absent.map((name) => `delete globalThis.${name};`).join(' ');
  const present = `(${JSON.stringify(absent)}).filter((name) => name in globalThis)`;
  const code = `${missing}\nif (${present}.length > 0) throw new Error(${present});\n${outputFiles[0].text}\nag.result`;
  // Strings, because objects of another context have prototypes of their own.
  return JSON.parse((await runInNewContext(code, {})) as string);
}

const network = `
  import { dataLoader, tensorDataset } from '@ag/datasets';
  import { linear, mseLoss, sequential, tanh } from '@ag/nn';
  import { sgd } from '@ag/optim';
  import { manualSeed } from '@ag/tensor';
  manualSeed(3);
  const points = Array.from({ length: 64 }, (_, i) => [i / 32 - 1]);
  const data = tensorDataset(points, points.map(([x]) => [2 * x]));
  const model = sequential(linear(1, 8), tanh(), linear(8, 1));
  const loader = dataLoader(data, { batchSize: 8, shuffle: true });
`;

describe('an engine with nothing but the language', () => {
  it('trains step by step on batches of a loader', async () => {
    const losses = (await runBare(`${network}
      import { backward } from '@ag/graph';
      const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
      export const result = (async () => {
        const losses = [];
        for (let epoch = 0; epoch < 8; epoch++) {
          for await (const { x, y } of loader) {
            const loss = mseLoss(model.forward(x), y);
            backward(loss);
            optimizer.step();
            losses.push(await loss.item());
          }
        }
        return JSON.stringify(losses);
      })();`)) as number[];
    expect(losses).toHaveLength(64);
    expect(losses[63]).toBeLessThan(losses[0] / 20);
  });

  it('trains by fit, whose events have times', async () => {
    const events = (await runBare(`${network}
      import { fit } from '@ag/train';
      const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
      export const result = (async () => {
        const events = [];
        for await (const event of fit({ model, optimizer, loss: mseLoss, train: loader, epochs: 3 })) events.push(event);
        return JSON.stringify(events);
      })();`)) as { type: string; seconds: number; loss?: number }[];
    const epochs = events.filter(({ type }) => type === 'epoch');
    expect(epochs).toHaveLength(3);
    expect(epochs[2].loss).toBeLessThan(epochs[0].loss!);
    for (const { seconds } of events) expect(seconds).toBeGreaterThanOrEqual(0);
  });

  it('imports everything that one install brings, and computes with it', async () => {
    const told = await runBare(`
      import { backend, datasets, grad, nn, tensor, viz, wasmSupport } from '@ag/all';
      export const result = (async () => {
        const slope = await grad((x) => x.square().sum())(tensor([3])).toArray();
        const { simd } = wasmSupport();
        return JSON.stringify([slope, backend().name, simd.reason, typeof viz.lineChart, typeof nn.lstm, datasets.xor().length]);
      })();`);
    expect(told).toEqual([[6], 'reference', 'this engine has no WebAssembly', 'function', 'function', 4]);
  });

  it('goes on where it would warn', async () => {
    // Of two variables one has no optimizer, which is said where there is a console.
    const moved = await runBare(`
      import { backward } from '@ag/graph';
      import { sgd } from '@ag/optim';
      import { tensor, Variable } from '@ag/tensor';
      const [a, b] = [new Variable(tensor([1])), new Variable(tensor([2]))];
      const optimizer = sgd([a], { learningRate: 0.5 });
      export const result = (async () => {
        backward(a.value.mul(b.value).sum());
        optimizer.step();
        return JSON.stringify([...(await a.value.data()), ...(await b.value.data())]);
      })();`);
    expect(moved).toEqual([0, 2]);
  });
});
