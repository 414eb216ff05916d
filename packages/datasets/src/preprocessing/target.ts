/** What is predicted, fitted: numbers or classes, and the way back from a network's outputs. */
import { type Tensor, tensor } from '@ag/tensor';
import { exp } from '@ag/tensor/math';
import { DataError } from '../errors.ts';
import { sortedTexts } from '../statistics.ts';
import { categoryOf, isGap, listed, numberOf } from './cells.ts';
import { type CellProblem, type FittedScale, fitScale, type Scaler } from './column.ts';
import { unscale } from './encode.ts';
import type { TableRows } from './rows.ts';

/** A fitted target, as plain data: one or several numbers, or a class. */
export type FittedTarget =
  | {
      readonly type: 'number';
      readonly columns: readonly { readonly name: string; readonly scale?: FittedScale }[];
      /** What the numbers count, for people: `1000 dollars`. */
      readonly unit?: string;
    }
  | { readonly type: 'category'; readonly name: string; readonly classes: readonly string[] };

/** What a model predicts for one row, in the target's own terms. */
export interface Prediction {
  /** The number in the target's unit (of several targets the first), or the name of the most probable class. */
  readonly value: number | string;
  /** All numbers by the names of their columns, where there are several targets. */
  readonly values?: Readonly<Record<string, number>>;
  /** The probabilities of the classes by their names. */
  readonly probabilities?: Readonly<Record<string, number>>;
}

export function targetNamesOf(target: FittedTarget): readonly string[] {
  return target.type === 'number' ? target.columns.map(({ name }) => name) : [target.name];
}

export function fitTarget(
  rows: TableRows,
  names: readonly string[],
  positions: readonly number[],
  type: 'number' | 'category',
  options: { scaler: Scaler; classes: readonly string[] | undefined; unit: string | undefined },
  missing: ReadonlySet<string>,
  fail: (problem: CellProblem) => DataError,
): FittedTarget {
  const { scaler, unit } = options;
  if (type === 'category') {
    const texts = read(rows, names[0], positions[0], missing, categoryOf, 'a class', fail);
    const classes = options.classes ?? sortedTexts(texts);
    const known = new Set(classes);
    const row = texts.findIndex((text) => !known.has(text));
    if (row >= 0) throw fail(unknownClass(row, names[0], texts[row], classes));
    if (classes.length < 2) {
      throw new DataError(`the target ${JSON.stringify(names[0])} has one class only`, {
        code: 'value',
        found: listed(classes),
        hint: 'There is nothing to predict',
      });
    }
    return { type, name: names[0], classes };
  }
  const columns = names.map((name, i) => {
    const values = read(rows, name, positions[i], missing, numberOf, 'a number', fail);
    return { name, ...(scaler === 'none' ? {} : { scale: fitScale(values, scaler, name) }) };
  });
  return { type, columns, ...(unit === undefined ? {} : { unit }) };
}

/** The targets of rows as a network learns them: `[n, k]` float32, or `[n]` int32 class indices. */
export function encodeTarget(
  target: FittedTarget,
  rows: TableRows,
  positions: readonly number[],
  missing: ReadonlySet<string>,
  fail: (problem: CellProblem) => DataError,
): { data: Float32Array | Int32Array; shape: readonly number[] } {
  if (target.type === 'category') {
    const { name, classes } = target;
    const codes = new Map(classes.map((text, code) => [text, code]));
    const texts = read(rows, name, positions[0], missing, categoryOf, 'a class', fail);
    const codeOf = (text: string, row: number): number => {
      const code = codes.get(text);
      if (code === undefined) throw fail(unknownClass(row, name, text, classes));
      return code;
    };
    return { data: Int32Array.from(texts, codeOf), shape: [] };
  }
  const width = target.columns.length;
  const data = new Float32Array(rows.length * width);
  for (const [i, { name, scale }] of target.columns.entries()) {
    const { shift = 0, divisor = 1 } = scale ?? {};
    const values = read(rows, name, positions[i], missing, numberOf, 'a number', fail);
    for (let row = 0; row < values.length; row++) data[row * width + i] = (values[row] - shift) / divisor;
  }
  return { data, shape: [width] };
}

/** The targets as they stand in the table, a list for each row; null for gaps. */
export function targetsOf(
  target: FittedTarget,
  rows: TableRows,
  positions: readonly number[],
  missing: ReadonlySet<string>,
  fail: (problem: CellProblem) => DataError,
): (readonly (number | string | null)[])[] {
  const names = targetNamesOf(target);
  return Array.from({ length: rows.length }, (_, row) =>
    positions.map((column, i) => {
      const cell = rows.cell(row, column);
      if (isGap(cell, missing)) return null;
      const value = target.type === 'category' ? categoryOf(cell) : numberOf(cell);
      if (value !== undefined) return value;
      const hint = 'Correct it, or leave the column out';
      throw fail({ row, column: names[i], cell, problem: 'not a number', expected: 'a number', hint });
    }),
  );
}

/** Outputs `[n, k]` back in the target's unit. A tensor gives a tensor, computed when it is read. */
export function inverseNumbers(target: FittedTarget, values: Tensor | ArrayLike<number>): Tensor | number[] {
  if (target.type !== 'number') {
    throw new DataError(`inverseTarget: ${JSON.stringify(target.name)} is a class`, {
      code: 'option',
      hint: 'Use inverseClasses for indices, and decode for the outputs of a network',
    });
  }
  const { columns } = target;
  if (!('dtype' in values)) {
    if (values.length % columns.length !== 0) {
      throw new DataError('inverseTarget: values', {
        code: 'mismatch',
        expected: `rows of ${columns.length} numbers`,
        found: `${values.length} numbers`,
      });
    }
    return Array.from(values, (value, i) => unscale(value, columns[i % columns.length].scale));
  }
  if (columns.every(({ scale }) => scale === undefined)) return values;
  const last = values.shape.at(-1);
  if (columns.length > 1 && last !== columns.length) {
    throw new DataError('inverseTarget: values', {
      code: 'mismatch',
      expected: `a tensor of shape [n, ${columns.length}]`,
      found: `shape [${values.shape.join(', ')}]`,
    });
  }
  const [divisors, shifts] = [
    columns.map((c) => c.scale?.divisor ?? 1),
    columns.map((c) => c.scale?.shift ?? 0),
  ];
  return columns.length === 1
    ? values.mul(divisors[0]).add(shifts[0])
    : values.mul(tensor(divisors)).add(tensor(shifts));
}

/** What outputs `[n, k]` of a network say, row by row; of classes these are logits. */
export function decodeOutputs(target: FittedTarget, outputs: ArrayLike<number>): Prediction[] {
  if (target.type === 'number') {
    const names = targetNamesOf(target);
    const values = inverseNumbers(target, outputs) as number[];
    return Array.from({ length: values.length / names.length }, (_, row) => {
      const own = values.slice(row * names.length, (row + 1) * names.length);
      return names.length === 1
        ? { value: own[0] }
        : { value: own[0], values: Object.fromEntries(names.map((name, i) => [name, own[i]])) };
    });
  }
  const { classes } = target;
  const width = classes.length;
  if (outputs.length % width !== 0) {
    throw new DataError('decode: outputs', {
      code: 'mismatch',
      expected: `${width} logits for each row, one for each class of ${JSON.stringify(target.name)}`,
      found: `${outputs.length} numbers`,
    });
  }
  return Array.from({ length: outputs.length / width }, (_, row) => {
    const logits = Array.from({ length: width }, (_, i) => outputs[row * width + i]);
    const most = Math.max(...logits);
    const powers = logits.map((logit) => exp(logit - most));
    const sum = powers.reduce((total, power) => total + power, 0);
    return {
      value: classes[logits.indexOf(most)] ?? 'NaN',
      probabilities: Object.fromEntries(classes.map((name, i) => [name, powers[i] / sum])),
    };
  });
}

function read<T>(
  rows: TableRows,
  name: string,
  column: number,
  missing: ReadonlySet<string>,
  parse: (cell: ReturnType<TableRows['cell']>) => T | undefined,
  expected: string,
  fail: (problem: CellProblem) => DataError,
): T[] {
  return Array.from({ length: rows.length }, (_, row) => {
    const cell = rows.cell(row, column);
    if (isGap(cell, missing)) {
      const hint = `Leave the row out: dropMissing(table, [${JSON.stringify(name)}])`;
      throw fail({ row, column: name, cell, problem: 'the target is missing', expected, hint });
    }
    const value = parse(cell);
    if (value !== undefined) return value;
    const hint = "Correct it, or let the target be a class: targetType: 'category'";
    throw fail({ row, column: name, cell, problem: 'not a number', expected, hint });
  });
}

function unknownClass(row: number, column: string, cell: string, classes: readonly string[]): CellProblem {
  const hint = 'Give all of them: classes: [ … ]';
  return { row, column, cell, problem: 'an unknown class', expected: `one of ${listed(classes)}`, hint };
}
