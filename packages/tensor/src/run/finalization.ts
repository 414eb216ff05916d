/**
 * Freeing device memory after the object that held it is gone. Engines without `FinalizationRegistry` (small embedded
 * ones) keep it until it is released by hand or the budget of unread results moves it: nothing breaks, memory grows.
 */

/** What is used of a `FinalizationRegistry`. */
export interface Finalizers<T> {
  register(owner: object, held: T, token?: object): void;
  unregister(token: object): void;
}

/** Calls `release` with what was registered, some time after its owner was collected. */
export function finalizersOf<T>(release: (held: T) => void): Finalizers<T> {
  if (typeof FinalizationRegistry !== 'undefined') return new FinalizationRegistry<T>(release);
  return { register() {}, unregister() {} };
}
