/**
 * From a recipe and settings to the objects that train: data, loaders, model, optimizer. The order is fixed, because
 * it decides which random numbers the weights get.
 */
import {
  type DataLoader,
  dataLoader,
  type MemoryDataset,
  type Preprocessing,
  subset,
  transforms,
} from '@ag/datasets';
import type { Module } from '@ag/nn';
import * as optim from '@ag/optim';
import { manualSeed, type Tensor, type Variable } from '@ag/tensor';
import { pow } from '@ag/tensor/math';
import type { Callback, FitAverage, FitOptimizer, FitOptions, World } from '@ag/train';
import { Failure } from '../failure.ts';
import type { ParameterValue, Recipe, Task } from '../recipes/recipe.ts';
import type { Settings } from '../settings.ts';
import { type TargetUnit, targetUnitOf } from './targetUnit.ts';

/** Batches of a fast development run. */
const fewBatches = 3;
/** Examples that are computed at a time where nothing is learned. */
const testBatch = 500;

/** A task cut down to what the settings ask for. */
export interface Prepared {
  readonly recipe: Recipe;
  readonly task: Task;
  readonly train: MemoryDataset;
  /** What decides which weights are best; null where that is `test`. */
  readonly validation: MemoryDataset | null;
  readonly test: MemoryDataset;
  /** From what the model learns to what is shown. */
  readonly target: TargetUnit;
}

/** Everything that trains. */
export interface Assembled extends Prepared {
  readonly model: Module<[Tensor], Tensor>;
  readonly optimizer: FitOptimizer;
  /** Running averages of the weights, where they were asked for. */
  readonly average: FitAverage | null;
  readonly trainLoader: DataLoader;
  readonly validationLoader: DataLoader;
  readonly testLoader: DataLoader;
  /** Optimizer steps of the whole run. */
  readonly steps: number;
  /** For schedules that want to hear how training goes. */
  readonly callbacks: readonly Callback[];
}

/**
 * Reads the data.
 *
 * @param preprocessing of the run that is evaluated or resumed
 */
export async function prepare(
  recipe: Recipe,
  settings: Readonly<Settings>,
  parameters: Readonly<Record<string, ParameterValue>>,
  preprocessing: Preprocessing | null = null,
): Promise<Prepared> {
  manualSeed(settings.seed);
  const source = settings.dataDir === null ? {} : { dataDir: settings.dataDir };
  const task = await recipe
    .prepare({ settings, parameters, source, preprocessing })
    .catch((error: unknown) => {
      const { name, kind, message } = error as { name?: string; kind?: string; message?: string };
      if (recipe.data === undefined || name !== 'DataError' || kind !== 'missing') throw error;
      throw new Failure('data', String(message), `'agrad data get ${recipe.data}' downloads it.`, error);
    });
  const target = targetUnitOf(task);
  if (settings.overfitBatches > 0) {
    const some = firstOf(task.train, settings.overfitBatches * settings.batchSize);
    return { recipe, task, target, train: some, validation: null, test: some };
  }
  const { train, test, validation = null } = task;
  if (!settings.fastDevRun) return { recipe, task, target, train, validation, test };
  const few = fewBatches * settings.batchSize;
  return {
    recipe,
    task,
    target,
    train: firstOf(train, few),
    validation: validation && firstOf(validation, few),
    test: firstOf(test, few),
  };
}

/**
 * Makes model, loaders and optimizer.
 *
 * @param scaleRate changes the schedule of the learning rate
 * @param world whose ranks share each batch
 * @throws Failure `configuration` for settings that do not fit the data
 */
export async function assemble(
  prepared: Prepared,
  settings: Readonly<Settings>,
  scaleRate = (rate: optim.Rate): optim.Rate => rate,
  world: World | null = null,
): Promise<Assembled> {
  const { task, train, validation, test } = prepared;
  if (settings.batchSize > train.length) {
    throw new Failure(
      'configuration',
      `--batch-size: ${settings.batchSize} is more than the ${train.length} training examples`,
      `Take at most ${train.length}.`,
    );
  }
  if (task.batch !== undefined && settings.batchSize !== task.batch) {
    throw new Failure(
      'configuration',
      `--batch-size: the network takes exactly ${task.batch} example${task.batch === 1 ? '' : 's'} at a time, not ${settings.batchSize}`,
      `Take --batch-size ${task.batch}, or a file that leaves the size of the batch open.`,
    );
  }
  manualSeed(settings.seed);
  const model = task.model();
  const trainTransforms = [task.augment, task.transform].filter((one) => one !== undefined);
  const trainLoader = dataLoader(train, {
    batchSize: settings.batchSize,
    shuffle: settings.overfitBatches === 0,
    seed: settings.seed,
    ...(task.replacement && { replacement: true }),
    ...((task.dropLast || (task.batch ?? 1) > 1) && { dropLast: true }),
    ...(trainTransforms.length > 0 && { transform: transforms.compose(...trainTransforms) }),
    ...(world && { part: world }),
  });
  const steps = Math.max(1, epochsOf(settings) * trainLoader.length);
  const { rate, callbacks } = await scheduleFor(settings, steps);
  return {
    ...prepared,
    model,
    optimizer: optimizerFor(model.parameters(), settings, scaleRate(rate)),
    average: averageFor(model.parameters(), settings, steps),
    trainLoader,
    validationLoader: testLoaderOf(prepared, validation ?? test, world),
    testLoader: testLoaderOf(prepared, test),
    steps,
    callbacks,
  };
}

/** Batches of the test data, in their order; the part of them that a rank looks at. */
export function testLoaderOf(
  { task }: Prepared,
  data: MemoryDataset,
  world: World | null = null,
): DataLoader {
  return dataLoader(data, {
    ...(world && { part: world }),
    batchSize: Math.min(task.batch ?? testBatch, data.length),
    ...((task.batch ?? 1) > 1 && { dropLast: true }),
    ...(task.transform && { transform: task.transform }),
  });
}

function firstOf(data: MemoryDataset, count: number): MemoryDataset {
  return subset(
    data,
    Int32Array.from({ length: Math.min(count, data.length) }, (_, i) => i),
    data.split,
  );
}

async function scheduleFor(
  settings: Readonly<Settings>,
  steps: number,
): Promise<{ rate: optim.Rate; callbacks: readonly Callback[] }> {
  const { learningRate, warmup, schedule: name } = settings;
  if (warmup > 0) {
    if (name === 'oneCycle')
      throw new Failure(
        'configuration',
        '--warmup: oneCycle has a warm-up of its own',
        'Leave out --warmup.',
      );
    if (warmup >= steps) {
      throw new Failure(
        'configuration',
        `--warmup: ${warmup} is not less than the ${steps} steps of the run`,
        'Take fewer, or more epochs.',
      );
    }
    const then = await scheduleFor({ ...settings, warmup: 0 }, steps - warmup);
    return { ...then, rate: optim.linearWarmup(then.rate, { steps: warmup }) };
  }
  switch (name) {
    case 'cosine':
      return { rate: optim.cosine(learningRate, { steps }), callbacks: [] };
    case 'linear':
      return { rate: optim.polynomial(learningRate, { steps }), callbacks: [] };
    case 'oneCycle':
      return { rate: optim.oneCycle(learningRate, { steps }), callbacks: [] };
    case 'multiStep': {
      const milestones = [0.5, 0.75].map((part) => Math.max(1, Math.round(part * steps)));
      return { rate: optim.multiStep(learningRate, { milestones }), callbacks: [] };
    }
    case 'exponential':
      return { rate: optim.exponential(learningRate, { factor: pow(0.01, 1 / steps) }), callbacks: [] };
    case 'restarts':
      return {
        rate: optim.cosineWithRestarts(learningRate, { period: Math.max(1, Math.ceil(steps / 4)) }),
        callbacks: [],
      };
    case 'cyclic': {
      const up = Math.max(1, Math.ceil(steps / 8));
      return { rate: optim.cyclic(learningRate, { up, minimum: learningRate / 10 }), callbacks: [] };
    }
    case 'plateau': {
      const { learningRateSchedule } = await import('@ag/train');
      const schedule = optim.reduceOnPlateau(learningRate, { patience: 3 });
      return { rate: schedule, callbacks: [learningRateSchedule(schedule, { monitor: 'loss' })] };
    }
    default:
      return { rate: learningRate, callbacks: [] };
  }
}

/** The part of `fit`'s options that follows from recipe and settings. */
export function fitOptionsOf(
  { recipe, model, optimizer, average, task, target, trainLoader, validationLoader, callbacks }: Assembled,
  settings: Readonly<Settings>,
): FitOptions & { readonly validation: DataLoader } {
  const { clipNorm } = settings;
  return {
    model,
    optimizer,
    loss: task.loss,
    metrics: target.metrics,
    train: trainLoader,
    validation: validationLoader,
    epochs: epochsOf(settings),
    validateEvery: settings.validateEvery,
    checkNumerics: settings.checkNumerics,
    callbacks,
    compile: (recipe.compile ?? false) && clipNorm === 0,
    ...(average && { average }),
    ...(clipNorm > 0 && { gradients: (parameters) => optim.clipGradNorm(parameters, clipNorm) }),
  };
}

/** Epochs of a whole run. */
export function epochsOf({ epochs, fastDevRun }: Readonly<Settings>): number {
  return fastDevRun ? Math.min(1, epochs) : epochs;
}

type Make = (parameters: Variable[], options: Record<string, unknown>) => FitOptimizer;

/** The optimizer that the settings name. */
export function optimizerFor(
  parameters: Variable[],
  settings: Readonly<Settings>,
  learningRate: optim.Rate,
): FitOptimizer {
  const { optimizer: name, momentum, weightDecay } = settings;
  const known = optim as unknown as Record<string, Make | undefined>;
  const make = known[name];
  if (!make) throw new Failure('configuration', `--optimizer: @ag/optim has no '${name}'`);
  const optimizer = make(parameters, {
    learningRate,
    ...(momentum > 0 && ['sgd', 'rmsprop', 'muon'].includes(name) && { momentum }),
    ...(weightDecay > 0 && { weightDecay }),
  });
  const { lookahead: every } = settings;
  return every > 0 ? optim.lookahead(optimizer as optim.SteppingOptimizer, { every }) : optimizer;
}

/** The average of the weights that is validated and saved, if there shall be one. */
function averageFor(
  parameters: Variable[],
  { ema, swa }: Readonly<Settings>,
  steps: number,
): FitAverage | null {
  if (ema > 0 && swa > 0)
    throw new Failure('configuration', '--swa: --ema asks for another average', 'Leave out one of them.');
  // In a short run the first weights would weigh too much without a warm-up.
  if (ema > 0) return optim.ema(parameters, { decay: ema, warmup: true });
  return swa > 0 ? optim.swa(parameters, { start: steps - Math.ceil(swa * steps) }) : null;
}
