/**
 * Boston housing: median house prices of 506 census tracts, with 13 features each. From D. Harrison, D. L. Rubinfeld,
 * "Hedonic housing prices and the demand for clean air", 1978, as the CSV file of the R package mlbench.
 *
 * The column `b` was built on the assumption that racial segregation affects prices; the set serves here to compare
 * with published results of small networks and nothing else.
 */
import { checkOptions } from '@ag/tensor/engine';
import type { MemoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type FileSet, obtainFiles, type SourceOptions } from '../files/obtain.ts';
import { type CsvTable, parseCsv } from '../formats/csv.ts';
import { decodeText } from '../formats/text.ts';
import { tableDataset } from './table.ts';

/** Options of {@link bostonHousing}. */
export interface BostonHousingOptions extends SourceOptions {
  /** The input columns, such as `['rm', 'lstat']`; capitals make no difference. Default: all 13. */
  columns?: readonly string[];
}

/** The input columns of the file, in its order. */
export const bostonColumns: readonly string[] = [
  'crim',
  'zn',
  'indus',
  'chas',
  'nox',
  'rm',
  'age',
  'dis',
  'rad',
  'tax',
  'ptratio',
  'b',
  'lstat',
];

const rows = 506;

/**
 * Where the file is published. No citable source states a checksum, so a download is verified by its columns and its
 * number of rows.
 */
export const bostonSource: FileSet = {
  name: 'boston',
  folders: ['boston-housing', 'BostonHousing'],
  files: [
    {
      name: 'BostonHousing.csv',
      aliases: ['boston.csv', 'boston_housing.csv'],
      check: async (bytes) => {
        const table = await readTable(bytes, 'BostonHousing.csv');
        toDataset(table, bostonColumns, 'BostonHousing.csv');
        if (table.rows.length !== rows) {
          throw new DataError('wrong number of rows', {
            code: 'format',
            file: 'BostonHousing.csv',
            expected: String(rows),
            found: String(table.rows.length),
          });
        }
      },
    },
  ],
  mirrors: [
    'https://raw.githubusercontent.com/selva86/datasets/master',
    'https://raw.githubusercontent.com/reisanar/datasets/master',
  ],
  source: 'Harrison, Rubinfeld: Hedonic housing prices and the demand for clean air (1978)',
};

/**
 * The Boston housing prices: x `[n, 13]` (or the chosen columns), y `[n, 1]`, the median price `medv` in 1000 dollars;
 * float32, not scaled.
 *
 * @throws DataError when the file is missing, lacks a column, or has text where a number should be
 *
 * @example
 * const data = await bostonHousing({ dataDir: './data', columns: ['rm', 'lstat'] });
 * const loader = dataLoader(data, { batchSize: 16, replacement: true, transform: transforms.standardize(data) });
 */
export async function bostonHousing(options: BostonHousingOptions = {}): Promise<MemoryDataset> {
  checkOptions(
    'bostonHousing',
    options,
    'columns dataDir download mirrors onProgress signal attempts stallTimeout retryDelay',
  );
  const columns = (options.columns ?? bostonColumns).map((name) => name.toLowerCase());
  const unknown = columns.find((name) => !bostonColumns.includes(name));
  if (unknown !== undefined || columns.length === 0) {
    throw new DataError('bostonHousing: columns', {
      code: 'option',
      expected: `names from ${bostonColumns.join(', ')}`,
      found: unknown === undefined ? 'no name' : JSON.stringify(unknown),
    });
  }
  const [file] = await obtainFiles(bostonSource, options);
  return toDataset(await readTable(file.bytes, file.path), columns, file.path);
}

async function readTable(bytes: Uint8Array, file: string): Promise<CsvTable> {
  const table = await parseCsv(await decodeText(bytes, { file }), { file });
  return { ...table, header: table.header.map((name) => name.toLowerCase()) };
}

function toDataset(table: CsvTable, features: readonly string[], file: string): MemoryDataset {
  const info = { name: bostonSource.name, source: bostonSource.source, files: [file] };
  return tableDataset(table, { target: 'medv', features, file }, info);
}
