/** The command lines of `agrad runs`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { integer, oneOf, text } from '../flags.ts';
import { steps } from './receipts.ts';
import { recipe } from './shared.ts';

export const runsListCommand = defineCommand({
  usage: 'list [folder]',
  summary: 'list the runs in a folder (default: runs)',
  examples: ['agrad runs list'],
});

export const runsShowCommand = defineCommand({
  usage: 'show <run>',
  summary: 'show settings, metrics and loss curve of a run',
  examples: ['agrad runs show runs/xor-…'],
});

export const runsCompareCommand = defineCommand({
  usage: 'compare <run...>',
  summary: 'compare runs: settings that differ, final metrics, loss curves',
  examples: ['agrad runs compare runs/a runs/b --out comparison.html'],
  flags: {
    out: { type: text, value: '<file>', help: 'write an HTML page with all curves' },
  },
});

export const runsPlotCommand = defineCommand({
  usage: 'plot <run...>',
  summary: 'plot curves of one or several runs in the terminal, as SVG or HTML',
  examples: [
    'agrad runs plot runs/a',
    'agrad runs plot runs/a runs/b --metric accuracy --by seconds',
    'agrad runs plot runs/a runs/b --out curves.svg',
  ],
  flags: {
    metric: { type: text, value: '<metric>', default: 'loss', help: 'loss, a metric, or learningRate' },
    by: {
      type: oneOf('epoch', 'step', 'seconds'),
      value: '<axis>',
      help: 'horizontal axis (default: epoch, or step if there is one epoch only)',
    },
    out: { type: text, value: '<file>', help: 'write an SVG file, or an HTML page with all curves' },
  },
});

export const runsAskCommand = defineCommand({
  usage: 'ask <run> <question>',
  summary: 'compute what nobody recorded of the steps of a run, such as the norm of a gradient',
  examples: [
    "agrad runs ask runs/a 'norm(grad(0.weight))' --steps 0..1000 --every 10",
    "agrad runs ask runs/a 'norm(update(0.weight)) / norm(weight(0.weight))'",
    "agrad runs ask runs/a 'mean(activation(1))' --steps 500..500",
  ],
  flags: {
    steps: { type: steps, value: '<from..to>', help: 'the steps to compute (default: all of the run)' },
    every: { type: integer(1), value: '<n>', help: 'steps between two values (default: about 100 values)' },
    out: { type: text, value: '<file>', help: 'write an SVG file' },
    recipe,
  },
  settings: ['dataDir', 'threads', 'vectors'],
  notes: `
Of a step there are grad(NAME), weight(NAME), update(NAME) and activation(MODULE), loss, learningRate and the metrics;
norm, mean, sum, max, min, std, abs, sqrt and log of them; + - * / and numbers.`,
});

export type RunsAskOptions = OptionsFor<typeof runsAskCommand>;
export type RunsListOptions = OptionsFor<typeof runsListCommand>;
export type RunsShowOptions = OptionsFor<typeof runsShowCommand>;
export type RunsCompareOptions = OptionsFor<typeof runsCompareCommand>;
export type RunsPlotOptions = OptionsFor<typeof runsPlotCommand>;
