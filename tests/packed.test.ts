/**
 * Each package as a user gets it: packed, installed alone (with the packages it asks for) into an empty folder, its
 * README example type-checked against the declarations it ships, run by plain Node and bundled for browsers. Needs built packages, which
 * `npm test` takes care of.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstBlock, publishedPackages, root, run, withNeeds } from './workspace.ts';

const packages = publishedPackages();
const scratch = await mkdtemp(join(tmpdir(), 'ag-packed-'));
const tarballs = new Map<string, string>();
/** Examples that have run; their types are checked in the end. */
const examples: string[] = [];

beforeAll(async () => {
  for (const [name, { folder }] of packages) {
    if (!existsSync(join(folder, 'dist')))
      throw new Error(`${name} is not built: run \`npm test\` or \`pnpm build\`.`);
    const target = join(scratch, 'tarballs', name.replace('/', '-'));
    await mkdir(target, { recursive: true });
    const pnpm = join(root, 'node_modules/pnpm/bin/pnpm.cjs');
    await run(process.execPath, [pnpm, 'pack', '--pack-destination', target], folder);
    const [file] = await readdir(target);
    tarballs.set(name, join(target, file));
  }
}, 120_000);

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe.each([...packages])('%s, packed and installed alone', (name, { folder, manifest }) => {
  const home = join(scratch, name.replace('/', '-'));

  if (manifest.bin) {
    it.each(Object.entries(manifest.bin))('its command %s answers --help', async (_command, file) => {
      await install(home, [name]);
      const help = await run(process.execPath, [join('node_modules', name, file), '--help'], home);
      expect(help).toContain('Usage');
    });
    return;
  }

  it('its README example runs, and is bundled', async () => {
    const imported = await runExample(home, join(folder, 'README.md'), [name]);
    expect(imported, 'the example imports its own package').toContain(name);
  });

  it('its import prints nothing, changes nothing global and lets the program end', async () => {
    if (!existsSync(home)) await install(home, [name]);
    await writeFile(join(home, 'import.mjs'), traceOfImport(name));
    expect(await run(process.execPath, ['import.mjs'], home)).toBe('[]\n');
  });
});

it('the example in the README of the repository runs, and is bundled', async () => {
  await runExample(join(scratch, 'readme'), join(root, 'README.md'), []);
});

it('the examples have the types that users get', async () => {
  expect(examples.length).toBeGreaterThan(packages.size / 2);
  // All at once, each with the packages beside it: most of the time goes into the compiler's own libraries.
  await writeFile(join(scratch, 'tsconfig.json'), JSON.stringify({ ...userSettings, files: examples }));
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', scratch], scratch);
});

it('the examples of the course have them, too', async () => {
  // Where they lie, with the packages as they are built beside them: what is internal is not declared.
  const course = join(root, 'examples');
  const files = (await readdir(course))
    .filter((name) => /^\d\d-.*\.ts$/.test(name))
    .map((name) => join(course, name));
  expect(files.length).toBeGreaterThan(30);
  const { compilerOptions } = userSettings;
  const settings = {
    compilerOptions: {
      ...compilerOptions,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      skipLibCheck: true,
    },
    files,
  };
  await writeFile(join(scratch, 'course.json'), JSON.stringify(settings));
  await run(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(scratch, 'course.json')],
    course,
  );
});

/**
 * Installs `names` and the packages that the first ts block of a README imports into the empty folder `home`, runs the block
 * and bundles it as a page would. Resolves with the packages of ours that it imports.
 */
async function runExample(home: string, readme: string, names: string[]): Promise<string[]> {
  const example = firstBlock(await readFile(readme, 'utf8'), 'ts');
  if (example === undefined) throw new Error(`${readme} has no \`\`\`ts block to run.`);
  const imported = [...example.matchAll(/from '(@ag\/[\w-]+)/g)].map((match) => match[1]);
  await install(home, [...names, ...imported]);

  await writeFile(join(home, 'example.ts'), example);
  const { code } = await transform(example, { loader: 'ts', format: 'esm', target: 'es2022' });
  await writeFile(join(home, 'example.mjs'), code);
  examples.push(join(home, 'example.ts'));
  await run(process.execPath, ['example.mjs'], home);
  const entry = join(home, 'example.mjs');
  await build({
    entryPoints: [entry],
    bundle: true,
    // MPI is for Node alone, with a library that is called as it is.
    ...(names.includes('@ag/mpi') ? { platform: 'node', external: ['koffi'] } : { platform: 'browser' }),
    format: 'esm',
    write: false,
  });
  return imported;
}

/** A program that imports a package and prints which global names and symbols that added. */
function traceOfImport(name: string): string {
  return `
    const before = new Set(Reflect.ownKeys(globalThis));
    await import('${name}');
    console.log(JSON.stringify(Reflect.ownKeys(globalThis).filter((key) => !before.has(key)).map(String)));
  `;
}

/** A user's strict settings; their own types of Node are not ours to ask for. */
const userSettings = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    types: [],
    strict: true,
    noEmit: true,
  },
};

/** Installs the tarballs of these packages and of those they need into `home`, an empty folder. */
async function install(home: string, names: string[]): Promise<void> {
  const needed = withNeeds(names, packages);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const files = needed.map((needs) => tarballs.get(needs)!);
  const fromRegistry = needed.some((needs) =>
    Object.keys(packages.get(needs)?.manifest.dependencies ?? {}).some((other) => !packages.has(other)),
  );
  const network = fromRegistry ? '--prefer-offline' : '--offline';
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  await run('npm', ['install', network, ...quiet, ...files], home);
}
