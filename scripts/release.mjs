/**
 * `pnpm release`: what a release would be, without doing it. In a copy, changesets become versions and changelogs; each built package is
 * packed as it would be published, and its tarball looked through. Nothing here changes, nothing is sent anywhere.
 *
 *   pnpm release                versions, tarballs, what is wrong with them
 *   pnpm release --versions     only what `changeset version` would do
 *   pnpm release --publish      publishes what is checked in: to be run by .github/workflows/release.yml
 *
 * `--publish` wants versions that are applied (`pnpm changeset version`, committed), and takes along the built documentation, which
 * `agrad docs` serves. Where the host can prove where a build comes from (GitHub, GitLab), npm is told to say so.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Folders of all packages of the workspace. */
function packageFolders(base = root) {
  return ['packages', 'apps']
    .flatMap((parent) => readdirSync(join(base, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(join(base, folder, 'package.json')));
}

const readManifest = (folder, base = root) =>
  JSON.parse(readFileSync(join(base, folder, 'package.json'), 'utf8'));

/**
 * What the changesets make of each published package, found by `changeset version` in a copy of the manifests:
 * `{ name, folder, before, after, changelog }`. Without changesets after equals before.
 */
export function plannedVersions() {
  const copy = mkdtempSync(join(tmpdir(), 'ag-release-'));
  try {
    const folders = [...packageFolders(), 'examples', 'bench'];
    const files = ['package.json', 'pnpm-workspace.yaml', '.changeset'];
    for (const folder of folders) {
      for (const file of ['package.json', 'CHANGELOG.md']) {
        if (existsSync(join(root, folder, file))) files.push(`${folder}/${file}`);
      }
    }
    for (const file of files) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(root, file), join(copy, file), { recursive: true });
    }
    // Changesets ask git which commit brought a file.
    const git = (...options) =>
      run('git', ['-c', 'user.name=release', '-c', 'user.email=release@localhost', ...options], copy);
    git('init', '--quiet');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'copy');
    run(process.execPath, [join(root, 'node_modules/@changesets/cli/bin.js'), 'version'], copy);
    return packageFolders().flatMap((folder) => {
      const [before, after] = [readManifest(folder), readManifest(folder, copy)];
      if (before.private) return [];
      const log = join(copy, folder, 'CHANGELOG.md');
      const changelog = existsSync(log) ? readFileSync(log, 'utf8') : '';
      return [
        {
          name: after.name,
          folder,
          before: before.version,
          after: after.version,
          changelog,
          manifest: after,
        },
      ];
    });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What is wrong with planned versions, one line each. */
export function versionProblems(planned) {
  const versions = new Map(planned.map(({ name, after }) => [name, after]));
  return planned.flatMap(({ name, after, manifest }) => {
    const problems = /^\d+\.\d+\.\d+$/.test(after) ? [] : [`${name}: ${after} is no version`];
    for (const [other, range] of Object.entries({ ...manifest.peerDependencies })) {
      const version = versions.get(other);
      if (version && !contains(range, version))
        problems.push(`${name}: wants ${other} ${range}, which will be ${version}`);
    }
    for (const [other, range] of Object.entries({ ...manifest.dependencies })) {
      if (versions.has(other) && !range.startsWith('workspace:'))
        problems.push(`${name}: ${other} is not a workspace: dependency`);
    }
    return problems;
  });
}

/** Whether a range of the form `>=0.0.0 <1.0.0` or `workspace:…` has a version. */
function contains(range, version) {
  if (range.startsWith('workspace:')) return true;
  const numbers = (text) => text.split('.').map(Number);
  const compare = (a, b) => a.map((part, i) => part - b[i]).find((difference) => difference !== 0) ?? 0;
  return range.split(' ').every((part) => {
    const [, sign, bound] = /^(>=|<)(\d+\.\d+\.\d+)$/.exec(part) ?? [];
    if (!bound) throw new Error(`release: a range that is not understood: ${range}`);
    const order = compare(numbers(version), numbers(bound));
    return sign === '>=' ? order >= 0 : order < 0;
  });
}

/** Names and contents of a tarball's files. */
export function filesOf(tarball) {
  const bytes = gunzipSync(readFileSync(tarball));
  const files = new Map();
  const text = (at, length) => bytes.toString('utf8', at, at + length).replace(/\0.*$/s, '');
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8) || 0;
    const prefix = text(at + 345, 155);
    const name = `${prefix ? `${prefix}/` : ''}${text(at, 100)}`.replace(/^package\//, '');
    files.set(name, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** What is wrong with a packed package, one line each. */
export function tarballProblems(files) {
  const manifest = JSON.parse(files.get('package.json')?.toString('utf8') ?? '{}');
  const problems = ['README.md', 'LICENSE', 'package.json']
    .filter((file) => !files.has(file))
    .map((file) => `has no ${file}`);
  const targets = (value) =>
    typeof value === 'string'
      ? [value]
      : Object.entries(value).flatMap(([key, inner]) => (key === '@ag/source' ? [] : targets(inner)));
  for (const target of [...targets(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})]) {
    if (!files.has(target.replace('./', ''))) problems.push(`exports ${target}, which is not in it`);
  }
  for (const file of files.keys()) {
    if (/\.test\.\w+$|(^|\/)(node_modules|fixtures)\/|\.tsbuildinfo$/.test(file))
      problems.push(`has ${file}, which nobody needs`);
  }
  for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (range.startsWith('workspace:')) problems.push(`${name} is ${range}`);
  }
  for (const script of ['preinstall', 'install', 'postinstall']) {
    if (manifest.scripts?.[script]) problems.push(`has a ${script} script`);
  }
  return problems;
}

function run(program, options, cwd = root, env = process.env) {
  const { status, stdout, stderr, error } = spawnSync(program, options, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (error || status !== 0)
    throw new Error(`${program} ${options.join(' ')} failed\n${error?.message ?? `${stdout}\n${stderr}`}`);
  return stdout;
}

function pack(folder, target) {
  mkdirSync(target, { recursive: true });
  run(
    process.execPath,
    [join(root, 'node_modules/pnpm/bin/pnpm.cjs'), 'pack', '--pack-destination', target],
    join(root, folder),
  );
  return join(target, readdirSync(target)[0]);
}

function showVersions(planned) {
  for (const { name, before, after } of planned) console.log(`${name.padEnd(18)} ${before} → ${after}`);
  const problems = versionProblems(planned);
  for (const problem of problems) console.error(`WRONG ${problem}`);
  return problems.length;
}

/** Packs every built package and looks through it; answers how many things are wrong. */
function showTarballs(planned) {
  const scratch = mkdtempSync(join(tmpdir(), 'ag-release-'));
  let wrong = 0;
  try {
    for (const { name, folder } of planned) {
      if (!existsSync(join(root, folder, 'dist'))) throw new Error(`${name} is not built: pnpm build`);
      const tarball = pack(folder, join(scratch, name.replace('/', '-')));
      const files = filesOf(tarball);
      const problems = tarballProblems(files);
      console.log(
        `${name.padEnd(18)} ${(statSync(tarball).size / 1000).toFixed(0).padStart(6)} kB, ${files.size} files`,
      );
      for (const problem of problems) console.error(`WRONG ${name} ${problem}`);
      wrong += problems.length;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return wrong;
}

/** The documentation travels with the command. */
function takeDocumentation() {
  run(process.execPath, ['--conditions=@ag/source', '--import', 'tsx', 'apps/docs/src/build.ts']);
  cpSync(join(root, 'apps/docs/dist'), join(root, 'apps/cli/dist/docs'), { recursive: true });
}

function publish(planned) {
  if (run('git', ['status', '--porcelain']) !== '')
    throw new Error('release: there are changes that are not committed');
  const unreleased = planned.filter(({ before, after }) => before !== after);
  if (unreleased.length > 0)
    throw new Error(
      `release: changesets are waiting for ${unreleased.map(({ name }) => name).join(', ')}: pnpm changeset version`,
    );
  takeDocumentation();
  if (showTarballs(planned) > 0) throw new Error('release: nothing is published');
  const proves = Boolean(process.env.ACTIONS_ID_TOKEN_REQUEST_URL || process.env.SIGSTORE_ID_TOKEN);
  const pnpm = join(root, 'node_modules/pnpm/bin/pnpm.cjs');
  const env = { ...process.env, ...(proves ? { NPM_CONFIG_PROVENANCE: 'true' } : {}) };
  console.log(
    run(
      process.execPath,
      [pnpm, '--recursive', 'publish', '--access', 'public', '--no-git-checks'],
      root,
      env,
    ),
  );
  console.log(run(process.execPath, [join(root, 'node_modules/@changesets/cli/bin.js'), 'tag']));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const planned = plannedVersions();
  if (process.argv.includes('--publish')) publish(planned);
  else {
    const wrong = showVersions(planned) + (process.argv.includes('--versions') ? 0 : showTarballs(planned));
    console.log(wrong === 0 ? 'nothing is wrong; nothing was published' : `${wrong} things are wrong`);
    process.exitCode = wrong === 0 ? 0 : 1;
  }
}
