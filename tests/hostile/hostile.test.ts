/**
 * Hostile files, whoever reads them: refused with a message, or read right, within a second of the processor and 100 MB
 * beyond what the reader takes for a harmless file. Each reader works in a process of its own, with little memory to
 * waste. To add a case: a line in one of the tables
 * (arrayCases.ts, dataCases.ts, commandCases.ts); a format: generators.ts; a reader: readers.ts, and what it reads well in
 * cases.ts.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases, harmless } from './cases.ts';
import type { Report } from './readers.ts';
import type { Case, Content } from './table.ts';

/** Of the processor, which a busy machine lengthens little: about one, and as much again for that. */
const mostSeconds = 2;
const mostMegabytes = 100;

const scratch = mkdtempSync(join(tmpdir(), 'ag-hostile-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));

const sources = ['--conditions=@ag/source', '--import', 'tsx'];
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

function put(folder: string, files: Readonly<Record<string, Content>>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    if (content instanceof Uint8Array) writeFileSync(target, content);
    else if ('link' in content) symlinkSync(content.link, target);
    else execFileSync('mkfifo', [target]);
  }
  return folder;
}

/** What the process reports, by folder. A case that ended the process has no report. */
async function reportsOf(
  task: object,
  own: string,
): Promise<{ reports: Map<string, Report>; last: string; said: string }> {
  const file = join(own, 'task.json');
  writeFileSync(file, JSON.stringify(task));
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=256', ...sources, path('./readers.ts'), file],
    {
      env: { ...process.env, AG_OFFLINE: '1', AG_DATA_DIR: '', NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let lines = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  // What never ends is a failure of the case that is under way, not of the test.
  const timer = setTimeout(() => child.kill('SIGKILL'), 100_000);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const entries = lines
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const last = entries.filter((entry) => 'begins' in entry).at(-1)?.begins ?? 'none';
  return {
    reports: new Map(entries.filter((entry) => 'seconds' in entry).map((entry) => [entry.folder, entry])),
    last,
    said,
  };
}

beforeAll(() => {
  // What `agrad predict` and `agrad eval` need: a trained network, small.
  const main = path('../../apps/cli/src/main.ts');
  for (const reader of ['agrad predict', 'agrad eval']) {
    const own = join(scratch, reader);
    mkdirSync(own, { recursive: true });
    execFileSync(process.execPath, [
      ...sources,
      main,
      'train',
      'xor',
      '--epochs',
      '1',
      '--out',
      join(own, 'run'),
      '-q',
    ]);
  }
  const run = join(scratch, 'agrad eval', 'run');
  put(join(scratch, 'agrad eval', 'harmless'), {
    'w.safetensors': readFileSync(join(run, 'weights.safetensors')),
  });
});

describe.each(Object.keys(harmless))('%s', (reader) => {
  const own = join(scratch, reader);
  const rows = cases.filter((one) => one.reader === reader);
  const folderOf = (one: Case): string => join(own, `case ${rows.indexOf(one)}`);
  let outcome: Awaited<ReturnType<typeof reportsOf>>;

  beforeAll(async () => {
    const first = put(join(own, 'harmless'), harmless[reader]);
    const folders = rows.map((one) => put(folderOf(one), one.files));
    outcome = await reportsOf({ reader, folders: [first, ...folders] }, own);
  }, 110_000);

  it.each(rows)('$name', (one) => {
    const { reports, last, said } = outcome;
    const report = reports.get(folderOf(one));
    if (report === undefined) expect.fail(`the process ended while it read ${last}: ${said.slice(-2000)}`);
    if (one.refused === null) expect(report.message).toBeNull();
    else {
      expect(report.message).toMatch(one.refused);
      expect(report.message!.length).toBeLessThan(5000);
      // A reader's own word, no engine's and no mistake of the command.
      expect(report.error).not.toBe('Mistake');
      expect(report.message).not.toMatch(
        /heap|Maximum call stack|is not a function|Cannot read prop|Invalid (array|typed)/,
      );
    }
    expect(report.seconds).toBeLessThan(mostSeconds);
    expect(report.megabytes).toBeLessThan(mostMegabytes);
  });

  it('reads what is harmless, and leaves nothing outside of its folder', () => {
    if (reader !== 'decodeCheckpoint') {
      expect(outcome.reports.get(join(own, 'harmless')), outcome.said).toMatchObject({ message: null });
    }
    expect(readdirSync(own).filter((name) => name.includes('escaped'))).toEqual([]);
    expect(existsSync('/tmp/escaped') || existsSync('/tmp/escaped.npy')).toBe(false);
  });
});
