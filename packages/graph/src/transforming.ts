/**
 * Whether a transformation (`grad`, `jvp`, `vmap`, …) is running a function to see what it computes: a compiled function
 * inside is then part of it, and what must happen once for each step cannot happen.
 */

let running = 0;
let mapping = 0;

/** Runs a function that is being transformed. */
export function transforming<T>(work: () => T): T {
  running++;
  try {
    return work();
  } finally {
    running--;
  }
}

/** The same for `vmap`, whose tensors stand for one example and have no numbers. */
export function mappingOver<T>(work: () => T): T {
  mapping++;
  try {
    return transforming(work);
  } finally {
    mapping--;
  }
}

/** Whether a function is being transformed. */
export function isTransforming(): boolean {
  return running > 0;
}

/** Whether a function is being mapped over examples. */
export function isMapping(): boolean {
  return mapping > 0;
}
