/** Folders as people keep them: links to other places, loops, folders called like images, what cannot be read. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { imageFolder } from './folder.ts';

// One black pixel, by Pillow: Image.new('L', (1, 1)).save(…).
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
);
const everyoneReads = process.getuid?.() === 0;

let at: string;
beforeEach(async () => {
  at = await mkdtemp(join(tmpdir(), 'ag-folder-'));
});
afterEach(() => rm(at, { recursive: true, force: true }));

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(at, path)), { recursive: true });
    await writeFile(join(at, path), pixel);
  }
}
const link = async (target: string, path: string): Promise<void> => {
  await mkdir(dirname(join(at, path)), { recursive: true });
  await symlink(target, join(at, path));
};
const failure = async (path = 'data'): Promise<DataError> => {
  const error = await imageFolder(join(at, path)).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(DataError);
  return error;
};
const inside = (...paths: string[]) => paths.map((path) => join(at, 'data', path));

describe.skipIf(process.platform === 'win32')('imageFolder', () => {
  it('follows links: to classes, to folders in them, to images, and to itself', async () => {
    await put('data/cat/1.png', 'elsewhere/dog/1.png', 'elsewhere/more/2.png', 'elsewhere/3.jpg');
    await link(join(at, 'elsewhere/dog'), 'data/dog');
    await link('../../elsewhere/more', 'data/cat/more');
    await link('../../elsewhere/3.jpg', 'data/cat/0.jpg');
    await link('data', 'all');
    const set = await imageFolder(join(at, 'data'));
    expect(set.classes).toEqual(['cat', 'dog']);
    expect(set.files).toEqual(inside('cat/0.jpg', 'cat/1.png', 'cat/more/2.png', 'dog/1.png'));
    expect((await imageFolder(join(at, 'all'))).classes).toEqual(['cat', 'dog']);
  });

  it('ends where links lead back', async () => {
    await put('data/cat/1.png', 'data/dog/deep/2.png');
    await link('.', 'data/cat/same');
    await link('..', 'data/cat/up');
    await link('../..', 'data/dog/deep/top');
    await link('.', 'data/self');
    await link('/', 'data/everything');
    await link('/', 'data/cat/everything');
    await link('../data', 'data/round');
    const set = await imageFolder(join(at, 'data'));
    expect(set.classes).toEqual(['cat', 'dog']);
    expect(set.files).toEqual(inside('cat/1.png', 'dog/deep/2.png'));
  });

  it('reads a folder once for each class, though many links lead to it', async () => {
    // Two links on each of thirty levels: 2³⁰ paths to one image.
    await put('levels/30/1.png');
    for (let level = 0; level < 30; level++) {
      for (const name of ['a', 'b']) await link(join(at, `levels/${level + 1}`), `levels/${level}/${name}`);
    }
    await link(join(at, 'levels/0'), 'data/cat');
    await link(join(at, 'levels/30'), 'data/dog');
    const set = await imageFolder(join(at, 'data'));
    expect(set.files).toHaveLength(2);
    expect(set.classes).toEqual(['cat', 'dog']);
  });

  it('takes a folder called like an image for a folder', async () => {
    await put('data/cat/x.png/1.png', 'data/cat/2.png', 'data/dog.png/3.png');
    const set = await imageFolder(join(at, 'data'));
    expect(set.files).toEqual(inside('cat/2.png', 'cat/x.png/1.png', 'dog.png/3.png'));
    expect((await set.batch([0, 1, 2])).x.shape).toEqual([3, 1, 1, 1]);
  });

  it('keeps the order of code points, whatever the file system gives', async () => {
    await put(
      'data/b/10.png',
      'data/b/9.png',
      'data/b/é.png',
      'data/b/Z.png',
      'data/B/1.png',
      'data/a-b/1.png',
      'data/a/1.png',
    );
    const set = await imageFolder(join(at, 'data'));
    expect(set.classes).toEqual(['B', 'a', 'a-b', 'b']);
    expect(set.files.slice(-4)).toEqual(inside('b/10.png', 'b/9.png', 'b/Z.png', 'b/é.png'));
  });

  it('names the link that leads nowhere, and the one that leads to itself', async () => {
    await put('data/cat/1.png');
    await link('gone', 'data/dog');
    expect(await failure()).toMatchObject({
      kind: 'missing',
      file: join(at, 'data/dog'),
      hint: expect.stringContaining('The link leads nowhere'),
    });
    await rm(join(at, 'data/dog'));
    await link('2.png', 'data/cat/2.png');
    expect(await failure()).toMatchObject({ kind: 'missing', file: join(at, 'data/cat/2.png') });
    await rm(join(at, 'data/cat/2.png'));
    // Editors leave such ones.
    await link('somebody@somewhere', 'data/cat/.#1.png');
    expect((await imageFolder(join(at, 'data'))).files).toHaveLength(1);
  });

  it('reads classes that are asked for, and no other folder', async () => {
    await put('data/cat/1.png', 'data/__proto__/2.png', 'data/dog/3.png');
    await link('gone', 'data/dog/gone.png');
    const set = await imageFolder(join(at, 'data'), { classes: ['__proto__', 'cat'] });
    expect([...(await set.batch([0, 1])).y.dataSync()].sort()).toEqual([0, 1]);
    await expect(imageFolder(join(at, 'data'), { classes: ['constructor'] })).rejects.toThrow(
      'none for the class "constructor"',
    );
  });

  it('opens no pipe and no device', async () => {
    await put('data/cat/1.png');
    execFileSync('mkfifo', [join(at, 'data/cat/2.png')]);
    expect(await failure()).toMatchObject({
      kind: 'missing',
      file: join(at, 'data/cat/2.png'),
      found: 'a device, a pipe or a socket',
    });
    await rm(join(at, 'data/cat/2.png'));
    await link('/dev/zero', 'data/cat/2.png');
    expect(await failure()).toMatchObject({ kind: 'missing', file: join(at, 'data/cat/2.png') });
  });

  it('names the file that went away, and of a file too large the limit', async () => {
    await put('data/cat/1.png', 'data/cat/2.png');
    const set = await imageFolder(join(at, 'data'), { maxPixels: 1 });
    await rm(join(at, 'data/cat/2.png'));
    await expect(set.batch([1])).rejects.toMatchObject({
      name: 'DataError',
      kind: 'missing',
      file: join(at, 'data/cat/2.png'),
    });
    const wide = Buffer.from(pixel);
    wide.writeUInt32BE(2, 16);
    await writeFile(join(at, 'data/cat/2.png'), wide);
    await expect(set.batch([1])).rejects.toMatchObject({
      expected: 'at most 1 pixels',
      file: join(at, 'data/cat/2.png'),
    });
  });

  it.skipIf(everyoneReads)('names what it may not read', async () => {
    await put('data/cat/1.png', 'data/cat/closed/2.png');
    await chmod(join(at, 'data/cat/1.png'), 0);
    const set = await imageFolder(join(at, 'data'), { size: 1 });
    await expect(set.batch([0])).rejects.toMatchObject({ kind: 'missing', file: join(at, 'data/cat/1.png') });
    await chmod(join(at, 'data/cat/closed'), 0);
    expect(await failure()).toMatchObject({ kind: 'missing', file: join(at, 'data/cat/closed') });
    await chmod(join(at, 'data/cat/closed'), 0o700);
  });
});
