/** Recipes of models with several inputs and heads: trained, resumed, reported, evaluated, asked. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as datasets from '@ag/datasets';
import * as nn from '@ag/nn';
import * as tensor from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { defineRecipe } from './index.ts';
import { attended, inProcess, lastEvent, scratchFolder } from './testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
// A module in a temporary folder finds no packages; these are the ones that the command runs with.
Object.assign(globalThis, { forUsers: { ...tensor, ...nn, ...datasets, defineRecipe } });
const source = readFileSync(fileURLToPath(new URL('../fixtures/scenes.ts', import.meta.url)), 'utf8').replace(
  /import \{([^}]*)\} from '[^']*';/g,
  (_, names: string) => `const {${names.replace(/\btype \w+,?/g, '')}} = (globalThis as any).forUsers;`,
);

/** The recipe as a module of its own, with a text of it changed. */
function recipeAs(name: string, from = '', to = ''): string {
  const path = join(scratch, `${name}.ts`);
  if (!source.includes(from)) throw new Error(`the fixture does not hold '${from}'`);
  writeFileSync(path, `import type { Tensor } from '@ag/tensor';\n${source.replace(from, to)}`);
  return path;
}

const fixture = recipeAs('scenes');
const reference = ['--backend', 'reference'];
const names = ['kind/loss', 'place/loss', 'kind/accuracy', 'place/meanAbsoluteError'];
const folder = join(scratch, 'scenes');
const trained = inProcess('train', fixture, '--json', ...reference, '--out', folder);

describe('a recipe with two inputs and two heads', () => {
  it('trains, and reports the losses and metrics of each head', async () => {
    const outcome = await trained;
    expect(outcome.stderr).not.toContain('failed');
    expect(outcome.exitCode).toBe(0);
    const { test } = lastEvent(outcome) as { test: { loss: number; metrics: Record<string, number> } };
    expect(Object.keys(test.metrics)).toEqual(names);
    expect(test.loss).toBeCloseTo(test.metrics['kind/loss'] + 0.5 * test.metrics['place/loss'], 4);
    const events = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n');
    const epochs = events.map((line) => JSON.parse(line)).filter((event) => event.type === 'epoch');
    expect(epochs).toHaveLength(3);
    expect(epochs[2].loss).toBeLessThan(epochs[0].loss);
  });

  it('has a report with a part for each head, its pictures too', async () => {
    await trained;
    const report = readFileSync(join(folder, 'report.html'), 'utf8');
    for (const title of [
      'kind: Test data',
      'kind: Largest errors',
      'place: Test data',
      'place: Largest errors',
    ])
      expect(report).toContain(`<h2>${title}</h2>`);
    for (const text of [
      'lying',
      'standing',
      'Confusion matrix',
      'Samples with predictions',
      'Errors',
      'Kind/accuracy',
    ])
      expect(report).toContain(text);
    const ids = [...report.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });

  it('goes on from its checkpoints to the same bits', async () => {
    await trained;
    const twice = join(scratch, 'twice');
    const first = await inProcess('train', fixture, ...reference, '--epochs', '2', '--out', twice);
    expect(first.exitCode).toBe(0);
    const second = await attended(
      async () => true,
      'train',
      '--resume',
      twice,
      '--epochs',
      '3',
      ...reference,
    );
    expect(second.stderr + second.stdout).toContain('test data (60 examples)');
    const weights = (path: string): Buffer => {
      const bytes = readFileSync(join(path, 'weights.safetensors'));
      return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
    };
    expect(weights(twice).equals(weights(folder))).toBe(true);
  });

  it('is evaluated, with limits by head', async () => {
    const { test } = lastEvent(await trained) as { test: { metrics: Record<string, number> } };
    const good = await inProcess('eval', folder, '--recipe', fixture, '--json', ...reference);
    expect(lastEvent(good)).toMatchObject({ passed: true, ...test.metrics });
    const bad = await inProcess(
      'eval',
      folder,
      '--recipe',
      fixture,
      '--fail-under',
      'kind/accuracy=1.01',
      ...reference,
    );
    expect(bad.exitCode).toBe(6);
    expect(bad.stderr).toContain('kind/accuracy is');
  });

  it('answers lines of JSON, by head', async () => {
    await trained;
    const file = join(scratch, 'scenes.jsonl');
    const image = (standing: boolean): number[][][] => [
      Array.from({ length: 8 }, (_, row) =>
        Array.from({ length: 8 }, (_, column) =>
          (standing ? column === 3 && row > 1 && row < 5 : row === 3 && column > 1 && column < 5) ? 255 : 0,
        ),
      ),
    ];
    const line = (standing: boolean): string => `${JSON.stringify({ image: image(standing), unit: [1] })}\n`;
    writeFileSync(file, `${line(true)}\n${line(false)}`);
    const given = ['predict', folder, file, '--recipe', fixture, ...reference];
    const { predictions } = lastEvent(await inProcess(...given, '--json')) as {
      predictions: {
        input: string;
        heads: { kind: { class: string; probabilities: number[] }; place: { values: number[] } };
      }[];
    };
    expect(predictions.map(({ input }) => input)).toEqual([`${file} line 1`, `${file} line 3`]);
    for (const { heads } of predictions) {
      expect(['lying', 'standing']).toContain(heads.kind.class);
      expect(heads.kind.probabilities.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 5);
      expect(heads.place.values).toHaveLength(2);
    }
    expect((await inProcess(...given)).stdout).toMatch(
      /line 1: kind (lying|standing) \(.* %\); place -?[\d.]+, /,
    );

    const fails = async (text: string): Promise<string> => {
      writeFileSync(file, text);
      const outcome = await inProcess(...given);
      expect(outcome.exitCode).toBeGreaterThan(0);
      return outcome.stderr;
    };
    expect(await fails('{ "image": 1')).toMatch(/line 1 is not JSON/);
    expect(await fails(JSON.stringify({ imag: image(true), unit: [1] }))).toMatch(
      /there is no input 'image'[\s\S]*Did you mean 'imag'[\s\S]*"image": \[1×8×8 numbers\], "unit": \[1 numbers\]/,
    );
    expect(await fails(JSON.stringify({ image: [[1, 2]], unit: [1] }))).toMatch(
      /line 1, image: expected numbers of shape \[1, 8, 8\], got a list of 2 where a list of 8 is due/,
    );
    expect(await fails(JSON.stringify({ image: image(true), unit: ['a'] }))).toMatch(
      /line 1, unit: .* got "a"/,
    );
    expect(await fails('')).toMatch(/there are no lines/);
    const picture = await inProcess('predict', folder, 'a.png', '--recipe', fixture, ...reference);
    expect(picture.stderr).toMatch(/a model of several inputs takes files of JSON lines/);
  });

  it('shows a head that is scaled in the unit of the data', async () => {
    // The same network, told to learn a thousandth of the place, answers a thousandth; shown it is what it was.
    const scaled = recipeAs(
      'scaled',
      "transform: transforms.minMax({ min: [0], max: [3] }, { column: 'x/unit' })",
      "transform: transforms.minMax({ min: [1000, 1000], max: [1001, 1001] }, { column: 'y/place' })",
    );
    const out = join(scratch, 'scaled');
    const outcome = await inProcess('train', scaled, ...reference, '--epochs', '0', '--out', out);
    expect(outcome.exitCode).toBe(0);
    const file = join(scratch, 'one.jsonl');
    writeFileSync(
      file,
      JSON.stringify({ image: [Array.from({ length: 8 }, () => new Array(8).fill(0))], unit: [0] }),
    );
    const { predictions } = lastEvent(
      await inProcess('predict', out, file, '--recipe', scaled, '--json', ...reference),
    ) as { predictions: { heads: { place: { values: number[] } } }[] };
    // The answer is multiplied by the unit, 0, and 0 is 1000 unscaled.
    expect(predictions[0].heads.place.values).toEqual([1000, 1000]);
  });

  it('is profiled, drawn, cross-validated and tried with rates', async () => {
    const profile = lastEvent(await inProcess('profile', fixture, '--steps', '3', '--json', ...reference));
    expect(profile.flops).toBeGreaterThan(0);
    const graph = await inProcess('graph', fixture);
    expect(graph.stdout).toMatch(/x\/image/);
    const folds = await inProcess(
      'train',
      fixture,
      '--folds',
      '2',
      '--epochs',
      '1',
      '--json',
      ...reference,
      '--out',
      join(scratch, 'folds'),
    );
    expect(Object.keys((lastEvent(folds) as { metrics: object }).metrics)).toEqual(names);
    const rates = await inProcess(
      'train',
      fixture,
      '--find-learning-rate',
      '--json',
      ...reference,
      '--out',
      join(scratch, 'rates'),
    );
    expect(lastEvent(rates)).toMatchObject({ command: 'train --find-learning-rate' });
  });

  it.each([
    ['a loss', 'loss: { kind:', 'loss: { kin:', /'kin', which .* did you mean 'kind'/],
    ['a weight', 'weights: { place:', 'weights: { plac:', /'plac', which .* did you mean 'place'/],
    [
      'a metric',
      '{ kind: { accuracy }',
      '{ kind: { accuracy: 1 }',
      /1 as the metric 'kind\/accuracy', which must be/,
    ],
    ['a loss that is none', 'place: mseLoss', "place: 'mse'", /loss of the head 'place' must be a function/],
    ['a kind', "{ kind: 'class", "{ kin: 'class", /kind names the head 'kin'[\s\S]*'kind'/],
    [
      'no kind',
      "{ kind: 'classification', place: 'regression' }",
      '{}',
      /the default export is not a recipe/,
    ],
  ])('says by name what is wrong with %s', async (name, from, to, message) => {
    const path = recipeAs(`wrong-${name.replaceAll(' ', '-')}`, from, to);
    const outcome = await inProcess('train', path, ...reference, '--epochs', '1', '--out', `${path}-run`);
    expect(outcome.exitCode).not.toBe(0);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('mistake in agrad');
  });
});
