/** The data sets that `agrad data` knows, their sources, and their files on this machine. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bostonSource, cacheFolder, type FileSet, fashionMnistSource, mnistSource } from '@ag/datasets';
import { Failure } from '../failure.ts';
import { didYouMean } from '../suggest.ts';

export interface KnownSet {
  readonly name: string;
  readonly summary: string;
  /** The files it needs; none for sets that are computed or lie in the package. */
  readonly source?: FileSet;
}

export const sets: readonly KnownSet[] = [
  {
    name: 'mnist',
    summary: 'handwritten digits, 60,000 training and 10,000 test examples, 28×28',
    source: mnistSource,
  },
  {
    name: 'fashion-mnist',
    summary: 'articles of clothing in the format of MNIST',
    source: fashionMnistSource,
  },
  { name: 'boston', summary: 'house prices of 506 census tracts, 13 features', source: bostonSource },
  { name: 'digits', summary: 'generated digits, 28×28; no files needed' },
  { name: 'iris', summary: '150 flowers of three species; part of the package' },
  { name: 'xor', summary: 'exclusive or, four examples; generated' },
  { name: 'spirals', summary: 'points on spirals; generated' },
  { name: 'moons', summary: 'two half circles; generated' },
  { name: 'circles', summary: 'two rings; generated' },
  { name: 'blobs', summary: 'Gaussian clusters; generated' },
  { name: 'linear-regression', summary: 'a plane with noise; generated' },
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

/** @throws Failure `usage` for an unknown name */
export function findSet(name: string): KnownSet {
  const found = sets.find((set) => set.name === name.toLowerCase());
  if (found) return found;
  throw new Failure('usage', `there is no data set '${name}'`, didYouMean(name, dataSetNames, 'Data sets'));
}

/** The folders that are searched, in their order. */
export function searchedFolders(set: FileSet, dataDir: string | undefined): string[] {
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

/** The files of a set, with the path of each that is on this machine. */
export function locate(set: FileSet, dataDir: string | undefined): FoundFile[] {
  const places = searchedFolders(set, dataDir);
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
