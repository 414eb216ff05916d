/** The command line of `agrad convert`. */
import { defineCommand, type OptionsFor } from '../command.ts';

export const convertCommand = defineCommand({
  usage: 'convert <from> <to>',
  summary: 'convert weights between safetensors, npz and JSON, and from .pt, by file extension',
  examples: ['agrad convert weights.safetensors weights.npz', 'agrad convert model.pt model.safetensors'],
});

export type ConvertOptions = OptionsFor<typeof convertCommand>;
