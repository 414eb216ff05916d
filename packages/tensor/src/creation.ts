/**
 * Watching nodes being made: development tools (anomaly detection, module paths) listen here while they work.
 * Without a listener this costs one comparison for each node.
 */
import type { Tensor } from './tensor.ts';

type Listener = (tensor: Tensor) => void;

let listener: Listener | null = null;

/** Called by every new tensor. @internal */
export function noteCreation(tensor: Tensor): void {
  if (listener !== null) listener(tensor);
}

/** Listens to new tensors while `work` runs, in addition to who listened before. @internal */
export function watchCreation<T>(watch: Listener, work: () => T): T {
  const outer = listener;
  listener = outer
    ? (tensor) => {
        outer(tensor);
        watch(tensor);
      }
    : watch;
  try {
    return work();
  } finally {
    listener = outer;
  }
}
