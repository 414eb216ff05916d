/**
 * Training that begins with weights of a file in place of random ones: an ONNX file is the network itself, other files hold
 * weights for the recipe's network. It is a change of the recipe, so everything that takes recipes takes these.
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type AnyModule, Module } from '@ag/nn';
import type { OnnxModel } from '@ag/onnx';
import { Tensor, type Variable } from '@ag/tensor';
import { totalLoss } from '@ag/train';
import { Failure } from '../failure.ts';
import { externalOf } from '../files/external.ts';
import { formatOfFile } from '../files/format.ts';
import { bytesOf, reading } from '../files/modelFile.ts';
import { readWeightsFile, type Weights } from '../files/weightsFile.ts';
import type { Recipe, Task } from '../recipes/recipe.ts';
import { makeFolder, type Start } from '../runs/folder.ts';
import { didYouMean } from '../suggest.ts';
import { type Prepared, testLoaderOf } from './assemble.ts';

export type { Start } from '../runs/folder.ts';

/** A recipe whose network begins as a file says. */
export function startingFrom(recipe: Recipe, start: Start): Recipe {
  return {
    ...recipe,
    // What is traced once would hold on to shapes of the file.
    prepare: async (context) => {
      const task = await recipe.prepare(context);
      const make = await networkMaker(start, task);
      const batch = await fixedBatch(start);
      return {
        ...task,
        ...(batch !== null && { batch }),
        model: () => make() as ReturnType<Task['model']>,
      };
    },
  };
}

/** The size of a batch that an ONNX file fixes. */
async function fixedBatch({ file }: Start): Promise<number | null> {
  if ((await formatOfFile(file)) !== 'onnx') return null;
  const { inspectOnnx } = await import('@ag/onnx');
  const size = inspectOnnx(bytesOf(file)).inputs[0]?.shape?.[0];
  return typeof size === 'number' ? size : null;
}

/**
 * Tries the network on the recipe's data, without computing anything.
 *
 * @throws Failure `incompatible` when it does not take them, or gives what the loss does not
 */
export async function expectFit(prepared: Prepared, model: AnyModule, { file }: Start): Promise<void> {
  const line = (error: unknown): string =>
    (error as Error).message.split('\n')[0].replace(/^OnnxModel: /, '');
  for await (const { x, y } of testLoaderOf(prepared, prepared.test)) {
    let output: unknown;
    try {
      output = model.forward(x);
    } catch (error) {
      throw new Failure(
        'incompatible',
        `${file} does not take the recipe's data: ${line(error)}`,
        "'agrad inspect' shows what it takes.",
        error,
      );
    }
    const classes = prepared.recipe.kind === 'classification' ? prepared.test.classes?.length : undefined;
    const outputs = output instanceof Tensor ? output.shape.at(-1) : undefined;
    if (classes !== undefined && outputs !== undefined && outputs !== classes) {
      throw new Failure(
        'incompatible',
        `${file} gives ${outputs} outputs, and the recipe's data have ${classes} classes`,
        `--head ${classes} gives it a new last layer.`,
      );
    }
    try {
      totalLoss(prepared.task.loss, output as Tensor, y);
    } catch (error) {
      throw new Failure(
        'incompatible',
        `${file} does not give what the recipe's loss takes: ${line(error)}`,
        '--head N gives it a new last layer, of N outputs.',
        error,
      );
    }
    return;
  }
}

/** The network of an ONNX file, without a recipe. */
export async function networkOf(start: Start): Promise<Module<[Tensor], Tensor>> {
  return (await networkMaker(start, null))() as Module<[Tensor], Tensor>;
}

/** Makes the network, as often as it is asked for: each has its own weights. */
async function networkMaker(start: Start, task: Task | null): Promise<() => AnyModule> {
  const { file } = start;
  if (!existsSync(file)) throw new Failure('data', `${file}: there is no such file`);
  if ((await formatOfFile(file)) === 'onnx') {
    const { loadOnnx, replaceHead } = await import('@ag/onnx');
    const bytes = bytesOf(file);
    const load = () => loadOnnx(bytes, { external: externalOf(file) });
    // A file that cannot be read is told at once.
    await reading(file, load);
    return () => {
      const model = load();
      if (start.head !== undefined) withHead(file, () => replaceHead(model, start.head!));
      const network = new ImportedNetwork(model, basename(file));
      freeze(network, start);
      return network.train();
    };
  }
  if (task === null)
    throw new Failure(
      'usage',
      `${file} holds weights and no network`,
      'Name the recipe that it is of with --recipe.',
    );
  const weights = await readWeightsFile(file);
  return () => {
    const model = task.model();
    loadStart(model, weights, start);
    freeze(model, start);
    return model;
  };
}

function withHead(file: string, replace: () => unknown): void {
  try {
    replace();
  } catch (error) {
    throw new Failure(
      'incompatible',
      `--head: ${file}: ${(error as Error).message.replace(/^replaceHead: /, '')}`,
      'Leave out --head to train the network as it is.',
      error,
    );
  }
}

/** A network of a file as the recipes want it: for one tensor its first output, for several by their names. */
export class ImportedNetwork extends Module<[unknown], unknown> {
  readonly #model: OnnxModel;
  readonly #file: string;

  constructor(model: OnnxModel, file: string) {
    super();
    this.#model = model;
    this.#file = file;
  }

  /** What the file says of inputs and outputs. */
  get inputs(): OnnxModel['inputs'] {
    return this.#model.inputs;
  }

  get outputs(): OnnxModel['outputs'] {
    return this.#model.outputs;
  }

  override forward(x: unknown): unknown {
    const { inputs, outputs } = this.#model;
    const given = x instanceof Tensor ? [x] : inputs.map(({ name }, i) => part(x, name, i, this.#file));
    const results = this.#model.forward(...given.map((one, i) => shaped(one, inputs[i]?.shape ?? null)));
    if (x instanceof Tensor || outputs.length === 1) return results[0];
    return Object.fromEntries(outputs.map(({ name }, i) => [name, results[i]]));
  }

  override get training(): boolean {
    return this.#model.training;
  }

  override set training(training: boolean) {
    this.#model.training = training;
  }

  /** Weights under their names in the file. */
  override *members(): Iterable<readonly [string, Variable | AnyModule]> {
    yield* this.#model.members();
  }
}

function part(x: unknown, name: string, i: number, file: string): Tensor {
  const found = Array.isArray(x) ? x[i] : (x as Readonly<Record<string, unknown>>)[name];
  if (found instanceof Tensor) return found;
  const names = Object.keys(x as object);
  throw new Failure(
    'incompatible',
    `${file} takes the input '${name}', which the data do not have`,
    `They have ${names.join(', ')}.`,
  );
}

/** Pictures that a recipe gives as rows, and rows that it gives as pictures: the same numbers in the same order. */
function shaped(x: Tensor, shape: OnnxModel['inputs'][number]['shape']): Tensor {
  const rest = shape?.slice(1);
  if (!rest?.every((size): size is number => typeof size === 'number') || x.shape.length === 0) return x;
  const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
  if (x.shape.length === shape!.length || product(rest) !== product(x.shape.slice(1))) return x;
  return x.reshape([x.shape[0], ...rest]);
}

/** Gives a recipe's network the weights of a file: all of them, but for a new last layer. */
function loadStart(model: AnyModule, weights: Weights, { file, head }: Start): void {
  const skipped = new Set(head === undefined ? [] : lastLayer(model, head, file));
  const own = model.stateDict();
  const target = Object.fromEntries(Object.entries(own).filter(([name]) => skipped.has(name)));
  const problems: string[] = [];
  for (const prefix of prefixesOf(weights.names)) {
    const inner = weights.names.filter((name) => name.startsWith(prefix));
    const found = Object.fromEntries(inner.map((name) => [name.slice(prefix.length), weights.tensors[name]]));
    try {
      model.loadStateDict({ ...withoutHead(found, skipped), ...target });
      return;
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  throw new Failure(
    'incompatible',
    `${file} does not fit the recipe's network. ${problems[0].replace(/^loadStateDict: the state does not fit the module, nothing was changed\. /, '').replace(/ Use \{ rename \}.*/s, '')}`,
    head === undefined
      ? "'--head N' leaves the last layer new, where only that differs; 'agrad inspect' shows the file."
      : undefined,
  );
}

/** Without the weights of the last layer, whatever their style of names. */
function withoutHead(
  state: Readonly<Record<string, Tensor>>,
  skipped: ReadonlySet<string>,
): Readonly<Record<string, Tensor>> {
  const plain = (name: string): string =>
    name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    Object.entries(state).filter(([name]) => !skipped.has(name) && !skipped.has(plain(name))),
  );
}

/** The file's names as they are, else those behind a prefix, such as 'module.' or 'model_state_dict.'. */
function prefixesOf(names: readonly string[]): readonly string[] {
  const found = new Set(['']);
  for (const name of names) {
    const parts = name.split('.');
    for (let depth = 1; depth <= Math.min(2, parts.length - 1); depth++)
      found.add(`${parts.slice(0, depth).join('.')}.`);
    if (found.size > 100) break;
  }
  return [...found];
}

/** Names of the weights of the last layer that has some. */
function lastLayer(model: AnyModule, outputs: number, file: string): string[] {
  const own = [...model.namedParameters()];
  const last = own.at(-1)?.[0] ?? '';
  const prefix = last.slice(0, last.lastIndexOf('.') + 1);
  const layer = own.filter(([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes('.'));
  if (layer.every(([, { shape }]) => shape[0] === outputs)) return layer.map(([name]) => name);
  throw new Failure(
    'configuration',
    `--head ${outputs}: the last layer of the recipe's network, '${prefix.slice(0, -1) || last}', has ${layer[0]?.[1].shape[0] ?? 0} outputs`,
    `With ${file} the network is the recipe's; its own parameters (--set) change it.`,
  );
}

/** Weights that stay as they are. @throws Failure `usage` for a pattern that fits no name, or where nothing is left to train */
function freeze(model: AnyModule, { freeze: patterns }: Start): void {
  const parameters = model.namedParameters();
  for (const pattern of patterns) {
    const expression = new RegExp(
      `^${pattern
        .split('*')
        .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    );
    const found = [...parameters].filter(([name]) => expression.test(name));
    if (found.length === 0) {
      const names = [...parameters.keys()];
      throw new Failure(
        'usage',
        `--freeze ${pattern}: no weight has such a name`,
        didYouMean(pattern, names.slice(0, 50), 'Weights'),
      );
    }
    for (const [, weight] of found) weight.trainable = false;
  }
  if (patterns.length > 0 && [...parameters.values()].every(({ trainable }) => !trainable)) {
    throw new Failure(
      'usage',
      '--freeze: nothing is left to train',
      'Leave out a pattern, or give a new last layer with --head.',
    );
  }
}

/** The folder of a run in which the file lies that it started from. */
const folder = 'from';

/** Copies the file into the run's folder: from then on the run needs nothing else. */
export async function keepStart(run: string, start: Start): Promise<Start> {
  const { file } = start;
  const name = /\.index\.json$/i.test(file) ? 'weights.safetensors' : basename(file);
  makeFolder(join(run, folder));
  const kept = join(folder, name);
  if ((await formatOfFile(file)) === 'safetensors index') {
    const { saveSafetensors } = await import('@ag/nn');
    const { writeAtomically } = await import('@ag/train');
    await writeAtomically(join(run, kept), await saveSafetensors((await readWeightsFile(file)).tensors));
  } else {
    copyFileSync(file, join(run, kept));
    for (const location of await otherFiles(file)) {
      const copy = join(run, folder, location);
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(join(dirname(file), location), copy);
    }
  }
  return { ...start, kept };
}

/** Files in which weights of an ONNX file lie. */
async function otherFiles(file: string): Promise<readonly string[]> {
  if ((await formatOfFile(file)) !== 'onnx') return [];
  const { onnxTensors } = await import('@ag/onnx');
  const locations = new Set<string>();
  const read = externalOf(file);
  const spy: typeof read = (location, offset) => {
    locations.add(location);
    return read(location, offset, 0);
  };
  for (const tensor of onnxTensors(bytesOf(file), { external: spy })) {
    if (!tensor.external) continue;
    try {
      tensor.read();
    } catch {
      // Only where it lies is asked.
    }
  }
  return [...locations];
}

/** What a run goes on from: the copy in its folder. */
export function keptStart(run: string, start: Start): Start {
  return { ...start, file: start.kept === undefined ? start.file : join(run, start.kept) };
}
