/**
 * `pnpm bench`: bundles the benchmark from the sources into a temporary folder and runs it there. Bundled, because a
 * loader that compiles on the fly wraps functions and would be measured with them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// `pnpm bench web` measures the demo application, in a browser; `pnpm bench distributed` several processes, `pnpm bench workers`
// several workers of a page.
const programs = { web: 'web/command.ts', distributed: 'src/distributed.ts', workers: 'src/workers.ts' };
const program = programs[process.argv[2]];
if (program !== undefined) {
  const node = ['--conditions=@ag/source', '--import', 'tsx', here(program), ...process.argv.slice(3)];
  process.exit(spawnSync(process.execPath, node, { stdio: 'inherit' }).status ?? 1);
}

/** The value of an option that must be known before there is a command. */
function optionOf(name) {
  const at = process.argv.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return null;
  return process.argv[at] === name ? process.argv[at + 1] : process.argv[at].slice(name.length + 1);
}

/**
 * Takes the packages of the project from another folder that holds it. What is only loaded when it is needed may be missing
 * there: packages come later.
 */
function packagesFrom(root) {
  return {
    name: 'packages-from',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^@ag\// }, async ({ path, kind, pluginData }) => {
        if (pluginData === 'resolved') return undefined;
        const found = await resolve(path, { kind, resolveDir: join(root, 'bench'), pluginData: 'resolved' });
        return found.errors.length > 0 && kind === 'dynamic-import' ? { path, external: true } : found;
      });
    },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'ag-bench-'));
const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  conditions: ['@ag/source'],
  logLevel: 'warning',
};

try {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await build({
    ...common,
    entryPoints: {
      command: here('src/command.ts'),
      besidePyTorch: here('src/besidePyTorch.ts'),
      participant: here('src/process/participant.ts'),
      steady: here('src/steady.ts'),
      'peers/tfjs': here('peers/tfjs/main.mjs'),
      'peers/jax': here('peers/jax/main.mjs'),
      'peers/ort': here('peers/ort/main.mjs'),
    },
    outdir: folder,
    sourcemap: 'inline',
    sourcesContent: false,
  });
  // `--base FOLDER`: another state of the project takes turns with this one, with the benchmark as it is here.
  const base = optionOf('--base');
  if (base !== null) {
    await build({
      ...common,
      entryPoints: { participant: here('src/process/participant.ts') },
      outdir: join(folder, 'base'),
      plugins: [packagesFrom(resolve(base))],
      sourcemap: 'inline',
      sourcesContent: false,
    });
    cpSync(join(base, 'packages/native-wasm/src/run/worker.js'), join(folder, 'base/worker.js'));
  }
  const worker = here('../packages/native-wasm/src/run/worker.js');
  cpSync(worker, join(folder, 'worker.js'));
  // What a page that trains a small network would load: as it is, and told that the page selects its backend.
  for (const [name, define] of Object.entries({ minimal: {}, selecting: { AG_REFERENCE: 'false' } })) {
    await build({
      ...common,
      platform: 'neutral',
      minify: true,
      define,
      entryPoints: { minimal: here('src/measuring/minimal.ts'), worker },
      outdir: join(folder, name),
    });
  }
  // `pnpm bench steady`: whether steps stay as quick as they were.
  if (process.argv[2] === 'steady') {
    const { status } = spawnSync(process.execPath, ['--expose-gc', join(folder, 'steady.js')], {
      stdio: 'inherit',
    });
    process.exitCode = status ?? 1;
  } else {
    // `pnpm bench torch` and `pnpm bench random`: networks beside PyTorch.
    const bundle = ['torch', 'random'].includes(process.argv[2]) ? 'besidePyTorch.js' : 'command.js';
    const { main } = await import(pathToFileURL(join(folder, bundle)).href);
    process.exitCode = await main(process.argv.slice(2), { folder, peers: here('peers') });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
