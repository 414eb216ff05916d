/**
 * The settings of a training run: what each may be, where its value came from, and which source wins: flag, then
 * environment (`AG_EPOCHS`), then config file, then recipe, then default.
 */
import { Failure } from './failure.ts';
import { didYouMean } from './suggest.ts';

/** All settings with their values. */
export interface Settings {
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimizer: string;
  schedule: string;
  momentum: number;
  weightDecay: number;
  clipNorm: number;
  seed: number;
  ema: number;
  backend: string;
  arithmetic: string;
  threads: number | 'auto';
  dataDir: string | null;
  checkpointEvery: number;
  keepCheckpoints: number;
  earlyStop: number;
  validateEvery: number;
  overfitBatches: number;
  fastDevRun: boolean;
  detectAnomaly: boolean;
  profile: boolean;
  tensorboard: boolean;
}

/** Where a value came from, the strongest first. */
export const sources = ['flag', 'environment', 'config', 'recipe', 'default'] as const;
export type Source = (typeof sources)[number];

/** Values from one source; text from flags and the environment, anything from files. */
export type Given = Readonly<Partial<Record<keyof Settings, unknown>>>;

interface Setting<T> {
  /** For the help, with the placeholder of its value. */
  readonly flag: string;
  readonly help: string;
  readonly fallback: T;
  /** All that it may be, where it is one of some names. */
  readonly choices?: readonly string[];
  /** The value, or an error message that says what was expected. */
  readonly read: (value: unknown) => T | ReadError;
}

class ReadError {
  readonly expected: string;
  constructor(expected: string) {
    this.expected = expected;
  }
}

const whole =
  (least: number, what = 'a whole number') =>
  (value: unknown): number | ReadError => {
    const number = toNumber(value);
    return Number.isSafeInteger(number) && number >= least ? number : new ReadError(`${what} from ${least}`);
  };

const real =
  (least: number) =>
  (value: unknown): number | ReadError => {
    const number = toNumber(value);
    return Number.isFinite(number) && number >= least
      ? number
      : new ReadError(`a finite number from ${least}`);
  };

const yes = (value: unknown): boolean | ReadError =>
  value === true || value === 'true' || value === '1' || value === ''
    ? true
    : value === false || value === 'false' || value === '0'
      ? false
      : new ReadError('true or false');

const choice = (
  flag: string,
  help: string,
  fallback: string,
  choices: readonly string[],
): Setting<string> => ({
  flag,
  help,
  fallback,
  choices,
  read: (value) =>
    choices.includes(String(value))
      ? String(value)
      : new ReadError(didYouMean(String(value), choices, 'one of')),
});

/** Every setting once: its flag, its help, its default and its check. */
export const settings: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
  epochs: { flag: '--epochs <n>', help: 'how often the data are gone through', fallback: 10, read: whole(0) },
  batchSize: { flag: '--batch-size <n>', help: 'examples per step', fallback: 32, read: whole(1) },
  learningRate: { flag: '--learning-rate <rate>', help: 'size of the steps', fallback: 1e-3, read: real(0) },
  optimizer: choice('--optimizer <name>', 'the rule of the steps', 'adam', [
    'sgd',
    'adam',
    'adamw',
    'rmsprop',
    'adagrad',
    'adadelta',
    'nadam',
    'radam',
    'lion',
  ]),
  schedule: choice('--schedule <name>', 'how the learning rate changes', 'constant', [
    'constant',
    'cosine',
    'linear',
    'oneCycle',
    'plateau',
  ]),
  momentum: { flag: '--momentum <share>', help: 'momentum of sgd', fallback: 0, read: real(0) },
  weightDecay: {
    flag: '--weight-decay <factor>',
    help: 'pull of the weights towards 0',
    fallback: 0,
    read: real(0),
  },
  clipNorm: { flag: '--clip-norm <norm>', help: 'longest gradient, 0 for any', fallback: 0, read: real(0) },
  seed: { flag: '--seed <n>', help: 'decides all random numbers', fallback: 0, read: whole(0) },
  ema: {
    flag: '--ema <decay>',
    help: 'judge and keep a running average of the weights, such as 0.999; 0 for none',
    fallback: 0,
    read: (value) => {
      const number = toNumber(value);
      return number >= 0 && number < 1 ? number : new ReadError('a number from 0 to below 1');
    },
  },
  backend: choice('--backend <name>', 'what computes; auto is wasm where it runs, else reference', 'auto', [
    'auto',
    'wasm',
    'reference',
  ]),
  arithmetic: choice(
    '--arithmetic <name>',
    'whether products and sums are rounded once (fused) or twice (separate); auto takes what is fastest',
    'auto',
    ['auto', 'fused', 'separate'],
  ),
  threads: {
    flag: '--threads <n>',
    help: "threads of the wasm backend, 1 to 8 or 'auto'",
    fallback: 'auto',
    read: (value) => {
      const number = toNumber(value);
      if (value === 'auto') return 'auto';
      return [1, 2, 3, 4, 5, 6, 7, 8].includes(number)
        ? number
        : new ReadError("a whole number from 1 to 8, or 'auto'");
    },
  },
  dataDir: {
    flag: '--data-dir <folder>',
    help: 'where the data files are (else AG_DATA_DIR, the cache, or a download)',
    fallback: null,
    read: (value) =>
      value === null ? null : typeof value === 'string' && value !== '' ? value : new ReadError('a folder'),
  },
  checkpointEvery: {
    flag: '--checkpoint-every <steps>',
    help: 'write a checkpoint every so many steps too',
    fallback: 0,
    read: whole(0),
  },
  keepCheckpoints: {
    flag: '--keep-checkpoints <n>',
    help: 'how many of the newest stay',
    fallback: 2,
    read: whole(1),
  },
  earlyStop: {
    flag: '--early-stop <epochs>',
    help: 'end after so many epochs without a better validation loss, 0 for never',
    fallback: 0,
    read: whole(0),
  },
  validateEvery: {
    flag: '--validate-every <epochs>',
    help: 'how often to validate',
    fallback: 1,
    read: whole(1),
  },
  overfitBatches: {
    flag: '--overfit-batches <n>',
    help: 'train and validate on the first n batches alone: a model that works learns them by heart',
    fallback: 0,
    read: whole(0),
  },
  fastDevRun: {
    flag: '--fast-dev-run',
    help: 'a few batches of one epoch, to see whether everything runs',
    fallback: false,
    read: yes,
  },
  detectAnomaly: {
    flag: '--detect-anomaly',
    help: 'stop at the first value that is not finite and name where it was made; warn of gradients that vanish or explode',
    fallback: false,
    read: yes,
  },
  profile: {
    flag: '--profile',
    help: 'time every kernel, and show where the time went: by operation, kernel and module',
    fallback: false,
    read: yes,
  },
  tensorboard: {
    flag: '--tensorboard',
    help: "write TensorBoard's event files into the run's folder",
    fallback: false,
    read: yes,
  },
};

/** The settings' names. */
export const settingNames = Object.keys(settings) as (keyof Settings)[];

/** `learningRate` as a flag, and as a variable of the environment. */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
export const variableOf = (name: string): string =>
  `AG_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** Values with where each came from. */
export interface Resolved {
  readonly values: Readonly<Settings>;
  readonly from: Readonly<Record<keyof Settings, Source>>;
}

/**
 * The values that count.
 * @throws Failure `configuration` for a value that makes no sense, naming it and its source
 */
export function resolveSettings(given: Partial<Record<Source, Given>>): Resolved {
  const values: Record<string, unknown> = {};
  const from: Record<string, Source> = {};
  for (const name of settingNames) {
    const source = sources.find((one) => given[one]?.[name] !== undefined) ?? 'default';
    const raw = source === 'default' ? settings[name].fallback : given[source]![name];
    const value = settings[name].read(raw);
    if (value instanceof ReadError) {
      throw new Failure(
        'configuration',
        `${placeOf(name, source)}: expected ${value.expected}, got ${JSON.stringify(raw) ?? String(raw)}`,
      );
    }
    values[name] = value;
    from[name] = source;
  }
  return { values: values as unknown as Settings, from: from as Record<keyof Settings, Source> };
}

/** The settings that environment variables give. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Given {
  // AG_DATA_DIR names a folder of several sets and is read by @ag/datasets, with a fallback to cache and download.
  const own = settingNames.filter(
    (name) => name !== 'dataDir' && (environment[variableOf(name)] ?? '') !== '',
  );
  return Object.fromEntries(own.map((name) => [name, environment[variableOf(name)]]));
}

function placeOf(name: keyof Settings, source: Source): string {
  if (source === 'flag') return flagOf(name);
  if (source === 'environment') return variableOf(name);
  return source === 'config' ? `config file: ${name}` : `${source}: ${name}`;
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}
