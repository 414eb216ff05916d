/**
 * Whether a transformation (`grad`, `jvp`, `vmap`, …) is tracing a function. A compiled function inside is then part
 * of it, and what must happen once for each step cannot happen.
 */
import { synchronous } from '@ag/tensor/engine';

let running = 0;
let mapping = 0;

/** Runs a function that is being transformed by `where`. @throws TypeError when it is async */
export function transforming<T>(where: string, work: () => T): T {
  running++;
  try {
    return synchronous(where, work());
  } finally {
    running--;
  }
}

/** The same for `vmap`, whose tensors stand for one example and have no numbers. */
export function mappingOver<T>(work: () => T): T {
  mapping++;
  try {
    return transforming('vmap', work);
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
