/**
 * Preprocessing that was fitted to training data, as one object. It turns rows of any table of the same columns into the
 * inputs that a network was trained on, its outputs back into the target's own unit, and itself into JSON and back. Whoever
 * has it and the weights can ask the model; fit.ts makes it, json.ts reads it.
 */
import { type Tensor, tensor } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { type DatasetInfo, type MemoryDataset, memoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { listed } from './cells.ts';
import type { CellProblem, FittedColumn, TableIssue } from './column.ts';
import { decodeColumn, encodeColumn, featureNamesOf, widthOf } from './encode.ts';
import { cellError, extraIssue, issueList, unknownProblem } from './problems.ts';
import { type Cell, positionsOf, type TableLike, type TableRows, tableRows } from './rows.ts';
import {
  decodeOutputs,
  encodeTarget,
  type FittedTarget,
  inverseNumbers,
  type Prediction,
  targetNamesOf,
  targetsOf,
} from './target.ts';

/** Says what the data are. */
export const preprocessingFormat = 'ag-preprocessing';
/** Raised when an older program could not read them. */
export const preprocessingVersion = 1;

/** Fitted preprocessing as plain data. */
export interface PreprocessingJSON extends PreprocessingParts {
  readonly format: typeof preprocessingFormat;
  readonly version: number;
}

/** What a preprocessing consists of. */
export interface PreprocessingParts {
  readonly inputs: readonly FittedColumn[];
  readonly ignored: readonly { readonly name: string; readonly reason: string }[];
  readonly target: FittedTarget | null;
  readonly handleUnknown: 'error' | 'ignore';
  readonly missingValues: readonly string[];
}

/** Options of {@link Preprocessing.transform} and {@link Preprocessing.dataset}. */
export interface TransformOptions {
  /** What a value that the training data did not have is. Default: as fitted. */
  handleUnknown?: 'error' | 'ignore';
  /** The name to use in errors. */
  file?: string;
}

/** Rows as a network takes them. */
export interface TransformedRows {
  /** `[n, features]` float32 */
  readonly x: Tensor;
  /** The same numbers, row-major. */
  readonly values: Float32Array;
  /** Gaps that were filled, values that were not known, columns that were not used. */
  readonly issues: readonly TableIssue[];
}

/** Fitted preprocessing. */
export interface Preprocessing {
  /** The input columns, in the order in which the network has them. */
  readonly inputs: readonly FittedColumn[];
  /** The columns of the training data that are not used, and why. */
  readonly ignored: readonly { readonly name: string; readonly reason: string }[];
  /** What is predicted; null where no target was named. */
  readonly target: FittedTarget | null;
  /** The names of the network's inputs: `rooms`, `town=north`, … */
  readonly featureNames: readonly string[];
  /** How many numbers a row becomes: the width of the network's first layer. */
  readonly features: number;
  /** How many numbers the network has to give: one for each target or class; 0 without a target. */
  readonly outputs: number;
  /** The classes' names; undefined where the target is a number. */
  readonly classes: readonly string[] | undefined;
  /**
   * Rows as a network takes them. Columns are found by their names, in any order; the target need not be there.
   *
   * @throws DataError `column` when columns are missing, `value` for values that are not known or not numbers, with line
   * and column; all of them are named
   */
  transform(rows: TableLike, options?: TransformOptions): TransformedRows;
  /**
   * Rows with their target as a data set: x `[n, features]`; y `[n, targets]` float32, scaled, or `[n]` int32 classes.
   *
   * @throws DataError as `transform`, and for a target that is missing
   */
  dataset(rows: TableLike, options?: TransformOptions & { info?: DatasetInfo }): EncodedDataset;
  /**
   * The targets of rows as the table has them, a list for each row, null for gaps; null where the table has no such column.
   *
   * @throws DataError `value` for a target that is not a number, where numbers are predicted
   */
  readTarget(rows: TableLike, options?: { file?: string }): (readonly (number | string | null)[])[] | null;
  /** Inputs back: a record for each row of `[n, features]` numbers. Words of texts and unknown categories are undefined. */
  inverse(values: ArrayLike<number>): Record<string, Cell>[];
  /** Outputs of a network, or scaled targets, back in the target's unit. Of a tensor a tensor. */
  inverseTarget(values: Tensor): Tensor;
  inverseTarget(values: ArrayLike<number>): number[];
  /** The names of class indices. */
  inverseClasses(indices: ArrayLike<number>): string[];
  /** What outputs `[n, outputs]` of a network say, row by row: a number in the target's unit, or (of logits) a class. */
  decode(outputs: ArrayLike<number>): Prediction[];
  /** Plain data, for `preprocessingFromJSON`. */
  toJSON(): PreprocessingJSON;
}

/** A data set made of a table, with what is to be told of it. */
export interface EncodedDataset extends MemoryDataset {
  readonly issues: readonly TableIssue[];
}

/** The object of fitted parts, which are taken to be valid. */
export function preprocessingOf(parts: PreprocessingParts): Preprocessing {
  const { inputs, ignored, target, missingValues } = parts;
  const missing = new Set(missingValues);
  const featureNames = inputs.flatMap(featureNamesOf);
  const features = featureNames.length;
  const classes = target?.type === 'category' ? target.classes : undefined;
  const expectTarget = (): FittedTarget => {
    if (target !== null) return target;
    throw new DataError('this preprocessing has no target', {
      code: 'option',
      hint: 'Fit it with target: the name of the column to predict',
    });
  };

  function encode(
    rows: TableRows,
    options: TransformOptions,
  ): { values: Float32Array; issues: TableIssue[] } {
    const { file, handleUnknown = parts.handleUnknown } = options;
    const positions = positionsOf(rows);
    const columns = inputs.map(({ name }) => find(positions, name));
    expectColumns(
      inputs.map(({ name }) => name),
      columns,
      rows,
      file,
    );
    const values = new Float32Array(rows.length * features);
    const issues = issueList(rows);
    const problems: CellProblem[] = [];
    let offset = 0;
    for (const [i, fitted] of inputs.entries()) {
      encodeColumn(fitted, rows, columns[i] as number, missing, values, features, offset, {
        gap: (row) => issues.gap(fitted, row),
        unknown: (row, cell, expected) => {
          if (handleUnknown === 'ignore') issues.unknown(fitted, row, cell, expected);
          else problems.push(unknownProblem(fitted, row, cell, expected));
        },
        problem: (problem) => problems.push(problem),
      });
      offset += widthOf(fitted);
    }
    if (problems.length > 0) throw cellError(problems, rows, file);
    const used = new Set(columns);
    const known = new Set([
      ...ignored.map(({ name }) => name),
      ...(target === null ? [] : targetNamesOf(target)),
    ]);
    const extra = rows.names.filter((name, column) => !used.has(column) && !known.has(name));
    return { values, issues: [...issues.list(), ...extra.map(extraIssue)] };
  }

  return {
    inputs,
    ignored,
    target,
    featureNames,
    features,
    outputs: target === null ? 0 : (classes?.length ?? targetNamesOf(target).length),
    classes,
    transform(table, options = {}) {
      checkOptions('transform', options, 'handleUnknown file');
      const rows = tableRows(table, 'transform');
      const { values, issues } = encode(rows, options);
      return { x: tensor(values, { shape: [rows.length, features] }), values, issues };
    },
    dataset(table, options = {}) {
      checkOptions('dataset', options, 'handleUnknown file info');
      const { info = {}, ...own } = options;
      const rows = tableRows(table, 'dataset');
      if (rows.length === 0)
        throw new DataError('dataset: no rows', { code: 'format', found: 'only a header' });
      const fitted = expectTarget();
      const positions = positionsOf(rows);
      const names = targetNamesOf(fitted);
      const columns = names.map((name) => find(positions, name));
      expectColumns(names, columns, rows, own.file);
      const { values, issues } = encode(rows, own);
      const fail = (problem: CellProblem): DataError => cellError([problem], rows, own.file);
      const y = encodeTarget(fitted, rows, columns as number[], missing, fail);
      const data = memoryDataset(
        { x: { data: values, shape: [features] }, y },
        {
          ...('info' in table && typeof table.info === 'object' ? (table.info as DatasetInfo) : {}),
          ...info,
          featureNames,
          targetName: names.join(', '),
          ...(classes === undefined ? {} : { classes }),
        },
      );
      return Object.assign(data, { issues });
    },
    readTarget(table, options = {}) {
      checkOptions('readTarget', options, 'file');
      const rows = tableRows(table, 'readTarget');
      const fitted = expectTarget();
      const positions = positionsOf(rows);
      const columns = targetNamesOf(fitted).map((name) => find(positions, name));
      if (!columns.every((column) => column !== undefined)) return null;
      const fail = (problem: CellProblem): DataError => cellError([problem], rows, options.file);
      return targetsOf(fitted, rows, columns, missing, fail);
    },
    inverse(values) {
      if (values.length % features !== 0) {
        throw new DataError('inverse: values', {
          code: 'mismatch',
          expected: `rows of ${features} numbers`,
          found: `${values.length} numbers`,
        });
      }
      return Array.from({ length: values.length / features }, (_, row) => {
        let at = row * features;
        const entries: [string, Cell][] = [];
        for (const fitted of inputs) {
          entries.push([fitted.name, decodeColumn(fitted, values, at)]);
          at += widthOf(fitted);
        }
        return Object.fromEntries(entries);
      });
    },
    inverseTarget: ((values: Tensor | ArrayLike<number>) =>
      inverseNumbers(expectTarget(), values)) as Preprocessing['inverseTarget'],
    inverseClasses(indices) {
      return Array.from(indices, (index) => {
        if (classes !== undefined && Object.hasOwn(classes, index)) return classes[index];
        throw new DataError('inverseClasses', {
          code: 'value',
          expected:
            classes === undefined ? 'a target of classes' : `an index from 0 to ${classes.length - 1}`,
          found: classes === undefined ? 'a target of numbers' : String(index),
        });
      });
    },
    decode: (outputs) => decodeOutputs(expectTarget(), outputs),
    toJSON: () => ({ format: preprocessingFormat, version: preprocessingVersion, ...parts }),
  };
}

/** A column by its name; a name that differs in capitals or spaces alone is found too, if there is one such only. */
function find(positions: ReadonlyMap<string, number>, name: string): number | undefined {
  const exact = positions.get(name);
  if (exact !== undefined) return exact;
  const plain = (text: string): string => text.trim().toLowerCase();
  const near = [...positions].filter(([other]) => plain(other) === plain(name));
  return near.length === 1 ? near[0][1] : undefined;
}

function expectColumns(
  names: readonly string[],
  columns: readonly (number | undefined)[],
  rows: TableRows,
  file: string | undefined,
): void {
  const absent = names.filter((_, i) => columns[i] === undefined);
  if (absent.length === 0) return;
  throw new DataError(`${absent.length === 1 ? 'a column is' : `${absent.length} columns are`} missing`, {
    code: 'column',
    ...(file === undefined ? {} : { file }),
    expected: listed(absent.map((name) => JSON.stringify(name))),
    found: rows.names.length === 0 ? 'no columns' : listed(rows.names),
    hint: 'Columns are found by their names, in any order; a value that is not known may be left empty (null)',
  });
}
