/** `agrad predict`: what trained weights answer for image files, for the rows of tables, or for structures in JSON lines. */
import {
  DataError,
  type MemoryDataset,
  memoryDataset,
  type Preprocessing,
  type TableIssue,
} from '@ag/datasets';
import type { Module } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { eventVersion, predict } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { PredictOptions } from '../commands/predict.ts';
import { exitCodes, Failure } from '../failure.ts';
import { formatOfName } from '../files/format.ts';
import { formatNumber } from '../numbers.ts';
import { isStructured } from '../recipes/structured.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { looksLikeTable } from '../tables/parameters.ts';
import type { Terminal } from '../terminal.ts';
import { type Prepared, testLoaderOf } from '../training/assemble.ts';
import { readExamples } from './examples.ts';
import { isLines, predictLines } from './predictLines.ts';
import { readTable, type Table } from './tables.ts';
import { describeWeights, findWeights, loadTrained, loadWhole } from './trained.ts';

/** Issues that are told one by one. */
const mostIssues = 20;

/** Runs the command; answers the exit code. */
export async function predictFiles(options: PredictOptions, terminal: Terminal): Promise<number> {
  const { positional, recipe: named, settings } = options;
  const [target, ...files] = positional;
  const asked = { target, recipe: named, settings };
  const graph = named === undefined ? await graphAlone(target, files) : null;
  if (graph) return (await import('./predictOnnx.ts')).predictOnnx(options, terminal, graph);
  const whole = named === undefined ? await loadWhole(asked) : null;
  const trained = whole ?? (await describeWeights(asked, 'predict', terminal.ask));
  const backend = await chooseBackend(trained.settings, terminal);
  try {
    const event = { v: eventVersion, type: 'result', command: 'predict', recipe: trained.recipeName };
    if (whole) {
      const { model, preprocessing } = whole;
      const { issues, ...answers } = await predictTables(model, preprocessing, files, options, terminal);
      terminal.event({ ...event, ...answers, issues });
      return exitCodes.done;
    }
    const { prepared, model } = await loadTrained(trained as Awaited<ReturnType<typeof describeWeights>>);
    const preprocessing = prepared.task.preprocessing;
    if (preprocessing) {
      const answers = await predictTables(model, preprocessing, files, options, terminal);
      terminal.event({ ...event, ...answers });
      return exitCodes.done;
    }
    const predictions =
      isStructured(prepared.test) || files.some(isLines)
        ? await predictLines(model, prepared, files, terminal)
        : await predictExamples(model, prepared, files, terminal);
    terminal.event({ ...event, predictions });
    return exitCodes.done;
  } finally {
    backend.close();
  }
}

/**
 * The texts of an ONNX file that is asked as it stands: it says of no table and no recipe what it takes, or of one that is not
 * needed for arrays, or whose code would have to be named.
 */
async function graphAlone(
  target: string,
  files: readonly string[],
): Promise<Readonly<Record<string, string>> | null> {
  if (formatOfName(target) !== 'onnx') return null;
  const { metadata } = await findWeights(target);
  const arrays = files.some((file) => /\.npy$/i.test(file));
  const own =
    metadata.recipe !== undefined && !looksLikeModule(metadata.recipe) && !looksLikeTable(metadata.recipe);
  return arrays || (metadata.preprocessing === undefined && !own) ? metadata : null;
}

/** A row's answer in the events. */
interface TablePrediction {
  readonly input: string;
  /** In the unit of the target. */
  readonly values?: readonly number[];
  readonly class?: string;
  readonly probabilities?: readonly number[];
  /** What the table says, where it holds the target. */
  readonly truth?: readonly (number | string | null)[];
}

/** Answers for tables as people have them: names, categories, gaps; with the target or without. */
async function predictTables(
  model: Module<[Tensor], Tensor>,
  preprocessing: Preprocessing,
  files: readonly string[],
  { handleUnknown }: PredictOptions,
  terminal: Terminal,
): Promise<{ predictions: TablePrediction[]; issues: (TableIssue & { file: string })[] }> {
  const tables: Table[] = [];
  for (const path of files) tables.push(await readTable(path, preprocessing));
  const predictions: TablePrediction[] = [];
  const issues: (TableIssue & { file: string })[] = [];
  for (const { file, rows, names } of tables) {
    const options = { file, ...(handleUnknown === undefined ? {} : { handleUnknown }) };
    const transformed = forCommand(() => preprocessing.transform(rows, options));
    if (names.length === 0) throw new Failure('data', `${file}: there are no rows`);
    const output = await predict(model, transformed.x);
    const truths = preprocessing.target === null ? null : preprocessing.readTarget(rows, { file });
    issues.push(...transformed.issues.map((issue) => ({ file, ...issue })));
    const answers = preprocessing.decode(await output.data());
    answers.forEach((answer, i) => {
      const truth = truths?.[i];
      predictions.push({
        input: names[i],
        ...(typeof answer.value === 'string'
          ? { class: answer.value, probabilities: Object.values(answer.probabilities ?? {}) }
          : { values: answer.values ? Object.values(answer.values) : [answer.value] }),
        ...(truth === undefined || truth.every((one) => one === null) ? {} : { truth }),
      });
    });
  }
  for (const one of predictions) terminal.print(lineOf(one, preprocessing, terminal));
  terminal.print(...judged(predictions, preprocessing));
  terminal.note(
    ...tables.flatMap(({ file, notes }) => notes.map((note) => `${file}: ${note}`)),
    ...issues
      .slice(0, mostIssues)
      .map(({ file, message }) => terminal.err.yellow(`note: ${file}: ${message}`)),
    ...(issues.length > mostIssues ? [`… and ${issues.length - mostIssues} notes more; see --json`] : []),
  );
  return { predictions, issues };
}

/** Says the cure as this command spells it. */
function forCommand<T>(transform: () => T): T {
  try {
    return transform();
  } catch (error) {
    if (!(error instanceof DataError) || !error.hint?.includes("handleUnknown: 'ignore'")) throw error;
    const hint = error.hint.replace("give handleUnknown: 'ignore'", 'give --handle-unknown ignore');
    throw new Failure('data', error.message.replace(`. ${error.hint}`, ''), hint, error);
  }
}

function lineOf(
  { input, values, class: name, probabilities, truth }: TablePrediction,
  { target, classes }: Preprocessing,
  { out }: Terminal,
): string {
  if (name !== undefined) {
    const actual = truth === undefined ? '' : truth[0] === name ? ', right' : `, in truth ${truth[0]}`;
    return `${input}: ${out.bold(name)} (${likeliest(probabilities ?? [], classes)})${actual}`;
  }
  const columns = target?.type === 'number' ? target.columns : [];
  const unit = target?.type === 'number' && target.unit !== undefined ? ` (${target.unit})` : '';
  const parts = (values ?? []).map((value, i) => {
    const actual = truth?.[i];
    return `${columns[i]?.name ?? ''} ${out.bold(formatNumber(value))}${typeof actual === 'number' ? `, in truth ${formatNumber(actual)}` : ''}`;
  });
  return `${input}: ${parts.join('; ')}${unit}`;
}

/** How good the answers are, where the tables say what is true. */
function judged(predictions: readonly TablePrediction[], { target }: Preprocessing): string[] {
  if (target === null) return [];
  if (target.type === 'category') {
    const known = predictions.filter(({ truth }) => typeof truth?.[0] === 'string');
    const right = known.filter(({ truth, class: name }) => truth?.[0] === name).length;
    return known.length === 0
      ? []
      : [`accuracy ${((100 * right) / known.length).toFixed(2)} % (${right} of ${known.length} rows)`];
  }
  const unit = target.unit === undefined ? '' : ` (${target.unit})`;
  return target.columns.flatMap(({ name }, i) => {
    const errors = predictions.flatMap(({ values, truth }) => {
      const actual = truth?.[i];
      return typeof actual === 'number' && values ? [Math.abs(values[i] - actual)] : [];
    });
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    return errors.length === 0
      ? []
      : [`mean absolute error of ${name} ${formatNumber(mean)}${unit}, over ${errors.length} rows`];
  });
}

/** Answers for images and rows of numbers, by the data of the recipe. */
async function predictExamples(
  model: Module<[Tensor], Tensor>,
  prepared: Prepared,
  files: readonly string[],
  terminal: Terminal,
) {
  const { test, recipe, target } = prepared;
  const parts = await Promise.all(files.map((path) => readExamples(path, test)));
  const names = parts.flatMap((part) => part.names);
  const values = Float32Array.from(parts.flatMap((part) => Array.from(part.values)));
  const output = await predict(model, testLoaderOf(prepared, inputsOf(values, names.length, test)));
  const width = output.size / names.length;
  const isClass = recipe.kind === 'classification';
  const answers = isClass ? await output.softmax(-1).data() : target.inverse(await output.data());
  const predictions = names.map((name, i) => {
    const row = Array.from(answers.subarray(i * width, (i + 1) * width));
    if (!isClass) return { input: name, values: row };
    const best = row.indexOf(Math.max(...row));
    return { input: name, class: test.classes?.[best] ?? String(best), probabilities: row };
  });
  for (const { input, class: best, values: numbers, probabilities } of predictions) {
    terminal.print(
      best === undefined
        ? `${input}: ${(numbers ?? []).map(formatNumber).join(', ')}`
        : `${input}: ${terminal.out.bold(best)} (${likeliest(probabilities ?? [], test.classes)})`,
    );
  }
  return predictions;
}

/** Inputs as a data set; the targets have the width that a transform of them expects. */
function inputsOf(values: Float32Array, count: number, test: MemoryDataset): MemoryDataset {
  const { x, y } = test.columns;
  const width = y.shape.reduce((product, size) => product * size, 1);
  return memoryDataset({
    x: { data: values, shape: x.shape },
    y: { data: new Float32Array(count * width), shape: y.shape },
  });
}

/** The three most probable classes. */
function likeliest(probabilities: readonly number[], classes: readonly string[] | undefined): string {
  return probabilities
    .map((_, i) => i)
    .sort((a, b) => probabilities[b] - probabilities[a])
    .slice(0, 3)
    .map((i) => `${classes?.[i] ?? i} ${(100 * probabilities[i]).toFixed(1)} %`)
    .join(', ');
}
