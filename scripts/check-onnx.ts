/**
 * Whether exports compute elsewhere what they compute here: every layer of `@ag/nn`, two hundred networks drawn at random and the recipes'
 * are exported, run in onnxruntime-web and imported again. Prints what differs, and as its last line how many passed and failed.
 *
 *   npm run ts -- scripts/check-onnx.ts                  all of it
 *   npm run ts -- scripts/check-onnx.ts --random 20      fewer random networks
 *   npm run ts -- scripts/check-onnx.ts --seconds 80     no more of them after that time
 *   npm run ts -- scripts/check-onnx.ts --write FOLDER   writes files, inputs and results, for packages/onnx/scripts/exports.py
 *
 * Skipped, with a line that says so, where onnxruntime-web cannot be fetched.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wasm } from '@ag/native-wasm';
import { loadOnnx } from '@ag/onnx';
import { silenceWarnings, Tensor, use } from '@ag/tensor';
import {
  digestOf,
  type ExportCase,
  fileOf,
  layerCases,
  randomCases,
  recipeCases,
} from '../tests/onnx/cases.ts';
import { peer } from './peers.mjs';

const { values } = parseArgs({
  options: {
    random: { type: 'string', default: '200' },
    seconds: { type: 'string', default: 'Infinity' },
    write: { type: 'string' },
  },
});
use(await wasm());
silenceWarnings('AG_CHANGING_PLANS');

/** What of onnxruntime-web is used. */
interface Runtime {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string };
  readonly Tensor: new (type: string, data: unknown, shape: readonly number[]) => object;
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<Session> };
}

interface Session {
  run(feeds: object): Promise<{
    readonly output: {
      readonly dims: readonly number[];
      readonly data: Float32Array | Int32Array | BigInt64Array;
    };
  }>;
  release(): Promise<void>;
}

const folder = values.write;
const runtime = folder === undefined ? await onnxruntime() : null;
if (folder !== undefined || runtime) await check();

async function onnxruntime(): Promise<Runtime | null> {
  const fetched = await peer('onnxruntime-web');
  if (fetched.reason !== undefined) {
    console.log(`exports are not run in onnxruntime: ${fetched.reason}`);
    console.log('0 passed, 0 failed');
    return null;
  }
  const loaded: Runtime = await fetched.load('onnxruntime-web');
  loaded.env.wasm.numThreads = 1;
  loaded.env.logLevel = 'error';
  return loaded;
}

async function check(): Promise<void> {
  const cases = [...layerCases(), ...recipeCases(), ...randomCases(Number(values.random))];
  const written: object[] = [];
  const start = performance.now();
  let passed = 0;
  let failed = 0;
  for (const [i, make] of cases.entries()) {
    if (performance.now() - start > Number(values.seconds) * 1000) {
      console.log(`${cases.length - i} random networks are left out: ${values.seconds} s have passed`);
      break;
    }
    const one = await make();
    try {
      const file = await fileOf(one);
      one.model.eval();
      const results = one.inputs.map((input) => resultOf(one.model.forward(input)));
      compareImport(one, file, results);
      if (runtime) await compareRuntime(runtime, one, file, results);
      else if (folder !== undefined) written.push(write(folder, `${i}.onnx`, one, file, results));
      passed++;
    } catch (error) {
      failed++;
      console.log(`${one.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (folder !== undefined) writeFileSync(join(folder, 'cases.json'), JSON.stringify(written));
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function resultOf(y: unknown): Tensor {
  if (y instanceof Tensor) return y;
  throw new Error('gives no tensor');
}

/** @throws Error where results differ by more than that part of the largest */
function compare(
  what: string,
  y: Tensor,
  shape: readonly number[],
  data: ArrayLike<number | bigint>,
  most: number,
): void {
  if (y.shape.join() !== shape.join()) throw new Error(`${what} gives [${shape}], not [${y.shape}]`);
  const own = y.dataSync();
  let largest = 1;
  let difference = 0;
  for (let i = 0; i < own.length; i++) {
    largest = Math.max(largest, Math.abs(own[i]));
    const apart = Math.abs(own[i] - Number(data[i]));
    if (!(apart <= difference)) difference = apart;
  }
  if (!(difference <= most * largest))
    throw new Error(`${what} differs by ${difference}, the largest being ${largest}`);
}

function compareImport({ inputs }: ExportCase, file: Uint8Array, results: readonly Tensor[]): void {
  const loaded = loadOnnx(file);
  inputs.forEach((input, i) => {
    const [y] = loaded.forward(input);
    compare('the import', results[i], y.shape, y.dataSync(), 1e-6);
  });
}

async function compareRuntime(
  { Tensor: RuntimeTensor, InferenceSession }: Runtime,
  { inputs }: ExportCase,
  file: Uint8Array,
  results: readonly Tensor[],
): Promise<void> {
  const session = await InferenceSession.create(file, { executionProviders: ['wasm'] });
  for (const [i, input] of inputs.entries()) {
    const x = new RuntimeTensor(input.dtype, input.dataSync(), input.shape);
    const { output } = await session.run({ x });
    compare('onnxruntime', results[i], output.dims, output.data, 1e-5);
  }
  await session.release();
}

/** A file, and its first input and result as raw elements beside it. */
function write(
  folder: string,
  name: string,
  one: ExportCase,
  file: Uint8Array,
  [y]: readonly Tensor[],
): object {
  mkdirSync(folder, { recursive: true });
  const [x] = one.inputs;
  writeFileSync(join(folder, name), file);
  for (const [kind, t] of [
    ['x', x],
    ['y', y],
  ] as const)
    writeFileSync(join(folder, `${name}.${kind}`), t.dataSync());
  const { name: title, opset } = one;
  return {
    name: title,
    opset,
    digest: digestOf(file),
    file: name,
    x: { dtype: x.dtype, shape: x.shape },
    y: { dtype: y.dtype, shape: y.shape },
  };
}
