/** A table as a recipe: `agrad train houses.csv --target price`, without a line of code. */
import { type CsvTable, fitPreprocessing, type MemoryDataset, type Preprocessing } from '@ag/datasets';
import { accuracy, crossEntropy, meanAbsoluteError, mseLoss } from '@ag/nn';
import { Failure } from '../failure.ts';
import { count } from '../numbers.ts';
import {
  countsOf,
  type ParameterValue,
  type Recipe,
  type RecipeContext,
  type Task,
} from '../recipes/recipe.ts';
import { baselineOf } from './baseline.ts';
import { choicesOf, planColumns, type TableColumns } from './columns.ts';
import { dropoutFor, hiddenFor, settingsFor, tableNetwork } from './network.ts';
import { readTable } from './readTable.ts';
import { splitRows } from './split.ts';

type Parameters = RecipeContext['parameters'];

/** More numbers than these of inputs do not fit into memory. */
const mostValues = 5e8;

/**
 * The recipe of a table. It is read for that: whether classes or numbers are predicted, and the settings for its size, are
 * part of a recipe.
 *
 * @param given parameters as far as they are given
 */
export async function tableRecipe(path: string, given: Parameters): Promise<Recipe> {
  const { table, notes } = await readTable(path);
  const text = (name: string): string => String(given[name] ?? '');
  const plan = planColumns(table, path, {
    target: text('target'),
    columns: text('columns'),
    task: text('task'),
  });
  const shares = sharesOf({ ...defaultShares, ...given });
  const trainRows = Math.max(1, Math.round(plan.table.rows.length * (1 - shares.validation - shares.test)));
  const parameters: Record<string, ParameterValue> = {
    target: plan.target.name,
    columns: '',
    task: plan.task,
    unit: '',
    ...defaultShares,
    'split.seed': 0,
    'model.hidden': hiddenFor(trainRows),
    'model.dropout': dropoutFor(trainRows),
  };
  return {
    name: path,
    summary: `${plan.target.name} of ${count(plan.table.rows.length)} rows: ${plan.task}`,
    kind: plan.task,
    settings: settingsFor(trainRows),
    parameters,
    compile: true,
    prepare: async ({ parameters, preprocessing }) =>
      prepareTable(plan, path, [...notes, ...plan.notes], parameters, preprocessing ?? null),
  };
}

const defaultShares = { 'split.validation': 0.15, 'split.test': 0.15 } as const;

function sharesOf(parameters: Parameters): { validation: number; test: number } {
  const share = (name: string): number => {
    const value = parameters[name];
    if (typeof value === 'number' && value > 0 && value < 0.5) return value;
    throw new Failure(
      'configuration',
      `--set ${name}: expected a share above 0 and below 0.5, got ${JSON.stringify(value)}`,
    );
  };
  return { validation: share('split.validation'), test: share('split.test') };
}

function prepareTable(
  plan: TableColumns,
  path: string,
  notes: readonly string[],
  parameters: Parameters,
  fitted: Preprocessing | null,
): Task {
  const { table, target, task, classes } = plan;
  const column = table.header.indexOf(target.name);
  const labels = classes && table.rows.map((row) => row[column].trim());
  const parts = splitRows(table, sharesOf(parameters), labels, seedOf(parameters));
  const preprocessing =
    fitted ??
    fitPreprocessing(parts.train, {
      target: target.name,
      columns: choicesOf(plan, parts.train),
      targetType: task === 'classification' ? 'category' : 'number',
      ...(classes && { classes }),
      ...(parameters.unit !== '' && { unit: String(parameters.unit) }),
      // What only validation or test rows have is no reason to stop; predictions say what was not known.
      handleUnknown: 'ignore',
      file: path,
    });
  if (preprocessing.features * table.rows.length > mostValues) {
    throw new Failure(
      'data',
      `${path}: its columns become ${count(preprocessing.features)} inputs in ${count(table.rows.length)} rows, too many for memory`,
      'Columns of many categories can be left out: --columns NAME=ignore.',
    );
  }
  const dataset = (rows: CsvTable, split: string): MemoryDataset =>
    preprocessing.dataset(rows, { file: path, info: { name: path, split } });
  const train = dataset(parts.train, 'train');
  const test = dataset(parts.test, 'test');
  const hidden = countsOf(parameters, 'model.hidden');
  const share = dropoutOf(parameters);
  return {
    train,
    validation: dataset(parts.validation, 'validation'),
    test,
    preprocessing,
    ...(task === 'classification'
      ? { loss: crossEntropy, metrics: { accuracy } }
      : { loss: mseLoss, metrics: { meanAbsoluteError } }),
    model: () => tableNetwork(preprocessing.features, hidden, preprocessing.outputs, share),
    table: { plan, notes, preprocessing },
    baseline: baselineOf(preprocessing, train, test),
  };
}

function seedOf(parameters: Parameters): number {
  const seed = parameters['split.seed'];
  if (typeof seed === 'number' && Number.isInteger(seed) && seed >= 0) return seed;
  throw new Failure(
    'configuration',
    `--set split.seed: expected a whole number from 0, got ${JSON.stringify(seed)}`,
  );
}

function dropoutOf(parameters: Parameters): number {
  const share = parameters['model.dropout'];
  if (typeof share === 'number' && share >= 0 && share < 1) return share;
  throw new Failure(
    'configuration',
    `--set model.dropout: expected a share from 0 to below 1, got ${JSON.stringify(share)}`,
  );
}
