/** The command line of `agrad eval`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { Invalid, type Kind } from '../flags.ts';
import { recipe } from './shared.ts';

/** What a metric must keep to. */
export interface Limit {
  readonly metric: string;
  readonly value: number;
}

const limit: Kind<Limit> = {
  read: (text) => {
    const [metric, value = ''] = String(text).split('=');
    return metric && value.trim() !== '' && Number.isFinite(Number(value))
      ? { metric, value: Number(value) }
      : new Invalid('metric=value, such as accuracy=0.97');
  },
};

export const evalCommand = defineCommand({
  usage: 'eval <run|weights>',
  summary: 'evaluate trained weights on the test data',
  examples: [
    'agrad eval runs/digits-2024-05-01 --fail-under accuracy=0.97',
    'agrad eval weights.safetensors --data-dir data --json',
  ],
  flags: {
    failUnder: {
      type: limit,
      value: '<metric=value>',
      help: 'exit with code 6 if the metric is below the value',
      repeatable: true,
    },
    failOver: {
      type: limit,
      value: '<metric=value>',
      help: 'exit with code 6 if the metric is above the value',
      repeatable: true,
    },
    recipe,
  },
  settings: ['dataDir', 'backend', 'arithmetic', 'threads', 'vectors'],
});

export type EvalOptions = OptionsFor<typeof evalCommand>;
