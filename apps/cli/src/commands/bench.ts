/** The command line of `agrad bench`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { Invalid, type Kind, positive, text } from '../flags.ts';

/** `10%` as 0.1. */
const percentage: Kind<number> = {
  read: (text) => {
    const value = Number(String(text).replace(/\s*%$/, '')) / 100;
    return value >= 0 ? value : new Invalid('a percentage such as 10%');
  },
};

export const benchCommand = defineCommand({
  usage: 'bench',
  summary: 'measure the speed of operations and training steps on this machine',
  examples: ['agrad bench --out before.json', 'agrad bench --compare before.json --fail-on-regress 10%'],
  flags: {
    out: { type: text, value: '<file>', help: 'write the results to a file' },
    compare: { type: text, value: '<file>', help: 'compare with the results of an earlier run' },
    failOnRegress: {
      type: percentage,
      value: '<percentage>',
      help: 'exit with code 6 if something is slower by more',
    },
    seconds: { type: positive, value: '<n>', default: 0.5, help: 'duration of each measurement' },
  },
  settings: ['backend', 'threads', 'vectors', 'seed'],
});

export type BenchOptions = OptionsFor<typeof benchCommand>;
