/**
 * Telling what the library does while a program runs: plans, kernels, the cache of plans, memory.
 */

import { valueError } from '../errors.ts';
import { toText } from '../kernel/programText.ts';
import { observeRuns, type RunObserver } from '../run/observe.ts';
import { callersLine } from '../userLine.ts';

/** What can be told: see {@link debug}. */
export const topics = ['plan', 'kernels', 'cache', 'memory'] as const;

/** What `debug` can tell about. */
export type Topic = (typeof topics)[number];

/**
 * Writes down what happens from now on.
 *
 * - `plan`: each plan that is made: its kernels, and the line of the program that asked for it
 * - `kernels`: the program of each plan, launch by launch, and how many kernels the backend compiled for it
 * - `cache`: each plan that is made, found or dropped. Steady work finds all
 * - `memory`: bytes that the backend holds, whenever a run has changed them
 *
 * ```ts
 * import { debug } from '@ag/tensor/debug';
 *
 * const stop = debug(['plan', 'memory']);
 * ```
 *
 * @param print gets one line or several at a time; default: standard error, by `console.error`
 * @returns ends it
 * @throws RangeError for a topic that there is not
 */
export function debug(
  wanted: readonly Topic[],
  print: (text: string) => void = (text) => console.error(text),
): () => void {
  for (const topic of wanted) {
    if (!topics.includes(topic))
      throw valueError(`debug: there is no topic '${topic}', only ${topics.join(', ')}`);
  }
  const about = (topic: Topic): boolean => wanted.includes(topic);
  let held = -1;
  let compiled = 0;
  const observer: RunObserver = {
    planMade({ program, outputs }, plans, backend) {
      const kernels = backend.stats().kernels;
      if (about('plan')) {
        const { launches, slots } = program;
        const line = callersLine();
        print(
          `ag plan: ${launches.length} kernels, ${outputs.length} results, ${slots.reduce((a, b) => a + b, 0)} bytes between${line ? `, for ${line}` : ''}`,
        );
        for (const { label } of launches) print(`ag plan:   ${label}`);
      }
      if (about('kernels')) {
        print(`ag kernels: ${kernels - compiled} compiled by '${backend.name}'\n${toText(program)}`);
      }
      if (about('cache')) print(`ag cache: made, ${plans} kept`);
      compiled = kernels;
    },
    planFound(_, plans) {
      if (about('cache')) print(`ag cache: found, ${plans} kept`);
    },
    planDropped(_, plans) {
      if (about('cache')) print(`ag cache: dropped, ${plans} kept`);
    },
    ran(backend) {
      if (!about('memory')) return;
      const { bytes, peakBytes } = backend.stats();
      if (bytes !== held) print(`ag memory: ${bytes} bytes held, ${peakBytes} at most`);
      held = bytes;
    },
  };
  return observeRuns(observer);
}

/**
 * The topics that a text names, as `AG_DEBUG` does: `plan,memory`, or `all`. Other words mean something elsewhere.
 */
export function topicsOf(text: string): Topic[] {
  const words = text.split(',').map((word) => word.trim());
  return words.includes('all') ? [...topics] : topics.filter((topic) => words.includes(topic));
}
