/** Rules of preprocessing: the way back, hostile data, gaps everywhere, constants, and columns that moved. */
import { tensor } from '@ag/tensor';
import { testSeeds } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { memoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { parseCsv } from '../formats/csv.ts';
import { randomStream } from '../random.ts';
import { type FitPreprocessingOptions, fitPreprocessing } from './fit.ts';
import { preprocessingFromJSON } from './json.ts';
import { dropMissing, splitTable } from './parts.ts';
import type { Cell, TableRecord } from './rows.ts';

describe('the way back', () => {
  it.each(testSeeds(30, 1000))('inverse ∘ transform is the identity, seed %i', (seed) => {
    const random = randomStream(seed, 1, 0, 0);
    const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)];
    const count = 2 + random.integer(30);
    const size = 10 ** (random.integer(9) - 4);
    const rows = Array.from({ length: count }, () => ({
      a: (random.uniform() - 0.5) * size + size,
      b: pick(['x', 'y, z', '"', '__proto__', 'ä', 'constructor']),
      c: pick([true, false]),
      d: new Date(Date.UTC(1970 + random.integer(90), random.integer(12), 1 + random.integer(28))),
      e: random.integer(5) * size,
    }));
    const options: FitPreprocessingOptions = {
      target: 'e',
      targetType: 'number',
      scaler: pick(['standard', 'minMax', 'none'] as const),
      targetScaler: pick(['standard', 'minMax', 'none'] as const),
      encoder: pick(['oneHot', 'ordinal'] as const),
      columns: { a: 'number', b: 'category', c: 'boolean', d: 'date', e: 'number' },
    };
    const fitted = preprocessingFromJSON(JSON.stringify(fitPreprocessing(rows, options)));
    const data = fitted.dataset(rows);
    fitted.inverse(data.columns.x.data).forEach((row, i) => {
      const { a, b, c, d } = rows[i];
      expect(Math.abs((row.a as number) - a)).toBeLessThanOrEqual(1e-6 * 2 * size);
      expect([row.b, row.c]).toEqual([b, c]);
      // float32 holds days to about a minute.
      expect(Math.abs((row.d as Date).getTime() - d.getTime())).toBeLessThan(
        options.scaler === 'none' ? 2e8 : 3e5,
      );
    });
    const back = fitted.inverseTarget(data.columns.y.data);
    back.forEach((value, i) => {
      expect(Math.abs(value - rows[i].e)).toBeLessThanOrEqual(1e-6 * 5 * size);
    });
  });

  it('is the same for tensors', async () => {
    const rows = [
      { x: 1, p: 10, q: -1 },
      { x: 2, p: 30, q: 4 },
    ];
    const fitted = fitPreprocessing(rows, { target: ['p', 'q'] });
    // Means 20 and 1.5, deviations 10 and 2.5.
    expect(fitted.inverseTarget([1, -1, 0, 2])).toEqual([30, -1, 20, 6.5]);
    const output = tensor([
      [1, -1],
      [0, 2],
    ]);
    expect(await fitted.inverseTarget(output).toArray()).toEqual([
      [30, -1],
      [20, 6.5],
    ]);
    expect(fitted.decode([1, -1])).toEqual([{ value: 30, values: { p: 30, q: -1 } }]);
    expect(() => fitted.inverseTarget([1])).toThrow('rows of 2 numbers, found 1 numbers');
    expect(() => fitted.inverseTarget(tensor([1, 2, 3]))).toThrow('[n, 2]');
    expect(() => fitted.inverseClasses([0])).toThrow('a target of numbers');
  });
});

describe('gaps and constants', () => {
  const fit = (a: readonly Cell[], options: FitPreprocessingOptions = {}) =>
    fitPreprocessing({ a, b: a.map((_, i) => i * 1.5) }, options);

  it('leaves out a column of gaps, and refuses to fill it from nothing', () => {
    const gaps = ['', null, 'NA'];
    expect(fit(gaps).ignored).toEqual([{ name: 'a', reason: 'empty: all cells are gaps' }]);
    for (const type of ['number', 'category', 'boolean', 'date', 'text'] as const) {
      expect(() => fit(gaps, { columns: { a: type } }), type).toThrow('column "a" holds nothing but gaps');
    }
    const filled = fit(gaps, { columns: { a: { type: 'number', impute: { constant: 7 }, scaler: 'none' } } });
    expect([...filled.transform({ a: [null, 2], b: [0, 0] }).values].filter((_, i) => i % 2 === 0)).toEqual([
      7, 2,
    ]);
  });

  it('leaves out a constant, unless it is asked for', () => {
    expect(fit([4, 4, 4]).ignored[0].reason).toMatch(/^constant: always "4"/);
    const asked = fit([4, 4, 4], { features: ['a'] });
    expect([...asked.transform({ a: [4, 6] }).values]).toEqual([0, 2]);
  });

  it('fills gaps as asked, and says so', () => {
    const values = [1, null, 3, 1];
    const filled = (impute: FitPreprocessingOptions['impute']) =>
      fit(values, { impute, scaler: 'none', features: ['a'] }).transform({ a: [null] }).values[0];
    expect(
      [filled('mean'), filled('median'), filled('mostFrequent'), filled({ constant: -1 })].map(Math.fround),
    ).toEqual([5 / 3, 1, 1, -1].map(Math.fround));
    expect(() => fit(values, { impute: 'error' })).toThrow('row 1, column "a": a missing value');
    // A column that had no gap refuses one later if told so, and fills it otherwise.
    const strict = fit([1, 2, 3.5], { impute: 'error', features: ['a'] });
    expect(() => strict.transform({ a: [null] })).toThrow('row 0, column "a": a missing value');
    const constant = fit(['x', null, 'y'], {
      columns: { a: { type: 'category', impute: { constant: 'none' } } },
    });
    expect(constant.featureNames.slice(0, 3)).toEqual(['a=none', 'a=x', 'a=y']);
  });

  it('marks gaps where there were any', () => {
    const fitted = fit([1, null, 4], { addIndicator: true, scaler: 'none' });
    expect(fitted.featureNames).toEqual(['a', 'a=missing', 'b']);
    expect([...fitted.transform({ a: [null, 3], b: [0, 0] }).values]).toEqual([2.5, 1, 0, 3, 0, 0]);
  });
});

describe('what was given', () => {
  it('knows columns by name only', async () => {
    const table = await parseCsv('x,town,y\n1,a,2\n2,b,4\n5,a,9\n');
    const fitted = fitPreprocessing(table, { target: 'y' });
    const other = await parseCsv('town;y;note;x\na;;hm;1\n', { delimiter: ';' });
    const { values, issues } = fitted.transform(other);
    expect([...values]).toEqual([...fitted.transform(table).values.subarray(0, fitted.features)]);
    expect(issues.map(({ message }) => message)).toEqual([
      'column "note": not used, the training data had no such column',
    ]);
    expect(fitted.readTarget(other)).toEqual([[null]]);
    expect(fitted.readTarget({ x: 1 })).toBeNull();
    // Two columns that differ in capitals alone: neither is taken for the other.
    expect(() => fitted.transform({ X: 1, 'x ': 2, town: 'a' })).toThrow('a column is missing: expected "x"');
  });

  it.each([
    [{ target: 'z' }, 'no column "z"'],
    [{ columns: { z: 'number' } }, 'no column "z"'],
    [{ target: 'y', features: ['y'] }, '"y" is both an input and the target'],
    [{ target: 'town', features: ['x'], targetType: 'number' }, 'line 2, column "town": not a number'],
    [{ columns: { town: 'number' } }, 'line 2, column "town": not a number: expected a number, found "a"'],
    [{ columns: { town: 'numbr' } }, 'type of column "town": expected "number"'],
    [{ columns: { town: { encoder: 'binary' } } }, 'column "town": encoder: expected "oneHot", "ordinal"'],
    [{ columns: { town: { categories: ['a'] } } }, 'line 3, column "town": an unknown category'],
    [{ columns: { town: { scale: 1 } } }, "did you mean 'scaler'?"],
    [{ scaler: 'robust' }, 'scaler: expected "standard", "minMax", "none", found "robust"'],
    [{ impute: 'mode' }, 'impute: expected "mean"'],
    [{ handleUnknown: 'guess' }, 'handleUnknown: expected "error", "ignore"'],
    [{ maxTokens: 0 }, 'maxTokens: expected a whole number above 0'],
    [{ columns: { x: 'ignore', town: 'ignore', y: 'ignore' } }, 'no column is left as an input'],
    [{ target: ['x', 'town'] }, 'several targets: expected columns of numbers, found "town"'],
  ])('refuses %j', async (options, message) => {
    const table = await parseCsv('x,town,y\n1,a,2\n2,b,4\n5,a,9\n');
    expect(() => fitPreprocessing(table, options as FitPreprocessingOptions)).toThrow(message);
  });

  it.each([
    [3, 'no table'],
    [[1], 'as row 0'],
    [{ a: [1], b: [1, 2] }, '1 values in each, as in "a", found 2 in "b"'],
    [{ a: [1], b: 2 }, 'only some values are lists'],
    [
      memoryDataset({
        x: { data: new Float32Array(8), shape: [2, 2] },
        y: { data: new Float32Array(2), shape: [] },
      }),
      'not a table',
    ],
  ])('refuses what is no table: %j', (rows, message) => {
    expect(() => fitPreprocessing(rows as never)).toThrow(message);
  });

  it('is no place for inherited names', () => {
    const rows = JSON.parse(
      '[{"__proto__": 1, "toString": "a", "y": 2}, {"__proto__": 2.5, "toString": "b", "y": 3}]',
    ) as TableRecord[];
    const fitted = preprocessingFromJSON(
      JSON.stringify(fitPreprocessing(rows, { target: 'y', targetType: 'number' })),
    );
    expect(fitted.featureNames).toEqual(['__proto__', 'toString=a', 'toString=b']);
    expect(() => fitted.transform([{ other: 1 }])).toThrow(
      '2 columns are missing: expected "__proto__", "toString"',
    );
    expect(Object.keys(fitted.inverse(fitted.transform(rows).values)[0])).toEqual(['__proto__', 'toString']);
  });
});

describe('JSON of any origin', () => {
  const whole = () =>
    JSON.parse(
      JSON.stringify(
        fitPreprocessing(
          [
            { a: 1, t: 'u', s: true, y: 3 },
            { a: 2.5, t: 'v', s: false, y: 5 },
          ],
          { target: 'y', targetType: 'number', columns: { t: 'category', s: 'boolean' } },
        ),
      ),
    );

  it.each<[string, (json: ReturnType<typeof whole>) => unknown, string]>([
    ['nothing', () => undefined, 'preprocessing: expected an object'],
    ['a list', () => [], 'preprocessing: expected an object, found []'],
    [
      'another format',
      (json) => ({ ...json, format: 'x' }),
      'preprocessing: format: expected "ag-preprocessing", found "x"',
    ],
    ['a newer version', (json) => ({ ...json, version: 2 }), 'It was made by a newer version'],
    ['no inputs', (json) => ({ ...json, inputs: [] }), 'inputs: expected at least one column'],
    ['inputs that are no list', (json) => ({ ...json, inputs: { length: 1e9 } }), 'inputs: expected a list'],
    ['a column twice', (json) => ({ ...json, inputs: [json.inputs[0], json.inputs[0]] }), '"a" twice'],
    [
      'an unknown type',
      (json) => ({ ...json, inputs: [{ type: 'constructor', name: 'a' }] }),
      'inputs[0].type: expected "number"',
    ],
    [
      'no name',
      (json) => ({ ...json, inputs: [{ ...json.inputs[0], name: 1 }] }),
      'inputs[0].name: expected a text, found 1',
    ],
    [
      'a divisor of 0',
      (json) => ({
        ...json,
        inputs: [{ ...json.inputs[0], scale: { scaler: 'standard', shift: 0, divisor: 0 } }],
      }),
      'inputs[0].scale.divisor: expected a number above 0',
    ],
    [
      'a shift that is no number',
      (json) => ({
        ...json,
        inputs: [{ ...json.inputs[0], scale: { scaler: 'standard', shift: null, divisor: 1 } }],
      }),
      'inputs[0].scale.shift: expected a finite number, found null',
    ],
    [
      'a filling of another type',
      (json) => ({ ...json, inputs: [{ ...json.inputs[0], fill: 'x' }] }),
      'inputs[0].fill: expected a finite number',
    ],
    [
      'a filling that is no category',
      (json) => ({ ...json, inputs: [{ ...json.inputs[1], fill: 'w' }] }),
      'inputs[0].fill: expected one of u, v',
    ],
    [
      'categories twice',
      (json) => ({ ...json, inputs: [{ ...json.inputs[1], categories: ['u', 'u'] }] }),
      'categories: expected different texts',
    ],
    [
      'a target of one class',
      (json) => ({ ...json, target: { type: 'category', name: 'y', classes: ['a'] } }),
      'two classes or more',
    ],
    [
      'no targets',
      (json) => ({ ...json, target: { type: 'number', columns: [] } }),
      'target.columns: expected at least one column',
    ],
    ['no texts for gaps', (json) => ({ ...json, missingValues: [1] }), 'missingValues[0]: expected a text'],
    ['a long text', (json) => ({ ...json, format: 'x'.repeat(1e6) }), 'xxx…'],
    ['inherited', (json) => Object.create(json), 'format: expected "ag-preprocessing", found undefined'],
  ])('refuses %s', (_, change, message) => {
    let error: unknown;
    try {
      preprocessingFromJSON(change(whole()));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).kind).toBe('format');
    expect((error as DataError).message).toContain(message);
    expect((error as DataError).message.length).toBeLessThan(400);
  });

  it('survives any value in any place, or says what is wrong', () => {
    const values = [undefined, null, -1, 0, Number.NaN, 1e308, '', 'x', true, [], {}, [[]], { length: 3 }];
    const places: (readonly (string | number)[])[] = [];
    const collect = (value: unknown, path: readonly (string | number)[]): void => {
      places.push(path);
      if (typeof value !== 'object' || value === null) return;
      for (const key of Object.keys(value)) collect((value as Record<string, unknown>)[key], [...path, key]);
    };
    collect(whole(), []);
    for (const path of places.slice(1)) {
      for (const value of values) {
        const json = whole();
        let at = json;
        for (const key of path.slice(0, -1)) at = at[key];
        at[path[path.length - 1]] = value;
        try {
          const fitted = preprocessingFromJSON(json);
          fitted.transform({ a: null, t: 'u', s: 'yes' }, { handleUnknown: 'ignore' });
        } catch (error) {
          expect(error, `${path.join('.')} = ${JSON.stringify(value)}`).toBeInstanceOf(DataError);
        }
      }
    }
    expect(() => preprocessingFromJSON('{')).toThrow('preprocessing: not JSON');
  });
});

describe('parts of a table', () => {
  it('share no row, and keep their lines', async () => {
    const table = await parseCsv(`a\n${Array.from({ length: 20 }, (_, i) => i).join('\n')}\n`);
    const parts = splitTable(table, [0.75, 0.25], { seed: 4 });
    expect(parts.map(({ rows }) => rows.length)).toEqual([15, 5]);
    const all = parts.flatMap(({ rows, lines }) => rows.map((row, i) => [Number(row[0]), lines[i]]));
    expect(all.map(([value, line]) => line - value)).toEqual(Array(20).fill(2));
    expect(new Set(all.map(([value]) => value)).size).toBe(20);
    expect(splitTable(table, [0.75, 0.25], { seed: 4 })).toEqual(parts);
    expect(() => splitTable(table, [0.5, 0.2])).toThrow('splitTable: parts');
  });

  it('leaves out rows with gaps', async () => {
    const table = await parseCsv('a,b\n1,\nNA,2\n3,4\n');
    expect(dropMissing(table, ['b']).lines).toEqual([3, 4]);
    expect(dropMissing(table).rows).toEqual([['3', '4']]);
    expect(() => dropMissing(table, ['c'])).toThrow('no column "c"');
    expect(() => dropMissing({ ...table, rows: [['', '']], lines: [2] })).toThrow('no row is left');
  });
});
