/**
 * What the reader wants to compute with, and what computes.
 *
 * The choice is kept on this device and stands in the address, which goes before: a link computes with what it names.
 */
import { computed, effect, signal } from '@preact/signals';
import type { BackendName, Computing } from '../service/worker/computing.ts';
import { oneOf, route, setParameters } from './route.ts';

const names: readonly BackendName[] = ['wasm', 'webgpu'];

/** Each in its own words. */
export const backendTitles: Readonly<Record<BackendName, string>> = { wasm: 'WebAssembly', webgpu: 'WebGPU' };

const kept = signal<BackendName>(localStorage.getItem('ag.backend') === 'webgpu' ? 'webgpu' : 'wasm');

/** What the page is to compute with. */
export const backend = computed<BackendName>(() => oneOf(names, 'backend', kept.value));

// A copied address names what computed what is seen.
effect(() => {
  if (kept.value !== 'wasm' && !route.value.parameters.has('backend'))
    setParameters({ backend: kept.value }, 'steps');
});

/** *Back* undoes it. */
export function chooseBackend(value: BackendName): void {
  setParameters({ backend: backend.value }, 'steps');
  localStorage.setItem('ag.backend', value);
  kept.value = value;
  setParameters({ backend: value });
}

/** What computes on the present page; null until it is known, and where nothing does. */
export const computing = signal<Computing | null>(null);
