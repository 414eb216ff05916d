/** Sorting: each element's place is the number of those before it, counted. Long lines are done by forms in `fast/`. */
import type { SortKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import { KernelWriter, spread } from '../emit/kernelWriter.ts';
import { walkAddresses } from '../emit/walk.ts';
import type { Form } from './form.ts';

export const sort: Form = (request) => {
  const { launch, facts } = request;
  const kernel = launch.kernel as SortKernel;
  const last = launch.dims.length - 1;
  const total = count(launch.dims);
  if (total === 0) return { launches: 1, dispatches: [] };
  const writer = new KernelWriter(request, [1]);
  const { type, keyOf } = sortKey(writer, kernel);
  const walked = walkAddresses(
    writer,
    'line',
    launch.dims.slice(0, -1),
    [0, 1],
    launch.operands.map(({ strides }) => strides.slice(0, -1)),
    'w',
  );
  const [from, to] = walked.addresses;
  const [fromStep, toStep] = launch.operands.map(({ strides }) => writer.argument(strides[last]));
  const n = `u32(${writer.argument(launch.dims[last])})`;
  const body = [
    `if (id >= u32(${writer.argument(total)})) { return; }`,
    `let line = id / ${n};`,
    `let e = id - line * ${n};`,
    ...walked.lines,
    `let own_ = ${from} + i32(e) * ${fromStep};`,
    `let own: ${type} = ${keyOf(writer.load(0, 'own_'))};`,
    'var place = 0u;',
    `for (var j = 0u; j < ${n}; j++) {`,
    `let other_ = ${from} + i32(j) * ${fromStep};`,
    `let other: ${type} = ${keyOf(writer.load(0, 'other_'))};`,
    'if (other < own || (other == own && j < e)) { place++; }',
    '}',
    `let to_ = ${to} + i32(place) * ${toStep};`,
    writer.store(1, 'to_', 'i32(e)'),
  ];
  return {
    launches: 1,
    dispatches: [writer.finish(body, { workgroups: spread(total, 64, facts.maxWorkgroups) })],
  };
};

/** A whole number that orders elements as they are sorted: NaN last whichever way, −0 equal to 0. */
export function sortKey(
  writer: KernelWriter,
  { dtype, descending }: SortKernel,
): { readonly type: 'i32' | 'u32'; readonly keyOf: (x: string) => string } {
  switch (dtype) {
    case 'float32':
      writer.use('key');
      writer.use('is_nan');
      return {
        type: 'i32',
        keyOf: (x) => `select(${descending ? '-' : ''}key(${x}), 0x7fffffff, is_nan(${x}))`,
      };
    case 'int32':
      return { type: 'i32', keyOf: (x) => (descending ? `~${x}` : x) };
    case 'bool':
      return { type: 'u32', keyOf: (x) => `select(${descending ? '1u, 0u' : '0u, 1u'}, ${x})` };
    default:
      return { type: 'u32', keyOf: (x) => (descending ? `~${x}` : x) };
  }
}
