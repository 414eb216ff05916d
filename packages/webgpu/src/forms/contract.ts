/** Sums of products, plainly: an invocation for each result. What is large is done by forms in `fast/`. */
import type { ContractKernel } from '@ag/tensor';
import { count, dtypeError, mergeLaunchAxes } from '@ag/tensor/engine';
import { combinerOf } from '../emit/combine.ts';
import { evaluate, operandsOf, storeResults } from '../emit/evaluate.ts';
import { wrapped } from '../emit/expression.ts';
import { KernelWriter, spread } from '../emit/kernelWriter.ts';
import { longSum } from '../emit/longSum.ts';
import { walkAddresses, walkMerged } from '../emit/walk.ts';
import type { Form } from './form.ts';

export const contract: Form = (request) => {
  const { launch, facts } = request;
  const kernel = launch.kernel as ContractKernel;
  const { batchRank, mRank, nRank, kRank, dtype } = kernel;
  if (dtype === 'bool') throw dtypeError('products of bool are not summed; cast to int32 first');
  const before = batchRank + mRank + nRank;
  const outer = launch.dims.slice(0, before);
  const terms = launch.dims.slice(before);
  const results = count(outer);
  const k = count(terms);
  if (results === 0) return { launches: 1, dispatches: [] };
  const firstOutput = 2 + kernel.extras.length;
  const outputs = kernel.outputs.map((_, i) => firstOutput + i);
  const writer = new KernelWriter(request, outputs);
  const [a, b] = launch.operands;
  const none = (rank: number): number[] => new Array<number>(rank).fill(0);
  const begin = walkAddresses(
    writer,
    'id',
    outer,
    [0, 1],
    [
      [...a.strides.slice(0, batchRank + mRank), ...none(nRank)],
      [...b.strides.slice(0, batchRank), ...none(mRank), ...b.strides.slice(batchRank + kRank)],
    ],
    'o',
  );
  const along = walkMerged(
    writer,
    'k',
    mergeLaunchAxes({
      sizes: terms,
      strides: [a.strides.slice(batchRank + mRank), b.strides.slice(batchRank, batchRank + kRank)],
    }),
    begin.addresses,
    'i',
  );
  const product = `${writer.load(0, along.addresses[0])} * ${writer.load(1, along.addresses[1])}`;
  const { type, initial } = combinerOf('sum', dtype, (name) => writer.use(name));
  const after = [...new Set([...operandsOf(kernel.epilogue), ...outputs])];
  const end = walkAddresses(
    writer,
    'id',
    outer,
    after,
    after.map((operand) => launch.operands[operand].strides),
    'e',
  );
  const addressOf = (operand: number): string => end.addresses[after.indexOf(operand)];
  const epilogue = evaluate(writer, kernel.epilogue, addressOf, 'v', 'total');
  const sum =
    dtype === 'float32'
      ? longSum(k)
      : {
          begin: [`var total: ${type} = ${initial};`],
          add: (term: string) => [`total = ${wrapped(`total + ${term}`, dtype)};`],
          end: [],
        };
  const body = [
    `if (id >= u32(${writer.argument(results)})) { return; }`,
    ...begin.lines,
    ...sum.begin,
    `for (var k = 0u; k < u32(${writer.argument(k)}); k++) {`,
    ...along.lines,
    ...sum.add(product),
    '}',
    ...sum.end,
    ...end.lines,
    ...epilogue.lines,
    ...storeResults(writer, epilogue.results, kernel.outputs, firstOutput, addressOf),
  ];
  return {
    launches: 1,
    dispatches: [writer.finish(body, { workgroups: spread(results, 64, facts.maxWorkgroups) })],
  };
};
