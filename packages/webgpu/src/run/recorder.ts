/** Commands of one run: as few submissions as what waits for the host allows. */
import type { Counters } from '../queue/counters.ts';

export class Recorder {
  readonly #device: GPUDevice;
  readonly #counters: Counters;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;

  constructor(device: GPUDevice, counters: Counters) {
    this.#device = device;
    this.#counters = counters;
  }

  /** The pass that dispatches go to. */
  pass(): GPUComputePassEncoder {
    this.#encoder ??= this.#device.createCommandEncoder();
    this.#pass ??= this.#encoder.beginComputePass();
    return this.#pass;
  }

  /** The encoder, for copies: between passes. */
  between(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    this.#encoder ??= this.#device.createCommandEncoder();
    return this.#encoder;
  }

  /** Submits what was recorded. Writes of the queue made before come first. */
  submit(): void {
    if (this.#encoder === null) return;
    const encoder = this.between();
    this.#encoder = null;
    this.#device.queue.submit([encoder.finish()]);
    this.#counters.submits++;
  }
}
