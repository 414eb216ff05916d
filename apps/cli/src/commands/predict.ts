/** The command line of `agrad predict`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { recipe } from './shared.ts';

export const predictCommand = defineCommand({
  usage: 'predict <run|weights> <file...>',
  summary: 'predict images (PNG, JPEG), rows of CSV files or JSON lines with trained weights',
  examples: [
    'agrad predict runs/mnist-mlp-… seven.png',
    'agrad predict weights.safetensors houses.csv --json',
  ],
  flags: { recipe },
  settings: ['dataDir', 'backend', 'threads'],
});

export type PredictOptions = OptionsFor<typeof predictCommand>;
