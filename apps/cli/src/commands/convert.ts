/** The command line of `agrad convert`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { oneOf } from '../flags.ts';

export const convertCommand = defineCommand({
  usage: 'convert <from> <to>',
  summary: 'convert weights between safetensors, npz, JSON and .pt, and out of ONNX, by file extension',
  examples: [
    'agrad convert weights.safetensors weights.npz',
    'agrad convert model.pt model.safetensors --names ag',
    'agrad convert runs/digits-… model.pt --names pytorch',
    'agrad convert model.onnx weights.safetensors --dtype float16',
  ],
  flags: {
    names: {
      type: oneOf('pytorch', 'ag'),
      value: '<style>',
      help: 'rename the tensors (running_mean in PyTorch, runningMean here; default: as they are)',
    },
    dtype: {
      type: oneOf('float16', 'float32'),
      value: '<type>',
      help: 'store fractions so (default: as they are loaded; float16 is half the size and rounds)',
    },
  },
  notes: `
A network cannot be made of weights alone: 'agrad export RUN --onnx' writes ONNX files.`,
});

export type ConvertOptions = OptionsFor<typeof convertCommand>;
