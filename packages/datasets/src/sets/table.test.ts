import { describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import type { CsvTable } from '../formats/csv.ts';
import { csvDataset } from './csv.ts';
import { type TableOptions, tableDataset } from './table.ts';

/** The table of a text without quotes. */
function tableOf(csv: string): CsvTable {
  const [header, ...rows] = csv
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.replace(/^"|"$/g, '')));
  return { header: header, rows, lines: rows.map((_, i) => i + 2) };
}

const text = 'size,color,price\n1,red,10\n2,blue,20\n3,red,30\n';
const read = (csv: string, options: TableOptions) =>
  tableDataset(tableOf(csv), { file: 't.csv', ...options });

describe('tableDataset', () => {
  it('makes inputs and targets of columns', () => {
    const set = read(text, { target: 'price', features: ['size'] });
    expect(set.length).toBe(3);
    expect(set.columns.x.shape).toEqual([1]);
    expect([...set.columns.x.data]).toEqual([1, 2, 3]);
    expect(set.columns.y.shape).toEqual([1]);
    expect([...set.columns.y.data]).toEqual([10, 20, 30]);
    expect(set.featureNames).toEqual(['size']);
  });

  it('needs to be told what is to be predicted', async () => {
    for (const options of [undefined, {}, { target: null }, { target: 3 }, { target: ['price', 1] }]) {
      await expect(
        csvDataset({ text }, options as unknown as TableOptions),
        JSON.stringify(options),
      ).rejects.toThrow(
        /CSV text: which column is to be predicted is not said: expected target: a column name.*found target: /,
      );
    }
    await expect(csvDataset('nowhere.csv', {} as TableOptions)).rejects.toThrow(
      /^nowhere\.csv: which column/,
    );
    expect(() => read(text, {} as TableOptions)).toThrow(DataError);
  });

  it('expands a category into columns of 0 and 1', () => {
    const set = read(text, { target: 'price', categorical: ['color'] });
    expect(set.featureNames).toEqual(['size', 'color=blue', 'color=red']);
    expect([...set.columns.x.data]).toEqual([1, 0, 1, 2, 1, 0, 3, 0, 1]);
  });

  it('makes classes of a categorical target', () => {
    const set = read(text, { target: 'color', features: ['size', 'price'], categorical: ['color'] });
    expect(set.classes).toEqual(['blue', 'red']);
    expect(set.columns.y.shape).toEqual([]);
    expect(set.columns.y.data).toEqual(Int32Array.of(1, 0, 1));
  });

  it('takes categories that are given, so that two tables agree', () => {
    const options = { target: 'price', categorical: { color: ['red', 'green', 'blue'] } };
    const [train, test] = [read(text, options), read('size,color,price\n4,blue,40\n', options)];
    expect(train.featureNames).toEqual(['size', 'color=red', 'color=green', 'color=blue']);
    expect([...train.columns.x.data]).toEqual([1, 1, 0, 0, 2, 0, 0, 1, 3, 1, 0, 0]);
    expect(test.featureNames).toEqual(train.featureNames);
    expect([...test.columns.x.data]).toEqual([4, 0, 0, 1]);
    const classes = { color: ['red', 'blue'] };
    const set = read('size,color\n1,blue\n', { target: 'color', categorical: classes });
    expect([set.classes, [...set.columns.y.data]]).toEqual([['red', 'blue'], [1]]);
    expect(() => read(text, { target: 'price', categorical: { color: ['red'] } })).toThrow(
      'line 3, column "color": an unknown category: expected one of red, found "blue"',
    );
    expect(() => read(text, { target: 'price', categorical: { hue: [] } })).toThrow('no column "hue"');
  });

  it('takes several targets', () => {
    const set = read('a,b,c\n1,2,3\n4,5,6', { target: ['c', 'a'] });
    expect([...set.columns.y.data]).toEqual([3, 1, 6, 4]);
    expect([...set.columns.x.data]).toEqual([2, 5]);
  });

  it('deals with missing values as asked', () => {
    const holes = 'a,b\n1,10\nNA,20\n?,30\n4,40\n';
    const inputs = (missing: TableOptions['missing']) => [
      ...read(holes, { target: 'b', missing }).columns.x.data,
    ];
    expect(inputs('drop')).toEqual([1, 4]);
    expect(inputs('mean')).toEqual([1, 2.5, 2.5, 4]);
    expect(inputs(-1)).toEqual([1, -1, -1, 4]);
    expect(() => inputs('error')).toThrow('line 3, column "a": a missing value');
    expect(() => read('a,b\nx,1\n,2', { target: 'b', categorical: ['a'], missing: 'mean' })).toThrow(
      'line 3, column "a": a missing category',
    );
    expect(() => read('a,b\nNA,1', { target: 'b', missing: 'mean' })).toThrow('no value to take the mean of');
  });

  it.each(['12a', '0x10', '1e', '--1', 'Infinity', '1e999', '1 2'])('refuses %j as a number', (cell) => {
    const error = catchError(() => read(`a,b\n1,2\n"${cell}",3`, { target: 'b' }));
    expect(error).toMatchObject({ kind: 'value', file: 't.csv', found: JSON.stringify(cell) });
    expect(error.message).toContain('line 3, column "a": not a number');
  });

  it('reads the usual ways to write numbers', () => {
    const set = read('a,b\n 1 ,-.5\n+2.,1e-2\n0.25,3E2', { target: 'b' });
    expect([...set.columns.x.data]).toEqual([1, 2, 0.25]);
    expect([...set.columns.y.data]).toEqual([-0.5, Math.fround(0.01), 300]);
  });

  it('names a column that is missing and those that exist', () => {
    for (const options of [
      { target: 'prize' },
      { target: 'price', features: ['prize'] },
      { target: 'price', categorical: ['prize'] },
    ]) {
      const error = catchError(() => read(text, options));
      expect(error).toMatchObject({ kind: 'column', found: 'size, color, price' });
      expect(error.message).toContain('no column "prize"');
    }
  });

  it('refuses a table without rows or inputs', () => {
    expect(catchError(() => read('a,b\n', { target: 'b' })).kind).toBe('format');
    expect(catchError(() => read('b\n1', { target: 'b' })).kind).toBe('option');
  });
});

describe('csvDataset', () => {
  it('reads text', async () => {
    const set = await csvDataset(
      { text: '1;2\n3;4\n' },
      { target: 'column 2', delimiter: ';', header: false },
    );
    expect([...set.columns.x.data]).toEqual([1, 3]);
  });

  it('says which file cannot be read', async () => {
    await expect(csvDataset('/no/such/file.csv', { target: 'a' })).rejects.toMatchObject({
      kind: 'missing',
      file: '/no/such/file.csv',
    });
  });
});

function catchError(run: () => unknown): DataError {
  try {
    run();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
