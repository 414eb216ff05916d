/**
 * `pnpm check`: what publishing could break and tests of the sources cannot see. Each built package is packed and
 *   - publint reads its manifest (strict),
 *   - attw resolves its types the way users do: modules, CommonJS, bundlers (older resolution finds the main entry alone),
 *   - its size is held against scripts/budgets.json,
 * and dependency-cruiser checks that packages look in the allowed directions. (Cycles of files: `pnpm lint`.)
 * One line per check, a closing line with their number, exit code 1 when one fails.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const budgets = JSON.parse(readFileSync(join(root, 'scripts/budgets.json'), 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'ag-check-'));
let passed = 0;
let failed = 0;

try {
  await check('layers: directions between packages', () =>
    tool('dependency-cruiser/bin/dependency-cruise.mjs', [
      '--config',
      '.dependency-cruiser.mjs',
      'packages',
      'apps',
    ]),
  );
  for (const { folder, manifest } of publishedPackages()) {
    const { name } = manifest;
    let tarball;
    await check(`${name}: packs`, async () => {
      if (!existsSync(join(folder, 'dist'))) throw new Error('it is not built: run `pnpm build`.');
      const target = join(scratch, name.replace('/', '-'));
      mkdirSync(target, { recursive: true });
      await tool('pnpm/bin/pnpm.cjs', ['pack', '--pack-destination', target], folder);
      tarball = join(target, readdirSync(target)[0]);
    });
    if (!tarball) continue;
    await check(`${name}: publint`, () => tool('publint/src/cli.js', ['run', tarball, '--strict']));
    if (!manifest.exports?.['.']) continue;
    await check(`${name}: types resolve`, () =>
      tool('@arethetypeswrong/cli/dist/index.js', [
        tarball,
        '--profile',
        'node16',
        // The threads' worker is a script that nobody imports.
        ...['--exclude-entrypoints', './worker'],
        // `require` of a module is what Node has from 20.19, and nothing waits at its top.
        ...['--ignore-rules', 'cjs-resolves-to-esm'],
        '--no-color',
        '--no-emoji',
      ]),
    );
    for (const [code, budget] of Object.entries(budgets[name] ?? { '*': undefined })) {
      await check(`${name}: size of ${code}`, () => checkSize(folder, name, code, budget));
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;

async function check(title, body) {
  try {
    const note = await body();
    passed++;
    console.log(`ok    ${title}${note ? ` (${note})` : ''}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${title}\n${String(error.message).replace(/^/gm, '      ')}`);
  }
}

/**
 * Bundles and minifies what that import costs a page at once, and compares it in gzip kilobytes. Apart from it stay
 * the other packages and what import() loads later.
 */
async function checkSize(folder, name, code, budget) {
  if (budget === undefined) throw new Error(`scripts/budgets.json has no budget for ${name}.`);
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export ${code} from './dist/index.js';`, resolveDir: folder },
    absWorkingDir: folder,
    outdir: 'size',
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    external: ['@ag/*', 'node:*', 'koffi'],
    logLevel: 'silent',
  });
  const atOnce = new Set(['size/stdin.js']);
  for (const file of atOnce) {
    for (const { path, kind, external } of metafile.outputs[file].imports) {
      if (kind === 'import-statement' && !external) atOnce.add(path);
    }
  }
  let size = 0;
  for (const { path, contents } of outputFiles) {
    if (atOnce.has(relative(folder, path).replaceAll('\\', '/')))
      size += gzipSync(contents, { level: 9 }).length / 1000;
  }
  if (size > budget)
    throw new Error(`${size.toFixed(1)} kB, the budget in scripts/budgets.json is ${budget} kB.`);
  return `${size.toFixed(1)} of ${budget} kB`;
}

function publishedPackages() {
  return ['packages', 'apps']
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name)))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private);
}

/** Runs a tool of ours; when it fails, what it said becomes the error. */
function tool(file, options, cwd = root) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', file), ...options], { cwd });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve() : reject(new Error(said.trim()))));
  });
}
