/** What the checks of environments found: rows, their comparison, and the table in the README of `@ag/all`. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const resultsFile = fileURLToPath(new URL('../../packages/all/environments.json', import.meta.url));
const readmeFile = fileURLToPath(new URL('../../packages/all/README.md', import.meta.url));

/** A job's outcome as a row: the last loss and the hash of all, in the program and in the worker. */
export function rowOf(name, title, { versions, runs, note }) {
  const { program, worker } = runs;
  const short = ({ losses, hash }) => ({ loss: losses.at(-1), hash });
  if (worker && worker.arithmetic !== program.arithmetic)
    throw new Error(`the worker computes ${worker.arithmetic}, the program ${program.arithmetic}`);
  return {
    name,
    title,
    versions,
    backend: program.backend,
    arithmetic: program.arithmetic ?? 'separate',
    program: short(program),
    ...(worker && { worker: short(worker), threads: worker.threads }),
    ...(note && { note }),
  };
}

/** @throws Error when a row's losses are not those of the rows that computed alike */
export function compare(row, rows) {
  for (const other of rows) {
    if (other.backend !== row.backend || other.arithmetic !== row.arithmetic) continue;
    for (const place of ['program', 'worker']) {
      if (!row[place] || !other[place] || row[place].hash === other[place].hash) continue;
      throw new Error(
        `the losses in the ${place} are others than with ${other.versions}: ${row[place].loss} [${row[place].hash}], not ` +
          `${other[place].loss} [${other[place].hash}]`,
      );
    }
  }
}

/** The README of \`@ag/all\` with the table of what was found. */
export function readmeWithTable() {
  const text = readFileSync(readmeFile, 'utf8');
  if (!existsSync(resultsFile)) return text;
  const rows = JSON.parse(readFileSync(resultsFile, 'utf8'));
  const lines = rows.map(({ title, versions, backend, arithmetic, program, worker, threads }) => {
    const computed = backend === 'wasm' ? arithmetic : 'reference backend';
    const inWorker = worker ? `${worker.loss} \`${worker.hash}\`` : '';
    return `| ${title} | ${versions} | ${computed} | ${program.loss} \`${program.hash}\` | ${inWorker} | ${worker ? threads : ''} |`;
  });
  const table = [
    '| environment | versions | rounding | loss after 20 epochs, all losses | the same in a worker | threads |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
  return text.replace(
    /(<!-- environments[^>]*-->\n)[\s\S]*?(\n?<!-- \/environments -->)/,
    (_, begin, end) => `${begin}\n${table}\n${end.startsWith('\n') ? end : `\n${end}`}`,
  );
}
