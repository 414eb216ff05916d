/**
 * Reductions: an invocation for each result, or a workgroup where there are few results of many values.
 *
 * Sums of float32 are divided (`emit/longSum.ts`), so that their error does not grow with the number of values.
 */
import type { ReduceKernel } from '@ag/tensor';
import { count, mergeLaunchAxes } from '@ag/tensor/engine';
import { combinerOf, extremeKey } from '../emit/combine.ts';
import { evaluate, operandsOf, storeResults } from '../emit/evaluate.ts';
import { KernelWriter, spread } from '../emit/kernelWriter.ts';
import { longSum } from '../emit/longSum.ts';
import { walkAddresses, walkMerged } from '../emit/walk.ts';
import type { Form } from './form.ts';

/** Invocations that share a result. */
const lanes = 64;

export const reduce: Form = (request) => {
  const { launch, facts } = request;
  const kernel = launch.kernel as ReduceKernel;
  const outer = launch.dims.slice(0, kernel.outerRank);
  const reduced = launch.dims.slice(kernel.outerRank);
  const results = count(outer);
  const values = count(reduced);
  if (results === 0) return { launches: 1, dispatches: [] };
  const inputs = kernel.inputs.length;
  const firstOutput = inputs + kernel.extras.length;
  const outputs = kernel.outputs.map((_, i) => firstOutput + i);
  const writer = new KernelWriter(request, outputs);
  const shared = values >= 256 && results < 8192;
  const use = (name: string): string => writer.use(name);

  // Where a result's values begin, and from there on how they lie.
  const read = operandsOf(kernel.prologue);
  const strides = read.map((operand) => launch.operands[operand].strides);
  const begin = walkAddresses(
    writer,
    shared ? 'group' : 'id',
    outer,
    read,
    strides.map((own) => own.slice(0, kernel.outerRank)),
    'o',
  );
  const along = walkMerged(
    writer,
    'r',
    mergeLaunchAxes({ sizes: reduced, strides: strides.map((own) => own.slice(kernel.outerRank)) }),
    begin.addresses,
    'i',
  );
  const prologue = evaluate(
    writer,
    kernel.prologue,
    (operand) => along.addresses[read.indexOf(operand)],
    'p',
  );
  const value = prologue.results[0];
  const n = `u32(${writer.argument(values)})`;
  const first = shared ? 'lane' : '0u';
  const step = shared ? `${lanes}u` : '1u';
  const loop = (body: readonly string[]): string[] => [
    `for (var r = ${first}; r < ${n}; r += ${step}) {`,
    ...along.lines,
    ...prologue.lines,
    ...body,
    '}',
  ];

  const lines: string[] = [];
  let total: string;
  if (kernel.combine === 'argmax' || kernel.combine === 'argmin') {
    const { type, lowest, keyOf } = extremeKey(kernel.combine, kernel.dtype, use);
    lines.push(`var best: ${type} = ${lowest};`, 'var place = 0u;');
    lines.push(
      ...loop([
        `let x = ${value};`,
        `let own = ${keyOf('x')};`,
        'if (own > best) { best = own; place = r; }',
      ]),
    );
    if (shared) {
      writer.declare(
        `var<workgroup> bests: array<${type}, ${lanes}>;\nvar<workgroup> places: array<u32, ${lanes}>;`,
      );
      lines.push('bests[lane] = best;', 'places[lane] = place;');
      for (let half = lanes / 2; half >= 1; half /= 2) {
        lines.push(
          'workgroupBarrier();',
          `if (lane < ${half}u) {`,
          `let better = bests[lane + ${half}u] > bests[lane] || (bests[lane + ${half}u] == bests[lane] && places[lane + ${half}u] < places[lane]);`,
          `if (better) { bests[lane] = bests[lane + ${half}u]; places[lane] = places[lane + ${half}u]; }`,
          '}',
        );
      }
      total = 'i32(places[0])';
    } else {
      total = 'i32(place)';
    }
  } else {
    const { type, initial, combine } = combinerOf(kernel.combine, kernel.dtype, use);
    if (kernel.combine === 'sum' && kernel.dtype === 'float32') {
      const sum = longSum(shared ? Math.ceil(values / lanes) : values);
      lines.push(...sum.begin, ...loop(sum.add(value)), ...sum.end);
    } else {
      lines.push(`var total: ${type} = ${initial};`, ...loop([`total = ${combine('total', value)};`]));
    }
    if (shared) {
      // Memory of a workgroup holds bool as well as any other type.
      writer.declare(`var<workgroup> totals: array<${type}, ${lanes}>;`);
      lines.push('totals[lane] = total;');
      for (let half = lanes / 2; half >= 1; half /= 2) {
        lines.push(
          'workgroupBarrier();',
          `if (lane < ${half}u) { totals[lane] = ${combine('totals[lane]', `totals[lane + ${half}u]`)}; }`,
        );
      }
      total = 'totals[0]';
    } else {
      total = 'total';
    }
  }

  const after = [...new Set([...operandsOf(kernel.epilogue), ...outputs])];
  const end = walkAddresses(
    writer,
    shared ? 'group' : 'id',
    outer,
    after,
    after.map((operand) => launch.operands[operand].strides),
    'e',
  );
  const addressOf = (operand: number): string => end.addresses[after.indexOf(operand)];
  const epilogue = evaluate(writer, kernel.epilogue, addressOf, 'v', 'combined');
  const bound = `u32(${writer.argument(results)})`;
  const body = [
    // Barriers are met by all invocations of a workgroup or by none.
    shared ? `if (group >= ${bound}) { return; }` : `if (id >= ${bound}) { return; }`,
    ...begin.lines,
    ...lines,
    ...(shared ? ['if (lane == 0u) {'] : []),
    `let combined = ${total};`,
    ...end.lines,
    ...epilogue.lines,
    ...storeResults(writer, epilogue.results, kernel.outputs, firstOutput, addressOf),
    ...(shared ? ['}'] : []),
  ];
  return {
    launches: 1,
    dispatches: [
      writer.finish(body, {
        workgroupSize: [lanes, 1, 1],
        workgroups: spread(results, shared ? 1 : lanes, facts.maxWorkgroups),
      }),
    ],
  };
};
