/**
 * Predictions for examples in files of JSON lines: one example a line, with what the model takes under its names. So models of
 * several inputs get theirs from a file; those of one take a nested list a line.
 */
import { existsSync, readFileSync } from 'node:fs';
import { type MemoryDataset, memoryDataset } from '@ag/datasets';
import type { Module } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { predict } from '@ag/train';
import { Failure } from '../failure.ts';
import { formatNumber } from '../numbers.ts';
import {
  columnsByPath,
  headsOf,
  mapColumns,
  type OutputKind,
  tensorsByPath,
  unscaled,
} from '../recipes/structured.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { type Prepared, testLoaderOf } from '../training/assemble.ts';

/** What one head answers. */
interface Answer {
  readonly values?: readonly number[];
  readonly class?: string;
  readonly probabilities?: readonly number[];
}

/** An example's answers; those of several heads by their names. */
export type LinePrediction = { readonly input: string } & (
  | Answer
  | { readonly heads: Readonly<Record<string, Answer>> }
);

export function isLines(path: string): boolean {
  return /\.(jsonl|ndjson)$/i.test(path);
}

/** @throws Failure `data` naming file, line and input */
export async function predictLines(
  model: Module<[Tensor], Tensor>,
  prepared: Prepared,
  files: readonly string[],
  terminal: Terminal,
): Promise<LinePrediction[]> {
  const { test, recipe } = prepared;
  const other = files.find((path) => !isLines(path));
  if (other !== undefined) {
    throw new Failure(
      'usage',
      `${other}: a model of several inputs takes files of JSON lines (.jsonl)`,
      `One example a line: ${exampleLine(test)}`,
    );
  }
  const lines = files.flatMap((path) => readLines(path, test));
  const output = await predict(model, testLoaderOf(prepared, inputsOf(lines, test)));
  const outputs = new Map(tensorsByPath(output));
  const heads = await Promise.all(
    headsOf(recipe).map(async ([head, kind]) => {
      const own = outputs.get(head);
      if (own === undefined) {
        throw new Failure(
          'configuration',
          `the recipe's kind names the head '${head}', which the model's output does not have`,
          didYouMean(head, [...outputs.keys()], 'Heads'),
        );
      }
      const inUnit = (values: ArrayLike<number>) => unscaled(prepared.task, head, values);
      return [head, await answersOf(own, kind, classesOf(test, head), lines.length, inUnit)] as const;
    }),
  );
  return lines.map(({ name }, i): LinePrediction => {
    const shown = heads.map(([head, { answers, text }]) => {
      const own = text(answers[i], terminal);
      return head === '' ? own : `${head} ${own}`;
    });
    terminal.print(`${name}: ${shown.join('; ')}`);
    const alone = heads.find(([head]) => head === '');
    return alone
      ? { input: name, ...alone[1].answers[i] }
      : { input: name, heads: Object.fromEntries(heads.map(([head, { answers }]) => [head, answers[i]])) };
  });
}

function classesOf(test: MemoryDataset, head: string): readonly string[] | undefined {
  return (
    test.info.parts?.[head === '' ? 'y' : `y/${head}`]?.classes ?? (head === '' ? test.classes : undefined)
  );
}

async function answersOf(
  output: Tensor,
  kind: OutputKind,
  classes: readonly string[] | undefined,
  count: number,
  inUnit: (values: ArrayLike<number>) => ArrayLike<number>,
): Promise<{ answers: Answer[]; text: (answer: Answer, terminal: Terminal) => string }> {
  const isClass = kind === 'classification';
  const computed = await (isClass ? output.softmax(-1) : output).data();
  const data = Float64Array.from(isClass ? computed : inUnit(computed));
  const width = data.length / count;
  const nameOf = (at: number): string => classes?.[at] ?? String(at);
  const answers = Array.from({ length: count }, (_, i): Answer => {
    const row = Array.from(data.subarray(i * width, (i + 1) * width));
    return isClass ? { class: nameOf(row.indexOf(Math.max(...row))), probabilities: row } : { values: row };
  });
  const text = ({ values, class: best, probabilities = [] }: Answer, { out }: Terminal): string => {
    if (values) return values.map(formatNumber).join(', ');
    const likely = probabilities
      .map((_, i) => i)
      .sort((a, b) => probabilities[b] - probabilities[a])
      .slice(0, 3)
      .map((i) => `${nameOf(i)} ${(100 * probabilities[i]).toFixed(1)} %`);
    return `${out.bold(String(best))} (${likely.join(', ')})`;
  };
  return { answers, text };
}

interface Line {
  readonly name: string;
  /** The numbers of each input, by path. */
  readonly inputs: ReadonlyMap<string, readonly number[]>;
}

function readLines(path: string, test: MemoryDataset): Line[] {
  if (!existsSync(path)) throw new Failure('data', `${path}: there is no such file`);
  const columns = columnsByPath(test.columns.x);
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text, i) => (text.trim() === '' ? [] : [{ text, name: `${path} line ${i + 1}` }]));
  if (lines.length === 0) throw new Failure('data', `${path}: there are no lines`);
  return lines.map(({ text, name }) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new Failure(
        'data',
        `${name} is not JSON: ${(error as Error).message}`,
        `For example: ${exampleLine(test)}`,
      );
    }
    const inputs = columns.map(([input, { shape }]) => {
      const part = partOf(value, input, name, test);
      const numbers: number[] = [];
      const place = input === '' ? name : `${name}, ${input}`;
      collect(part, shape, numbers, place, shape);
      return [input, numbers] as const;
    });
    return { name, inputs: new Map(inputs) };
  });
}

/** What a line says of an input. */
function partOf(value: unknown, path: string, name: string, test: MemoryDataset): unknown {
  let part = value;
  for (const key of path === '' ? [] : path.split('/')) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) {
      const names =
        typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.keys(part) : [];
      const near = didYouMean(key, names, 'It has');
      throw new Failure(
        'data',
        `${name}: there is no input '${path}'`,
        `${names.length > 0 ? `${near} ` : ''}The model takes ${exampleLine(test)}`,
      );
    }
    part = (part as Record<string, unknown>)[key];
  }
  return part;
}

/** Puts the numbers of nested lists in a row. A single number needs no list. */
function collect(
  part: unknown,
  left: readonly number[],
  to: number[],
  place: string,
  shape: readonly number[],
): void {
  const expected = shape.length === 0 ? 'a number' : `numbers of shape [${shape.join(', ')}]`;
  if (left.length === 0) {
    if (typeof part === 'number') to.push(part);
    else
      throw new Failure('data', `${place}: expected ${expected}, got ${JSON.stringify(part)?.slice(0, 40)}`);
    return;
  }
  if (!Array.isArray(part) || part.length !== left[0]) {
    const found = Array.isArray(part) ? `a list of ${part.length}` : JSON.stringify(part)?.slice(0, 40);
    throw new Failure(
      'data',
      `${place}: expected ${expected}, got ${found} where a list of ${left[0]} is due`,
    );
  }
  for (const inner of part) collect(inner, left.slice(1), to, place, shape);
}

/** Lines as a data set; the targets, which nobody looks at, are zeros. */
function inputsOf(lines: readonly Line[], test: MemoryDataset): MemoryDataset {
  const { x, y } = test.columns;
  const rows: unknown = {
    x: mapColumns(x, (column, path) => ({
      ...column,
      data: Float32Array.from(lines.flatMap(({ inputs }) => inputs.get(path) ?? [])),
    })),
    y: mapColumns(y, (column) => ({
      ...column,
      data: new Float32Array(lines.length * column.shape.reduce((size, axis) => size * axis, 1)),
    })),
  };
  return memoryDataset(rows as MemoryDataset['columns'], { name: 'lines' });
}

/** `{ "image": [1×8×8 numbers], "meta": [3 numbers] }` */
function exampleLine(test: MemoryDataset): string {
  const text = (tree: unknown): string => {
    const [first] = columnsByPath(tree);
    if (first?.[0] === '') {
      const { shape } = first[1];
      return shape.length === 0 ? 'a number' : `[${shape.join('×')} numbers]`;
    }
    if (Array.isArray(tree)) return `[${tree.map(text).join(', ')}]`;
    const parts = Object.entries(tree as object).map(([key, part]) => `"${key}": ${text(part)}`);
    return `{ ${parts.join(', ')} }`;
  };
  return text(test.columns.x);
}
