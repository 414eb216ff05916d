/** Tables as people have them: how they are read, what is guessed, split, compared with, and said when nothing can be learned. */
import { fitPreprocessing, memoryDataset, parseCsv } from '@ag/datasets';
import { describe, expect, it } from 'vitest';
import { baselineOf } from './baseline.ts';
import { planColumns } from './columns.ts';
import { readColumnTypes } from './parameters.ts';
import { parseTable } from './readTable.ts';
import { splitRows } from './split.ts';

const asked = { target: 'y', columns: '', task: 'auto' };
const lines = (count: number, line: (i: number) => string): string =>
  `${Array.from({ length: count }, (_, i) => line(i)).join('\n')}\n`;
const plan = async (text: string, more: Partial<typeof asked> = {}) =>
  planColumns((await parseTable(text, 't.csv')).table, 't.csv', { ...asked, ...more });

describe('reading a table', () => {
  it('finds the separator, outside of quotes', async () => {
    const of = async (text: string, path = 't.csv') => (await parseTable(text, path)).table.rows;
    expect(await of('a;b\n1;2\n')).toEqual([['1', '2']]);
    expect(await of('"a;x",b\n1,2\n')).toEqual([['1', '2']]);
    expect(await of('a|b\n1|2\n')).toEqual([['1', '2']]);
    expect(await of('a\tb,c\n1\t2,5\n', 't.tsv')).toEqual([['1', '2.5']]);
    expect((await parseTable('a;b\n1;2\n', 't.csv')).notes).toEqual(["columns are separated by ';'"]);
  });

  it('takes a mark, carriage returns, quoted line breaks and doubled quotes', async () => {
    const { table } = await parseTable('\ufeff"a","b"\r\n"1","x\r\n""y"""\r\n', 't.csv');
    expect(table).toMatchObject({ header: ['a', 'b'], rows: [['1', 'x\r\n"y"']] });
  });

  it('reads decimal commas, and groups of digits, where all of a column is of that form', async () => {
    const german = await parseTable('a;b;c\n1,5;1.234,25;x,1\n-2;NA;y\n', 't.csv');
    expect(german.table.rows).toEqual([
      ['1.5', '1234.25', 'x,1'],
      ['-2', 'NA', 'y'],
    ]);
    expect(german.notes).toContain('decimal commas are read as points in a, b');
    const grouped = await parseTable('a,b,c\n"1,234","0,5","1,234"\n"12,345,678.5","2,25",maybe\n', 't.csv');
    expect(grouped.table.rows).toEqual([
      ['1234', '0.5', '1,234'],
      ['12345678.5', '2.25', 'maybe'],
    ]);
  });

  it.each([
    ['', /t\.csv is empty/],
    ['\ufeff \n', /t\.csv is empty/],
    ['a,b\n', /a header and no rows/],
    ['a\n1\n', /one column only: "a"/],
    ['1,2.5\n3,4\n', /has no header: its first line is 1,2\.5/],
    ['a,b\n1,2\n3\n', /line 3 has a different number of fields/],
    ['a,b\n1,"2\n', /a quote is never closed/],
  ])('says what is wrong with %j', async (text, message) => {
    await expect(parseTable(text, 't.csv')).rejects.toThrow(message);
  });
});

describe('what is predicted', () => {
  it.each([
    ['numbers with fractions', (i: number) => `${i * 1.5}`, 'regression'],
    ['many whole numbers', (i: number) => `${i * 3}`, 'regression'],
    ['texts', (i: number) => 'ab'[i % 2], 'classification'],
    ['two numbers', (i: number) => `${i % 2}`, 'classification'],
    ['labels from 0', (i: number) => `${i % 3}`, 'classification'],
    ['grades from 1', (i: number) => `${1 + (i % 5)}`, 'regression'],
  ])('%s', async (_, value, task) => {
    expect((await plan(`a,y\n${lines(60, (i) => `${(i * 7) % 11}.5,${value(i)}`)}`)).task).toBe(task);
  });

  it('is decided by who knows it better', async () => {
    const grades = `a,y\n${lines(60, (i) => `${(i * 7) % 11}.5,${1 + (i % 5)}`)}`;
    expect(await plan(grades, { task: 'classification' })).toMatchObject({
      classes: ['1', '2', '3', '4', '5'],
    });
    expect(await plan(grades, { columns: 'y=category' })).toMatchObject({ task: 'classification' });
    const labels = `a,y\n${lines(60, (i) => `${(i * 7) % 11}.5,${i % 3}`)}`;
    expect(await plan(labels, { task: 'regression' })).toMatchObject({ classes: null });
    await expect(
      plan(`a,y\n${lines(20, (i) => `${i}.5,${'ab'[i % 2]}`)}`, { task: 'regression' }),
    ).rejects.toThrow(/the target 'y' is no number: "a", "b"/);
  });

  it('leaves rows without a target out, and finds the target whatever its capitals', async () => {
    const { table, notes, target } = await plan(
      `a,Y\n${lines(30, (i) => `${i * 2}.5,${i % 10 === 3 ? '' : i}`)}`,
    );
    expect(table.rows).toHaveLength(27);
    expect(target.name).toBe('Y');
    expect(notes).toEqual(['3 rows without a target are left out']);
  });

  it.each([
    ['no target', {}, `a,b\n${lines(20, (i) => `${i},${i}`)}`, /--target y: t\.csv has no such column/],
    [
      'none asked for',
      { target: '' },
      `a,b\n${lines(20, (i) => `${i},${i}`)}`,
      /which column is to be predicted/,
    ],
    ['one row', {}, 'a,y\n1,2\n', /has 1 row; 10 are needed/],
    [
      'few with a target',
      {},
      `a,y\n${lines(20, (i) => `${i},${i < 5 ? i : ''}`)}`,
      /has 5 rows with a target; 10/,
    ],
    ['all gaps', {}, `a,y\n${lines(20, (i) => `${i},`)}`, /the target 'y' is missing in all 20 rows/],
    [
      'one class',
      {},
      `a,y\n${lines(20, (i) => `${i}.5,same`)}`,
      /always "same": there is nothing to predict/,
    ],
    [
      'only identifiers',
      {},
      `id,y\n${lines(20, (i) => `${i},${i % 4}.5`)}`,
      /no column is left to predict 'y' from/,
    ],
    ['inputs of gaps', {}, `a,y\n${lines(20, (i) => `,${i % 4}.5`)}`, /no column is left/],
    [
      'texts as classes',
      {},
      `a,y\n${lines(40, (i) => `${i % 7}.5,person ${i}`)}`,
      /40 different values in 40 rows: too many/,
    ],
    [
      '10,000 categories',
      {},
      `c,y\n${lines(12_000, (i) => `k${i % 10_000},${i % 9}.5`)}`,
      /no column is left/,
    ],
  ])('%s is an error', async (_, more, text, message) => {
    await expect(plan(text, more)).rejects.toThrow(message);
  });

  it('names the nearest column and type', () => {
    const types = (text: string) => readColumnTypes(text, ['age', 'zip', 'last, first'], 't.csv');
    expect([...types('age=number,zip=category')]).toEqual([
      ['age', 'number'],
      ['zip', 'category'],
    ]);
    expect([...types('{"last, first": "ignore"}')]).toEqual([['last, first', 'ignore']]);
    const hint = (text: string): string | undefined => {
      try {
        types(text);
      } catch (error) {
        return `${(error as Error).message}: ${(error as { hint?: string }).hint}`;
      }
      return undefined;
    };
    expect(hint('agee=number')).toMatch(/no such column: Did you mean 'age'\?/);
    expect(hint('age=nmber')).toMatch(/expected one of number, .*: Did you mean 'number'\?/);
    expect(hint('age')).toMatch(/expected name=type/);
  });
});

describe('splitting', () => {
  it('gives each class its share of each part, by a seed', async () => {
    const { table } = await parseTable(`i,y\n${lines(100, (i) => `${i},${i < 60 ? 'a' : 'b'}`)}`, 't.csv');
    const classes = table.rows.map(([, y]) => y);
    const of = (seed: number) => splitRows(table, { validation: 0.15, test: 0.15 }, classes, seed);
    const parts = of(0);
    const counts = (rows: string[][]) => ['a', 'b'].map((name) => rows.filter(([, y]) => y === name).length);
    // 15 % of 60 and of 40.
    expect(counts(parts.test.rows)).toEqual([9, 6]);
    expect(counts(parts.validation.rows)).toEqual([9, 6]);
    expect(counts(parts.train.rows)).toEqual([42, 28]);
    const all = [parts.train, parts.validation, parts.test].flatMap(({ rows }) =>
      rows.map(([i]) => Number(i)),
    );
    expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(of(0)).toEqual(parts);
    expect(of(1)).not.toEqual(parts);
    // A row keeps its line in the file.
    expect(parts.test.lines[0]).toBe(Number(parts.test.rows[0][0]) + 2);
  });

  it('learns from a class of one row, and gives every part a row', async () => {
    const table = await parseCsv(`i,y\n${lines(10, (i) => `${i},${i === 0 ? 'rare' : 'often'}`)}`);
    const { train, validation, test } = splitRows(
      table,
      { validation: 0.01, test: 0.01 },
      table.rows.map(([, y]) => y),
      3,
    );
    expect([train.rows.length, validation.rows.length, test.rows.length]).toEqual([8, 1, 1]);
    expect(train.rows.some(([, y]) => y === 'rare')).toBe(true);
  });
});

describe('the baseline', () => {
  it('is the mean of the training rows, in the unit of the target', () => {
    const rows = [10, 20, 60].map((y, i) => ({ a: i * i, y }));
    const fitted = fitPreprocessing(rows, { target: 'y' });
    const test = fitted.dataset([
      { a: 1, y: 25 },
      { a: 2, y: 50 },
    ]);
    const { answer, metrics } = baselineOf(fitted, fitted.dataset(rows), test);
    // The mean is 30; the errors are 5 and 20.
    expect(answer).toBe('always 30, the mean');
    expect(metrics.meanAbsoluteError).toBeCloseTo(12.5, 4);
  });

  it('is the most frequent class of the training rows', () => {
    const fitted = fitPreprocessing(
      [
        { a: 1, y: 'p' },
        { a: 2, y: 'q' },
        { a: 4, y: 'q' },
      ],
      { target: 'y' },
    );
    const of = (labels: number[]) =>
      memoryDataset({
        x: { data: new Float32Array(labels.length), shape: [1] },
        y: { data: Int32Array.from(labels), shape: [] },
      });
    expect(baselineOf(fitted, of([0, 1, 1]), of([1, 0, 0, 0]))).toEqual({
      answer: "always 'q', the most frequent class",
      metrics: { accuracy: 0.25 },
    });
  });
});
