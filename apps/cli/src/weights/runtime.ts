/** onnxruntime, where somebody has installed it: nothing here depends on it. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Tensor } from '@ag/tensor';

/** What runs ONNX files beside this library. */
export interface Runtime {
  readonly name: string;
  /** The outputs of a model, by name. */
  run(
    model: Uint8Array,
    inputs: Readonly<Record<string, Tensor>>,
  ): Promise<Readonly<Record<string, ArrayLike<number>>>>;
}

/** The part of onnxruntime's interface that is used. */
interface Module {
  readonly env?: { readonly wasm?: { numThreads?: number } };
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<{
      run(feeds: object): Promise<Readonly<Record<string, { readonly data: ArrayLike<number | bigint> }>>>;
      release?(): Promise<void>;
    }>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => object;
}

/** onnxruntime of the folder that the command runs in, or of the one that it is installed in; null where there is none. */
export async function findRuntime(): Promise<Runtime | null> {
  for (const name of ['onnxruntime-node', 'onnxruntime-web']) {
    for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
      let path: string;
      try {
        path = createRequire(from).resolve(name);
      } catch {
        continue;
      }
      const loaded = (await import(pathToFileURL(path).href)) as Module & { readonly default?: Module };
      return runtimeOf(name, loaded.default ?? loaded);
    }
  }
  return null;
}

function runtimeOf(name: string, runtime: Module): Runtime {
  return {
    name,
    async run(model, inputs) {
      // Threads would keep the process alive.
      if (runtime.env?.wasm) runtime.env.wasm.numThreads = 1;
      const session = await runtime.InferenceSession.create(model);
      const feeds: [string, object][] = [];
      for (const [key, value] of Object.entries(inputs)) {
        feeds.push([key, new runtime.Tensor(value.dtype, await value.data(), value.shape)]);
      }
      const results = await session.run(Object.fromEntries(feeds));
      await session.release?.();
      return Object.fromEntries(
        Object.entries(results).map(([key, { data }]) => [
          key,
          Float64Array.from(data as ArrayLike<number>, Number),
        ]),
      );
    },
  };
}
