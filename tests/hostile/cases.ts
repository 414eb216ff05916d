/**
 * What hostile files are to do to whoever reads them: nothing but a message, or be read right. One line for a case: the
 * reader, what is wrong, the files, and what the reader says (`null`: it reads them). Readers: readers.ts.
 */
import { arrayCases } from './arrayCases.ts';
import { commandCases, mnist } from './commandCases.ts';
import { dataCases } from './dataCases.ts';
import * as make from './generators.ts';
import type { Case, Content } from './table.ts';
import { torchCases } from './torchCases.ts';

export const cases: readonly Case[] = [...arrayCases, ...torchCases, ...dataCases, ...commandCases];

const one = make.npy('(1,)', Buffer.of(1));
const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

/** What each reader reads well, first, so that its code is loaded before anything is measured. */
export const harmless: Record<string, Record<string, Content>> = {
  loadNpz: { file: make.zip([make.member('a.npy', one), make.member('b.npy', one, 8)]) },
  loadNpy: { file: one },
  loadSafetensors: { file: make.safetensors({ w: entry }, Buffer.alloc(8)) },
  loadTorch: { file: make.torchLegacy('}X\x01\0\0\0aK\x01s.') },
  decodeCheckpoint: {},
  decodeImage: { file: make.png(64, 64, make.pngRows(64, 64)) },
  readIdxFile: { file: make.gzipped(Buffer.concat([make.idxHeader(2), Buffer.of(1, 2)])) },
  csvDataset: { file: make.gzipped('a,b\n1,2\n') },
  imageFolder: { 'cat/1.png': make.png(1, 1, make.pngRows(1, 1)) },
  'agrad convert': { 'w.npz': make.zip([make.member('b.npy', one, 8)]) },
  'agrad eval': {},
  'agrad data preview': mnist(make.gzipped(Buffer.concat([make.idxHeader(1, 28, 28), Buffer.alloc(784)]))),
  'agrad predict': { 'x.csv': Buffer.from('0,1\n') },
};
