/**
 * The command in a few files, made from the sources as they are, for tests that start it in processes of its own: from the
 * sources each start would transform some hundred modules. Made once for a state of the sources, and kept for the next run.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { forget, stateOf } from '../../../tests/madeOnce.ts';

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
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  const folder = join(kept, stateOf([...packages, 'apps/cli']));
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
  forget(kept, before);
  return folder;
}

function dependencies(): string[] {
  return Object.keys(JSON.parse(readFileSync(join(root, 'apps/cli/package.json'), 'utf8')).dependencies);
}
