/** The command line of `agrad init`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { oneOf, text } from '../flags.ts';

/** What a recipe can be begun with, and one line about each. */
export const templates = {
  points: 'two half circles, generated: the smallest recipe there is (default)',
  classification: 'a class from a table (CSV)',
  regression: 'a number from a table (CSV)',
  images: 'classes of images in folders, one for each class',
  digits: 'the built-in recipe digits as a file of your own',
} as const;

export type TemplateName = keyof typeof templates;

export const initCommand = defineCommand({
  usage: 'init [file]',
  summary: 'write a recipe of your own to start from; nothing is overwritten',
  examples: [
    'agrad init',
    'agrad init houses.ts --template regression --data houses.csv --target price',
    'agrad init flowers.ts --template images --data ./flowers',
  ],
  flags: {
    template: {
      type: oneOf(...(Object.keys(templates) as TemplateName[])),
      value: '<name>',
      default: 'points',
      help: 'what to start from',
    },
    data: {
      type: text,
      value: '<path>',
      help: 'the table, or the folder of images; without it, a small example is written beside the recipe',
    },
    target: { type: text, value: '<column>', help: 'the column of the table to predict' },
  },
  notes: `
Templates:
${Object.entries(templates)
  .map(([name, summary]) => `  ${name.padEnd(15)} ${summary}`)
  .join('\n')}

A table needs no recipe: agrad train houses.csv --target price`,
});

export type InitOptions = OptionsFor<typeof initCommand>;
