/** The command line of `agrad gradcheck`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { positive } from '../flags.ts';

export const gradcheckCommand = defineCommand({
  usage: 'gradcheck [operation...]',
  summary: 'compare analytic with numerical gradients of every operation; exit code 6 if one fails',
  examples: ['agrad gradcheck', 'agrad gradcheck tanh matmul --backend reference'],
  flags: {
    tolerance: {
      type: positive,
      value: '<error>',
      help: 'largest relative error allowed (default 1e-6)',
    },
  },
  settings: ['backend', 'threads', 'vectors'],
});

export type GradcheckOptions = OptionsFor<typeof gradcheckCommand>;
