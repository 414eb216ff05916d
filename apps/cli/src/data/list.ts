/** `agrad data list` and `agrad data info`: the data sets, their sources and files. */
import { eventVersion } from '@ag/train';
import type { DataOptions } from '../commands/data.ts';
import { exitCodes } from '../failure.ts';
import { bytes } from '../numbers.ts';
import type { Terminal } from '../terminal.ts';
import { findSet, locate, searchedFolders, sets } from './sets.ts';

/** Lists all sets. */
export function listData({ dataDir }: DataOptions, terminal: Terminal): number {
  const rows = sets.map((set) => {
    const files = set.source ? locate(set.source, dataDir) : [];
    const here = files.every((file) => file.path !== null);
    return {
      name: set.name,
      summary: set.summary,
      status: !set.source ? 'built in' : here ? 'on this machine' : 'not here',
    };
  });
  const width = Math.max(...rows.map((row) => row.name.length)) + 2;
  for (const row of rows) terminal.print(`${row.name.padEnd(width)}${row.status.padEnd(17)}${row.summary}`);
  terminal.note(terminal.err.dim("'agrad data info NAME' shows details."));
  terminal.event({ v: eventVersion, type: 'result', command: 'data list', sets: rows });
  return exitCodes.done;
}

/** Shows where a set comes from and which of its files are here. */
export function dataInfo({ positional, dataDir }: DataOptions, terminal: Terminal): number {
  const set = findSet(positional[0]);
  const files = set.source ? locate(set.source, dataDir) : [];
  terminal.print(`${terminal.out.bold(set.name)}: ${set.summary}`);
  if (set.source) {
    terminal.print(`from: ${set.source.source}`);
    for (const mirror of set.source.mirrors) terminal.print(`mirror: ${mirror}`);
    terminal.print(`looked for in: ${searchedFolders(set.source, dataDir).join(', ')}`);
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
