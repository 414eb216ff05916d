/**
 * Which backend computes.
 */
import type { Backend } from '../kernel/backend.ts';
import { reference } from '../reference/index.ts';

let selected: Backend | null = null;

/**
 * Selects the backend that computes from now on. Variables move to it when they are next used.
 *
 * ```ts
 * use(await wasm());
 * ```
 *
 * @throws TypeError for anything but a backend, such as the promise of one
 */
export function use(backend: Backend): void {
  if (typeof (backend as Partial<Backend> | undefined)?.prepare !== 'function') {
    throw new TypeError(
      `use: expected a backend, got ${backend instanceof Promise ? 'a promise; wait for it: use(await wasm())' : `${typeof backend}; give what wasm() or reference() resolves to`}`,
    );
  }
  selected = backend;
}

/** Not defined, unless a bundler puts `false` in its place: then the reference backend is left out of the bundle. */
declare const AG_REFERENCE: boolean | undefined;

/**
 * The backend in use: the one given to `use`, else the reference backend.
 *
 * @throws Error when none was given and the reference backend was left out of the bundle
 */
export function backend(): Backend {
  if (selected !== null) return selected;
  if (typeof AG_REFERENCE !== 'undefined' && !AG_REFERENCE) {
    throw new Error(
      'no backend is selected: call use(await wasm()) first; this bundle was made with AG_REFERENCE = false, without the reference backend',
    );
  } else {
    selected = reference();
    return selected;
  }
}
