/** Waiting for a device that computes while the program goes on. */
import { backend } from './runtime.ts';

/**
 * Resolves when the backend in use has done all that it was given; at once where running is computing. For clocks around
 * what a graphics processor does, and, every few steps, for loops that read nothing: whoever submits faster than the device
 * computes fills memory with what waits.
 *
 * @throws Error `AG_DEVICE_LOST` when the device went away
 */
export async function synchronize(): Promise<void> {
  await backend().idle?.();
}
