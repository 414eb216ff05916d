/**
 * The functions that kernels call, as WGSL text, and what each of them needs.
 *
 * WGSL lets implementations assume that NaN and infinities do not occur, and what its built-in functions do at the edges differs from
 * driver to driver. So nothing here compares or tests floats where one may be special: bits of integers decide, and of the built-in
 * functions of floats only `floor` and `sqrt` are used, each behind a guard.
 */
import { comparison } from './comparison.ts';
import { exponential } from './exponential.ts';
import { integer } from './integer.ts';
import { rounding } from './rounding.ts';
import { trigonometric } from './trigonometric.ts';

/** A function of the library: its text and the functions that it calls. */
export interface WgslFunction {
  readonly needs: readonly string[];
  readonly text: string;
}

const library: Readonly<Record<string, WgslFunction>> = {
  ...comparison,
  ...rounding,
  ...exponential,
  ...trigonometric,
  ...integer,
};

/** Whether the library has a function of this name. */
export function hasFunction(name: string): boolean {
  return Object.hasOwn(library, name);
}

/** The text of functions and of all that they call, each once, in an order that names alone decide. */
export function functionTexts(names: Iterable<string>): string {
  const wanted = new Set<string>();
  const add = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const needed of library[name].needs) add(needed);
  };
  for (const name of names) add(name);
  return [...wanted]
    .sort()
    .map((name) => library[name].text)
    .join('\n');
}
