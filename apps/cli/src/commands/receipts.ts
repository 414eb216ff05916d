/** The command lines of `agrad verify` and `agrad receipt`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { Invalid, type Kind, text } from '../flags.ts';
import { recipe } from './shared.ts';

/** Two steps: `18000..18100`. */
export const steps: Kind<readonly [from: number, to: number]> = {
  read: (value) => {
    const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(String(value)) ?? [];
    return to !== undefined && Number(from) <= Number(to)
      ? [Number(from), Number(to)]
      : new Invalid('two steps such as 18000..18100');
  },
};

export const verifyCommand = defineCommand({
  usage: 'verify <run|receipt>',
  summary: 'train a run again and compare it with its receipt, to the bit',
  examples: [
    'agrad verify runs/digits-…',
    'agrad verify runs/mnist-… --steps 18000..18100',
    'agrad verify https://example.org/receipt.json',
    'agrad verify runs/a --against runs/b',
  ],
  flags: {
    steps: {
      type: steps,
      value: '<from..to>',
      help: 'check these steps only, from the nearest checkpoint before them',
    },
    against: {
      type: text,
      value: '<run>',
      help: 'find the first step, tensor and operation in which two runs differ',
    },
    recipe,
  },
  settings: ['dataDir', 'threads', 'vectors'],
  notes: `
Exit code 6 where something differs. A receipt with 'separate' arithmetic can be repeated on every engine:
agrad train … --arithmetic separate`,
});

export const receiptCommand = defineCommand({
  usage: 'receipt <run|receipt>',
  summary: 'show what a run was made from and which weights came out, as hashes',
  examples: ['agrad receipt runs/digits-…', 'agrad receipt receipt.json --json'],
});

export type VerifyOptions = OptionsFor<typeof verifyCommand>;
export type ReceiptOptions = OptionsFor<typeof receiptCommand>;
