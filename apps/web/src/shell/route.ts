/**
 * The address is the state: `#/microscope?expression=(x%20%2B%20y)*z`. Pages read and write parameters here, so that
 * a copied address brings back what was seen.
 */
import { signal } from '@preact/signals';

export interface Route {
  readonly page: string;
  readonly parameters: URLSearchParams;
}

/** Pages by the names that they had in earlier addresses. */
const renamed: ReadonlyMap<string, string> = new Map([['race', 'landscape']]);

export const route = signal<Route>(parse(location.hash));

addEventListener('hashchange', () => {
  latest = { what: '', at: Number.NEGATIVE_INFINITY, press: 0 };
  route.value = parse(location.hash);
});

function parse(hash: string): Route {
  const [path = '', ...query] = hash.replace(/^#\/?/, '').split('?');
  // A plus is one: formulas are full of them. Forms would take it for a space.
  return {
    page: renamed.get(path) ?? (path || 'home'),
    parameters: new URLSearchParams(query.join('?').replaceAll('+', '%2B')),
  };
}

function write(page: string, parameters: URLSearchParams): string {
  const query = parameters.toString().replaceAll('+', '%20');
  return `#/${page}${query ? `?${query}` : ''}`;
}

/** Address of a page, for links. */
export function addressOf(page: string, parameters: Readonly<Record<string, string>> = {}): string {
  return write(page, new URLSearchParams(parameters));
}

/** Changes of the same parameters within so many milliseconds are one: keys that repeat. */
const together = 1000;

/** So are those of one drag, however long it takes: which press of a pointer is on, if one is. */
let press = 0;
let pressed = false;
addEventListener(
  'pointerdown',
  () => {
    press++;
    pressed = true;
  },
  true,
);
for (const end of ['pointerup', 'pointercancel'])
  addEventListener(
    end,
    () => {
      pressed = false;
    },
    true,
  );

/** Which parameters were changed last, where, when, and by which press. */
let latest = { what: '', at: Number.NEGATIVE_INFINITY, press: 0 };

/**
 * Writes parameters of the current page into the address; `null` removes one. *Back* undoes the change.
 *
 * @param by 'steps' of a tour through what is shown are no change of it: they make no entry in the history
 */
export function setParameters(
  changes: Readonly<Record<string, string | number | boolean | null>>,
  by: 'change' | 'steps' = 'change',
): void {
  const { page, parameters } = route.peek();
  const next = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, String(value));
  }
  const address = write(page, next);
  if (address === write(page, parameters)) return;
  const what = `${page} ${Object.keys(changes).sort().join()}`;
  const now = performance.now();
  const isSameDrag = pressed && latest.press === press;
  const apart = what !== latest.what || (!isSameDrag && now - latest.at > together);
  latest = { what, at: now, press };
  if (by === 'change' && apart) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  route.value = { page, parameters: next };
}

/** A parameter of the current page, or `fallback`. */
export function parameter(name: string, fallback: string): string {
  return route.value.parameters.get(name) ?? fallback;
}

/** A parameter of the current page that names one of `names`; `fallback` when it is missing or names another. */
export function oneOf<Name extends string>(names: readonly Name[], parameter: string, fallback: Name): Name {
  const text = route.value.parameters.get(parameter);
  return names.find((name) => name === text) ?? fallback;
}

/** A numeric parameter of the current page; `fallback` when it is missing or no number. */
export function numberParameter(name: string, fallback: number): number {
  const text = route.value.parameters.get(name);
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : fallback;
}
