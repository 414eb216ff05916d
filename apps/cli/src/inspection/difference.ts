/** Two files of weights beside each other: names, shapes, and how far their numbers are apart. */
import { eventVersion } from '@ag/train';
import type { InspectOptions } from '../commands/inspect.ts';
import { exitCodes } from '../failure.ts';
import { type ModelFile, reading, type StoredTensor } from '../files/modelFile.ts';
import { type Distance, distanceOf } from '../files/statistics.ts';
import { count, formatNumber } from '../numbers.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';

interface Pair {
  readonly first: StoredTensor;
  readonly second: StoredTensor;
}

/** Prints what differs, the largest difference first; answers the exit code. */
export async function printDifference(
  a: ModelFile,
  b: ModelFile,
  { tolerance }: InspectOptions,
  terminal: Terminal,
): Promise<number> {
  const { pairs, removed, added } = pairsOf(weightsOf(a), weightsOf(b));
  const reshaped = pairs.filter(({ first, second }) => first.shape.join() !== second.shape.join());
  const compared: (Pair & Distance)[] = [];
  for (const pair of pairs) {
    if (reshaped.includes(pair)) continue;
    compared.push({
      ...pair,
      ...(await reading(`${a.path} and ${b.path}`, () => distanceOf(pair.first, pair.second))),
    });
  }
  compared.sort((x, y) => y.max - x.max || y.mean - x.mean);
  const differing = compared.filter(({ max }) => max > 0);
  const retyped = compared.filter(({ first, second }) => first.dtype !== second.dtype);
  const largest = compared[0]?.max ?? 0;
  const { out } = terminal;
  const lines = [
    ...removed.map(({ name, shape }) => out.red(`- ${name} ${sizes(shape)}: only in ${a.path}`)),
    ...added.map(({ name, shape }) => out.green(`+ ${name} ${sizes(shape)}: only in ${b.path}`)),
    ...reshaped.map(({ first, second }) =>
      out.yellow(`~ ${first.name}: shape ${sizes(first.shape)} and ${sizes(second.shape)}`),
    ),
    ...retyped.map(({ first, second }) => `  ${first.name}: ${first.dtype} and ${second.dtype}`),
  ];
  terminal.print(
    `${a.path} and ${b.path}: ${compared.length} tensors compared, ${differing.length} differ${differing.length > 0 ? `, by ${formatNumber(largest)} at most` : ''}`,
    ...lines,
  );
  if (differing.length > 0) {
    terminal.print(
      '',
      ...table(
        ['tensor', 'shape', 'largest difference', 'mean difference', 'elements that differ'],
        differing.map(({ first, max, mean, different }) => [
          first.name,
          sizes(first.shape),
          formatNumber(max),
          formatNumber(mean),
          `${count(different)} of ${count(first.size)}`,
        ]),
      ),
    );
  }
  const same = removed.length + added.length + reshaped.length === 0 && largest <= (tolerance ?? 0);
  const finite = (x: number): number | string => (Number.isFinite(x) ? x : String(x));
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'inspect',
    path: a.path,
    other: b.path,
    removed: removed.map(({ name }) => name),
    added: added.map(({ name }) => name),
    reshaped: reshaped.map(({ first, second }) => ({
      name: first.name,
      shape: first.shape,
      other: second.shape,
    })),
    differences: compared.map(({ first, max, mean, different }) => ({
      name: first.name,
      max: finite(max),
      mean: finite(mean),
      different,
    })),
    same,
  });
  if (tolerance === undefined || same) return exitCodes.done;
  terminal.note(terminal.err.red(`beyond the tolerance of ${formatNumber(tolerance)}`));
  return exitCodes.check;
}

/** Without what a checkpoint holds beside the model, where it is compared with weights. */
function weightsOf({ tensors, metadata }: ModelFile): ReadonlyMap<string, StoredTensor> {
  const own =
    metadata.format === 'ag-checkpoint'
      ? tensors.flatMap((tensor) =>
          tensor.name.startsWith('model/') ? [[tensor.name.slice(6), tensor] as const] : [],
        )
      : tensors.map((tensor) => [tensor.name, tensor] as const);
  return new Map(own.map(([name, tensor]) => [name, { ...tensor, name }]));
}

/** Tensors of the same name; `running_mean` and `runningMean` are the same. */
function pairsOf(
  a: ReadonlyMap<string, StoredTensor>,
  b: ReadonlyMap<string, StoredTensor>,
): { pairs: Pair[]; removed: StoredTensor[]; added: StoredTensor[] } {
  const plain = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const others = new Map([...b.values()].map((tensor) => [plain(tensor.name), tensor] as const));
  const pairs: Pair[] = [];
  const removed: StoredTensor[] = [];
  const met = new Set<string>();
  for (const first of a.values()) {
    const second = b.get(first.name) ?? others.get(plain(first.name));
    if (second === undefined || met.has(second.name)) removed.push(first);
    else {
      met.add(second.name);
      pairs.push({ first, second });
    }
  }
  return { pairs, removed, added: [...b.values()].filter(({ name }) => !met.has(name)) };
}

function sizes(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join('×');
}
