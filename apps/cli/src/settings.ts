/**
 * The settings of a training run. Each may come from a flag, the environment (`AG_EPOCHS`), a config file, the recipe or
 * its default: the first of these that gives a value counts, and is remembered for messages and `--print-config`.
 */
import { Failure } from './failure.ts';
import {
  boolean,
  type Flag,
  flagOf,
  Invalid,
  integer,
  type Kind,
  number,
  oneOf,
  type ValueOf,
} from './flags.ts';

/** A setting: a flag with a default, and the heading under which help shows it. */
interface Setting extends Flag {
  readonly heading: string;
  readonly default: unknown;
  /** Whether recipes give a value that suits them, which counts before the default. */
  readonly byRecipe?: true;
}

function defineSettings<const S extends Readonly<Record<string, Setting>>>(settings: S): S {
  return settings;
}

const decay: Kind<number> = {
  read: (value) => {
    const found = number(0).read(value);
    return typeof found === 'number' && found < 1 ? found : new Invalid('a number from 0 to below 1');
  },
};

const share: Kind<number> = {
  read: (value) => {
    const found = number(0).read(value);
    return typeof found === 'number' && found <= 1 ? found : new Invalid('a number from 0 to 1');
  },
};

const threads: Kind<number | 'auto'> = {
  read: (value) => {
    const found = value === 'auto' ? value : integer(1, 8).read(value);
    return found instanceof Invalid ? new Invalid("a whole number from 1 to 8, or 'auto'") : found;
  },
};

const folder: Kind<string | null> = {
  read: (value) =>
    value === null || (typeof value === 'string' && value !== '') ? value : new Invalid('a folder'),
};

/** Every setting, in the order of the help. */
export const settings = defineSettings({
  epochs: {
    heading: 'Training',
    type: integer(0),
    value: '<n>',
    default: 10,
    byRecipe: true,
    help: 'passes over the training data',
  },
  batchSize: {
    heading: 'Training',
    type: integer(1),
    value: '<n>',
    default: 32,
    byRecipe: true,
    help: 'examples per step',
  },
  learningRate: {
    heading: 'Training',
    type: number(0),
    value: '<rate>',
    default: 1e-3,
    byRecipe: true,
    help: 'learning rate',
  },
  optimizer: {
    heading: 'Training',
    type: oneOf(
      'sgd',
      'adam',
      'adamw',
      'rmsprop',
      'adagrad',
      'adadelta',
      'nadam',
      'radam',
      'lion',
      'adamax',
      'adafactor',
      'lamb',
      'muon',
    ),
    value: '<name>',
    default: 'adam',
    byRecipe: true,
    help: 'optimizer',
  },
  schedule: {
    heading: 'Training',
    type: oneOf(
      'constant',
      'cosine',
      'linear',
      'oneCycle',
      'plateau',
      'multiStep',
      'exponential',
      'restarts',
      'cyclic',
    ),
    value: '<name>',
    default: 'constant',
    byRecipe: true,
    help:
      'learning rate schedule: multiStep is a tenth after half and again after three quarters of the steps, exponential ends at a ' +
      'hundredth, restarts are four falling cosines, cyclic goes up and down four times',
  },
  warmup: {
    heading: 'Training',
    type: integer(0),
    value: '<steps>',
    default: 0,
    zeroIsOff: true,
    byRecipe: true,
    help: 'raise the learning rate along a line over the first steps',
  },
  seed: {
    heading: 'Training',
    type: integer(0),
    value: '<n>',
    default: 0,
    help: 'random seed',
  },
  earlyStop: {
    heading: 'Training',
    type: integer(0),
    value: '<epochs>',
    default: 0,
    zeroIsOff: true,
    byRecipe: true,
    help: 'stop after this many epochs without a better validation loss',
  },
  momentum: {
    heading: 'Training',
    type: number(0),
    value: '<factor>',
    default: 0,
    byRecipe: true,
    help: 'momentum of sgd and rmsprop, and of muon in place of its 0.95',
  },
  weightDecay: {
    heading: 'Training',
    type: number(0),
    value: '<factor>',
    default: 0,
    byRecipe: true,
    help: 'weight decay (L2)',
  },
  clipNorm: {
    heading: 'Training',
    type: number(0),
    value: '<norm>',
    default: 0,
    zeroIsOff: true,
    byRecipe: true,
    help: 'clip the gradient norm',
  },
  ema: {
    heading: 'Training',
    type: decay,
    value: '<decay>',
    default: 0,
    zeroIsOff: true,
    byRecipe: true,
    help: 'validate and save an exponential moving average of the weights, such as 0.999',
  },
  swa: {
    heading: 'Training',
    type: share,
    value: '<share>',
    default: 0,
    zeroIsOff: true,
    byRecipe: true,
    help: 'validate and save the mean of the weights along this last share of the steps, such as 0.25',
  },
  lookahead: {
    heading: 'Training',
    type: integer(0),
    value: '<steps>',
    default: 0,
    zeroIsOff: true,
    byRecipe: true,
    help: 'let slow weights go half way to those of the optimizer after so many steps, such as 5',
  },
  validateEvery: {
    heading: 'Training',
    type: integer(1),
    value: '<epochs>',
    default: 1,
    byRecipe: true,
    help: 'epochs between validations',
  },
  dataDir: {
    heading: 'Backend and data',
    type: folder,
    value: '<folder>',
    default: null,
    help: 'folder of the data files (else AG_DATA_DIR, the cache, or a download)',
  },
  backend: {
    heading: 'Backend and data',
    type: oneOf('auto', 'wasm', 'webgpu', 'reference'),
    value: '<name>',
    default: 'auto',
    help: 'backend; auto is wasm if it runs here, else reference; webgpu needs npm webgpu',
  },
  threads: {
    heading: 'Backend and data',
    type: threads,
    value: '<n>',
    default: 'auto',
    help: "threads of the wasm backend, 1 to 8 or 'auto'",
  },
  arithmetic: {
    heading: 'Backend and data',
    type: oneOf('auto', 'fused', 'separate'),
    value: '<name>',
    default: 'auto',
    help: 'round a multiply-add once (fused) or twice (separate); auto is the faster',
  },
  vectors: {
    heading: 'Backend and data',
    type: oneOf('auto', '128'),
    value: '<bits>',
    default: 'auto',
    help: 'auto goes over to 256 bits where they run and give the same results; 128 does not',
  },
  checkpointEvery: {
    heading: 'Checkpoints and logs',
    type: integer(0),
    value: '<steps>',
    default: 0,
    zeroIsOff: true,
    help: 'steps between checkpoints, in addition to those after epochs',
  },
  keepCheckpoints: {
    heading: 'Checkpoints and logs',
    type: integer(1),
    value: '<n>',
    default: 2,
    help: 'number of checkpoints to keep',
  },
  tensorboard: {
    heading: 'Checkpoints and logs',
    type: boolean,
    default: false,
    help: "write TensorBoard event files to the run's folder",
  },
  fastDevRun: {
    heading: 'Debugging',
    type: boolean,
    default: false,
    help: 'run a few batches of one epoch to check that everything works',
  },
  overfitBatches: {
    heading: 'Debugging',
    type: integer(0),
    value: '<n>',
    default: 0,
    zeroIsOff: true,
    help: 'train and validate on the first n batches only; a working model memorizes them',
  },
  detectAnomaly: {
    heading: 'Debugging',
    type: boolean,
    default: false,
    help: 'stop at the first NaN or infinity and name the operation; warn about vanishing and exploding gradients',
  },
  checkNumerics: {
    heading: 'Debugging',
    type: integer(0),
    default: 0,
    value: '<n>',
    zeroIsOff: true,
    help: 'compute the loss of every n-th step in float64 too, and name what loses digits of float32',
  },
  profile: {
    heading: 'Debugging',
    type: boolean,
    default: false,
    help: 'show time by operation, kernel and module',
  },
});

export type SettingName = keyof typeof settings;

/** All settings with their values. */
export type Settings = { -readonly [Name in SettingName]: ValueOf<(typeof settings)[Name]> };

/** The settings' names. */
export const settingNames = Object.keys(settings) as SettingName[];

export function isSetting(name: string): name is SettingName {
  return Object.hasOwn(settings, name);
}

/** Where a value came from, the strongest first. */
const sources = ['flag', 'environment', 'config', 'recipe', 'default'] as const;
export type Source = (typeof sources)[number];

/** Values from one source, not read yet: text from flags and the environment, anything from files. */
export type RawSettings = Readonly<Partial<Record<SettingName, unknown>>>;

/** Values with where each came from. */
export interface Resolved {
  readonly values: Readonly<Settings>;
  readonly from: Readonly<Record<SettingName, Source>>;
}

/**
 * The values that count.
 * @throws Failure `configuration` for a value that makes no sense, naming it and its source
 */
export function resolveSettings(given: Partial<Record<Source, RawSettings>>): Resolved {
  const values: Record<string, unknown> = {};
  const from: Record<string, Source> = {};
  for (const name of settingNames) {
    const source = sources.find((one) => given[one]?.[name] !== undefined) ?? 'default';
    const raw = source === 'default' ? settings[name].default : given[source]![name];
    const value = settings[name].type.read(raw);
    if (value instanceof Invalid) {
      throw new Failure(
        'configuration',
        `${describeSource(name, source)}: expected ${value.expected}, got ${JSON.stringify(raw) ?? String(raw)}`,
        value.hint,
      );
    }
    values[name] = value;
    from[name] = source;
  }
  return { values: values as unknown as Settings, from: from as Record<SettingName, Source> };
}

/** The settings that environment variables give. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): RawSettings {
  // AG_DATA_DIR names a folder of several sets and is read by @ag/datasets, with a fallback to cache and download.
  const own = settingNames.filter(
    (name) => name !== 'dataDir' && (environment[variableOf(name)] ?? '') !== '',
  );
  return Object.fromEntries(own.map((name) => [name, environment[variableOf(name)]]));
}

/** `learningRate` as a variable of the environment. */
function variableOf(name: SettingName): string {
  return `AG_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function describeSource(name: SettingName, source: Source): string {
  if (source === 'flag') return flagOf(name);
  if (source === 'environment') return variableOf(name);
  return source === 'config' ? `config file: ${name}` : `${source}: ${name}`;
}
