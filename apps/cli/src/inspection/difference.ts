/** Two files of weights beside each other: names, shapes, and how far their numbers are apart. */
import { type Distance, distanceOf, pairTensors, type StoredTensor, type TensorPair } from '@ag/nn';
import { eventVersion } from '@ag/train';
import type { InspectOptions } from '../commands/inspect.ts';
import { exitCodes } from '../failure.ts';
import { type ModelFile, reading } from '../files/modelFile.ts';
import { count, formatNumber } from '../numbers.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';

/** Prints what differs, the largest difference first; answers the exit code. */
export async function printDifference(
  a: ModelFile,
  b: ModelFile,
  { tolerance }: InspectOptions,
  terminal: Terminal,
): Promise<number> {
  const { pairs, removed, added } = pairTensors(weightsOf(a), weightsOf(b));
  const reshaped = pairs.filter(({ first, second }) => first.shape.join() !== second.shape.join());
  const compared: (TensorPair & Distance)[] = [];
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
function weightsOf({ tensors, metadata }: ModelFile): readonly StoredTensor[] {
  const own =
    metadata.format === 'ag-checkpoint'
      ? tensors.flatMap((tensor) =>
          tensor.name.startsWith('model/') ? [{ ...tensor, name: tensor.name.slice(6) }] : [],
        )
      : tensors;
  return own;
}

function sizes(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join('×');
}
