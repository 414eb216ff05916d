/** The command line of `agrad docs`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, integer } from '../flags.ts';

export const docsCommand = defineCommand({
  usage: 'docs [page]',
  summary: 'serve the documentation, with its search, from this machine and open it in the browser',
  examples: ['agrad docs', 'agrad docs guide/troubleshooting', 'agrad docs AG_SHAPE_MISMATCH'],
  flags: {
    port: { type: integer(0, 65_535), value: '<n>', default: 4322, help: 'port; 0 takes any free one' },
    open: { type: boolean, default: true, help: 'print the address only' },
  },
  notes: `
Pages: as their addresses say, guide/install, reference/operations; a code of an error or a warning opens its explanation.
Nothing is fetched from elsewhere.`,
});

export type DocsOptions = OptionsFor<typeof docsCommand>;
