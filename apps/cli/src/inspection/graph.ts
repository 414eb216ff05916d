/** `agrad graph`: the computational graph of a formula, of a recipe's loss, or of an ONNX file. */
import { basename } from 'node:path';

import { captureCreation, formula, type Inspection, inspect } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { eventVersion, totalLoss, writeAtomically } from '@ag/train';
import { graphView } from '@ag/viz';
import type { GraphOptions } from '../commands/graph.ts';
import { exitCodes, Failure } from '../failure.ts';
import { openModelFile } from '../files/modelFile.ts';
import { splitOutsideBrackets } from '../lists.ts';
import { parametersOf, recipeFor, recipes } from '../recipes/index.ts';
import { tensorsByPath } from '../recipes/structured.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { fromEnvironment, type RawSettings, resolveSettings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { pageText } from '../text.ts';
import { assemble, prepare } from '../training/assemble.ts';

type Format = NonNullable<GraphOptions['format']>;

/** Examples that are sent through a recipe's model. */
const fewExamples = 4;

/** Runs the command; answers the exit code. */
export async function graph(options: GraphOptions, terminal: Terminal): Promise<number> {
  const text = options.positional.join(' ');
  const format = formatOf(options);
  if (/\.(onnx|safetensors|pt|pth|npz|npy)$/i.test(text)) return graphOfFile(text, format, options, terminal);
  const isRecipe =
    looksLikeModule(text) || recipes.some(({ name }) => name === text) || ['mnist'].includes(text);
  const wanted: Wanted = { values: options.values, gradients: options.gradients ? 'compute' : false };
  const inspection = isRecipe
    ? await ofRecipe(text, options.settings, wanted)
    : ofFormula(text, options, wanted);
  await give(write(inspection, format, text, options), format, options, terminal);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'graph',
    of: text,
    ...inspection.toJSON(),
    ...(options.out !== undefined && { path: options.out }),
  });
  return exitCodes.done;
}

/** To the file that was asked for, or to stdout. */
async function give(
  written: string,
  format: Format,
  { out }: GraphOptions,
  terminal: Terminal,
): Promise<void> {
  if (out !== undefined) {
    await writeAtomically(out, format === 'json' ? written : pageText(written));
    terminal.note(`written to ${out}`);
  } else terminal.print(...written.replace(/\n$/, '').split('\n'));
}

/** The graph of an ONNX file, with shapes where they are known. */
async function graphOfFile(
  path: string,
  format: Format,
  options: GraphOptions,
  terminal: Terminal,
): Promise<number> {
  if (options.values || options.gradients || options.at.length > 0)
    throw new Failure('usage', '--values, --gradients and --at are for formulas and recipes, not for files');
  const { onnx, description } = await openModelFile(path);
  if (!onnx) {
    throw new Failure(
      'usage',
      `${path}: weights have no graph; this is ${description}`,
      "'agrad inspect' shows what it holds.",
    );
  }
  const { modelDot, modelGraph, modelMermaid, modelText } = await import('./modelGraph.ts');
  const { traceOf } = await import('./onnxReport.ts');
  const { traced, reason } = traceOf(onnx, path, options.shape);
  if (reason !== null && options.shape.length === 0)
    terminal.note(reason.replace('operations are counted', 'shapes are shown'));
  const graph = modelGraph(onnx.summary, traced);
  const written = {
    svg: () =>
      graphView(graph, {
        title: basename(path),
        theme: 'light',
        orientation: 'vertical',
        maxNodes: options.maxNodes,
        expand: options.expand,
      }),
    dot: () => modelDot(graph),
    mermaid: () => modelMermaid(graph),
    json: () => `${JSON.stringify(graph, null, 2)}\n`,
    text: () => modelText(graph),
  }[format]();
  await give(written, format, options, terminal);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'graph',
    of: path,
    ...graph,
    ...(options.out !== undefined && { path: options.out }),
  });
  return exitCodes.done;
}

type Wanted = { readonly values: boolean; readonly gradients: 'compute' | false };

function ofFormula(text: string, options: GraphOptions, wanted: Wanted): Inspection {
  const values = parsePoint(options.at);
  let parsed: ReturnType<typeof formula>;
  try {
    parsed = formula(text);
  } catch (error) {
    const names = recipes.map(({ name }) => name);
    const hint = /^[\w -]+$/.test(text) ? didYouMean(text, names, 'Recipes') : undefined;
    throw new Failure(
      'usage',
      `'${text}' is neither a recipe nor a formula: ${(error as Error).message}`,
      hint,
      error,
    );
  }
  const unknown = Object.keys(values).find((name) => !parsed.names.includes(name));
  if (unknown !== undefined) {
    throw new Failure(
      'usage',
      `--at ${unknown}: the formula has no such variable`,
      `It has ${parsed.names.join(', ') || 'none'}.`,
    );
  }
  const missing = parsed.names.filter((name) => !Object.hasOwn(values, name));
  if (missing.length > 0) {
    const names = recipes.map(({ name }) => name);
    const hint =
      parsed.names.length === 1 && text === parsed.names[0] ? `${didYouMean(text, names, 'Recipes')} ` : '';
    throw new Failure(
      'usage',
      `the formula needs a value for ${missing.join(', ')}`,
      `${hint}For example: --at ${missing.map((name, i) => `${name}=${i + 1}`).join(',')}`,
    );
  }
  try {
    const variables = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, new Variable(value, { name })]),
    );
    const inputs = Object.fromEntries(
      Object.entries(variables).map(([name, variable]) => [name, variable.value]),
    );
    return inspect(parsed.evaluate(inputs), { ...wanted, names: variables });
  } catch (error) {
    throw new Failure('usage', (error as Error).message, undefined, error);
  }
}

async function ofRecipe(name: string, flags: RawSettings, wanted: Wanted): Promise<Inspection> {
  const recipe = await recipeFor(name === 'mnist' ? 'mnist mlp' : name);
  const { values: settings } = resolveSettings({
    flag: { ...flags, batchSize: undefined },
    environment: fromEnvironment(process.env),
    recipe: { ...recipe.settings, batchSize: fewExamples, schedule: 'constant', epochs: 1 },
  });
  const prepared = await prepare(recipe, settings, parametersOf(recipe, {}));
  const { model, task, trainLoader } = await assemble(prepared, settings);
  for await (const { x, y } of trainLoader) {
    const loss = captureCreation(() => totalLoss(task.loss, model.forward(x), y), { sites: false, model });
    const names = Object.fromEntries([...tensorsByPath(x, 'x'), ...tensorsByPath(y, 'y')]);
    return inspect(loss, { ...wanted, names, maximalElements: 8 });
  }
  throw new Failure('data', `${name}: there are no examples`);
}

function write(inspection: Inspection, format: Format, title: string, options: GraphOptions): string {
  switch (format) {
    case 'dot':
      return inspection.toDot();
    case 'mermaid':
      return inspection.toMermaid();
    case 'json':
      return `${JSON.stringify(inspection.toJSON(), null, 2)}\n`;
    case 'text':
      return inspection.toText();
    case 'svg':
      return graphView(inspection.toJSON(), {
        title,
        theme: 'light',
        values: options.values,
        gradients: options.gradients,
      });
  }
}

/** The format asked for, else that of the file's name, else text. @throws Failure `usage` for an unknown ending */
function formatOf({ format, out }: GraphOptions): Format {
  const endings: Readonly<Record<string, Format>> = {
    svg: 'svg',
    dot: 'dot',
    gv: 'dot',
    mmd: 'mermaid',
    mermaid: 'mermaid',
    json: 'json',
    txt: 'text',
  };
  if (format !== undefined) return format;
  if (out === undefined) return 'text';
  const ending = out.slice(out.lastIndexOf('.') + 1).toLowerCase();
  if (Object.hasOwn(endings, ending)) return endings[ending];
  throw new Failure(
    'usage',
    `--out ${out}: unknown file extension`,
    `${didYouMean(ending, Object.keys(endings), 'Endings')} Or name the format by --format.`,
  );
}

/** `x=-2,W=[[1,2],[3,4]]`: commas inside brackets belong to a value. */
export function parsePoint(parts: readonly string[]): Record<string, Tensor> {
  const values = new Map<string, Tensor>();
  for (const part of parts.flatMap(splitOutsideBrackets)) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    if (at < 1 || !/^[A-Za-z_]\w*$/.test(name)) {
      throw new Failure('usage', `--at ${part}: expected name=number, or name=[numbers]`);
    }
    try {
      values.set(name, tensor(JSON.parse(part.slice(at + 1)), { dtype: 'float64' }));
    } catch (error) {
      throw new Failure(
        'usage',
        `--at ${part}: ${(error as Error).message}`,
        'Values are numbers or nested lists of them.',
      );
    }
  }
  return Object.fromEntries(values);
}
