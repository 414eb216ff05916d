/** The command line of `agrad graph`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, integer, oneOf, text } from '../flags.ts';
import { shape } from './inspect.ts';

export const graphCommand = defineCommand({
  usage: 'graph <recipe|formula|file...>',
  summary: 'draw the graph of a recipe, a formula or an ONNX file: text, SVG, DOT, Mermaid or JSON',
  examples: [
    "agrad graph '(x + y) * z' --at x=-2,y=5,z=-4 --values --gradients",
    'agrad graph xor --out xor.svg',
    'agrad graph model.onnx --out model.svg --expand layer1',
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
    shape,
    expand: {
      type: text,
      value: '<module>',
      help: 'of an SVG: show this module open, whatever its size',
      repeatable: true,
    },
    maxNodes: {
      type: integer(2),
      value: '<n>',
      default: 120,
      help: 'of an SVG: a graph of more nodes is collapsed by module',
    },
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
