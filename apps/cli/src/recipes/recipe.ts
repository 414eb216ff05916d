/**
 * What a recipe is: everything that `agrad train` needs to know about a task beside the settings. A recipe says where
 * data come from, what the model is, what is minimized, and which settings suit it.
 */
import type { MemoryDataset, Preprocessing, Rows, SourceOptions, Transform } from '@ag/datasets';
import type { Module } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import type { Loss, LossWeights, Measures } from '@ag/train';
import { Failure } from '../failure.ts';
import type { RawSettings, Settings } from '../settings.ts';
import type { Baseline } from '../tables/baseline.ts';
import type { TableColumns } from '../tables/columns.ts';

/** A value of a recipe's own parameter, set by `--set name=value`. */
export type ParameterValue = number | string | boolean | readonly number[];

/** What a recipe is given. */
export interface RecipeContext {
  readonly settings: Readonly<Settings>;
  /** The recipe's parameters: its defaults, changed by `--set`. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** To be handed to the functions of `@ag/datasets` that read files. */
  readonly source: SourceOptions;
  /**
   * The preprocessing of a run that is evaluated or resumed, to be used in place of a new fit; null for a new run, and for
   * one that had none.
   */
  readonly preprocessing?: Preprocessing | null;
}

/** Changes of a batch before it becomes tensors, as `@ag/datasets` defines them. */
export type BatchTransform = NonNullable<
  NonNullable<Parameters<typeof import('@ag/datasets').dataLoader>[1]>['transform']
>;

/** What is shown of a table. */
export interface TableView {
  readonly plan: TableColumns;
  readonly notes: readonly string[];
  readonly preprocessing: Preprocessing;
}

/** A task with its data at hand. */
export interface Task {
  readonly train: MemoryDataset;
  /** What decides while training which weights are best, where `test` is only to judge these. Default: `test`. */
  readonly validation?: MemoryDataset;
  /** What the model is judged by; the training data themselves where there is nothing else. */
  readonly test: MemoryDataset;
  /** Applied to training and test batches. */
  readonly transform?: BatchTransform;
  /** Applied to training batches before `transform`. */
  readonly augment?: BatchTransform;
  /**
   * How rows of a table became `train` and `test`. It is kept with the weights, so that `agrad predict` takes tables as they
   * are, and all that is shown is in the target's own unit: `metrics` are given outputs and targets that are in it already.
   */
  readonly preprocessing?: Preprocessing;
  /** Draw each batch anew from all examples. */
  readonly replacement?: boolean;
  /** Leave out a last, smaller batch. */
  readonly dropLast?: boolean;
  /** The number of examples that the model takes at a time, where it takes no other, as files of networks may say. */
  readonly batch?: number;
  readonly loss: (output: Tensor, y: Tensor) => Tensor;
  readonly metrics: Readonly<Record<string, (output: Tensor, y: Tensor) => Tensor>>;
  /** What an answer without a model would reach, shown beside the result. */
  readonly baseline?: Baseline;
  /** Of a table: what its columns were taken for. */
  readonly table?: TableView;
  /** The untrained model; its weights come from the global sequence of random keys. */
  model(): Module<[Tensor], Tensor>;
  /** Lines to show after the training. */
  conclude?(model: Module<[Tensor], Tensor>): Promise<readonly string[]>;
}

/** A task that can be trained by its name. */
export interface Recipe {
  readonly name: string;
  /** One line for lists. */
  readonly summary: string;
  /** What the outputs mean. */
  readonly kind: 'classification' | 'regression' | 'binary';
  /** Settings that suit it. */
  readonly settings: RawSettings;
  /** Its own parameters with their defaults, changed by `--set name=value`. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /**
   * Whether the step may be traced once and repeated: less work for the host, for small networks. Default false.
   */
  readonly compile?: boolean;
  /** The command that brings its data, where it needs any. */
  readonly data?: string;
  /** Where a function of a task is written, for messages about it; only of recipes from a module. */
  placeOf?(part: unknown): string | null;
  /** Reads the data. */
  prepare(context: RecipeContext): Promise<Task>;
}

/** What an output means. */
export type OutputKind = Recipe['kind'];

type Typed =
  | 'train'
  | 'validation'
  | 'test'
  | 'transform'
  | 'augment'
  | 'loss'
  | 'metrics'
  | 'model'
  | 'conclude';

/** A task of structures: see `Task`. */
export interface StructuredTask<X, Output, Y> extends Omit<Task, Typed> {
  readonly train: MemoryDataset<X, Y>;
  readonly validation?: MemoryDataset<X, Y>;
  readonly test: MemoryDataset<X, Y>;
  readonly transform?: Transform<Rows<X, Y>>;
  readonly augment?: Transform<Rows<X, Y>>;
  /** One loss, or one for each head of the targets. */
  readonly loss: Loss<Output, Y>;
  /** The weights of the heads' losses. Default 1 each. */
  readonly weights?: LossWeights<Y>;
  /** Metrics by name; of several heads by head: `{ class: { accuracy } }`. */
  readonly metrics: Measures<Output, Y>;
  model(): Module<[X], Output>;
  conclude?(model: Module<[X], Output>): Promise<readonly string[]>;
}

/** A recipe of structures: see `Recipe`. */
export interface StructuredRecipe<X, Output, Y> extends Omit<Recipe, 'kind' | 'prepare'> {
  /** What the output means; of several heads what each does: `{ class: 'classification', box: 'regression' }`. */
  readonly kind: OutputKind | Readonly<Record<string, OutputKind>>;
  prepare(context: RecipeContext): Promise<StructuredTask<X, Output, Y>>;
}

/**
 * A recipe, checked by the compiler. The default export of a module that `agrad train ./recipe.ts` runs.
 *
 * ```ts
 * export default defineRecipe({
 *   name: 'moons', summary: 'two half circles', kind: 'classification',
 *   settings: { epochs: 20, learningRate: 1e-2 }, parameters: {},
 *   async prepare() {
 *     const train = moons({ count: 500, seed: 1 });
 *     return {
 *       train, test: moons({ count: 200, seed: 2 }), loss: crossEntropy, metrics: { accuracy },
 *       model: () => sequential(linear(2, 16), tanh(), linear(16, 2)),
 *     };
 *   },
 * });
 * ```
 */
export function defineRecipe(recipe: Recipe): Recipe;
/** Of a model with several inputs or outputs: `kind` says what each head means. */
export function defineRecipe<X, Output, Y>(recipe: StructuredRecipe<X, Output, Y>): Recipe;
export function defineRecipe(recipe: unknown): Recipe {
  return recipe as Recipe;
}

/** A parameter that must be a whole number above 0. */
export function countOf(parameters: RecipeContext['parameters'], name: string): number {
  const value = parameters[name];
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new Failure(
    'configuration',
    `--set ${name}: expected a whole number above 0, got ${JSON.stringify(value)}`,
  );
}

/** A parameter that must be a list of whole numbers above 0, such as the sizes of hidden layers. */
export function countsOf(parameters: RecipeContext['parameters'], name: string): readonly number[] {
  const value = parameters[name];
  const list = typeof value === 'number' ? [value] : value;
  if (Array.isArray(list) && list.every((one) => Number.isInteger(one) && one > 0)) return list;
  throw new Failure(
    'configuration',
    `--set ${name}: expected whole numbers above 0 such as [50,100], got ${JSON.stringify(value)}`,
  );
}
