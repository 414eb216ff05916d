/** The command lines of `agrad data`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { integer, oneOf, text } from '../flags.ts';
import { dataDir } from './shared.ts';

export const dataListCommand = defineCommand({
  usage: 'list',
  summary: 'list data sets',
  examples: ['agrad data list'],
  flags: { dataDir },
});

export const dataInfoCommand = defineCommand({
  usage: 'info <name>',
  summary: 'show source, size, checksum and location of a data set',
  examples: ['agrad data info mnist'],
  flags: { dataDir },
});

export const dataGetCommand = defineCommand({
  usage: 'get <name>',
  summary: 'download a data set to the cache',
  examples: ['agrad data get mnist'],
  flags: { dataDir },
});

export const dataPreviewCommand = defineCommand({
  usage: 'preview <name>',
  summary: 'draw samples: images, points, or the columns of a table',
  examples: [
    'agrad data preview digits',
    'agrad data preview mnist --split test --seed 1 --count 40 --out samples.png',
    'agrad data preview spirals --out spirals.svg',
  ],
  flags: {
    count: {
      type: integer(1),
      value: '<n>',
      help: 'number of samples (default 15 images, all points, 4 rows)',
    },
    split: { type: oneOf('train', 'test'), value: '<part>', default: 'train', help: 'training or test data' },
    seed: {
      type: integer(0),
      value: '<n>',
      help: 'sample (or generate the set) with this random seed; else take the first',
    },
    out: { type: text, value: '<file>', help: 'write an SVG file; for images a PNG file too' },
    dataDir,
  },
});

export type DataOptions = OptionsFor<typeof dataListCommand>;
export type PreviewOptions = OptionsFor<typeof dataPreviewCommand>;
