/** Downloads against a local server that behaves as badly as real ones do. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataError } from '../errors.ts';
import { nodeModules } from '../platform.ts';
import { bostonHousing } from '../sets/boston.ts';
import { mnist } from '../sets/mnist.ts';
import { downloadInBrowser, downloadToFolder } from './cache.ts';
import { obtainFiles } from './obtain.ts';
import type { DownloadProgress, RemoteFile, TransferOptions } from './transfer.ts';

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919) >> 5);
const sha256 = createHash('sha256').update(content).digest('hex');
const node = nodeModules() as NonNullable<ReturnType<typeof nodeModules>>;

type Answer = (response: ServerResponse, request: IncomingMessage, attempt: number) => void;

let server: ReturnType<typeof createServer>;
let base: string;
let folder: string;
let answers: Record<string, Answer>;
let requests: { path: string; range: string | undefined }[];

beforeEach(async () => {
  answers = {};
  requests = [];
  server = createServer((request, response) => {
    const path = request.url as string;
    const attempt = requests.filter((earlier) => earlier.path === path).length;
    requests.push({ path, range: request.headers.range });
    const answer = answers[path.split('/')[1]];
    if (answer === undefined) response.writeHead(404).end();
    else answer(response, request, attempt);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'ag-download-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const whole: Answer = (response) =>
  response.writeHead(200, { 'content-length': content.length }).end(content);

/** Announces everything, sends the first half and drops the connection; continues where asked to. */
const halves: Answer = (response, request, attempt) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const rest = content.subarray(from);
  const headers = {
    'content-length': rest.length,
    'content-range': `bytes ${from}-${content.length - 1}/${content.length}`,
  };
  response.writeHead(from > 0 ? 206 : 200, headers);
  if (attempt > 0) response.end(rest);
  else response.write(rest.subarray(0, rest.length / 2), () => setTimeout(() => response.destroy(), 20));
};

function fetchFile(urls: string[], file: Partial<RemoteFile> = {}, options: TransferOptions = {}) {
  const remote = {
    name: 'f.bin',
    urls: urls.map((url) => `${base}/${url}`),
    bytes: content.length,
    sha256,
    ...file,
  };
  return downloadToFolder(remote, folder, { retryDelay: 1, stallTimeout: 300, ...options }, node);
}

const isContent = (bytes: Uint8Array) => Buffer.compare(bytes, content) === 0;

const failure = async (promise: Promise<unknown>): Promise<DataError> => {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return error;
};

describe('download', () => {
  it('stores the verified file under its name and reports progress', async () => {
    answers.good = whole;
    const progress: DownloadProgress[] = [];
    expect(isContent(await fetchFile(['good'], {}, { onProgress: (step) => progress.push(step) }))).toBe(
      true,
    );
    expect(await readdir(folder)).toEqual(['f.bin']);
    expect(isContent(await readFile(join(folder, 'f.bin')))).toBe(true);
    const last = { file: 'f.bin', url: `${base}/good`, received: 200_000, total: 200_000 };
    expect(progress.at(-1)).toEqual(last);
    const received = progress.map((step) => step.received);
    expect(received).toEqual([...received].sort((a, b) => a - b));
  });

  it('follows redirects', async () => {
    answers.old = (response) => response.writeHead(302, { location: '/good' }).end();
    answers.good = whole;
    expect(isContent(await fetchFile(['old']))).toBe(true);
  });

  it.each([404, 403, 410])('turns to the next mirror at once after %i', async (status) => {
    answers.bad = (response) => response.writeHead(status).end();
    answers.good = whole;
    expect(isContent(await fetchFile(['bad', 'good']))).toBe(true);
    expect(requests.map(({ path }) => path)).toEqual(['/bad', '/good']);
  });

  it.each([500, 503, 429])('tries again after %i', async (status) => {
    answers.weak = (response, request, attempt) =>
      attempt < 2 ? response.writeHead(status).end() : whole(response, request, attempt);
    expect(isContent(await fetchFile(['weak']))).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('goes on where a broken connection ended', async () => {
    answers.halves = halves;
    expect(isContent(await fetchFile(['halves']))).toBe(true);
    expect(requests[0].range).toBeUndefined();
    expect(requests[1].range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('goes on at another mirror, and begins anew where a server ignores ranges', async () => {
    answers.halves = halves;
    answers.good = whole;
    expect(isContent(await fetchFile(['halves', 'good'], {}, { attempts: 1 }))).toBe(true);
    expect(requests[1].range).toMatch(/^bytes=/);
  });

  it('begins anew when the server refuses the range', async () => {
    answers.halves = (response, request, attempt) => {
      if (request.headers.range !== undefined) response.writeHead(416).end();
      else if (attempt === 0) halves(response, request, 0);
      else whole(response, request, attempt);
    };
    expect(isContent(await fetchFile(['halves']))).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('gives up on a server that falls silent, before and within the body', async () => {
    answers.mute = () => {};
    answers.stalls = (response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000));
    };
    const error = await failure(fetchFile(['mute', 'stalls'], {}, { attempts: 1, stallTimeout: 50 }));
    expect(error.kind).toBe('download');
    expect(error.message).toContain(`${base}/mute: no data for 50 ms`);
    expect(error.message).toContain(`${base}/stalls: no data for 50 ms`);
  });

  it('notices a body that ends early without an announced length', async () => {
    answers.short = (response) => response.end(content.subarray(0, 100_000));
    const error = await failure(fetchFile(['short'], {}, { attempts: 1 }));
    expect(error).toMatchObject({ kind: 'checksum', file: 'f.bin' });
    expect(error.found).toContain('of 100000 bytes');
  });

  it('refuses a corrupted file, names both checksums and keeps nothing', async () => {
    const corrupted = content.slice();
    corrupted[100_000] ^= 1;
    answers.bad = (response) => response.end(corrupted);
    const error = await failure(fetchFile(['bad']));
    expect(error).toMatchObject({ kind: 'checksum', file: 'f.bin' });
    expect(error.expected).toContain(sha256);
    expect(error.found).toContain(createHash('sha256').update(corrupted).digest('hex'));
    expect(await readdir(folder)).toEqual([]);
    expect(requests).toHaveLength(1);
    answers.good = whole;
    expect(isContent(await fetchFile(['bad', 'good']))).toBe(true);
  });

  it('stops reading a body that is longer than it should be', async () => {
    answers.endless = (response) => {
      const more = () => {
        if (!response.destroyed) response.write(content, () => setImmediate(more));
      };
      more();
    };
    expect((await failure(fetchFile(['endless'], {}, { attempts: 1 }))).kind).toBe('checksum');
  });

  it('checks the content where no checksum is known', async () => {
    answers.page = (response) => response.end('<html>moved</html>');
    const check = async (bytes: Uint8Array) => {
      if (bytes[0] === 60) throw new DataError('no table', { code: 'format', expected: 'CSV', found: '<' });
    };
    const error = await failure(fetchFile(['page'], { sha256: undefined, bytes: undefined, check }));
    expect(error).toMatchObject({ kind: 'download', expected: 'CSV', found: '<' });
  });

  it('lists every failure when no mirror helps', async () => {
    const error = await failure(
      fetchFile(['a', 'b'], { urls: [`${base}/a`, 'http://127.0.0.1:1/b'] }, { attempts: 2 }),
    );
    expect(error.kind).toBe('download');
    expect(error.message).toContain('/a: the server answers 404');
    expect(error.message).toContain('http://127.0.0.1:1/b: ');
    expect(error.hint).toContain('AG_DATA_DIR');
  });

  it('keeps what has arrived when it is aborted, for the next time', async () => {
    const controller = new AbortController();
    answers.slow = (response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000));
    };
    const onProgress = () => controller.abort(new Error('enough'));
    await expect(fetchFile(['slow'], {}, { signal: controller.signal, onProgress })).rejects.toThrow(
      'enough',
    );
    expect(await readdir(folder)).toEqual(['f.bin.part']);
    const { size } = await stat(join(folder, 'f.bin.part'));
    expect(size).toBeGreaterThan(0);
    answers.halves = (response, request) => halves(response, request, 1);
    expect(isContent(await fetchFile(['halves']))).toBe(true);
    expect(requests.at(-1)?.range).toBe(`bytes=${size}-`);
    expect(await readdir(folder)).toEqual(['f.bin']);
  });

  const uuid = (digit: number) => `00000000-0000-4000-8000-00000000000${digit}`;
  const longAgo = new Date(Date.now() - 3_600_000);
  /** The number of a process that has ended. */
  const ended = () => Number(execFileSync(process.execPath, ['-p', 'process.pid']));

  it.each([
    ['of a process that ended', () => `f.bin.${ended()}.${uuid(1)}.part`, false],
    ['that nobody has touched for long', () => `f.bin.${process.pid}.${uuid(1)}.part`, true],
    ['of an earlier version', () => `f.bin.${uuid(1)}.part`, true],
    ['that was released', () => 'f.bin.part', false],
  ])('goes on with a part %s, not with one of a process at work', async (_, name, old) => {
    answers.ranged = (response, request) => halves(response, request, 1);
    const left = join(folder, name());
    await writeFile(join(folder, `f.bin.${process.pid}.${uuid(2)}.part`), content.subarray(0, 30));
    await writeFile(left, content.subarray(0, 20));
    if (old) await utimes(left, longAgo, longAgo);
    expect(isContent(await fetchFile(['ranged']))).toBe(true);
    expect(requests[0].range).toBe('bytes=20-');
    expect(await readdir(folder)).toEqual(['f.bin']);
  });

  it('goes on with the longest of many parts, and leaves none behind, of other files all', async () => {
    answers.ranged = (response, request) => halves(response, request, 1);
    const pid = ended();
    for (let i = 0; i < 8; i++) {
      await writeFile(join(folder, `f.bin.${pid}.${uuid(i)}.part`), content.subarray(0, 10 + ((5 * i) % 8)));
    }
    const others = [
      'f.bin.gz',
      `f.bin.gz.${pid}.${uuid(1)}.part`,
      'f.bin.part.txt',
      'f.binary.part',
      'f.bin.old.part',
    ];
    for (const other of others) await writeFile(join(folder, other), 'other');
    expect(isContent(await fetchFile(['ranged']))).toBe(true);
    expect(requests[0].range).toBe('bytes=17-');
    expect((await readdir(folder)).sort()).toEqual([...others, 'f.bin'].sort());
  });

  it('brings a file in place whose part was removed in the meantime', async () => {
    // Taken for abandoned, or by another process that had the whole file first.
    answers.slow = (response, _, attempt) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000), () => {
        setTimeout(async () => {
          for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name));
          if (attempt === 1) await writeFile(join(folder, 'f.bin'), content);
          response.end(content.subarray(100_000));
        }, 30);
      });
    };
    for (let times = 0; times < 2; times++) {
      expect(isContent(await fetchFile(['slow']))).toBe(true);
      expect(await readdir(folder)).toEqual(['f.bin']);
      expect(isContent(await readFile(join(folder, 'f.bin')))).toBe(true);
      await rm(join(folder, 'f.bin'));
    }
  });

  it('leaves no parts of downloads that were killed', async () => {
    answers.mirror = (response, request) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const slow = requests.length <= 3;
      const headers = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
      response.writeHead(from > 0 ? 206 : 200, { ...headers, 'content-length': content.length - from });
      if (slow) response.write(content.subarray(from, from + 20_000));
      else response.end(content.subarray(from));
    };
    const remote = { name: 'f.bin', urls: [`${base}/mirror`], bytes: content.length, sha256 };
    const program = `
      import { downloadToFolder } from ${JSON.stringify(new URL('./cache.ts', import.meta.url).href)};
      import { nodeModules } from ${JSON.stringify(new URL('../platform.ts', import.meta.url).href)};
      const onProgress = () => console.log('some');
      await downloadToFolder(${JSON.stringify(remote)}, ${JSON.stringify(folder)}, { onProgress }, nodeModules());`;
    for (let times = 1; times <= 3; times++) {
      const options = ['--conditions=@ag/source', '--import', 'tsx', '--input-type=module', '-e', program];
      const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
      expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toHaveLength(1);
      expect(requests).toHaveLength(times);
    }
    expect(isContent(await fetchFile(['mirror']))).toBe(true);
    // Each went on where the one before was killed.
    const starts = requests.map(({ range }) => Number(/\d+/.exec(range ?? '0')));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(new Set(starts).size).toBe(4);
    expect(await readdir(folder)).toEqual(['f.bin']);
  });

  it('removes what a slower download left when the file is found whole', async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    vi.stubEnv('AG_DATA_DIR', '');
    const place = join(folder, 'cache', 'ag', 'datasets', 'tiny');
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'f.bin'), content);
    await writeFile(join(place, `f.bin.${ended()}.${uuid(1)}.part`), content.subarray(0, 10));
    const set = { name: 'tiny', folders: [], files: [{ name: 'f.bin' }], mirrors: [], source: 'here' };
    expect(await obtainFiles(set, { download: false })).toHaveLength(1);
    expect(await readdir(place)).toEqual(['f.bin']);
  });

  it('says which file a full disk has no room for, and keeps what is there', async () => {
    answers.good = whole;
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    const open = async (path: string, flags: string) => {
      const handle = await node.fs.open(path, flags);
      let writes = 0;
      const appendFile = handle.appendFile.bind(handle);
      handle.appendFile = async (data) => {
        if (++writes > 1) throw full;
        return appendFile((data as Uint8Array).subarray(0, 100));
      };
      return handle;
    };
    const fs = { ...node.fs, open: open as typeof node.fs.open };
    const remote = { name: 'f.bin', urls: [`${base}/good`] };
    const error = await failure(downloadToFolder(remote, folder, { attempts: 1 }, { ...node, fs }));
    expect(error).toMatchObject({
      kind: 'missing',
      file: join(folder, 'f.bin'),
      hint: expect.stringContaining('Free space'),
    });
    expect(error.message).toContain('no space left on device');
    expect(await readdir(folder)).toEqual(['f.bin.part']);
  });

  it('begins anew when an old part turns out to be wrong', async () => {
    answers.ranged = (response, request) => halves(response, request, 1);
    await writeFile(join(folder, 'f.bin.part'), new Uint8Array(1000).fill(9));
    expect(isContent(await fetchFile(['ranged']))).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual(['bytes=1000-', undefined]);
  });

  it('lets several fetch the same file at once', async () => {
    answers.good = (response, request, attempt) => setTimeout(() => whole(response, request, attempt), 5);
    const results = await Promise.all([1, 2, 3, 4].map(() => fetchFile(['good'])));
    for (const bytes of results) expect(isContent(bytes)).toBe(true);
    expect(await readdir(folder)).toEqual(['f.bin']);
  });

  it('says when the cache cannot be written', async () => {
    answers.good = whole;
    await writeFile(join(folder, 'file'), '');
    const remote = { name: 'f.bin', urls: [`${base}/good`] };
    const error = await failure(downloadToFolder(remote, join(folder, 'file', 'sub'), {}, node));
    expect(error).toMatchObject({ kind: 'missing', file: join(folder, 'file', 'sub', 'f.bin') });
    expect(error.hint).toContain('XDG_CACHE_HOME');
  });

  it('works in memory, as in a browser', async () => {
    answers.halves = halves;
    const remote = { name: 'f.bin', urls: [`${base}/halves`], bytes: content.length, sha256 };
    expect(isContent(await downloadInBrowser(remote, { retryDelay: 1 }))).toBe(true);
  });
});

describe('data sets from the network', () => {
  beforeEach(() => {
    vi.stubEnv('AG_DATA_DIR', '');
    vi.stubEnv('AG_OFFLINE', '');
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  });

  it('are cached: the second time needs no network', async () => {
    answers.mirror = whole;
    const set = {
      name: 'tiny',
      folders: [],
      files: [{ name: 'f.bin', bytes: content.length, sha256 }],
      mirrors: [],
      source: 'here',
    };
    const options = { mirrors: [`${base}/mirror/`] };
    const [first] = await obtainFiles(set, options);
    expect(first.path).toBe(join(folder, 'cache', 'ag', 'datasets', 'tiny', 'f.bin'));
    expect(isContent(first.bytes)).toBe(true);
    expect(requests.map(({ path }) => path)).toEqual(['/mirror/f.bin']);
    const [second] = await obtainFiles(set, { ...options, download: false });
    expect(isContent(second.bytes)).toBe(true);
    expect(requests).toHaveLength(1);
  });

  it.each([{ download: false }, { AG_OFFLINE: '1' }])('are not fetched with %j', async (how) => {
    vi.stubEnv('AG_OFFLINE', how.AG_OFFLINE ?? '');
    const error = await failure(mnist({ mirrors: [base], ...(how.AG_OFFLINE ? {} : { download: false }) }));
    expect(error.kind).toBe('missing');
    expect(requests).toHaveLength(0);
  });

  it('are fetched with AG_OFFLINE=0, and an MNIST that is not the published one is refused', async () => {
    vi.stubEnv('AG_OFFLINE', '0');
    answers.mirror = (response) => response.end(gzipSync(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0)));
    const error = await failure(mnist({ mirrors: [`${base}/mirror`], retryDelay: 1 }));
    expect(error).toMatchObject({ kind: 'checksum', file: 'train-images-idx3-ubyte.gz' });
    expect(error.expected).toContain('440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609');
  });

  it('verify Boston housing by its columns and rows', async () => {
    const header = 'crim,zn,indus,chas,nox,rm,age,dis,rad,tax,ptratio,b,lstat,medv\n';
    const line = '1,2,3,0,5,6,7,8,9,10,11,12,13,14\n';
    answers.short = (response) => response.end(header + line.repeat(505));
    answers.good = (response) => response.end(header + line.repeat(506));
    const error = await failure(bostonHousing({ mirrors: [`${base}/short`], retryDelay: 1 }));
    expect(error).toMatchObject({ kind: 'download', expected: '506', found: '505' });
    const set = await bostonHousing({ mirrors: [`${base}/short`, `${base}/good`], retryDelay: 1 });
    expect(set.length).toBe(506);
    await mkdir(join(folder, 'own'));
    await writeFile(join(folder, 'own', 'BostonHousing.csv'), header + line);
    expect((await bostonHousing({ dataDir: join(folder, 'own') })).length).toBe(1);
  });
});
