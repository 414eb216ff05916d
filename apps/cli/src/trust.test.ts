/**
 * A file never has code loaded: only the command line has, or a person who was asked. And a name from outside is
 * never found where nobody put it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { linear, saveSafetensors } from '@ag/nn';
import { encodeCheckpoint, takeCheckpoint } from '@ag/train';
import { beforeAll, describe, expect, it } from 'vitest';
import { attended, inProcess, outcomeOf, scratchFolder, start } from './testTools.ts';

const scratch = scratchFolder();
const marker = join(scratch, 'RAN');
const evil = join(scratch, 'evil.mjs');
const files = {
  weights: join(scratch, 'weights.safetensors'),
  relative: join(scratch, 'relative.safetensors'),
  checkpoint: join(scratch, 'checkpoint.safetensors'),
  config: join(scratch, 'config.json'),
  run: join(scratch, 'run'),
};
const csv = join(scratch, 'rows.csv');

beforeAll(async () => {
  writeFileSync(
    evil,
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(marker)}, ''); export default {};`,
  );
  const model = linear(1, 1);
  const settings = JSON.stringify({ backend: 'reference' });
  const weights = (recipe: string) =>
    saveSafetensors(model.stateDict(), { metadata: { recipe, settings, parameters: '{}' } });
  writeFileSync(files.weights, await weights(evil));
  writeFileSync(files.relative, await weights(`./${relative(process.cwd(), evil)}`));
  const config = { recipe: evil, settings: { backend: 'reference' }, parameters: {} };
  writeFileSync(files.checkpoint, await encodeCheckpoint(takeCheckpoint({ model, config })));
  writeFileSync(files.config, JSON.stringify({ recipe: evil }));
  writeFileSync(csv, '1\n');
  // A folder as a run leaves it, whatever it says of itself.
  await inProcess('train', 'xor', '--epochs', '1', '--backend', 'reference', '--out', files.run);
  const path = join(files.run, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), recipe: evil }));
});

const commands: readonly (readonly string[])[] = [
  ['eval', files.weights],
  ['eval', files.relative],
  ['eval', files.checkpoint],
  ['eval', files.run],
  ['predict', files.weights, csv],
  ['predict', files.checkpoint, csv],
  ['predict', files.run, csv],
  ['train', '--resume', files.run],
  ['train', '--resume', files.run, '--print-config'],
  ['train', '--config', files.config],
  ['train', files.config],
  ['train', '--config', files.config, '--print-config'],
  ['train', '--config', join(files.run, 'config.json')],
  ['runs', 'list', scratch],
  ['runs', 'show', files.run],
  ['convert', files.weights, join(scratch, 'out.npz')],
];

describe('a file that names a module', () => {
  it.each(commands.map((given) => [given]))('%j runs nothing of it', async (given) => {
    const { exitCode, stderr } = await inProcess(...given);
    expect(existsSync(marker)).toBe(false);
    if (given[0] === 'runs' || given[0] === 'convert') return;
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`refers to the code in ${evil}, which runs only if the command line names it`);
    // What to do can be copied.
    expect(stderr).toMatch(new RegExp(`name it: agrad ${given[0]} .*evil\\.mjs`));
  });

  it('is loaded where the command line names it', async () => {
    for (const given of [
      ['eval', files.weights, '--recipe', evil],
      ['predict', files.run, csv, '--recipe', evil],
      ['train', '--resume', files.run, '--recipe', evil],
      ['train', evil, '--config', files.config],
    ]) {
      const { stderr } = await outcomeOf(start(given));
      expect(stderr, given.join(' ')).toContain('the default export is not a recipe');
      expect(existsSync(marker)).toBe(true);
      rmSync(marker);
    }
  });

  it('is loaded when the person at the terminal agrees, who is told which and by whom', async () => {
    const asked: string[] = [];
    const given = ['eval', files.weights] as const;
    const no = await attended(async (question) => asked.push(question) < 0, ...given);
    expect(no).toMatchObject({ exitCode: 2 });
    expect(existsSync(marker)).toBe(false);
    const yes = await attended(async (question) => asked.push(question) > 0, ...given);
    expect(yes.stderr).toContain('the default export is not a recipe');
    expect(existsSync(marker)).toBe(true);
    expect(asked).toEqual(Array(2).fill(`${files.weights} refers to the code in ${evil}. Run it?`));
  });

  it('takes no other recipe for the run of a known one', async () => {
    const folder = join(scratch, 'known');
    mkdirSync(folder);
    await inProcess('train', 'xor', '--epochs', '1', '--backend', 'reference', '--out', join(folder, 'run'));
    rmSync(marker, { force: true });
    const outcome = await inProcess('train', '--resume', join(folder, 'run'), '--recipe', evil);
    expect(outcome).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("is of the recipe 'xor'") });
    expect(await inProcess('train', '--recipe', evil)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('only --resume and --from take it'),
    });
    expect(existsSync(marker)).toBe(false);
  });
});

describe('names that every object has', () => {
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'];
  it.each(names)('%s is the name of nothing', async (name) => {
    const expected: readonly (readonly [readonly string[], RegExp])[] = [
      [['train', name], new RegExp(`there is no recipe '${name}'\n.*Recipes: digits`)],
      [['sweep', name, '--grid', 'seed=1'], /there is no recipe/],
      [['sweep', 'xor', '--grid', `${name}=1`], /there is no such setting/],
      [['sweep', 'xor', '--random', `${name}=1..2`], /there is no such setting/],
      [['profile', name], /there is no recipe/],
      [['gradcheck', name], new RegExp(`there is no operation '${name}'\n.*Operations: `)],
      [['data', 'info', name], /there is no data set .*\n.*Data sets: /],
      [['data', 'preview', name], /there is no data set/],
      [['graph', name], /needs a value for|neither a recipe nor a formula/],
      [['graph', `${name}(2)`], /there is no function/],
      [['graph', 'x', '--at', `x=1,${name}=2`], /the formula has no such variable/],
      [['convert', files.weights, join(scratch, `x.${name}`)], /unknown file extension/],
      [['train', 'xor', '--set', `${name}=1`], /no such parameter/],
      [['train', 'xor', '--optimizer', name], /--optimizer: expected one of/],
      [['train', 'xor', '--schedule', name], /--schedule: expected one of/],
      [['runs', 'plot', files.run, '--metric', name], /the runs have no such metric\n.*Metrics: loss/],
      [
        ['eval', files.run, '--recipe', 'xor', '--fail-under', `${name}=1`],
        /there is no such metric\n.*Metrics: loss/,
      ],
      [['eval', files.weights, '--recipe', name], /there is no recipe/],
    ];
    for (const [given, message] of expected) {
      const { exitCode, stderr } = await inProcess(...given);
      expect(stderr, given.join(' ')).toMatch(message);
      expect([2, 3], given.join(' ')).toContain(exitCode);
    }
    const config = join(scratch, 'names.json');
    writeFileSync(config, `{"${name}": 1}`);
    expect((await inProcess('train', 'xor', '--config', config)).stderr).toContain(
      `there is no setting '${name}'`,
    );
    writeFileSync(config, `{"set": {"${name}": 1}}`);
    expect((await inProcess('train', 'xor', '--config', config)).stderr).toContain('no such parameter');
    // A value where one has every name.
    const graph = await inProcess('graph', `${name} * 2`, '--at', `${name}=3`, '--values');
    expect(graph, graph.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('6') });
  });
});
