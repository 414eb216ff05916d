/** `agrad export`: a trained network as a file for other programs, and whether these compute the same. */

import { statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { placeholder } from '@ag/graph';
import {
  type AnyModule,
  fromJSON,
  loadNpz,
  loadSafetensors,
  loadTorch,
  Module,
  saveNpz,
  saveSafetensors,
  saveTorch,
} from '@ag/nn';
import { exportOnnx, loadOnnx } from '@ag/onnx';
import { normal, type Tensor } from '@ag/tensor';
import { eventVersion, writeAtomically } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { ExportOptions } from '../commands/export.ts';
import { exitCodes, Failure } from '../failure.ts';
import { count, formatNumber, bytes as size } from '../numbers.ts';
import { mapParts, tensorsByPath } from '../recipes/structured.ts';
import { fromEnvironment, resolveSettings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { testLoaderOf } from '../training/assemble.ts';
import { findRuntime } from './runtime.ts';
import type { Numbers, Subject } from './subject.ts';
import { describeWeights, type Found, findWeights, loadTrained, withAverages } from './trained.ts';

type Format = 'onnx' | 'pytorch' | 'safetensors' | 'npz' | 'wasm';

const endings: Readonly<Record<string, Format>> = {
  '.onnx': 'onnx',
  '.pt': 'pytorch',
  '.pth': 'pytorch',
  '.safetensors': 'safetensors',
  '.npz': 'npz',
  '.wasm': 'wasm',
};

/** Examples that both sides compute. */
const examples = 4;

/** Runs the command; answers the exit code. */
export async function exportModel(options: ExportOptions, terminal: Terminal): Promise<number> {
  const { positional, verify, tolerance } = options;
  const { format, out } = targetOf(options);
  const needsExamples = format === 'onnx' || format === 'wasm' || verify;
  const found = await findWeights(positional[0]);
  const { values: settings } = resolveSettings({
    flag: options.settings,
    environment: fromEnvironment(process.env),
  });
  const backend = await chooseBackend(settings, terminal);
  try {
    const plans = format === 'wasm' ? await import('./exportPlan.ts') : null;
    if (plans && options.train) return await plans.exportTraining(options, out, terminal);
    const subject = await subjectOf(found, options, needsExamples, terminal);
    const { model, x } = subject;
    model.eval();
    const plan = await plans?.answering(subject, options);
    const content = plan?.wasm ?? (await contentOf(format as Exclude<Format, 'wasm'>, subject, options));
    await writeAtomically(out, content);
    if (plan) await plans?.writeCompanions(plan, out);
    const parameters = [...model.namedParameters().values()].reduce(
      (sum, { shape }) => sum + shape.reduce((product, axis) => product * axis, 1),
      0,
    );
    terminal.print(`${out}: ${count(parameters)} weights, ${size(content.length)}`);
    const answers = plan && plans ? () => plans.answersOf(plan, x) : undefined;
    const verified = verify ? await verification(format, content, model, x, answers) : null;
    if (verified) {
      const { by, difference, scale } = verified;
      terminal.print(
        `${by}: largest difference ${formatNumber(difference)} over ${examples} examples, outputs up to ${formatNumber(scale)}`,
      );
    }
    const passed = verified === null || verified.difference <= tolerance * Math.max(1, verified.scale);
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'export',
      from: positional[0],
      path: out,
      format,
      bytes: content.length,
      parameters,
      ...(verified && {
        verified: {
          ...verified,
          difference: Number.isFinite(verified.difference)
            ? verified.difference
            : String(verified.difference),
        },
        passed,
      }),
    });
    if (passed) return exitCodes.done;
    terminal.note(
      terminal.err.red(
        `${out} does not compute the same: the difference is beyond ${formatNumber(tolerance)}`,
      ),
    );
    return exitCodes.check;
  } finally {
    backend.close();
  }
}

/** What is written, and where. */
function targetOf(options: ExportOptions): { readonly format: Format; readonly out: string } {
  const [source, out] = options.positional;
  const asked = (['onnx', 'pytorch', 'safetensors', 'npz', 'wasm'] as const).filter((name) => options[name]);
  if (asked.length > 1)
    throw new Failure('usage', `${asked.map((name) => `--${name}`).join(' and ')}: one format at a time`);
  const ending = out === undefined ? '' : extname(out).toLowerCase();
  const named = Object.hasOwn(endings, ending) ? endings[ending] : undefined;
  const format = asked[0] ?? named;
  if (format === undefined) {
    throw new Failure(
      'usage',
      out === undefined ? 'which format?' : `${out}: unknown file extension`,
      'Say it: --onnx, --pytorch, --safetensors, --npz or --wasm.',
    );
  }
  if (options.fold && format !== 'onnx') throw new Failure('usage', '--fold: only ONNX files take it');
  const ofPlans = (['train', 'maxBatch', 'beside'] as const).find((name) => options[name]);
  if (ofPlans && format !== 'wasm')
    throw new Failure(
      'usage',
      `--${ofPlans === 'maxBatch' ? 'max-batch' : ofPlans}: only WebAssembly takes it`,
    );
  if (options.train && (options.verify || options.maxBatch !== undefined))
    throw new Failure('usage', `--${options.verify ? 'verify' : 'max-batch'}: not of a training step`);
  if (out !== undefined) return { format, out };
  const isFolder = statSync(source, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const suffix = Object.keys(endings).find((ending) => endings[ending] === format);
  return { format, out: join(isFolder ? source : dirname(source), `model${suffix}`) };
}

/** The network, by its architecture where the file has it and no examples are needed of its recipe, else by the recipe. */
async function subjectOf(
  found: Found,
  options: ExportOptions,
  needsExamples: boolean,
  terminal: Terminal,
): Promise<Subject> {
  const { positional, recipe, settings, shape } = options;
  const { metadata, weights, start, preprocessing } = found;
  const texts = textsOf(found);
  const given = shape.map(
    ([name, sizes]) => [name === '' ? 'x' : name, normal([examples, ...sizes])] as const,
  );
  const asked = given.length === 1 ? given[0][1] : Object.fromEntries(given);
  const known = given.length > 0 ? asked : preprocessing ? normal([examples, preprocessing.features]) : null;
  if (
    recipe === undefined &&
    metadata.architecture !== undefined &&
    start === null &&
    (known || !needsExamples)
  ) {
    try {
      const model = fromJSON(JSON.parse(metadata.architecture));
      model.loadStateDict(withAverages(weights, model as Module<[Tensor], Tensor>));
      return { model, x: known, batch: null, metadata: texts };
    } catch (error) {
      throw new Failure('incompatible', `${found.path}: ${(error as Error).message}`, undefined, error);
    }
  }
  const asking = { target: positional[0], recipe, settings };
  const trained = await describeWeights(asking, 'export', terminal.ask).catch((error: unknown) => {
    if (!(error instanceof Failure) || metadata.architecture === undefined) throw error;
    throw new Failure(
      error.kind,
      error.message,
      `${error.hint ?? ''} Or give the shape of an example: --shape x=1,28,28`.trim(),
      error,
    );
  });
  const { prepared, model } = await loadTrained(trained);
  const { test, task } = prepared;
  const classes = test.classes && { classes: JSON.stringify(test.classes) };
  const own = { ...texts, ...classes };
  const batch = task.batch ?? null;
  if (known) return { model, x: known, batch, metadata: own };
  for await (const { x } of testLoaderOf({ ...prepared, task }, test)) {
    const few = mapParts(x, isTensor, (t) => t.slice(0, batch ?? Math.min(examples, t.shape[0])));
    return { model, x: few, batch, metadata: own };
  }
  throw new Failure('data', `${positional[0]}: its recipe has no examples`);
}

function isTensor(value: unknown): value is Tensor {
  return typeof (value as Partial<Tensor> | null)?.dtype === 'string';
}

/** What goes on with the weights: what they are of, and how rows become inputs. */
function textsOf({ metadata, config, preprocessing }: Found): Record<string, string> {
  const kept = config
    ? {
        recipe: config.recipe,
        parameters: JSON.stringify(config.parameters),
        settings: JSON.stringify(config.settings),
      }
    : Object.fromEntries(
        ['recipe', 'parameters', 'settings', 'classes'].flatMap((name) =>
          metadata[name] === undefined ? [] : [[name, metadata[name]]],
        ),
      );
  return { ...kept, ...(preprocessing && { preprocessing: JSON.stringify(preprocessing) }) };
}

async function contentOf(
  format: Exclude<Format, 'wasm'>,
  { model, x, batch, metadata }: Subject,
  { opset, fold }: ExportOptions,
): Promise<Uint8Array> {
  try {
    switch (format) {
      case 'onnx': {
        const inputs = tensorsByPath(x, '').map(([path, t]) => [
          path === '' ? 'x' : path,
          placeholder([batch, ...t.shape.slice(1)], { dtype: t.dtype }),
        ]);
        const whole = inputs.length === 1 && isTensor(x) ? model : new PlainNetwork(model, x);
        return await exportOnnx(whole, { inputs: Object.fromEntries(inputs), opset, fold, metadata });
      }
      case 'pytorch':
        return await saveTorch(model);
      case 'npz':
        return await saveNpz(model.stateDict());
      case 'safetensors': {
        const { architectureOf } = await import('@ag/nn');
        const architecture = architectureOf(model);
        return await saveSafetensors(model.stateDict(), {
          metadata: { format: 'ag-weights', ...metadata, ...(architecture !== null && { architecture }) },
        });
      }
    }
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('AG_')) throw error;
    throw new Failure('incompatible', (error as Error).message.replace(/^\w+: /, ''), undefined, error);
  }
}

/** A network of structures with a tensor for each part, as other programs call it. */
class PlainNetwork extends Module<readonly Tensor[], unknown> {
  readonly #model: AnyModule;
  readonly #like: unknown;

  constructor(model: AnyModule, like: unknown) {
    super();
    this.#model = model;
    this.#like = like;
  }

  override forward(...parts: readonly Tensor[]): unknown {
    let next = 0;
    const outputs = tensorsByPath(this.#model.forward(mapParts(this.#like, isTensor, () => parts[next++])));
    return outputs.length === 1 ? outputs[0][1] : Object.fromEntries(outputs);
  }

  override *members() {
    yield* this.#model.members();
  }
}

/** How far the file's answers are from the network's. */
interface Verification {
  /** Who computed the file's answers. */
  readonly by: string;
  readonly difference: number;
  /** The largest number that the network answers. */
  readonly scale: number;
}

async function verification(
  format: Format,
  content: Uint8Array,
  model: AnyModule,
  x: unknown,
  ofPlan?: () => Promise<{ by: string; found: Numbers }>,
): Promise<Verification> {
  const expected = await numbersByPath(model.forward(x));
  const { by, found } = ofPlan
    ? await ofPlan()
    : format === 'onnx'
      ? await answersOfOnnx(content, x)
      : await answersOfWeights(format, content, model, x);
  let [difference, scale] = [0, 0];
  for (const [i, [, ours]] of expected.entries()) {
    const theirs = found[i]?.[1] ?? [];
    for (let j = 0; j < ours.length; j++) {
      const away = Object.is(ours[j], theirs[j]) ? 0 : Math.abs(ours[j] - theirs[j]);
      difference = Math.max(difference, Number.isNaN(away) ? Number.POSITIVE_INFINITY : away);
      if (Number.isFinite(ours[j])) scale = Math.max(scale, Math.abs(ours[j]));
    }
  }
  return { by, difference, scale };
}

async function numbersByPath(output: unknown): Promise<Numbers> {
  return Promise.all(tensorsByPath(output).map(async ([path, t]) => [path, await t.data()] as const));
}

async function answersOfOnnx(content: Uint8Array, x: unknown): Promise<{ by: string; found: Numbers }> {
  const inputs = tensorsByPath(x).map(([path, t]) => [path === '' ? 'x' : path, t] as const);
  const model = loadOnnx(content);
  const runtime = await findRuntime();
  if (runtime) {
    const results = await runtime.run(content, Object.fromEntries(inputs));
    return { by: runtime.name, found: model.outputs.map(({ name }) => [name, results[name] ?? []] as const) };
  }
  const outputs = model.forward(...inputs.map(([, t]) => t));
  return {
    by: 'read back (onnxruntime-node and -web are not installed)',
    found: await Promise.all(outputs.map(async (t, i) => [model.outputs[i].name, await t.data()] as const)),
  };
}

/** The same network with the weights of the file. */
async function answersOfWeights(
  format: Format,
  content: Uint8Array,
  model: AnyModule,
  x: unknown,
): Promise<{ by: string; found: Numbers }> {
  const before = model.stateDict();
  const tensors =
    format === 'pytorch'
      ? (await loadTorch(content)).tensors
      : format === 'npz'
        ? await loadNpz(content)
        : loadSafetensors(content).tensors;
  try {
    model.loadStateDict(tensors);
    return { by: 'read back', found: await numbersByPath(model.forward(x)) };
  } finally {
    model.loadStateDict(before);
  }
}
