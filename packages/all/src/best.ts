/**
 * Which backend suits the work. A graphics processor multiplies large matrices many times faster than WebAssembly, but takes
 * tens of microseconds for each kernel, in which WebAssembly has done a small one: networks of a few thousand weights are
 * slower there. Where the work is given it is known from its plan, or measured; where it is not, WebAssembly computes.
 */
import { wasm, wasmSupport } from '@ag/native-wasm';
import { type Backend, backend, reference, synchronize, Tensor, use } from '@ag/tensor';
import { checkOptions, typeError, workloadOf } from '@ag/tensor/engine';
import type { GpuObject } from '@ag/webgpu';

/** What {@link best} goes by. */
export interface BestOptions {
  /**
   * The work. Tensors that were not read yet, such as the loss of a step: their plan is looked at, and nothing is computed.
   * Or a function that does it once, a training step for instance, and makes all that it uses by itself: it is run
   * on each backend and its time taken.
   */
  readonly work?: Tensor | readonly Tensor[] | (() => unknown);
  /** Where adapters come from, in Node the `GPU` object of npm `webgpu`. Default `navigator.gpu`. */
  readonly gpu?: GpuObject;
  /** Gets the sentence that says what was chosen and why. Default: the console. */
  readonly say?: (sentence: string) => void;
}

/**
 * Arithmetic operations of the largest kernel from which on a graphics processor is the better choice: at 100 GFLOP/s, of two
 * threads of WebAssembly, half a millisecond.
 */
const worthIt = 50e6;

/** Milliseconds over which a step is measured. */
const measured = 150;

/**
 * The backend that suits the work: WebGPU where there is a graphics processor and the work is large enough for it, else
 * WebAssembly, else the reference backend. It says which, and why.
 *
 * ```ts
 * const loss = nn.crossEntropy(model.forward(x), y);
 * use(await best({ work: loss }));
 * // ag: webgpu computes (NVIDIA RTX 4070): the largest kernel has 411 million operations
 * ```
 *
 * @throws TypeError for work that is neither tensors nor a function
 */
export async function best(options: BestOptions = {}): Promise<Backend> {
  checkOptions('best', options, 'work gpu say');
  const { work, say = (sentence: string) => console.info(`ag: ${sentence}`) } = options;
  const tensors = work instanceof Tensor ? [work] : work;
  if (tensors !== undefined && typeof tensors !== 'function' && !isTensors(tensors))
    throw typeError('best: work must be tensors or a function that does it once');
  const processor = async (reason: string): Promise<Backend> => {
    const { backend, missing } = await onProcessor();
    say(`${backend.name} computes: ${reason}${missing}`);
    return backend;
  };
  if (tensors === undefined) return processor('what there is to compute was not said, best({ work })');
  const largest = typeof tensors === 'function' ? null : workloadOf(tensors).largest;
  if (largest !== null && largest < worthIt) {
    const bound = `a graphics processor is worth it from about ${millions(worthIt)}`;
    return processor(`the largest kernel has ${millions(largest)} operations, ${bound}`);
  }
  const graphics = await onGraphics(options.gpu);
  if (typeof graphics === 'string') return processor(graphics);
  if (typeof tensors !== 'function') {
    say(`webgpu computes (${graphics.name}): the largest kernel has ${millions(largest ?? 0)} operations`);
    return graphics.backend;
  }
  const host = await onProcessor();
  const [there, here] = [await timeOn(graphics.backend, tensors), await timeOn(host.backend, tensors)];
  const chosen = there < here ? graphics.backend : host.backend;
  const times = `${there.toFixed(2)} ms by webgpu (${graphics.name}), ${here.toFixed(2)} ms by ${host.backend.name}`;
  say(`${chosen.name} computes: ${times}${host.missing}`);
  (there < here ? host : graphics).close();
  return chosen;
}

function isTensors(work: unknown): work is readonly Tensor[] {
  return Array.isArray(work) && work.every((each) => each instanceof Tensor);
}

/** A backend that was tried. */
interface Candidate {
  readonly backend: Backend;
  close(): void;
}

/** WebAssembly where it runs; `missing` says why it does not. */
async function onProcessor(): Promise<Candidate & { readonly missing: string }> {
  const { simd } = wasmSupport();
  if (!simd.available)
    return { backend: reference(), missing: `; there is no WebAssembly: ${simd.reason}`, close() {} };
  const backend = await wasm();
  return { backend, missing: '', close: () => backend.close() };
}

/** WebGPU on a real device, or why not. */
async function onGraphics(
  gpu: GpuObject | undefined,
): Promise<(Candidate & { readonly name: string }) | string> {
  const { webgpu, webgpuSupport } = await import('@ag/webgpu');
  const { adapter, hardware, info } = await webgpuSupport(gpu ? { gpu } : {});
  if (!adapter.available) return adapter.reason;
  if (!hardware.available) return hardware.reason;
  const name =
    info?.description || info?.device || [info?.vendor, info?.architecture].filter(Boolean).join(' ');
  const backend = await webgpu(gpu ? { gpu } : {});
  return { backend, name: name || 'a nameless adapter', close: () => backend.close() };
}

/** Milliseconds of one run of the work. What computed before computes again afterwards. */
async function timeOn(candidate: Backend, work: () => unknown): Promise<number> {
  const before = backend();
  use(candidate);
  try {
    const once = async (): Promise<void> => {
      await work();
      await synchronize();
    };
    // What is compiled is compiled now.
    for (let i = 0; i < 3; i++) await once();
    const began = performance.now();
    let runs = 0;
    do {
      await once();
      runs++;
    } while (performance.now() - began < measured);
    return (performance.now() - began) / runs;
  } finally {
    use(before);
  }
}

function millions(operations: number): string {
  const count = operations / 1e6;
  return `${count < 10 ? Math.ceil(count * 10) / 10 : Math.round(count)} million`;
}
