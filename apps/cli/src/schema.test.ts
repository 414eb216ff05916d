/** Every line that `--json` writes is as docs/events.schema.json says, and nothing else is on stdout. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { inProcess, type Outcome, outcomeOf, scratchFolder, start } from './testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const schema = JSON.parse(readFileSync(join(docs, 'events.schema.json'), 'utf8'));

type Definition = {
  properties?: Record<string, { const?: string }>;
  additionalProperties?: unknown;
};
const definitions = schema.$defs as Record<string, Definition>;

/**
 * The schema lets fields pass that it does not know, as readers should. Here they fail: what is written must be
 * documented. `eval` has the metrics beside its own fields.
 */
function closed(): ValidateFunction {
  const strict = structuredClone(schema);
  for (const [name, definition] of Object.entries(strict.$defs as Record<string, Definition>)) {
    const documented = definition.properties?.type?.const;
    const loose =
      name.startsWith('result') && !/^result(Train|Config|FindLearningRate|Folds|Profile)$/.test(name);
    if (documented !== undefined && !loose) definition.additionalProperties = false;
  }
  return new Ajv2020({ allErrors: true, strict: false }).compile(strict);
}
const valid = closed();

/** The events of a command, each checked. */
function check({ stdout }: Pick<Outcome, 'stdout'>): { type: string; command?: string }[] {
  expect(stdout.endsWith('\n')).toBe(true);
  const events = stdout
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const event of events) {
    const own = valid(event)
      ? []
      : valid.errors!.filter(({ schemaPath }) => schemaPath.includes(capital(event)));
    expect(valid(event), `${JSON.stringify(event)}\n${JSON.stringify(own)}`).toBe(true);
  }
  const last = events.at(-1);
  expect(['result', 'error']).toContain(last.type);
  expect(events.filter(({ type }) => type === 'result' || type === 'error')).toEqual([last]);
  return events;
}

const capital = ({ type }: { type: string }): string => `#/$defs/${type}`;
const typesOf = (events: readonly { type: string }[]): string[] => [
  ...new Set(events.map(({ type }) => type)),
];

const quick = [
  '--set',
  'data.train=100',
  '--set',
  'data.test=20',
  '--set',
  'model.hidden=[4]',
  '--epochs',
  '1',
];
const digits = ['train', 'digits', '--backend', 'reference', ...quick, '--json'];
const run = join(scratch, 'run');

describe('the schema', () => {
  it('describes the events of training: all types there are', async () => {
    const first = check(await inProcess(...digits, '--profile', '--batch-size', '5', '--out', run));
    const all = ['start', 'step', 'validation', 'epoch', 'checkpoint', 'profile', 'end', 'result'];
    expect(typesOf(first).sort()).toEqual(all.sort());
    expect(first.some((event) => 'gradientNorms' in event && 'deadUnits' in event)).toBe(true);
    const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'));
    writeFileSync(
      join(run, 'config.json'),
      JSON.stringify({ ...config, settings: { ...config.settings, epochs: 2 } }),
    );
    // Another backend, and a rate that no network survives.
    const failing = ['train', '--resume', run, '--backend', 'wasm', '--threads', '1', '--json'];
    const outcome = await inProcess(...failing, '--optimizer', 'adam', '--learning-rate', '1e38');
    expect(outcome.exitCode).toBe(5);
    expect(typesOf(check(outcome))).toEqual(expect.arrayContaining(['warning', 'anomaly', 'error']));
    const stopped = check(await inProcess(...digits, '--early-stop', '1', '--out', join(scratch, 'other')));
    expect(stopped.at(-1)).toMatchObject({ type: 'result', command: 'train' });
  });

  it.each([
    [...digits, '--folds', '2', '--out', join(scratch, 'folds')],
    [...digits, '--find-learning-rate', '--out', join(scratch, 'rate')],
    [...digits, '--print-config'],
    ['profile', 'xor', '--steps', '2', '--backend', 'reference', '--json'],
    ['eval', run, '--json'],
    ['graph', 'xor', '--json'],
    ['graph', '(x + y) * z', '--at', 'x=1,y=2,z=3', '--values', '--json'],
    ['gradcheck', 'tanh', '--backend', 'reference', '--json'],
    ['doctor', '--json'],
    ['data', 'list', '--json'],
    ['data', 'info', 'mnist', '--json'],
    ['runs', 'list', scratch, '--json'],
    ['runs', 'show', run, '--json'],
    ['convert', join(run, 'weights.safetensors'), join(scratch, 'weights.npz'), '--json'],
    ['bench', '--seconds', '0.001', '--threads', '1', '--json'],
  ])('describes %s %s', async (...given) => {
    const outcome = await inProcess(...given);
    expect(outcome.stderr).not.toMatch(/^error/m);
    expect(check(outcome).at(-1)!.type).toBe('result');
  });

  it.each([
    ['train', '--json', '--no-such-flag'],
    ['train', 'nothing-like-it', '--json'],
    ['train', 'xor', '--epochs', '-1', '--json'],
    ['train', 'mnist', '--data-dir', join(scratch, 'nowhere'), '--json'],
    ['eval', join(scratch, 'nowhere'), '--json'],
    ['nonsense', '--json'],
  ])('describes the error of %s %s', async (...given) => {
    const outcome = await inProcess(...given);
    expect(outcome.exitCode).toBeGreaterThan(1);
    expect(check(outcome)).toEqual([expect.objectContaining({ type: 'error', exitCode: outcome.exitCode })]);
  });

  it('finds what is not documented: it can fail', () => {
    const start = {
      ...{ v: 1, type: 'start', epochs: 1, batches: 1, parameters: 1, step: 0, epoch: 0 },
      ...{ metrics: [], backend: 'reference', seconds: 0 },
    };
    expect(valid(start)).toBe(true);
    expect(valid({ ...start, v: 2 })).toBe(false);
    expect(valid({ ...start, batches: 'many' })).toBe(false);
    expect(valid({ ...start, another: 1 })).toBe(false);
    const { seconds, ...without } = start;
    expect(valid(without)).toBe(false);
    // As published it takes what it does not know.
    const open = new Ajv2020({ strict: false }).compile(schema);
    expect(open({ ...start, another: 1 })).toBe(true);
  });

  it('has a row for each type and command on the page about events', () => {
    const page = readFileSync(join(docs, 'exit-codes-and-events.md'), 'utf8');
    for (const definition of Object.values(definitions)) {
      for (const name of [definition.properties?.type?.const, definition.properties?.command?.const])
        if (name !== undefined) expect(page).toContain(`\`${name}\``);
    }
  });
});

describe('stdout of a process with --json', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is looked for
  const escapes = /[\u001b\r]/;

  it('holds lines of JSON only, plain, whatever colors are wished for', async () => {
    const given = ['train', 'xor', '--epochs', '3', '--profile', '--json', '--out', join(scratch, 'piped')];
    const outcome = await outcomeOf(start(given, { env: { FORCE_COLOR: '3', COLUMNS: '20' } }));
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stdout).not.toMatch(escapes);
    check(outcome);
  });

  it('ends with an error after Ctrl-C', async () => {
    const folder = join(scratch, 'stopped');
    const given = [
      'train',
      'xor',
      '--epochs',
      '1000000',
      '--checkpoint-every',
      '20',
      '--json',
      '--out',
      folder,
    ];
    const child = start(given);
    const ended = outcomeOf(child);
    while (!existsSync(join(folder, 'checkpoints'))) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGINT');
    const outcome = await ended;
    expect(outcome.exitCode).toBe(130);
    expect(check(outcome).at(-1)).toMatchObject({ type: 'error', kind: 'interrupted', run: folder });
  });

  it('colors nothing with NO_COLOR, and nothing when piped', async () => {
    for (const env of [
      { NO_COLOR: '1', FORCE_COLOR: '1' },
      { NO_COLOR: '', FORCE_COLOR: '' },
    ]) {
      const given = ['train', 'xor', '--epochs', '3', '--out', join(scratch, `plain-${env.NO_COLOR}`)];
      const { stdout, stderr } = await outcomeOf(start(given, { env }));
      expect(stdout + stderr).not.toMatch(escapes);
    }
  });
});
