/** The command line of `agrad sweep`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { integer, text } from '../flags.ts';
import { settingNames } from '../settings.ts';
import { tableFlags } from '../tables/parameters.ts';
import { set } from './shared.ts';

/** Each trial is a folder and a process's work: more would not end. */
export const maxTrials = 100_000;

export const sweepCommand = defineCommand({
  usage: 'sweep [recipe...]',
  summary: 'search hyperparameters in worker processes; the same command resumes after a kill',
  examples: [
    'agrad sweep digits --grid learningRate=1e-3,3e-3,1e-2 --grid batchSize=25,100 --epochs 5',
    'agrad sweep houses.csv --target price --grid model.hidden=[16],[32,16]',
    'agrad sweep xor --random learningRate=1e-3..1 --trials 20 --out sweeps/xor',
  ],
  flags: {
    grid: {
      type: text,
      value: '<name=a,b,...>',
      help: 'grid search: try each value, with each of the other grids',
      repeatable: true,
    },
    random: {
      type: text,
      value: '<name=low..high>',
      help: 'random search: draw values from a range',
      repeatable: true,
    },
    trials: {
      type: integer(1, maxTrials),
      value: '<n>',
      default: 16,
      help: 'number of trials, with --random',
    },
    metric: {
      type: text,
      value: '<metric>',
      help: 'rank trials by this metric (default: the first metric, else the loss)',
    },
    out: { type: text, value: '<folder>', help: "the sweep's folder (default runs/sweep-RECIPE-TIME)" },
    ...tableFlags,
    // Passed on to the trials as it is.
    set: { ...set, type: text },
    workers: {
      type: integer(1, maxTrials),
      value: '<n>',
      help: 'number of trials at a time (default: one per core)',
    },
  },
  settings: settingNames.filter((name) => name !== 'threads'),
});

export type SweepOptions = OptionsFor<typeof sweepCommand>;
