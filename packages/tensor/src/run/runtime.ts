/**
 * Which backend computes.
 */

import { codedError, typeError } from '../errors.ts';
import type { Backend } from '../kernel/backend.ts';
import { reference } from '../reference/index.ts';
import { reportSlowness } from './slowDefault.ts';

let selected: Backend | null = null;
let makeDefault: (() => Backend) | null = null;

/** What computes where nothing was given to `use`, made when it is first needed. Packages that bring a backend call this. */
export function setDefaultBackend(make: () => Backend): void {
  makeDefault = make;
}

/**
 * Selects the backend that computes from now on. Variables move to it when they are next used.
 *
 * ```ts
 * use(await wasm());
 * ```
 *
 * What lies on a device that cannot be read at once does not follow by itself: `moveTo` moves it.
 *
 * @throws TypeError for anything but a backend, such as the promise of one
 */
export function use(backend: Backend): void {
  if (typeof (backend as Partial<Backend> | undefined)?.prepare !== 'function') {
    throw typeError(
      `use: expected a backend, got ${backend instanceof Promise ? 'a promise; wait for it: use(await wasm())' : `${typeof backend}; give what wasm() or reference() resolves to`}`,
    );
  }
  selected = backend;
  reportSlowness(false);
}

/** Not defined, unless a bundler puts `false` in its place: then the reference backend is left out of the bundle. */
declare const AG_REFERENCE: boolean | undefined;

/**
 * The backend in use: the one given to `use`, else the default of the package that brings one, else the reference backend.
 *
 * @throws Error when none was given and the reference backend was left out of the bundle
 */
export function backend(): Backend {
  if (selected !== null) return selected;
  if (makeDefault !== null) {
    selected = makeDefault();
    return selected;
  }
  if (typeof AG_REFERENCE !== 'undefined' && !AG_REFERENCE) {
    throw codedError(
      Error,
      'AG_BACKEND_UNAVAILABLE',
      'no backend is selected: call use(await wasm()) first; this bundle was made with AG_REFERENCE = false, without the reference backend',
    );
  } else {
    selected = reference();
    reportSlowness(true);
    return selected;
  }
}
