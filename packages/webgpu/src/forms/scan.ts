/** Running sums, products and extremes along the last axis: an invocation for each line. Long lines are done by forms in `fast/`. */
import type { ScanKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import { combinerOf } from '../emit/combine.ts';
import { KernelWriter, spread } from '../emit/kernelWriter.ts';
import { walkAddresses } from '../emit/walk.ts';
import type { Form } from './form.ts';

export const scan: Form = (request) => {
  const { launch, facts } = request;
  const kernel = launch.kernel as ScanKernel;
  const last = launch.dims.length - 1;
  const outer = launch.dims.slice(0, -1);
  const length = launch.dims[last];
  const lines = count(outer);
  if (lines * length === 0) return { launches: 1, dispatches: [] };
  const writer = new KernelWriter(request, [1]);
  const { type, initial, combine } = combinerOf(kernel.combine, kernel.dtype, (name) => writer.use(name));
  const walked = walkAddresses(
    writer,
    'id',
    outer,
    [0, 1],
    launch.operands.map(({ strides }) => strides.slice(0, -1)),
    'w',
  );
  const n = writer.argument(length);
  const at = kernel.reverse ? `(${n} - 1 - e)` : 'e';
  const [from, to] = launch.operands.map(
    ({ strides }, i) => `${walked.addresses[i]} + ${at} * ${writer.argument(strides[last])}`,
  );
  const carries = kernel.combine === 'sum' && kernel.dtype === 'float32';
  const body = [
    `if (id >= u32(${writer.argument(lines)})) { return; }`,
    ...walked.lines,
    `var total: ${type} = ${initial};`,
    ...(carries ? ['var lost = 0.0;'] : []),
    `for (var e = 0; e < ${n}; e++) {`,
    `let from_ = ${from};`,
    `let to_ = ${to};`,
    `let x = ${writer.load(0, 'from_')};`,
    ...(carries
      ? [
          // What an addition loses is carried to the next one (W. Kahan, CACM 8, 1965).
          'let corrected = x - lost;',
          'let sum = total + corrected;',
          `lost = select(0.0, (sum - total) - corrected, ${writer.use('is_finite')}(sum));`,
          'total = sum;',
        ]
      : [`total = ${combine('total', 'x')};`]),
    writer.store(1, 'to_', 'total'),
    '}',
  ];
  return {
    launches: 1,
    dispatches: [writer.finish(body, { workgroups: spread(lines, 64, facts.maxWorkgroups) })],
  };
};
