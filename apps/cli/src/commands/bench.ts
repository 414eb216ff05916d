/** The command line of `agrad bench`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { Invalid, integer, type Kind, positive, text } from '../flags.ts';

/** `10%` as 0.1. */
const percentage: Kind<number> = {
  read: (text) => {
    const value = Number(String(text).replace(/\s*%$/, '')) / 100;
    return value >= 0 ? value : new Invalid('a percentage such as 10%');
  },
};

const units: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** `10Gb/s` (bits) or `1.2GB/s` (bytes) as bytes a second. */
const bandwidth: Kind<number> = {
  read: (text) => {
    const [, number, unit, size] = /^([\d.]+)\s*([kMGT]?)([bB])(?:it)?(?:\/s|ps)$/.exec(String(text)) ?? [];
    const value = (Number(number) * units[unit]) / (size === 'b' ? 8 : 1);
    return value > 0 ? value : new Invalid('a bandwidth such as 10Gb/s (bits) or 1.2GB/s (bytes)');
  },
};

/** `25us` as seconds. */
const latency: Kind<number> = {
  read: (text) => {
    const [, number, unit] = /^([\d.]+)\s*(us|µs|ms)$/.exec(String(text)) ?? [];
    const value = Number(number) * (unit === 'ms' ? 1e-3 : 1e-6);
    return value > 0 ? value : new Invalid('a time such as 25us');
  },
};

export const benchCommand = defineCommand({
  usage: 'bench [what...]',
  summary:
    'measure operations and training steps on this machine; or what several machines would make of a recipe',
  examples: [
    'agrad bench --out before.json',
    'agrad bench --compare before.json --fail-on-regress 10%',
    'agrad bench scaling mnist cnn --ranks 8 --network 10Gb/s',
  ],
  flags: {
    out: { type: text, value: '<file>', help: 'write the results to a file' },
    compare: { type: text, value: '<file>', help: 'compare with the results of an earlier run' },
    failOnRegress: {
      type: percentage,
      value: '<percentage>',
      help: 'exit with code 6 if something is slower by more',
    },
    ranks: {
      type: integer(2, 4096),
      value: '<n>',
      default: 8,
      help: 'with scaling: the most ranks, each on a machine like this one',
    },
    network: {
      type: bandwidth,
      value: '<rate>',
      help: 'with scaling: what the network between them carries (default 10Gb/s)',
    },
    latency: {
      type: latency,
      value: '<time>',
      help: 'with scaling: how long a small message takes, 2us where MPI has a network of its own (default 25us)',
    },
    seconds: { type: positive, value: '<n>', default: 0.5, help: 'duration of each measurement' },
  },
  settings: ['backend', 'threads', 'vectors', 'seed', 'batchSize', 'dataDir'],
  notes: `
'agrad bench scaling RECIPE' measures a step of the recipe here and computes, for 2, 4, ... ranks with a batch of this size each, how much
of their speed would be left beside the exchange of gradients. It is a model: no two machines talk.`,
});

export type BenchOptions = OptionsFor<typeof benchCommand>;
