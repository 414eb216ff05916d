/** Preprocessing as a program meets it: fitting, other tables of the same columns, the way back, and JSON. */
import { tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../formats/csv.ts';
import { iris } from '../sets/iris.ts';
import { fitPreprocessing } from './fit.ts';
import { preprocessingFromJSON } from './json.ts';

const text = `id,rooms,town,garden,price
1,3,north,yes,310
2,5,south,no,420
3,,north,yes,280
4,4,east,no,350
5,8,south,yes,640
`;
const table = () => parseCsv(text);

describe('a table of mixed columns', () => {
  it('becomes numbers, by hand', async () => {
    const preprocessing = fitPreprocessing(await table(), { target: 'price', addIndicator: true });
    expect(preprocessing.featureNames).toEqual([
      'rooms',
      'rooms=missing',
      'town=east',
      'town=north',
      'town=south',
      'garden',
    ]);
    expect(preprocessing.ignored.map(({ name }) => name)).toEqual(['id']);
    // Rooms: the gap is the mean of 3, 5, 4, 8, which is 5; of 3, 5, 5, 4, 8 the mean is 5 and the variance 14 / 5.
    const deviation = Math.sqrt(14 / 5);
    const { x, values, issues } = preprocessing.transform(await table());
    expect(x.shape).toEqual([5, 6]);
    expect([...values]).toEqual(
      [
        [-2 / deviation, 0, 0, 1, 0, 1],
        [0, 0, 0, 0, 1, 0],
        [0, 1, 0, 1, 0, 1],
        [-1 / deviation, 0, 1, 0, 0, 0],
        [3 / deviation, 0, 0, 0, 1, 1],
      ]
        .flat()
        .map(Math.fround),
    );
    expect(issues.map(({ message }) => message)).toEqual([
      'column "rooms": a gap, filled with the mean 5: line 4',
    ]);
  });

  it('finds columns by name, in any order, with or without the target', async () => {
    const preprocessing = fitPreprocessing(await table(), { target: 'price' });
    const { values } = preprocessing.transform(await table());
    const moved = await parseCsv('garden,Town,extra,rooms\nyes,north,7,3\n');
    const other = preprocessing.transform(moved);
    expect([...other.values]).toEqual([...values.subarray(0, preprocessing.features)]);
    expect(other.issues.map(({ kind, column }) => [kind, column])).toEqual([['extra', 'extra']]);
    const record = preprocessing.transform({ garden: true, town: 'north', rooms: 3 });
    expect([...record.values]).toEqual([...other.values]);
    const columns = preprocessing.transform({ garden: [true], town: ['north'], rooms: Float32Array.of(3) });
    expect([...columns.values]).toEqual([...other.values]);
  });

  it('gives a data set whose answers come back in the unit of the target', async () => {
    const preprocessing = fitPreprocessing(await table(), { target: 'price' });
    const data = preprocessing.dataset(await table());
    expect([data.length, data.features, data.info.targetName]).toEqual([5, 5, 'price']);
    const { y } = data.batch([0, 1, 2, 3, 4]);
    const back = preprocessing.inverseTarget(y);
    const prices = [310, 420, 280, 350, 640];
    (await back.data()).forEach((price, i) => {
      expect(price).toBeCloseTo(prices[i], 3);
    });
    // Mean 400 and variance (90² + 20² + 120² + 50² + 240²) / 5 = 16600.
    expect(preprocessing.inverseTarget([0, 1])).toEqual([400, Math.sqrt(16600) + 400]);
    expect(preprocessing.decode([0])).toEqual([{ value: 400 }]);
  });

  it('names classes of a categorical target', async () => {
    const preprocessing = fitPreprocessing(await table(), { target: 'town', features: ['rooms'] });
    expect([preprocessing.classes, preprocessing.outputs]).toEqual([['east', 'north', 'south'], 3]);
    const data = preprocessing.dataset(await table());
    expect(data.columns.y).toEqual({ data: Int32Array.of(1, 2, 1, 0, 2), shape: [] });
    expect(preprocessing.inverseClasses([2, 0])).toEqual(['south', 'east']);
    const [answer] = preprocessing.decode([0, Math.log(2), 0]);
    expect(answer.value).toBe('north');
    expect(answer.probabilities?.north).toBeCloseTo(0.5, 12);
  });

  it('goes to JSON and back, to the bit', async () => {
    const preprocessing = fitPreprocessing(await table(), { target: 'price', unit: '1000 dollars' });
    const json = JSON.stringify(preprocessing);
    const copy = preprocessingFromJSON(json);
    expect(JSON.stringify(copy)).toBe(json);
    expect(copy.transform(await table()).values).toEqual(preprocessing.transform(await table()).values);
    expect(copy.inverseTarget([0.3])).toEqual(preprocessing.inverseTarget([0.3]));
  });
});

it('says which values and columns the training data did not have', async () => {
  const preprocessing = fitPreprocessing(await table(), { target: 'price' });
  const odd = await parseCsv('rooms,town,garden\n3,west,yes\nfew,north,maybe\n');
  expect(() => preprocessing.transform(odd, { file: 'new.csv' })).toThrow(
    /^new\.csv: line 3, column "rooms": not a number: expected a number, found "few".*Also: line 2, column "town": "west"; line 3, column "garden": "maybe"/,
  );
  expect(() => preprocessing.transform({ rooms: 3 })).toThrow(
    '2 columns are missing: expected "town", "garden", found rooms',
  );
  const { values, issues } = preprocessing.transform(
    { rooms: 5, town: 'west', garden: true },
    { handleUnknown: 'ignore' },
  );
  expect([...values]).toEqual([0, 0, 0, 0, 1]);
  expect(issues).toEqual([
    {
      kind: 'unknown',
      column: 'town',
      value: 'west',
      rows: [0],
      count: 1,
      message:
        'column "town": unknown value "west", counted as none of them (expected one of east, north, south): row 0',
    },
  ]);
});

it('takes a data set in memory: its features, its classes', async () => {
  const preprocessing = fitPreprocessing(iris());
  expect(preprocessing.classes).toEqual(['setosa', 'versicolor', 'virginica']);
  expect(preprocessing.featureNames).toHaveLength(4);
  const data = preprocessing.dataset(iris());
  expect(data.columns.y.data).toEqual(iris().columns.y.data);
  expect(tensor(data.columns.x.data, { shape: [150, 4] }).shape).toEqual([150, 4]);
});
