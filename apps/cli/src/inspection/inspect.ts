/** `agrad inspect`: what a file of weights or a run holds. */
import { type Statistics, type StoredTensor, statisticsOf } from '@ag/nn';
import { tensor } from '@ag/tensor';
import { eventVersion } from '@ag/train';
import type { InspectOptions } from '../commands/inspect.ts';
import { exitCodes, Failure } from '../failure.ts';
import { allNumbers, dtypeHere, type ModelFile, openModelFile, reading } from '../files/modelFile.ts';
import { bytes, count, formatNumber } from '../numbers.ts';
import { didYouMean } from '../suggest.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { printDifference } from './difference.ts';
import { onnxReport } from './onnxReport.ts';

/** Runs the command; answers the exit code. */
export async function inspectFile(options: InspectOptions, terminal: Terminal): Promise<number> {
  const [path] = options.positional;
  const asked = [options.diff, options.tensor].filter((one) => one !== undefined);
  if (asked.length > 1) throw new Failure('usage', '--diff and --tensor: give one of them');
  if (options.tolerance !== undefined && options.diff === undefined)
    throw new Failure(
      'usage',
      '--tolerance: only --diff takes it',
      `For example: agrad inspect ${path} --diff OTHER --tolerance 1e-6`,
    );
  const file = await openModelFile(path);
  if (file.onnx === undefined && (options.shape.length > 0 || options.nodes)) {
    throw new Failure(
      'usage',
      `${path}: --shape and --nodes are for ONNX files; this is ${file.description}`,
    );
  }
  if (options.diff !== undefined)
    return printDifference(file, await openModelFile(options.diff), options, terminal);
  if (options.tensor !== undefined) return printTensor(file, options.tensor, terminal);
  const statistics = await allStatistics(file, options, terminal);
  const onnx = file.onnx && onnxReport(file.onnx, path, options);
  const parameters = parametersOf(file);
  terminal.print(...headline(file, parameters), ...(onnx?.lines ?? []));
  if (file.tensors.length > 0) terminal.print('', ...tensorTable(file.tensors, statistics));
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'inspect',
    path,
    format: file.format,
    bytes: file.bytes,
    parameters,
    metadata: file.metadata,
    tensors: file.tensors.map(({ name, dtype, shape, bytes }, i) => ({
      name,
      dtype,
      shape,
      bytes,
      ...(statistics && { statistics: statistics[i] }),
    })),
    ...(file.run && { run: { ...file.run.config, checkpoints: file.run.checkpoints } }),
    ...(onnx && { onnx: onnx.event }),
  });
  return exitCodes.done;
}

/** Of each tensor, null where its numbers cannot be read. */
async function allStatistics(
  { path, tensors }: ModelFile,
  { statistics }: InspectOptions,
  terminal: Terminal,
): Promise<(Statistics | null)[] | null> {
  if (!statistics) return null;
  const found: (Statistics | null)[] = [];
  const line = tensors.length > 1 ? await terminal.redrawn() : null;
  for (const [i, one] of tensors.entries()) {
    line?.update(`${i + 1} of ${tensors.length}: ${one.name}`);
    try {
      found.push(await reading(path, () => statisticsOf(one)));
    } catch (error) {
      // Types that no tensor here has, such as int4, have a size and a shape, and that is all.
      if ((error as { cause?: { code?: string } }).cause?.code !== 'AG_UNSUPPORTED') throw error;
      found.push(null);
    }
  }
  line?.clear();
  return found;
}

/** Elements of all tensors; of a checkpoint those of the model, since the optimizer's are none. */
function parametersOf({ metadata, tensors }: ModelFile): number {
  const own =
    metadata.format === 'ag-checkpoint' ? tensors.filter(({ name }) => name.startsWith('model/')) : tensors;
  return own.reduce((sum, { size }) => sum + size, 0);
}

function headline(file: ModelFile, parameters: number): string[] {
  const { path, description, tensors, metadata, run } = file;
  const lines = [
    `${path}: ${description}, ${bytes(file.bytes)}, ${plural(tensors.length, 'tensor')}, ${count(parameters)} parameters`,
  ];
  if (run) {
    const { config, checkpoints } = run;
    lines.push(
      `recipe ${config.recipe}, begun ${config.created}, ${config.settings.epochs} epochs, ${plural(checkpoints.length, 'checkpoint')}`,
      config.command,
    );
  }
  const checkpoint = metadata.format === 'ag-checkpoint' ? progressOf(metadata.state) : null;
  if (checkpoint) lines.push(checkpoint);
  const shown = Object.entries(metadata).filter(([name]) => !/^(ag-seal|state|seal)/.test(name));
  if (shown.length > 0)
    lines.push('metadata:', ...shown.map(([name, text]) => `  ${name}  ${shortened(text)}`));
  return lines;
}

function progressOf(state: string | undefined): string | null {
  try {
    const { progress, optimizer } = JSON.parse(state ?? '') as {
      progress: { step: number; epoch: number };
      optimizer: { type: string } | null;
    };
    return `step ${progress.step}, epoch ${progress.epoch}${optimizer ? `, with the state of ${optimizer.type}` : ''}`;
  } catch {
    return null;
  }
}

function tensorTable(
  tensors: readonly StoredTensor[],
  statistics: readonly (Statistics | null)[] | null,
): string[] {
  const number = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : formatNumber(value);
  const odd = statistics?.some((one) => one !== null && one.nan + one.infinite > 0) ?? false;
  const headings = [
    'tensor',
    'dtype',
    'shape',
    ...(statistics ? ['min', 'max', 'mean', 'std', 'zeros', ...(odd ? ['NaN', '∞'] : [])] : ['bytes']),
  ];
  const rows = tensors.map(({ name, dtype, shape, size, bytes: length }, i) => {
    const own = statistics?.[i];
    const share = own ? (own.zeros === 0 || size === 0 ? '0' : percent(own.zeros / size)) : '–';
    return [
      name,
      dtype,
      shape.length === 0 ? 'scalar' : shape.join('×'),
      ...(statistics
        ? [
            number(own?.min),
            number(own?.max),
            number(own?.mean),
            number(own?.std),
            share,
            ...(odd ? [own ? count(own.nan) : '–', own ? count(own.infinite) : '–'] : []),
          ]
        : [bytes(length)]),
    ];
  });
  return table(headings, rows);
}

/** Two digits, and never 0 or 100 for what is neither. */
function percent(share: number): string {
  if (share === 1) return '100 %';
  const text = (100 * share).toFixed(share < 0.1 ? 1 : 0);
  return text === '100' ? '>99 %' : text === '0.0' ? '<0.1 %' : `${text} %`;
}

async function printTensor(file: ModelFile, name: string, terminal: Terminal): Promise<number> {
  const found = tensorOf(file, name);
  const { dtype, shape } = found;
  const numbers = await reading(file.path, () => allNumbers(found));
  const here = dtypeHere(dtype);
  const value = tensor(numbers, { shape, dtype: here });
  await value.data();
  const text = value.toString().replace(`dtype=${here})`, `dtype=${dtype})`);
  terminal.print(`${found.name}:`, ...text.split('\n'));
  const statistics = await statisticsOf(found);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'inspect',
    path: file.path,
    tensor: found.name,
    dtype,
    shape,
    statistics,
    values: Array.from(numbers, (x) => (Number.isFinite(x) ? x : String(x))),
  });
  return exitCodes.done;
}

/** @throws Failure `usage` for a name that is not there, suggesting the nearest */
function tensorOf({ path, tensors }: ModelFile, name: string): StoredTensor {
  const found =
    tensors.find((one) => one.name === name) ?? tensors.find((one) => one.name === `model/${name}`);
  if (found) return found;
  const names = tensors.map((one) => one.name);
  throw new Failure(
    'usage',
    `--tensor ${name}: ${path} has no such tensor`,
    didYouMean(name, names.slice(0, 200), 'Tensors'),
  );
}

export function plural(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? '' : 's'}`;
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 97)}…` : text;
}
