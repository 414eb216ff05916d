/** `jsonlDataset`: a data set from objects in JSON lines. */
import { checkOptions } from '@ag/tensor/engine';
import type { MemoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import type { CsvTable } from '../formats/csv.ts';
import { parseJsonl } from '../formats/jsonl.ts';
import { decodeText, type TextOptions } from '../formats/text.ts';
import { readBytes } from './source.ts';
import { checkTarget, type TableOptions, tableDataset } from './table.ts';

/** Options of {@link jsonlDataset}. */
export interface JsonlDatasetOptions extends TableOptions, TextOptions {
  /** A name for the data set. Default: the file's. */
  name?: string;
}

/**
 * A data set from JSON lines, an object on each: x `[n, features]` float32; y `[n, 1]` float32, or `[n]` int32 class indices if the target is
 * listed in `categorical`. Fields are those of all objects, in the order in which they are met; what an object lacks, and null, is missing;
 * true and false are 1 and 0.
 *
 * @param source a path (Node) or an address; or the text itself as `{ text }`
 * @throws DataError `missing` when the file cannot be read, `format` for a line that is no JSON object, `value` for a field that is no
 * number or category, with its line
 *
 * @example
 * const text = '{"length": 1.5, "kind": "a"}\n{"length": 2.5, "kind": "b"}\n';
 * const data = await jsonlDataset({ text }, { target: 'kind', categorical: ['kind'] });
 * data.classes; // ['a', 'b']
 */
export async function jsonlDataset(
  source: string | URL | { text: string },
  options: JsonlDatasetOptions,
): Promise<MemoryDataset> {
  checkOptions(
    'jsonlDataset',
    options,
    'name target features categorical missing missingValues file encoding maxBytes',
  );
  const inMemory = typeof source === 'object' && 'text' in source;
  const file = options.file ?? (inMemory ? 'JSON lines' : String(source));
  checkTarget(options, file);
  const { encoding, maxBytes, name, ...table } = options;
  const text = inMemory
    ? source.text
    : await decodeText(await readBytes(source), { encoding, maxBytes, file });
  return tableDataset(
    tableOf(text, file),
    { ...table, file },
    {
      name: name ?? (inMemory ? 'jsonl' : (file.split(/[\\/]/).pop() ?? file)),
      ...(inMemory ? {} : { files: [file] }),
    },
  );
}

/** Objects as the records of a table. */
function tableOf(text: string, file: string): CsvTable {
  const records = parseJsonl(text, { file }).map(({ value, line }) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { fields: value as Readonly<Record<string, unknown>>, line };
    throw new DataError(`line ${line}`, {
      code: 'format',
      file,
      expected: 'an object',
      found: JSON.stringify(value).slice(0, 80),
    });
  });
  const header = [...new Set(records.flatMap(({ fields }) => Object.keys(fields)))];
  const cell = (value: unknown, name: string, line: number): string => {
    if (value === undefined || value === null) return '';
    if (typeof value === 'boolean') return value ? '1' : '0';
    if (typeof value === 'number' || typeof value === 'string') return String(value);
    throw new DataError(`line ${line}: ${name}`, {
      code: 'value',
      file,
      expected: 'a number, a text, true, false or null',
      found: JSON.stringify(value).slice(0, 80),
    });
  };
  return {
    header,
    rows: records.map(({ fields, line }) =>
      header.map((name) => cell(Object.hasOwn(fields, name) ? fields[name] : undefined, name, line)),
    ),
    lines: records.map(({ line }) => line),
  };
}
