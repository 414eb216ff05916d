/** `agrad predict model.onnx`: what a network answers as it stands in its file, without a recipe. */
import { existsSync, readFileSync } from 'node:fs';
import { loadOnnx, type OnnxModel, type OnnxValue } from '@ag/onnx';
import { concat, type Tensor } from '@ag/tensor';
import { eventVersion } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { PredictOptions } from '../commands/predict.ts';
import { exitCodes, Failure } from '../failure.ts';
import { externalOf } from '../files/external.ts';
import { bytesOf, reading } from '../files/modelFile.ts';
import { describeValue } from '../inspection/onnxReport.ts';
import { formatNumber } from '../numbers.ts';
import { fromEnvironment, resolveSettings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { readArray, readBatch } from './onnxInputs.ts';

/** What one output says of one example. */
interface Answer {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** Of a classifier. */
  readonly class?: string;
}

/** Runs the command; answers the exit code. */
export async function predictOnnx(
  options: PredictOptions,
  terminal: Terminal,
  metadata: Readonly<Record<string, string>>,
): Promise<number> {
  const [target, ...files] = options.positional;
  const { values: settings } = resolveSettings({
    flag: options.settings,
    environment: fromEnvironment(process.env),
  });
  const classes = classesOf(options.labels, metadata.classes);
  const backend = await chooseBackend(settings, terminal);
  try {
    const model = await reading(target, () => loadOnnx(bytesOf(target), { external: externalOf(target) }));
    const { names, inputs } = await inputsOf(model, files, options);
    const outputs = await computed(target, model, inputs, names.length);
    const predictions = await Promise.all(
      names.map(async (name, i) => {
        const entries = await Promise.all(
          outputs.map(
            async ([output, value]) => [output, await answerOf(value, i, names.length, classes)] as const,
          ),
        );
        return { input: name, outputs: Object.fromEntries(entries) };
      }),
    );
    for (const { input, outputs: own } of predictions) {
      const several = Object.keys(own).length > 1;
      for (const [output, answer] of Object.entries(own))
        terminal.print(`${input}: ${several ? `${output} ` : ''}${textOf(answer, classes, terminal)}`);
    }
    terminal.event({ v: eventVersion, type: 'result', command: 'predict', weights: target, predictions });
    return exitCodes.done;
  } finally {
    backend.close();
  }
}

/** Names of classes, one a line of a file, else those that the model's file has. */
function classesOf(file: string | undefined, own: string | undefined): readonly string[] | null {
  if (file !== undefined) {
    if (!existsSync(file)) throw new Failure('data', `--labels ${file}: there is no such file`);
    return readFileSync(file, 'utf8')
      .replace(/\r?\n$/, '')
      .split(/\r?\n/);
  }
  try {
    const list: unknown = JSON.parse(own ?? 'null');
    return Array.isArray(list) && list.every((name) => typeof name === 'string') ? list : null;
  } catch {
    return null;
  }
}

/** A tensor for each input: of several inputs by their names, `mask=mask.npy`. */
async function inputsOf(
  { inputs }: OnnxModel,
  files: readonly string[],
  { pixels }: PredictOptions,
): Promise<{ readonly names: readonly string[]; readonly inputs: readonly Tensor[] }> {
  const named = files.map((file) => {
    const input = inputs.find(({ name }) => file.startsWith(`${name}=`));
    return input && ([input, file.slice(input.name.length + 1)] as const);
  });
  const all = (values: readonly OnnxValue[]): string => values.map(describeValue).join(', ');
  if (inputs.length === 1 && named.every((one) => one === undefined)) {
    const batches = [];
    for (const file of files) batches.push(await readBatch(file, inputs[0], pixels));
    const shapes = new Set(batches.map(({ x }) => x.shape.slice(1).join()));
    if (shapes.size > 1)
      throw new Failure('data', 'the files are of different sizes', 'Give them one at a time.');
    return {
      names: batches.flatMap(({ names }) => names),
      inputs: [
        batches.length === 1
          ? batches[0].x
          : concat(
              batches.map(({ x }) => x),
              0,
            ),
      ],
    };
  }
  const given = new Map(named.flatMap((one) => (one ? [[one[0].name, one[1]] as const] : [])));
  const missing = inputs.filter(({ name }) => !given.has(name));
  if (missing.length > 0 || given.size !== files.length) {
    throw new Failure(
      'usage',
      `the network takes ${inputs.length} inputs: ${all(inputs)}`,
      `Give an array for each: ${inputs.map(({ name }) => `${name}=${name.replace(/\W+/g, '_')}.npy`).join(' ')}`,
    );
  }
  const tensors: Tensor[] = [];
  let names: readonly string[] = [];
  for (const input of inputs) {
    const { x, names: own } = await readArray(given.get(input.name)!, input);
    tensors.push(x);
    if (own.length > names.length) names = own;
  }
  return { names, inputs: tensors };
}

/** The outputs by name. A file that fixes the size of a batch gets its examples in pieces of this size. */
async function computed(
  target: string,
  model: OnnxModel,
  inputs: readonly Tensor[],
  count: number,
): Promise<readonly (readonly [name: string, value: Tensor])[]> {
  const size = model.inputs.length === 1 ? model.inputs[0].shape?.[0] : undefined;
  const pieces =
    typeof size === 'number' && size > 0 && size < count && count % size === 0 ? count / size : 1;
  try {
    const parts: Tensor[][] = [];
    for (let i = 0; i < pieces; i++) {
      const given =
        pieces === 1 ? inputs : inputs.map((x) => x.slice(i * Number(size), (i + 1) * Number(size)));
      const results = model.forward(...given);
      await Promise.all(results.map((result) => result.data()));
      parts.push(results);
    }
    return model.outputs.map(({ name }, i) => [
      name,
      pieces === 1
        ? parts[0][i]
        : concat(
            parts.map((results) => results[i]),
            0,
          ),
    ]);
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('AG_')) throw error;
    throw new Failure(
      'data',
      `${target}: ${(error as Error).message.split('\n')[0].replace(/^OnnxModel: /, '')}`,
      `It takes ${model.inputs.map(describeValue).join(', ')}.`,
      error,
    );
  }
}

/** The part of an output that belongs to an example; all of it where there is no axis of the batch. */
async function answerOf(
  value: Tensor,
  i: number,
  count: number,
  classes: readonly string[] | null,
): Promise<Answer> {
  const isBatch = value.shape.length > 0 && value.shape[0] === count;
  const own = isBatch ? value.index(i) : value;
  const values = Array.from(await own.data());
  const isClass =
    own.shape.filter((size) => size !== 1).length === 1 &&
    (classes?.length === values.length || (values.length > 1 && isDistribution(values)));
  if (!isClass) return { shape: own.shape, values };
  const best = values.indexOf(Math.max(...values));
  return { shape: own.shape, values, class: classes?.[best] ?? String(best) };
}

/** Whether these are probabilities. */
function isDistribution(values: readonly number[]): boolean {
  return values.every((x) => x >= 0 && x <= 1) && Math.abs(values.reduce((sum, x) => sum + x, 0) - 1) < 1e-3;
}

/** The three most likely classes, or the numbers, or how many there are. */
function textOf(
  { shape, values, class: best }: Answer,
  classes: readonly string[] | null,
  { out }: Terminal,
): string {
  if (best === undefined) {
    if (values.length <= 16) return values.map(formatNumber).join(', ');
    const size = Math.min(...values);
    return `${shape.join('×')} numbers from ${formatNumber(size)} to ${formatNumber(Math.max(...values))}, the largest at ${values.indexOf(Math.max(...values))} (--json has all)`;
  }
  const isShare = isDistribution(values);
  const likely = values
    .map((_, i) => i)
    .sort((a, b) => values[b] - values[a])
    .slice(0, 3)
    .map(
      (i) =>
        `${classes?.[i] ?? i} ${isShare ? `${(100 * values[i]).toFixed(1)} %` : formatNumber(values[i])}`,
    );
  return `${out.bold(best)} (${likely.join(', ')})`;
}
