/**
 * Real models beside onnxruntime-web, in one process: how far their results are apart, and how long a forward pass takes.
 *
 *   npm run ts -- packages/onnx/scripts/realModels.ts --onnxruntime FOLDER [--threads 2] [--seconds 1] [--differences] MODEL.onnx …
 *
 * FOLDER is that of the npm package onnxruntime-web. Both compute in WebAssembly with the same number of threads, and take turns, so
 * that the ratio holds on a busy machine. Weights that are all equal (in the nine models of the onnx package) are drawn instead.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { silenceWarnings, type Tensor, tensor, use } from '@ag/tensor';
import { loadOnnx } from '../src/index.ts';
import { type Feed, feedsFor, withDrawnWeights } from './realInputs.ts';

/** The part of onnxruntime-web that is used here. */
interface Runtime {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string };
  readonly Tensor: new (type: string, data: unknown, shape: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<Session>;
  };
}

interface RuntimeTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

interface Session {
  readonly outputNames: readonly string[];
  run(feeds: { readonly [name: string]: RuntimeTensor }): Promise<{ readonly [name: string]: RuntimeTensor }>;
  release(): Promise<void>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    onnxruntime: { type: 'string' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '1' },
    differences: { type: 'boolean', default: false },
  },
});
if (values.onnxruntime === undefined || positionals.length === 0)
  throw new Error('realModels: give --onnxruntime FOLDER and the files of models');

const runtime: Runtime = await import(pathToFileURL(join(values.onnxruntime, 'dist/ort.node.min.mjs')).href);
const threads = Number(values.threads);
runtime.env.wasm.numThreads = threads;
runtime.env.logLevel = 'fatal';
silenceWarnings('AG_CHANGING_PLANS');
const backend = await wasm({ threads });
use(backend);
await backend.startThreads();

function toRuntime({ type, shape, data }: Feed): RuntimeTensor {
  const own =
    type === 'int64'
      ? BigInt64Array.from(data, BigInt)
      : type === 'int32'
        ? Int32Array.from(data)
        : Float32Array.from(data);
  return new runtime.Tensor(type, own, shape);
}

const toTensor = ({ type, shape, data }: Feed): Tensor =>
  tensor([...data], { shape, dtype: type === 'float32' ? 'float32' : 'int32' });

/** The median of the times of two things that take turns, in milliseconds. */
async function medians(
  first: () => unknown,
  second: () => unknown,
  seconds: number,
): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  const start = performance.now();
  do {
    for (const [i, run] of [first, second].entries()) {
      const before = performance.now();
      await run();
      times[i].push(performance.now() - before);
    }
  } while (performance.now() - start < seconds * 1000 || times[0].length < 3);
  const [a, b] = times.map((list) => list.sort((x, y) => x - y)[list.length >> 1]);
  return [a, b];
}

let failed = 0;
for (const file of positionals) {
  const name = file.split('/').slice(-1)[0];
  try {
    const bytes = withDrawnWeights(new Uint8Array(readFileSync(file)), name);
    const session = await runtime.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
    const model = loadOnnx(bytes);
    const fed = feedsFor(name, model.inputs);
    const feeds = Object.fromEntries(Object.entries(fed).map(([key, feed]) => [key, toRuntime(feed)]));
    const inputs = model.inputs.map((input) => toTensor(fed[input.name]));
    const expected = await session.run(feeds);
    const results = model.forward(...inputs);
    let most = 0;
    let largest = 0;
    session.outputNames.forEach((output, i) => {
      const { dims, data } = expected[output];
      const own = results[i];
      if (own.shape.join() !== dims.join()) throw new Error(`${output} is [${own.shape}], not [${dims}]`);
      const elements = own.dataSync();
      for (let j = 0; j < data.length; j++) {
        most = Math.max(most, Math.abs(elements[j] - Number(data[j])));
        largest = Math.max(largest, Math.abs(Number(data[j])));
      }
    });
    let line = `${name}: ${most.toExponential(1)} from onnxruntime, largest ${largest.toExponential(1)}`;
    // Beyond 1 the differences are those of the size of the numbers.
    if (!(most <= 1e-5 * Math.max(1, largest))) {
      failed++;
      line += ' DIFFERS';
    }
    if (!values.differences) {
      // Whole numbers that choose a branch are part of what is compiled.
      const given = inputs.filter((x) => x.shape.length > 0 || x.dtype === 'float32');
      const forward = compile((...x: Tensor[]) => {
        const left = [...x];
        return model.forward(
          ...inputs.map((input) => (given.includes(input) ? (left.shift() ?? input) : input)),
        );
      });
      let run = (): unknown => forward(...given).map((y) => y.dataSync());
      let how = 'compiled';
      try {
        run();
      } catch (error) {
        if (process.env.WHY) console.log(String(error));
        how = 'not compiled';
        run = () => model.forward(...inputs).map((y) => y.dataSync());
      }
      const warm = performance.now();
      while (performance.now() - warm < 200) {
        await session.run(feeds);
        run();
      }
      const [theirs, ours] = await medians(() => session.run(feeds), run, Number(values.seconds));
      line += `; ${ours.toFixed(2)} ms ${how}, onnxruntime ${theirs.toFixed(2)} ms, ratio ${(ours / theirs).toFixed(2)}`;
    }
    await session.release();
    console.log(line);
  } catch (error) {
    failed++;
    console.log(`${name}: FAILED ${error instanceof Error ? error.message : error}`);
  }
}
console.log(`${positionals.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
