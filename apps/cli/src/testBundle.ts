/**
 * The command in a few files, made from the sources as they are, for tests that start it in processes of its own: from the
 * sources each start would transform some hundred modules. Made once for a state of the sources, and kept for the next run.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Within the package, where Node finds what the command loads. */
const kept = join(root, 'apps/cli/node_modules/.cache/agrad');

let made: string | undefined;

/** The folder with `main.js`. */
export function commandBundle(): string {
  made ??= find();
  return made;
}

function find(): string {
  const folder = join(kept, stateOfSources());
  if (existsSync(folder)) return folder;
  mkdirSync(kept, { recursive: true });
  const before = readdirSync(kept);
  const fresh = join(kept, `new-${process.pid}`);
  const source = (path: string): string => join(root, path);
  buildSync({
    entryPoints: ['main', 'sweepWorker', 'index'].map((name) => source(`apps/cli/src/${name}.ts`)),
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@ag/source'],
    // What the command itself depends on is found from here; what its packages depend on is not.
    external: ['koffi', ...dependencies().filter((name) => !name.startsWith('@ag/'))],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
    },
    outdir: fresh,
    sourcemap: 'linked',
    logLevel: 'error',
  });
  cpSync(source('packages/native-wasm/src/run/worker.js'), join(fresh, 'worker.js'));
  // Not copied: it loads a package that only its own package has.
  symlinkSync(source('packages/mpi/src/communicator.js'), join(fresh, 'communicator.js'));
  symlinkSync(source('apps/web/dist'), join(fresh, 'web'));
  try {
    renameSync(fresh, folder);
  } catch {
    // Another test was quicker.
    rmSync(fresh, { recursive: true });
  }
  for (const old of before) {
    const path = join(kept, old);
    const hours = (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)) / 3.6e6;
    if (hours > 1) rmSync(path, { recursive: true, force: true });
  }
  return folder;
}

function dependencies(): string[] {
  return Object.keys(JSON.parse(readFileSync(join(root, 'apps/cli/package.json'), 'utf8')).dependencies);
}

/** A name for the sources as they are now: files, sizes, times. */
function stateOfSources(): string {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  const hash = createHash('sha256');
  for (const folder of [...packages, join(root, 'apps/cli')]) {
    const files = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' }).map((name) =>
      join('src', name),
    );
    for (const file of ['package.json', ...files].sort()) {
      const { size, mtimeMs } = statSync(join(folder, file), { throwIfNoEntry: false }) ?? {
        size: 0,
        mtimeMs: 0,
      };
      hash.update(`${folder} ${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}
