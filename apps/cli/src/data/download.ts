/** `agrad data get`: downloads a data set to the cache, with its progress. */
import { bostonHousing, fashionMnist, mnist } from '@ag/datasets';
import { eventVersion } from '@ag/train';
import type { DataOptions } from '../commands/data.ts';
import { exitCodes } from '../failure.ts';
import { bytes } from '../numbers.ts';
import type { Terminal } from '../terminal.ts';
import { findSet } from './sets.ts';

/** Downloads a set into the cache, or finds it. */
export async function getData({ positional, dataDir }: DataOptions, terminal: Terminal): Promise<number> {
  const set = findSet(positional[0]);
  if (!set.source) {
    terminal.print(`${set.name} needs no files`);
    terminal.event({ v: eventVersion, type: 'result', command: 'data get', name: set.name, files: [] });
    return exitCodes.done;
  }
  const redrawn = await terminal.redrawn();
  let drawn = 0;
  const source = {
    ...(dataDir !== undefined && { dataDir }),
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
