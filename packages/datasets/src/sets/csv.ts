/** `csvDataset`: a data set from a table in a CSV file. */
import { checkOptions } from '@ag/tensor/engine';
import type { DatasetInfo, MemoryDataset } from '../dataset.ts';
import { type CsvOptions, parseCsv } from '../formats/csv.ts';
import { decodeText, type TextOptions } from '../formats/text.ts';
import { readBytes } from './source.ts';
import { checkTarget, type TableOptions, tableDataset } from './table.ts';

/** Options of {@link csvDataset}. */
export interface CsvDatasetOptions extends TableOptions, CsvOptions, TextOptions {
  /** A name for the data set. Default: the file's. */
  name?: string;
}

/**
 * A data set from a table in CSV: x `[n, features]` float32; y `[n, 1]` float32, or `[n]` int32 class indices if the
 * target is listed in `categorical`.
 *
 * A file may be in UTF-8 or UTF-16, and gzipped; other encodings are named by `encoding`.
 *
 * @param source a path (Node) or an address; or the text itself as `{ text }`
 * @throws DataError `missing` when the file cannot be read, `format` when it is not a table or not in its encoding,
 * `column` when the header lacks a column, `option` without a target, `value` for a cell that is missing or not a number,
 * with line and column
 *
 * @example
 * const text = 'length,kind\n1.5,a\n2.5,b\n';
 * const data = await csvDataset({ text }, { target: 'kind', categorical: ['kind'] });
 * data.classes; // ['a', 'b']
 */
export async function csvDataset(
  source: string | URL | { text: string },
  options: CsvDatasetOptions,
): Promise<MemoryDataset> {
  checkOptions(
    'csvDataset',
    options,
    'name target features categorical missing missingValues file delimiter header encoding maxBytes',
  );
  checkTarget(options, typeof source === 'object' && 'text' in source ? 'CSV text' : String(source));
  const inMemory = typeof source === 'object' && 'text' in source;
  const file = options.file ?? (inMemory ? 'CSV text' : String(source));
  const { encoding, maxBytes, delimiter, header, name, ...table } = options;
  const text = inMemory
    ? source.text
    : await decodeText(await readBytes(source), { encoding, maxBytes, file });
  const info: DatasetInfo = {
    name: name ?? (inMemory ? 'csv' : (file.split(/[\\/]/).pop() ?? file)),
    ...(inMemory ? {} : { files: [file] }),
  };
  const parsed = await parseCsv(text, { delimiter, header, file });
  return tableDataset(parsed, { ...table, file }, info);
}
