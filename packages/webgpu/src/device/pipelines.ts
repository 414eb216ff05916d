/** Pipelines, made asynchronously and kept by their text: programs that need the same kernel share one. */
import { codedError } from '@ag/tensor/engine';

/** A pipeline that is being made or is there. */
export interface Pipeline {
  readonly layout: GPUBindGroupLayout;
  /** Null until it is made. */
  ready: GPUComputePipeline | null;
  /** Resolves when it is there; rejects when the device refuses its text. */
  readonly promise: Promise<GPUComputePipeline>;
}

/** Pipelines kept; those that were not used for longest go first. Programs hold on to their own. */
const most = 4096;

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #known = new Map<string, Pipeline>();
  readonly #layouts = new Map<
    string,
    { readonly group: GPUBindGroupLayout; readonly pipeline: GPUPipelineLayout }
  >();
  /** Pipelines made so far. */
  made = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The pipeline of a text whose storage bindings are `written` or only read. */
  get(code: string, written: readonly boolean[], label: string): Pipeline {
    const known = this.#known.get(code);
    if (known !== undefined) {
      this.#known.delete(code);
      this.#known.set(code, known);
      return known;
    }
    const { group, pipeline: layout } = this.#layout(written);
    // What is wrong with the text is said by the pipeline.
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ code, label });
    this.#device.popErrorScope().catch(() => {});
    const promise = this.#device
      .createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main' }, label })
      .catch(async (error: unknown) => {
        const info = await module.getCompilationInfo().catch(() => null);
        const messages = (info?.messages ?? [])
          .filter(({ type }) => type === 'error')
          .map(({ lineNum, message }) => `line ${lineNum}: ${message}`);
        throw codedError(
          Error,
          'AG_BACKEND_FAILED',
          `webgpu: the device refused the kernel of '${label}': ${error instanceof Error ? error.message : String(error)}${messages.length > 0 ? `\n${messages.join('\n')}\n${code}` : ''}`,
          { cause: error },
        );
      });
    const made: Pipeline = { layout: group, ready: null, promise };
    promise.then(
      (ready) => {
        made.ready = ready;
      },
      () => {
        // Another program may try again.
        this.#known.delete(code);
      },
    );
    this.made++;
    if (this.#known.size >= most) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(code, made);
    return made;
  }

  #layout(written: readonly boolean[]): {
    readonly group: GPUBindGroupLayout;
    readonly pipeline: GPUPipelineLayout;
  } {
    const key = written.map((one) => (one ? 'w' : 'r')).join('');
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const entries: GPUBindGroupLayoutEntry[] = [
        { binding: 0, visibility: 4, buffer: { type: 'uniform', hasDynamicOffset: true } },
        ...written.map(
          (one, i): GPUBindGroupLayoutEntry => ({
            binding: i + 1,
            visibility: 4,
            buffer: { type: one ? 'storage' : 'read-only-storage' },
          }),
        ),
      ];
      const group = this.#device.createBindGroupLayout({ entries });
      layout = { group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
