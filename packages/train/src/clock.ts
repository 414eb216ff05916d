/** Milliseconds since some moment: engines without `performance` have the time of day. */
export function now(): number {
  return globalThis.performance?.now() ?? Date.now();
}
