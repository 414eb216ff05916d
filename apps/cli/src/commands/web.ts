/** The command line of `agrad web`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, integer } from '../flags.ts';

/** The pages of the application: apps/web/src/shell/pages.ts. */
export const webPages = [
  'microscope',
  'playground',
  'gradients',
  'landscape',
  'houses',
  'digits',
  'numerical',
  'code',
  'viewer',
  'transformer',
  'device',
  'lessons',
  'home',
] as const;

export const webCommand = defineCommand({
  usage: 'web [page]',
  summary: 'serve the demo application and open it in the browser',
  examples: ['agrad web', 'agrad web playground?data=spirals --port 8080', 'agrad web --no-open'],
  flags: {
    port: { type: integer(0, 65_535), value: '<n>', default: 4321, help: 'port; 0 takes any free one' },
    open: { type: boolean, default: true, help: 'print the address only' },
  },
  notes: `
Pages: ${webPages.join(', ')}; with settings behind a question mark, as their address shows them.`,
});

export type WebOptions = OptionsFor<typeof webCommand>;
