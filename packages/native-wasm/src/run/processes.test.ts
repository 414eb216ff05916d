/**
 * Programs as users run them, in processes of their own: they end by themselves, silently, however they end, and say
 * once what they lack. Nothing here closes a backend unless that is the point.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'ag-processes-'));

beforeAll(async () => {
  const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
  await build({
    stdin: {
      contents: `export * from '../index.ts'; export * from '@ag/tensor';`,
      resolveDir: here('.'),
      loader: 'ts',
    },
    bundle: true,
    conditions: ['@ag/source'],
    format: 'esm',
    platform: 'node',
    outfile: join(folder, 'ag.js'),
    logLevel: 'error',
  });
  await build({
    entryPoints: [join(folder, 'ag.js')],
    bundle: true,
    format: 'iife',
    globalName: 'ag',
    platform: 'neutral',
    define: { 'import.meta.url': '"file:///ag.js"' },
    outfile: join(folder, 'ag.script.js'),
    logLevel: 'error',
  });
  copyFileSync(here('worker.js'), join(folder, 'worker.js'));
  mkdirSync(join(folder, 'alone'));
  copyFileSync(join(folder, 'ag.js'), join(folder, 'alone', 'ag.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let scripts = 0;

/** Runs a script beside the bundle until it ends by itself; it imports from './ag.js'. */
function run(script: string, flags: readonly string[] = [], where = folder): Promise<Ending> {
  const file = join(where, `script${scripts++}.js`);
  writeFileSync(
    file,
    `import { evaluate, reference, tensor, use, wasm, wasmSupport, zeros } from './ag.js';\n${script}`,
  );
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, file]);
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
      });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`did not end by itself\n${said.stdout}\n${said.stderr}`));
    }, 60_000);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...said });
    });
  });
}

const three = `
  const backend = use3(await wasm({ threads: 3 }));
  function use3(backend) { use(backend); return backend; }
  const x = tensor(new Float32Array(200_000).fill(1));
  const compute = () => x.add(1).tanh().sum().dataSync()[0];
`;

describe('a program ends by itself', () => {
  it.each([
    ['while its threads are busy', ''],
    ['while they are asleep', 'await new Promise((resolve) => setTimeout(resolve, 100));'],
  ])('%s', async (_name, last) => {
    const ending = await run(
      `${three} await backend.startThreads(); compute(); console.log('done'); ${last}`,
    );
    expect(ending).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
  });

  it('before they have started', async () => {
    const ending = await run(`${three} compute(); console.log('done');`);
    expect(ending).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
  });

  it('while they start because it waits', async () => {
    const ending = await run(
      `${three} await new Promise((resolve) => setTimeout(resolve, 200)); console.log('done');`,
    );
    expect(ending).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
  });

  it('with process.exit, and its code', async () => {
    const ending = await run(`${three} await backend.startThreads(); compute(); process.exit(3);`);
    expect(ending).toEqual({ code: 3, stdout: '', stderr: '' });
  });

  it.each([
    ['an error nobody catches', `throw new Error('mine');`],
    ['a promise nobody catches', `Promise.reject(new Error('mine'));`],
  ])('with %s, and nothing else to read', async (_name, last) => {
    const ending = await run(`${three} await backend.startThreads(); compute(); ${last}`);
    expect(ending.code).toBe(1);
    expect(ending.stdout).toBe('');
    expect(ending.stderr.match(/mine/g)!.length).toBeLessThanOrEqual(2);
    expect(ending.stderr).toMatch(/Error: mine\n\s+at file/);
    expect(ending.stderr).not.toMatch(/worker|wasm:/i);
  });

  it('from a worker thread, which its parent may end at any moment', async () => {
    writeFileSync(
      join(folder, 'inner.js'),
      `import { tensor, use, wasm } from './ag.js';
      import { parentPort } from 'node:worker_threads';
      ${three}
      await backend.startThreads();
      parentPort.postMessage(compute());
      parentPort.on('message', () => { for (;;) compute(); });`,
    );
    const ending = await run(`
      import { Worker } from 'node:worker_threads';
      const worker = new Worker(new URL('./inner.js', import.meta.url));
      const message = await new Promise((resolve) => worker.once('message', resolve));
      console.log(Math.round(message));
      worker.postMessage('on and on');
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log(await worker.terminate());
      ${three}
      console.log(Math.round(compute()));`);
    expect(ending).toEqual({ code: 0, stdout: '192806\n1\n192806\n', stderr: '' });
  });

  it('with two backends at once, that give the same', async () => {
    const ending = await run(`
      const backends = [await wasm({ threads: 3 }), await wasm({ threads: 2 })];
      for (const backend of backends) await backend.startThreads();
      const totals = [];
      for (let i = 0; i < 20; i++) {
        use(backends[i % 2]);
        totals.push(tensor(new Float32Array(200_000).fill(0.1)).exp().sum().dataSync()[0]);
      }
      console.log(new Set(totals).size, backends.map(({ runningThreads }) => runningThreads).join());`);
    expect(ending).toEqual({ code: 0, stdout: '1 3,2\n', stderr: '' });
  });

  it('and a closed backend leaves no worker behind', async () => {
    const ending = await run(`${three}
      const workers = () => process.report.getReport().workers.length;
      await backend.startThreads();
      console.log(workers());
      backend.close();
      while (workers() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      try { compute(); } catch (error) { console.log(error.message); }`);
    expect(ending).toEqual({ code: 0, stdout: '2\nwasm: this backend was closed\n', stderr: '' });
  });
});

describe('threads', () => {
  it('start although the program never awaits', async () => {
    const ending = await run(`${three}
      const until = Date.now() + 30_000;
      const large = tensor(new Float32Array(2_000_000).fill(1));
      while (backend.runningThreads < 3 && Date.now() < until) large.tanh().sum().dataSync();
      console.log(backend.runningThreads);`);
    expect(ending).toEqual({ code: 0, stdout: '3\n', stderr: '' });
  });

  it('are one without shared memory, said once', async () => {
    const ending = await run(`
      delete globalThis.SharedArrayBuffer;
      const backends = [await wasm(), await wasm({ threads: 4 }), await wasm({ threads: 1 })];
      console.log(backends.map(({ threads }) => threads).join(), wasmSupport().threads.available);
      for (const backend of backends) { use(backend); console.log(await tensor([1, 2]).sum().item()); }`);
    expect(ending.code).toBe(0);
    expect(ending.stdout).toBe('1,1,1 false\n3\n3\n3\n');
    expect(ending.stderr).toMatch(
      /^ag: wasm: one thread: SharedArrayBuffer is missing[^\n]* \[AG_ONE_THREAD\]\n$/,
    );
  });

  it('whose worker.js was not copied say where it was looked for', async () => {
    const ending = await run(
      `${three}
      await backend.startThreads().catch((error) => console.log(error.message));
      use(await wasm({ threads: 1 }));
      console.log(Math.round(compute()));`,
      [],
      join(folder, 'alone'),
    );
    expect(ending.stdout).toMatch(
      /^wasm: a worker thread failed: .*alone\/worker\.js.*threads: 1.*\n192806\n$/,
    );
    expect(ending).toMatchObject({ code: 0, stderr: '' });
  });
});

it('that has little to compute does not miss its worker.js', async () => {
  const ending = await run(
    `${three} await new Promise((resolve) => setTimeout(resolve, 200)); console.log(tensor([1, 2]).sum().itemSync());`,
    [],
    join(folder, 'alone'),
  );
  expect(ending).toEqual({ code: 0, stdout: '3\n', stderr: '' });
});

describe('an engine without SharedArrayBuffer', () => {
  it.each([
    ['on a page that is not isolated', false, /pages must be cross-origin isolated \(headers/],
    ['on one that is', true, /^SharedArrayBuffer is missing although this page is cross-origin isolated/],
    [
      'anywhere else',
      undefined,
      /^SharedArrayBuffer is missing: this engine was built or started without it$/,
    ],
  ])('%s says what is the matter', async (_name, isolated, reason) => {
    const ending = await run(`
      delete globalThis.SharedArrayBuffer;
      globalThis.crossOriginIsolated = ${isolated};
      console.log(wasmSupport().threads.reason);`);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(ending.stdout.trim()).toMatch(reason);
    if (isolated !== false) expect(ending.stdout).not.toContain('headers');
  });
});

describe('a process that is refused memory', () => {
  // As V8 does until Node 22 where addresses are limited (ulimit -v).
  it('is told so, and how to get it', async () => {
    const ending = await run(`
      WebAssembly.Memory = function () { throw new RangeError('could not allocate memory'); };
      console.log(wasmSupport().threads.reason);
      await wasm({ threads: 2 }).catch((error) => console.log(error.name, error.message));
      use(reference());
      console.log(await tensor([1, 2]).sum().item());`);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(ending.stdout).toMatch(
      /^\nOutOfMemoryError wasm: the engine refused memory \(could not allocate memory\).*ulimit -v.*use\(reference\(\)\)\.\n3\n$/,
    );
  });
});

describe('an engine that may not compile', () => {
  // As pages under a strict content security policy and hosts such as workerd do it.
  it('is told what allows it, and of the reference backend', async () => {
    const ending = await run(`
      import { createContext, runInContext } from 'node:vm';
      import { readFileSync } from 'node:fs';
      const context = createContext({ say: console.log }, { codeGeneration: { strings: true, wasm: false } });
      runInContext(readFileSync(new URL('./ag.script.js', import.meta.url), 'utf8'), context);
      await runInContext(\`(async () => {
        const { wasm, wasmSupport, use, reference, tensor } = ag;
        say(wasmSupport().simd.available, wasmSupport().simd.reason);
        await wasm().catch((error) => say(error.message));
        use(reference());
        say(await tensor([1, 2]).sum().item());
      })()\`, context);`);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    const [support, message, sum] = ending.stdout.split('\n');
    expect(support).toMatch(
      /^false this engine offers WebAssembly, but compiling it is forbidden here \(.*code generation/,
    );
    expect(message).toMatch(
      /^wasm: .*'wasm-unsafe-eval'.*Use the reference backend.*use\(reference\(\)\)\.$/,
    );
    expect(sum).toBe('3');
  });

  it('any more, after it has started', async () => {
    const ending = await run(`
      const backend = await wasm({ threads: 1 });
      use(backend);
      WebAssembly.Module = function () { throw new WebAssembly.CompileError('disallowed by embedder'); };
      try { tensor([1, 2]).sum().dataSync(); } catch (error) { console.log(error.message); }`);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(ending.stdout).toMatch(/forbidden here \(disallowed by embedder\).*use\(reference\(\)\)/);
  });
});

describe('an engine whose relaxed SIMD rounds twice', () => {
  it('computes with separate products and sums, and says so', async () => {
    const ending = await run(
      `const { Instance } = WebAssembly;
      const twice = (a, c) => Math.fround(Math.fround(a * a) + c);
      WebAssembly.Instance = function (module, imports) {
        const instance = new Instance(module, imports);
        return 'productAndSum' in instance.exports ? { exports: { productAndSum: twice } } : instance;
      };
      const backend = await wasm({ threads: 1 });
      console.log(backend.arithmetic, backend.relaxedSimd);
      console.log(wasmSupport().relaxedSimd.available, wasmSupport().relaxedSimd.reason);
      await wasm({ relaxedSimd: true }).catch((error) => console.log(error.message));`,
      Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [],
    );
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    const [arithmetic, support, message] = ending.stdout.split('\n');
    expect(arithmetic).toBe('separate false');
    expect(support).toMatch(/^false relaxed SIMD of this engine rounds products before it adds them/);
    expect(message).toMatch(
      /^wasm: relaxed SIMD of this engine rounds .* use wasm\(\{ relaxedSimd: 'auto' \}\)$/,
    );
  });
});

describe('an engine without vector instructions', () => {
  it('is told of the reference backend', async () => {
    const ending = await run(`
      WebAssembly.validate = () => false;
      await wasm().catch((error) => console.log(error.message));
      for (const { available, reason } of Object.values(wasmSupport())) console.log(available, reason);
      use(reference());
      console.log(await tensor([1, 2]).sum().item());`);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    const [message, simd, relaxed, , , , sum] = ending.stdout.split('\n');
    expect(message).toMatch(
      /^wasm: this engine has no WebAssembly SIMD.*Use the reference backend.*reference\(\)/,
    );
    expect(simd).toMatch(/^false this engine has no WebAssembly SIMD/);
    expect(relaxed).toMatch(/^false this engine has no WebAssembly SIMD/);
    expect(sum).toBe('3');
  });

  it('or without WebAssembly at all', async () => {
    const ending = await run(`
      delete globalThis.WebAssembly;
      await wasm().catch((error) => console.log(error.message));`);
    expect(ending.stdout).toMatch(/^wasm: this engine has no WebAssembly\. Use the reference backend/);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
  });
});
