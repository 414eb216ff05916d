/** Preprocessing travels with a model: what eval, predict and the report show is in the unit of the table. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preprocessingFromJSON } from '@ag/datasets';
import { loadModel } from '@ag/nn';
import { predict } from '@ag/train';
import { beforeAll, describe, expect, it } from 'vitest';
import { inProcess, lastEvent, scratchFolder } from './testTools.ts';

const scratch = scratchFolder();
const recipe = fileURLToPath(new URL('../fixtures/houses.mjs', import.meta.url));
const at = (name: string): string => join(scratch, name);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

/** A rule without noise: 100 dollars a room, 500 more in the south. */
const price = (rooms: number, town: string): number => 1000 + 100 * rooms + (town === 'south' ? 500 : 0);
const towns = ['north', 'south'];
const rows = Array.from({ length: 100 }, (_, i) => {
  const [rooms, town] = [1 + (i % 7), towns[i % 2]];
  return `${i + 1},${i % 25 === 3 ? 'NA' : rooms},${town},${i % 25 === 3 ? price(4, town) : price(rooms, town)}`;
});
const table = (): string => write('houses.csv', `id,rooms,town,price\n${rows.join('\n')}\n`);
const given = ['--backend', 'reference'];

async function answers(...args: string[]): Promise<Record<string, unknown>> {
  const outcome = await inProcess('predict', ...args, ...given, '--json');
  expect(outcome.stderr.includes('error'), outcome.stderr).toBe(false);
  return lastEvent(outcome);
}

describe('a table with categories, gaps and a scaled target', () => {
  const run = at('run');
  let trained: Record<string, unknown>;

  beforeAll(async () => {
    const options = ['--set', `table=${table()}`, '--seed', '1', '--out', run, '--json', ...given];
    trained = lastEvent(await inProcess('train', recipe, ...options));
  });

  it('is learned, and judged in dollars', async () => {
    const { test } = trained as { test: { loss: number; metrics: { meanAbsoluteError: number } } };
    // Prices spread by about 320 dollars; in units of that spread this error would be below 0.1.
    expect(test.metrics.meanAbsoluteError).toBeGreaterThan(0.5);
    expect(test.metrics.meanAbsoluteError).toBeLessThan(30);
    expect(test.loss).toBeLessThan(0.02);
    const outcome = await inProcess('eval', run, '--recipe', recipe, ...given);
    expect(outcome.stdout).toMatch(/loss +[\d.e-]+ \(of the scaled target\)/);
    expect(outcome.stdout).toMatch(/mean absolute error +[\d.]+ \(dollars\)/);
    const judged = lastEvent(await inProcess('eval', run, '--recipe', recipe, '--json', ...given));
    expect(judged.meanAbsoluteError).toBe(test.metrics.meanAbsoluteError);
  });

  it('is shown in the report as the table has it', () => {
    const report = readFileSync(join(run, 'report.html'), 'utf8');
    const found = [...report.matchAll(/prediction ([\d.]+), target (\d+)/g)];
    expect(found.length).toBe(12);
    for (const [, answer, target] of found) {
      expect(Number(target)).toBeGreaterThanOrEqual(1100);
      expect(Math.abs(Number(answer) - Number(target))).toBeLessThan(100);
    }
    expect(report).toContain('Largest errors (dollars)');
    expect(report).toContain('one-hot, 2 categories: north, south');
  });

  it.each([
    ['new.csv', 'town,rooms,extra\nsouth,3,1\nnorth,,2\n', 'row 1'],
    ['new.tsv', 'rooms\ttown\n3\tsouth\n\tnorth\n', 'row 1'],
    ['semicolons.csv', 'rooms;town\n3;south\n?;north\n', 'row 1'],
    ['bare.csv', '3,south\nNA,north\n', 'row 1'],
    ['new.jsonl', '{"rooms":3,"town":"south"}\n\n{"town":"north","rooms":null}\n', 'row 1'],
    ['new.json', '[{"rooms":3,"town":"south"},{"town":"north"}]', 'row 1'],
  ])('answers for %s without recipe, data and target', async (name, text, row) => {
    const file = write(name, text);
    rmSync(at('houses.csv'), { force: true });
    const { predictions, issues } = await answers(run, file);
    const [first, second] = predictions as { input: string; values: number[]; truth?: unknown }[];
    expect(first.input).toBe(`${file} ${row}`);
    expect(Math.abs(first.values[0] - price(3, 'south'))).toBeLessThan(40);
    // The gap is filled by the mean, about 4 rooms.
    expect(Math.abs(second.values[0] - price(4, 'north'))).toBeLessThan(60);
    expect(first.truth).toBeUndefined();
    expect((issues as { kind: string }[]).map(({ kind }) => kind)).toContain('missing');
    table();
  });

  it('compares with the target where the table has it', async () => {
    const file = write('known.csv', 'price,town,rooms\n1800,south,3\n?,north,2\n');
    const outcome = await inProcess('predict', run, file, ...given);
    expect(outcome.stdout).toMatch(/known\.csv row 1: price 1[78]\d\d(\.\d)?, in truth 1800 \(dollars\)/);
    expect(outcome.stdout).toMatch(/mean absolute error of price [\d.]+ \(dollars\), over 1 rows/);
  });

  it('says what training did not have, and does not guess', async () => {
    const file = write('odd.csv', 'rooms,town\n3,west\n4,north\n');
    const refused = await inProcess('predict', run, file, ...given);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain(
      'odd.csv: line 2, column "town": an unknown category: expected one of north, south, found "west"',
    );
    expect(refused.stderr).toContain('--handle-unknown ignore');
    const listed = await inProcess('predict', run, file, '--handle-unknown', 'ignore', ...given);
    expect(listed.exitCode).toBe(0);
    expect(listed.stderr).toContain('column "town": unknown value "west"');
    const few = write('few.csv', 'town\nnorth\n');
    expect((await inProcess('predict', run, few, ...given)).stderr).toContain(
      'a column is missing: expected "rooms", found town',
    );
  });

  it('travels in the file of weights, and in a checkpoint', async () => {
    const file = write('one.csv', 'rooms,town\n3,south\n');
    const { predictions } = await answers(run, file);
    mkdirSync(at('elsewhere'), { recursive: true });
    copyFileSync(join(run, 'weights.safetensors'), at('elsewhere/w.safetensors'));
    expect((await answers(at('elsewhere/w.safetensors'), file)).predictions).toEqual(predictions);
    const [checkpoint] = readdirSync(join(run, 'checkpoints')).sort().reverse();
    const path = at('elsewhere/c.safetensors');
    copyFileSync(join(run, 'checkpoints', checkpoint), path);
    const [answer] = (await answers(path, file)).predictions as { values: number[] }[];
    expect(Math.abs(answer.values[0] - 1800)).toBeLessThan(60);
    // A program of one's own has both by two calls.
    const { model, metadata } = loadModel(readFileSync(at('elsewhere/w.safetensors')));
    const preprocessing = preprocessingFromJSON(metadata.preprocessing);
    const { x } = preprocessing.transform({ rooms: 3, town: 'south' });
    const [{ value }] = preprocessing.decode(await (await predict(model as never, x)).data());
    expect(value).toBeCloseTo((predictions as { values: number[] }[])[0].values[0], 2);
  });

  it('refuses a damaged file of preprocessing', async () => {
    const file = write('one.csv', 'rooms,town\n3,south\n');
    const path = join(run, 'preprocessing.json');
    const whole = readFileSync(path, 'utf8');
    for (const [text, message] of [
      ['{', 'not JSON'],
      [whole.replace('"version": 1', '"version": 2'), 'made by a newer version'],
      [whole.replace(/"divisor": [\d.]+/, '"divisor": 0'), 'a number above 0'],
    ]) {
      writeFileSync(path, text);
      const outcome = await inProcess('predict', run, file, ...given);
      expect(outcome.exitCode).toBe(7);
      expect(outcome.stderr).toContain(message);
    }
    // Without it what the weights carry along is used.
    rmSync(path);
    expect((await inProcess('predict', run, file, ...given)).exitCode).toBe(0);
    writeFileSync(path, whole);
  });
});

it('undoes the scaling of targets that a recipe did by a transform', async () => {
  const run = at('transform');
  const options = ['--set', `table=${table()}`, '--set', 'way=transform', '--seed', '1', '--out', run];
  const trained = lastEvent(await inProcess('train', recipe, ...options, '--json', ...given));
  const { test } = trained as { test: { metrics: { meanAbsoluteError: number } } };
  // Without the town a price is off by 250 dollars.
  expect(test.metrics.meanAbsoluteError).toBeGreaterThan(200);
  expect(test.metrics.meanAbsoluteError).toBeLessThan(300);
  const report = readFileSync(join(run, 'report.html'), 'utf8');
  for (const [, answer] of report.matchAll(/prediction ([-\d.]+), target (\d+)/g))
    expect(Number(answer)).toBeGreaterThan(1000);
  const file = write('rooms.csv', 'rooms\n4\n');
  const { predictions } = await answers(run, file, '--recipe', recipe);
  const [{ values }] = predictions as { values: number[] }[];
  expect(Math.abs(values[0] - 1650)).toBeLessThan(60);
});
