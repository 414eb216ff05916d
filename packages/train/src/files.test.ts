/** Files stay whole, whoever writes them at once, whatever fails; what dead writers leave is removed. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { linear } from '@ag/nn';
import { buildSync } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { appendTo, removeLeftovers, writeAtomically } from './files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ag-files-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
function newFolder(): string {
  const folder = join(scratch, String(folders++));
  mkdirSync(folder);
  return folder;
}

/** The module under test as JavaScript, for threads and processes that know no TypeScript. */
const files = pathToFileURL(join(scratch, 'files.mjs')).href;
buildSync({
  entryPoints: [fileURLToPath(new URL('./files.ts', import.meta.url))],
  bundle: true,
  format: 'esm',
  outfile: fileURLToPath(files),
});

/** A program that writes `count` files of one repeated letter to one path, each of another length. */
const writing = (path: string, letter: string, count: number): string => `
  import(${JSON.stringify(files)}).then(async ({ writeAtomically }) => {
    for (let i = 0; i < ${count}; i++)
      await writeAtomically(${JSON.stringify(path)}, ${JSON.stringify(letter)}.repeat(1000 + 997 * (i % 50)));
  });`;

/** Reads again and again until the writers have ended: each time one letter, as often as a writer wrote it. */
async function expectWhole(path: string, writers: readonly Promise<unknown>[]): Promise<void> {
  let ended = false;
  const all = Promise.all(writers).finally(() => {
    ended = true;
  });
  while (!ended) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!existsSync(path)) continue;
    const text = readFileSync(path, 'latin1');
    expect(new Set(text).size).toBe(1);
    expect((text.length - 1000) % 997).toBe(0);
  }
  await all;
  expect(readdirSync(join(path, '..')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
}

describe('several writers of one file', () => {
  it('in one process', async () => {
    const path = join(newFolder(), 'last.safetensors');
    for (let i = 0; i < 20; i++) {
      const models = [linear(100, 100), linear(10, 10)];
      await Promise.all(models.map((model) => saveCheckpoint(path, { model })));
      expect(Object.keys((await loadCheckpoint(path)).model).sort()).toEqual(['bias', 'weight']);
    }
  });

  it('in two worker threads', { timeout: 60_000 }, async () => {
    const path = join(newFolder(), 'file');
    const writers = ['a', 'b'].map((letter) => {
      const worker = new Worker(writing(path, letter, 100), { eval: true });
      return new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
    });
    await expectWhole(path, writers);
  });

  it('in two processes', { timeout: 60_000 }, async () => {
    const path = join(newFolder(), 'file');
    const writers = ['a', 'b'].map((letter) => {
      const child = spawn(process.execPath, ['--eval', writing(path, letter, 100)]);
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      return new Promise<void>((resolve, reject) =>
        child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(said)))),
      );
    });
    await expectWhole(path, writers);
  });
});

describe('what cannot be written', () => {
  it('leaves the old file where the disk is full, and says which', { timeout: 60_000 }, () => {
    const folder = newFolder();
    const path = join(folder, 'kept');
    writeFileSync(path, 'old');
    // No file of this process may have more than 8 blocks of 1024 bytes: writing fails in the middle, as on a full disk.
    const program = `import(${JSON.stringify(files)}).then(async ({ writeAtomically, appendTo }) => {
      for (const write of [writeAtomically, appendTo]) await write(${JSON.stringify(path)}, 'x'.repeat(100000)).catch((error) => console.log(error.code, error.path, error.message));
    });`;
    const said = execFileSync(
      'bash',
      ['-c', 'ulimit -f 8; exec "$@"', 'bash', process.execPath, '--eval', program],
      { encoding: 'utf8' },
    );
    const lines = said.trim().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^EFBIG (.*kept) \1 could not be written: EFBIG/);
    expect(readFileSync(path, 'utf8').slice(0, 3)).toBe('old');
    expect(readdirSync(folder)).toEqual(['kept']);
  });

  it.skipIf(!existsSync('/dev/full'))('names the file where there is no space at all', async () => {
    await expect(appendTo('/dev/full', 'x')).rejects.toMatchObject({ code: 'ENOSPC', path: '/dev/full' });
  });

  it('names the file, not a temporary one, where the folder is missing or the path is a folder', async () => {
    const folder = newFolder();
    const path = join(folder, 'gone', 'file');
    await expect(writeAtomically(path, 'x')).rejects.toMatchObject({ code: 'ENOENT', path });
    await expect(writeAtomically(folder, 'x')).rejects.toMatchObject({ path: folder });
    expect(readdirSync(scratch).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('the file that is replaced', () => {
  it('keeps its mode, and stays where a link leads', async () => {
    const folder = newFolder();
    const path = join(folder, 'private');
    writeFileSync(path, 'old');
    chmodSync(path, 0o600);
    symlinkSync('private', join(folder, 'link'));
    await writeAtomically(join(folder, 'link'), 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(
      readdirSync(folder, { withFileTypes: true })
        .find(({ name }) => name === 'link')!
        .isSymbolicLink(),
    ).toBe(true);
  });

  it('may have the longest of names', async () => {
    const path = join(newFolder(), 'x'.repeat(255));
    await writeAtomically(path, 'long');
    expect(readFileSync(path, 'utf8')).toBe('long');
  });

  it.skipIf(process.platform === 'win32')('stays what it is if it is no file, such as a pipe', async () => {
    const path = join(newFolder(), 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = spawn('cat', [path]);
    let read = '';
    reader.stdout.on('data', (text) => {
      read += text;
    });
    await writeAtomically(path, 'through the pipe');
    await new Promise((resolve) => reader.on('close', resolve));
    expect(read).toBe('through the pipe');
    expect(statSync(path).isFIFO()).toBe(true);
  });
});

it('removes what dead writers left, of an earlier process with its own number too, and nothing else', async () => {
  const folder = newFolder();
  const dead = spawn(process.execPath, ['--version']);
  await new Promise((resolve) => dead.on('close', resolve));
  const random = '0123456789ab';
  const names = {
    dead: `.a.${dead.pid}.${random}.tmp`,
    earlier: `.b.${process.pid}.${random}.tmp`,
    own: `.c.${process.pid}.${random}.tmp`,
    other: `.d.${process.ppid}.${random}.tmp`,
    stranger: '.e.tmp',
  };
  for (const name of Object.values(names)) writeFileSync(join(folder, name), '');
  const before = Date.now() / 1000 - process.uptime() - 60;
  utimesSync(join(folder, names.earlier), before, before);
  await removeLeftovers(folder);
  expect(readdirSync(folder).sort()).toEqual([names.own, names.other, names.stranger]);
});

it('writes again when its temporary file was taken for a leftover', async () => {
  const folder = newFolder();
  const path = join(folder, 'file');
  let taken = 0;
  const thief = setInterval(() => {
    for (const name of readdirSync(folder)) {
      if (!name.endsWith('.tmp') || taken > 1) continue;
      taken++;
      rmSync(join(folder, name), { force: true });
    }
  }, 0);
  try {
    for (let i = 0; i < 50; i++) await writeAtomically(path, 'x'.repeat(100_000 + i));
  } finally {
    clearInterval(thief);
  }
  expect(readFileSync(path, 'utf8')).toHaveLength(100_049);
  // Else nothing was tried.
  expect(taken).toBeGreaterThan(0);
});
