/**
 * Whether the packages work where strangers use them: each environment installs them from their tarballs, follows the README
 * of `@ag/all`, and trains. One line for each, with versions and losses; exit code 1 when one fails or trains otherwise.
 *
 *   node scripts/environments.mjs              those that run with every change
 *   node scripts/environments.mjs all          all of them (so does AG_ENVIRONMENTS=all)
 *   node scripts/environments.mjs bun next     these
 *   node scripts/environments.mjs all --write  and renews the table in packages/all/README.md
 *   node scripts/environments.mjs --list       their names
 *
 * Needs built packages. Tools are installed by npm into ~/.cache/ag-environments (or AG_ENVIRONMENTS_CACHE); an environment whose tools cannot
 * be had is skipped, with the reason. What has passed is not run again until packages, tools or these scripts change (--force).
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environments } from './environments/list.mjs';
import { hold } from './environments/lock.mjs';
import { publishedState } from './environments/packed.mjs';
import { moduleProject } from './environments/programs.mjs';
import { compare, resultsFile, rowOf } from './environments/results.mjs';
import { cache, filesBelow, fingerprint, root, Skip } from './environments/tools.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' }, list: { type: 'boolean' }, force: { type: 'boolean' } },
});

if (values.list) {
  for (const { name, title, quick } of environments)
    console.log(`${name.padEnd(16)} ${title}${quick ? ' (every time)' : ''}`);
} else await check();

async function check() {
  const chosen = choose();
  await hold(cache);
  // More kinds of project where a name was given or all were asked for.
  const thorough = positionals.length > 0 || process.env.AG_ENVIRONMENTS === 'all';
  const state = fingerprint([
    ...filesBelow(join(root, 'scripts/environments')),
    join(root, 'packages/train/src/worker.test.ts'),
  ]);
  const programs = createHash('sha256').update(JSON.stringify(moduleProject())).digest('hex').slice(0, 20);
  const passedFile = join(cache, 'passed.json');
  const read = () => (existsSync(passedFile) ? JSON.parse(readFileSync(passedFile, 'utf8')) : {});
  const results = [];
  const count = { passed: 0, failed: 0 };
  for (const { name, title, job } of chosen) {
    const key = `${publishedState()} ${state} ${programs} ${process.version} ${thorough}`;
    const began = Date.now();
    try {
      const before = read()[name];
      const known = before?.key === key && !values.force;
      const row = known ? before.row : rowOf(name, title, await job({ thorough }));
      compare(row, results);
      results.push(row);
      count.passed++;
      mkdirSync(cache, { recursive: true });
      writeFileSync(passedFile, JSON.stringify({ ...read(), [name]: { key, row } }));
      const time = known ? 'unchanged' : `${((Date.now() - began) / 1000).toFixed(0)} s`;
      console.log(`ok    ${describe(row)} (${time})`);
    } catch (error) {
      if (error instanceof Skip) console.log(`skip  ${title}: ${error.message}`);
      else {
        count.failed++;
        console.log(`FAIL  ${title}\n${String(error.stack ?? error).replace(/^/gm, '      ')}`);
      }
    }
  }
  if (values.write) save(results);
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exitCode = count.failed > 0 ? 1 : 0;
}

function choose() {
  const all =
    positionals.includes('all') || (positionals.length === 0 && process.env.AG_ENVIRONMENTS === 'all');
  if (all) return environments;
  if (positionals.length === 0) return environments.filter(({ quick }) => quick);
  return positionals.map((name) => {
    const found = environments.find((environment) => environment.name === name);
    if (found) return found;
    console.error(
      `environments: there is no ${name}; there are ${environments.map((known) => known.name).join(', ')}`,
    );
    process.exit(2);
  });
}

function describe({ versions, arithmetic, program, worker, threads, note }) {
  const parts = [`${versions}: ${arithmetic}, ${program.loss} [${program.hash}]`];
  if (worker)
    parts.push(
      `in a worker with ${threads} ${threads === 1 ? 'thread' : 'threads'} ${worker.loss} [${worker.hash}]`,
    );
  if (note) parts.push(note);
  return parts.join('; ');
}

/** Rows that were made now replace those of before; the others stay. */
function save(rows) {
  const before = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : [];
  const byName = new Map([...before, ...rows].map((row) => [row.name, row]));
  const kept = environments.flatMap(({ name }) => byName.get(name) ?? []);
  writeFileSync(resultsFile, `${JSON.stringify(kept, null, 2)}\n`);
  console.log(
    'wrote packages/all/environments.json; `npm run generate` renews the table in packages/all/README.md',
  );
}
