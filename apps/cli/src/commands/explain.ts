/** The command line of `agrad explain`. */
import { defineCommand, type OptionsFor } from '../command.ts';

export const explainCommand = defineCommand({
  usage: 'explain [code]',
  summary: 'explain the code of an error or a warning: meaning, usual cause, cure; without one, list all',
  examples: ['agrad explain AG_SHAPE_MISMATCH', 'agrad explain'],
  flags: {},
});

export type ExplainOptions = OptionsFor<typeof explainCommand>;
