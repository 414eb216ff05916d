/** The command line of `agrad predict`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { oneOf, text } from '../flags.ts';
import { recipe } from './shared.ts';

export const predictCommand = defineCommand({
  usage: 'predict <run|weights> <file...>',
  summary:
    'predict images (PNG, JPEG), rows of tables (CSV, JSON lines) or arrays (.npy) with trained weights',
  examples: [
    'agrad predict runs/mnist-mlp-… seven.png',
    'agrad predict weights.safetensors houses.csv --json',
    'agrad predict squeezenet.onnx cat.jpg --pixels imagenet --labels labels.txt',
    'cat houses.jsonl | agrad predict runs/boston-… -',
  ],
  flags: {
    recipe,
    handleUnknown: {
      type: oneOf('error', 'ignore'),
      value: '<how>',
      help: 'what to do with categories that training did not have (default error)',
    },
    pixels: {
      type: oneOf('unit', 'signed', 'bytes', 'imagenet'),
      value: '<range>',
      default: 'unit',
      help: 'of an ONNX file: pixels from 0 to 1, from -1 to 1, from 0 to 255, or standardized as for ImageNet',
    },
    labels: { type: text, value: '<file>', help: 'of an ONNX file: names of the classes, one a line' },
  },
  settings: ['dataDir', 'backend', 'threads', 'vectors'],
  notes: `
An ONNX file without a recipe takes images (fitted to its size), rows of numbers, and arrays (.npy); for several inputs an array
each, by name: ids=ids.npy mask=mask.npy.`,
});

export type PredictOptions = OptionsFor<typeof predictCommand>;
