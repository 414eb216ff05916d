/**
 * Our packages as a stranger gets them: packed by pnpm, installed from the tarballs by npm into an empty folder. Kept until
 * something that is published changes.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, filesBelow, fingerprint, root, run } from './tools.mjs';

const parent = join(root, 'packages');
const names = readdirSync(parent).filter((name) => existsSync(join(parent, name, 'package.json')));

/** What decides the content of the tarballs. */
export function publishedState() {
  return fingerprint(
    names.flatMap((name) => {
      const dist = join(parent, name, 'dist');
      if (!existsSync(dist)) throw new Error(`@ag/${name} is not built: run \`npm run build\`.`);
      return [join(parent, name, 'package.json'), ...filesBelow(dist)];
    }),
  );
}

/** The folder whose node_modules hold `@ag/all` and what it brings. */
export async function installed() {
  const folder = join(cache, 'packages');
  const stamp = join(folder, '.installed');
  const state = publishedState();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'tarballs'), { recursive: true });
  const pnpm = join(root, 'node_modules/pnpm/bin/pnpm.cjs');
  for (const name of names) {
    const destination = ['pack', '--pack-destination', join(folder, 'tarballs')];
    await run(process.execPath, [pnpm, ...destination], join(parent, name));
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const tarballs = readdirSync(join(folder, 'tarballs')).map((file) => join(folder, 'tarballs', file));
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  await run('npm', ['install', ...options, ...tarballs], folder);
  writeFileSync(stamp, state);
  return folder;
}

/** Puts our packages, and the few that they bring, beside the tools of a job. */
export async function addPackages(folder) {
  const from = await installed();
  const stamp = join(folder, '.packages');
  const state = readFileSync(join(from, '.installed'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  rmSync(join(folder, 'node_modules/@ag'), { recursive: true, force: true });
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  const filter = (path) => !/node_modules\/\.(bin|package-lock\.json)/.test(path.replaceAll('\\', '/'));
  cpSync(join(from, 'node_modules'), join(folder, 'node_modules'), { recursive: true, filter });
  writeFileSync(stamp, state);
}
