/** Programs without a page: Node by module system, Bun, Deno, and workerd, which has neither WebAssembly nor threads. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addPackages } from './packed.mjs';
import { commonJSProject, example, moduleProject, outcome, write } from './programs.mjs';
import { root, run, Skip, toolsOf, versionOf } from './tools.mjs';

const onLinux = process.platform === 'linux' && process.arch === 'x64';

/** A Node of this major version, from npm. */
async function nodeOf(major) {
  const folder = await toolsOf(`node${major}`);
  if (!onLinux) throw new Skip('npm has this Node for Linux on x86-64 only');
  return { folder, program: join(folder, 'node_modules/node/bin/node') };
}

const vitestRequire = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'));

const linesOf = (text) => text.split('\n').filter((line) => line !== '');

/** Node with packages as modules or by \`require\`. */
export function node(major, system) {
  return async () => {
    const { folder, program } = await nodeOf(major);
    await addPackages(folder);
    const isModule = system === 'esm';
    const project = write(
      join(folder, system),
      isModule
        ? { ...moduleProject({ nodeWorkers: true }), 'package.json': '{ "type": "module" }\n' }
        : commonJSProject(),
    );
    const version = (await run(program, ['--version'], project)).trim().slice(1);
    // Every warning is an error that is seen: those of \`require\` of a module as well.
    const said = await run(program, [isModule ? 'index.js' : 'index.cjs'], project);
    return { versions: `Node ${version}`, runs: outcome(linesOf(said)) };
  };
}

/** The tests of training in a worker, bundled with what they use of Vitest, for engines that Vitest does not run on. */
async function workerTests(project) {
  const { build } = await import('esbuild');
  const outfile = join(project, 'worker.test.mjs');
  await build({
    entryPoints: [join(root, 'packages/train/src/worker.test.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
    conditions: ['@ag/source'],
    alias: {
      vitest: fileURLToPath(new URL('./portableTests.mjs', import.meta.url)),
      '@vitest/expect': vitestRequire.resolve('@vitest/expect'),
    },
    external: ['papaparse', 'pngjs', 'jpeg-js', '@zip.js/*'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}

/** An engine that runs modules by itself: its own workers, those of Node, and the tests of training in a worker. */
function engine(_name, title, toolFolder, programIn, options) {
  return async () => {
    if (!onLinux) throw new Skip(`npm has ${title} for this system under another name`);
    const folder = await toolsOf(toolFolder);
    await addPackages(folder);
    const program = join(folder, 'node_modules', programIn);
    if (!existsSync(program)) throw new Skip(`${program} is missing`);
    const project = write(join(folder, 'project'), {
      ...moduleProject(),
      'package.json': '{ "type": "module" }\n',
    });
    const runs = outcome(linesOf(await run(program, [...options, 'index.js'], project)));
    const threads = write(join(folder, 'threads'), {
      ...moduleProject({ nodeWorkers: true }),
      'package.json': '{ "type": "module" }\n',
    });
    const again = outcome(linesOf(await run(program, [...options, 'index.js'], threads)));
    if (again.worker.hash !== runs.worker.hash)
      throw new Error('workers of node:worker_threads train otherwise');
    const tests = await run(program, [...options, await workerTests(project)], project);
    const [, passed] = /^(\d+) passed, 0 failed$/m.exec(tests) ?? [];
    if (passed === undefined || Number(passed) < 8)
      throw new Error(`tests of training in a worker:\n${tests}`);
    const version = versionOf(folder, programIn.split('/').slice(0, 2).join('/'));
    return { versions: `${title} ${version}`, runs, note: `${passed} tests of training in a worker` };
  };
}

export const bun = engine('bun', 'Bun', 'bun', '@oven/bun-linux-x64/bin/bun', []);
export const deno = engine('deno', 'Deno', 'deno', '@deno/linux-x64-glibc/deno', ['run', '-A', '--no-lock']);

/** The tests of training in a worker in Node, by the same means as in Bun and Deno. */
export async function nodeWorkerTests(project) {
  return run(process.execPath, [await workerTests(project)], project);
}

/** Cloudflare's runtime: it compiles no WebAssembly while it runs and says so; the reference backend trains. */
export async function workerd() {
  const folder = await toolsOf('workerd');
  await addPackages(folder);
  const { build } = await import('esbuild');
  const code = example().replace(/console\.log\(backend\(\)[^\n]*\n/, '');
  const [head, ...body] = code.split('\n\n');
  const project = write(join(folder, 'project'), {
    'entry.js': `${head}
import { wasm, wasmSupport } from '@ag/all';
export default {
  async fetch() {
    const lines = [], warnings = [];
    const console = { log: (...given) => lines.push(given.join(' ')) };
    globalThis.console.warn = (...given) => warnings.push(given.join(' '));
    ${body.join('\n\n')}
    lines.push('@program ' + JSON.stringify({ backend: backend().name, arithmetic: backend().arithmetic, threads: 1 }));
    const { simd } = wasmSupport();
    return Response.json({ lines, warnings, simd, refused: await wasm().then(() => '', (error) => error.message) });
  },
};
`,
  });
  await build({
    entryPoints: [join(project, 'entry.js')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['workerd', 'worker'],
    outfile: join(project, 'worker.js'),
    logLevel: 'error',
  });
  writeFileSync(
    join(project, 'run.mjs'),
    `
    import { Miniflare } from 'miniflare';
    const flare = new Miniflare({ modules: [{ type: 'ESModule', path: 'worker.js' }], compatibilityDate: '2026-04-01' });
    console.log(await (await flare.dispatchFetch('http://localhost/')).text());
    await flare.dispose();
  `,
  );
  const said = await run((await nodeOf(24)).program, ['run.mjs'], project);
  const answer = JSON.parse(linesOf(said).find((line) => line.startsWith('{"lines"')) ?? 'null');
  if (answer === null) throw new Error(said);
  if (answer.simd.available) throw new Error('wasmSupport() says that WebAssembly is available');
  if (!/Cloudflare Workers/.test(answer.refused)) throw new Error(`wasm() says: ${answer.refused}`);
  if (answer.warnings.length !== 1 || !/the reference backend computes/.test(answer.warnings[0]))
    throw new Error(`it warns: ${answer.warnings.join('\n')}`);
  return {
    versions: `workerd ${readWorkerd(folder)}`,
    runs: outcome(answer.lines, ['program']),
    note: 'the reference backend, and says so once',
  };
}

function readWorkerd(folder) {
  return JSON.parse(readFileSync(join(folder, 'node_modules/workerd/package.json'), 'utf8')).version;
}
