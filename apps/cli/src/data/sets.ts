/** `agrad data`: which data sets there are, where they come from, and what is on this machine. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bostonSource, cacheFolder, type FileSet, fashionMnistSource, mnistSource } from '@ag/datasets';
import { eventVersion } from '@ag/train';
import { exitCodes, Failure } from '../failure.ts';
import { bytes } from '../numbers.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';

export interface KnownSet {
  readonly name: string;
  readonly summary: string;
  /** The files it needs; none for sets that are computed or lie in the package. */
  readonly source?: FileSet;
}

const sets: readonly KnownSet[] = [
  {
    name: 'mnist',
    summary: 'handwritten digits, 60,000 to train and 10,000 to test, 28×28',
    source: mnistSource,
  },
  {
    name: 'fashion-mnist',
    summary: 'articles of clothing in the format of MNIST',
    source: fashionMnistSource,
  },
  { name: 'boston', summary: 'house prices of 506 census tracts with 13 properties', source: bostonSource },
  { name: 'digits', summary: 'digits drawn by a generator, 28×28; needs no file' },
  { name: 'iris', summary: '150 flowers of three kinds; inside the package' },
  { name: 'xor', summary: 'the exclusive or, four examples; computed' },
  { name: 'spirals', summary: 'points on spirals; computed' },
  { name: 'moons', summary: 'two half circles; computed' },
  { name: 'circles', summary: 'two rings; computed' },
  { name: 'blobs', summary: 'normal clouds; computed' },
  { name: 'linear-regression', summary: 'a plane with noise; computed' },
];

/** What a data set can be called. */
export const dataSetNames: readonly string[] = sets.map((set) => set.name);

interface FoundFile {
  readonly name: string;
  readonly bytes: number | null;
  readonly sha256: string | null;
  /** Where it lies, null when it does not. */
  readonly path: string | null;
}

/** Lists all sets. */
export function listData(options: { readonly dataDir?: string }, terminal: Terminal): number {
  const rows = sets.map((set) => {
    const files = set.source ? locate(set.source, options.dataDir) : [];
    const here = files.every((file) => file.path !== null);
    return {
      name: set.name,
      summary: set.summary,
      status: !set.source ? 'built in' : here ? 'on this machine' : 'not here',
    };
  });
  const width = Math.max(...rows.map((row) => row.name.length)) + 2;
  for (const row of rows) terminal.print(`${row.name.padEnd(width)}${row.status.padEnd(17)}${row.summary}`);
  terminal.note(terminal.err.dim("'agrad data info NAME' says more."));
  terminal.event({ v: eventVersion, type: 'result', command: 'data list', sets: rows });
  return exitCodes.done;
}

/** Says where a set comes from and which of its files are here. */
export function dataInfo(name: string, options: { readonly dataDir?: string }, terminal: Terminal): number {
  const set = findSet(name);
  const files = set.source ? locate(set.source, options.dataDir) : [];
  terminal.print(`${terminal.out.bold(set.name)}: ${set.summary}`);
  if (set.source) {
    terminal.print(`from: ${set.source.source}`);
    for (const mirror of set.source.mirrors) terminal.print(`mirror: ${mirror}`);
    terminal.print(`looked for in: ${folders(set.source, options.dataDir).join(', ')}`);
    for (const file of files) {
      terminal.print(
        `  ${file.name}${file.bytes === null ? '' : `, ${bytes(file.bytes)}`}: ${file.path ?? 'not here'}`,
      );
      if (file.sha256) terminal.print(terminal.out.dim(`    sha256 ${file.sha256}`));
    }
    if (files.some((file) => file.path === null)) terminal.note(`'agrad data get ${set.name}' downloads it.`);
  }
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'data info',
    name: set.name,
    summary: set.summary,
    source: set.source?.source ?? null,
    mirrors: set.source?.mirrors ?? [],
    files,
  });
  return exitCodes.done;
}

/** Downloads a set into the cache, or finds it. */
export async function getData(
  name: string,
  options: { readonly dataDir?: string },
  terminal: Terminal,
): Promise<number> {
  const set = findSet(name);
  if (!set.source) {
    terminal.print(`${set.name} needs no files`);
    terminal.event({ v: eventVersion, type: 'result', command: 'data get', name: set.name, files: [] });
    return exitCodes.done;
  }
  const { bostonHousing, fashionMnist, mnist } = await import('@ag/datasets');
  const redrawn = await terminal.redrawn();
  let drawn = 0;
  const source = {
    ...(options.dataDir !== undefined && { dataDir: options.dataDir }),
    onProgress: (progress: { file: string; received: number; total?: number | undefined }) => {
      if (!redrawn || performance.now() - drawn < 100) return;
      drawn = performance.now();
      const total = progress.total === undefined ? '' : ` of ${bytes(progress.total)}`;
      redrawn.update(`${progress.file}: ${bytes(progress.received)}${total}`.slice(0, terminal.columns - 1));
    },
  };
  const found: { readonly info: { readonly files?: readonly string[] } }[] = [];
  if (set.name === 'boston') found.push(await bostonHousing(source));
  else {
    const load = set.name === 'mnist' ? mnist : fashionMnist;
    for (const split of ['train', 'test'] as const) found.push(await load({ ...source, split }));
  }
  redrawn?.clear();
  const files = found.flatMap(({ info }) => info.files ?? []);
  for (const file of files) terminal.print(file);
  terminal.event({ v: eventVersion, type: 'result', command: 'data get', name: set.name, files });
  return exitCodes.done;
}

/** @throws Failure `usage` for an unknown name */
export function findSet(name: string): KnownSet {
  const found = sets.find((set) => set.name === name.toLowerCase());
  if (found) return found;
  throw new Failure('usage', `there is no data set '${name}'`, didYouMean(name, dataSetNames, 'Data sets'));
}

/** The folders that are searched, in their order. */
function folders(set: FileSet, dataDir: string | undefined): string[] {
  const around = (folder: string): string[] => [
    folder,
    ...[set.name, ...set.folders].map((name) => join(folder, name)),
  ];
  if (dataDir !== undefined) return around(dataDir);
  const named = process.env.AG_DATA_DIR;
  const cache = cacheFolder();
  return [
    ...(named ? (set.borrowedNames ? around(named).slice(1) : around(named)) : []),
    ...(cache === undefined ? [] : [join(cache, set.name)]),
  ];
}

function locate(set: FileSet, dataDir: string | undefined): FoundFile[] {
  const places = folders(set, dataDir);
  return set.files.map((file) => {
    const names = [file.name, ...(file.aliases ?? [])];
    const path = places
      .flatMap((place) => names.map((name) => join(place, name)))
      .find((one) => existsSync(one));
    return {
      name: file.name,
      bytes: path !== undefined ? statSync(path).size : (file.bytes ?? null),
      sha256: file.sha256 ?? null,
      path: path ?? null,
    };
  });
}
