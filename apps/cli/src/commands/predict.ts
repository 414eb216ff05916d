/** The command line of `agrad predict`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { oneOf } from '../flags.ts';
import { recipe } from './shared.ts';

export const predictCommand = defineCommand({
  usage: 'predict <run|weights> <file...>',
  summary: 'predict images (PNG, JPEG) or rows of tables (CSV, JSON lines) with trained weights',
  examples: [
    'agrad predict runs/mnist-mlp-… seven.png',
    'agrad predict weights.safetensors houses.csv --json',
    'cat houses.jsonl | agrad predict runs/boston-… -',
  ],
  flags: {
    recipe,
    handleUnknown: {
      type: oneOf('error', 'ignore'),
      value: '<how>',
      help: 'what to do with categories that training did not have (default error)',
    },
  },
  settings: ['dataDir', 'backend', 'threads', 'vectors'],
});

export type PredictOptions = OptionsFor<typeof predictCommand>;
