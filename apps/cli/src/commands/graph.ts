/** The command line of `agrad graph`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, oneOf, text } from '../flags.ts';

export const graphCommand = defineCommand({
  usage: 'graph <recipe|formula...>',
  summary: 'draw the computational graph of a recipe or formula: text, SVG, DOT, Mermaid or JSON',
  examples: [
    "agrad graph '(x + y) * z' --at x=-2,y=5,z=-4 --values --gradients",
    'agrad graph xor --out xor.svg',
  ],
  flags: {
    at: {
      type: text,
      value: '<name=value,...>',
      help: "values of the formula's variables",
      repeatable: true,
    },
    values: { type: boolean, help: 'compute and show values' },
    gradients: { type: boolean, help: 'compute and show gradients' },
    out: { type: text, value: '<file>', help: 'write to a file instead of stdout' },
    format: {
      type: oneOf('text', 'svg', 'dot', 'mermaid', 'json'),
      value: '<name>',
      help: 'output format (default: by the extension of --out, else text)',
    },
  },
  settings: ['dataDir'],
});

export type GraphOptions = OptionsFor<typeof graphCommand>;
