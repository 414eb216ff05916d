/** The command line of `agrad profile`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { integer, text } from '../flags.ts';
import { set } from './shared.ts';

export const profileCommand = defineCommand({
  usage: 'profile [recipe...]',
  summary: 'profile training steps: time by operation, kernel and module',
  examples: ['agrad profile digits --steps 100', 'agrad profile mnist cnn --data-dir data --threads 1'],
  flags: {
    steps: { type: integer(1), value: '<n>', default: 50, help: 'number of steps to measure' },
    set,
    out: { type: text, value: '<file>', help: 'write the whole profile as JSON' },
  },
  settings: ['batchSize', 'optimizer', 'seed', 'dataDir', 'backend', 'threads', 'arithmetic', 'vectors'],
});

export type ProfileOptions = OptionsFor<typeof profileCommand>;
