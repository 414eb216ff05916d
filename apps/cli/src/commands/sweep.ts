/** The command line of `agrad sweep`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { Invalid, integer, type Kind, number, oneOf, text } from '../flags.ts';
import { settingNames } from '../settings.ts';
import { tableFlags } from '../tables/parameters.ts';
import { set } from './shared.ts';

/** Each trial is a folder and a process's work: more would not end. */
export const maxTrials = 100_000;

/** One of the parts into which a sweep is cut. */
export interface Part {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

const part: Kind<Part> = {
  read: (value) => {
    const [, first, last] = /^(\d+)\/(\d+)$/.exec(String(value)) ?? [];
    const [number, of] = [Number(first), Number(last)];
    return number >= 1 && number <= of && of <= maxTrials
      ? { number, of }
      : new Invalid('a part such as 3/16, from 1/16 to 16/16');
  },
};

export const sweepCommand = defineCommand({
  usage: 'sweep [recipe...]',
  summary: 'search hyperparameters in worker processes; the same command resumes after a kill',
  examples: [
    'agrad sweep digits --grid learningRate=1e-3,3e-3,1e-2 --grid batchSize=25,100 --epochs 5',
    'agrad sweep houses.csv --target price --grid model.hidden=[16],[32,16]',
    'agrad sweep xor --random learningRate=1e-3..1 --trials 20 --out sweeps/xor',
    'agrad sweep digits --random learningRate=1e-4..1e-1 --strategy halving --trials 27 --epochs 27',
    'agrad sweep digits --grid seed=1,2,3,4 --part 2/4 --out /shared/seeds',
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
      help: 'number of trials, where they are drawn',
    },
    strategy: {
      type: oneOf('grid', 'random', 'tpe', 'halving'),
      value: '<name>',
      help: 'what to try: all of the grids; values drawn from ranges; values like those that did well (tpe); more epochs for the better ones (halving); by default what --grid and --random ask for',
    },
    factor: {
      type: number(1.5),
      value: '<n>',
      help: 'with --strategy halving: one of so many trials goes on, with so many times the epochs (default 3)',
    },
    minEpochs: {
      type: integer(1),
      value: '<n>',
      help: 'with --strategy halving: epochs that each trial has at least (default 1)',
    },
    part: {
      type: part,
      value: '<i/n>',
      help: 'only every n-th trial, from the i-th, for job arrays that share --out; the command without it does what is left and writes the report',
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

/** What decides about trials. */
export type Strategy = NonNullable<SweepOptions['strategy']>;

export type SweepOptions = OptionsFor<typeof sweepCommand>;
