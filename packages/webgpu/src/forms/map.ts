/** Maps: an invocation for each element, for four where elements share words. */
import { bytesPerElement, type MapKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import { isPacked } from '../emit/dtypes.ts';
import { evaluate, storeResults } from '../emit/evaluate.ts';
import { KernelWriter, packedPart, spread } from '../emit/kernelWriter.ts';
import { walkAddresses } from '../emit/walk.ts';
import type { Form } from './form.ts';
import { ownsWords } from './words.ts';

export const map: Form = (request) => {
  const { launch } = request;
  const kernel = launch.kernel as MapKernel;
  const total = count(launch.dims);
  if (total === 0) return { launches: 1, dispatches: [] };
  const inputs = kernel.inputs.length;
  const outputs = kernel.outputs.map((_, i) => inputs + i);
  const packed = outputs.filter((_, i) => isPacked(kernel.outputs[i].dtype));
  const wordWise = packed.filter(
    (operand, i) =>
      !kernel.outputs[operand - inputs].accumulate && ownsWords(request, packed[i], launch.dims),
  );
  const byFours = wordWise.length > 0;
  const writer = new KernelWriter(request, outputs, wordWise);
  const all = launch.operands.map((_, i) => i);
  const walked = walkAddresses(
    writer,
    byFours ? 'at' : 'id',
    launch.dims,
    all,
    launch.operands.map(({ strides }) => strides),
    'w',
  );
  const addressOf = (operand: number): string => walked.addresses[operand];
  const expression = evaluate(writer, kernel.expression, addressOf, 'v');
  const elements = `u32(${writer.argument(total)})`;
  const stored = kernel.outputs.flatMap((output, i) => {
    if (!wordWise.includes(inputs + i))
      return storeResults(writer, [expression.results[i]], [output], inputs + i, addressOf);
    const value = packedPart(expression.results[i], output.dtype);
    return bytesPerElement(output.dtype) === 1
      ? [`word${i} |= (${value}) << (8u * k);`]
      : [`word${i}[k >> 1u] |= (${value}) << (16u * (k & 1u));`];
  });
  const element = [...walked.lines, ...expression.lines, ...stored];
  const words = kernel.outputs.flatMap((_, i) => (wordWise.includes(inputs + i) ? [i] : []));
  const isByte = (i: number): boolean => bytesPerElement(kernel.outputs[i].dtype) === 1;
  const body = byFours
    ? [
        `if (id * 4u >= ${elements}) { return; }`,
        ...words.map((i) => `var word${i} = ${isByte(i) ? '0u' : 'vec2<u32>(0u, 0u)'};`),
        'for (var k = 0u; k < 4u; k++) {',
        'let at = id * 4u + k;',
        `if (at >= ${elements}) { break; }`,
        ...element,
        '}',
        ...words.flatMap((i) =>
          isByte(i)
            ? [writer.storeWord(inputs + i, 'id', `word${i}`)]
            : [
                writer.storeWord(inputs + i, 'id * 2u', `word${i}.x`),
                `if (id * 4u + 2u < ${elements}) { ${writer.storeWord(inputs + i, 'id * 2u + 1u', `word${i}.y`)} }`,
              ],
        ),
      ]
    : [`if (id >= ${elements}) { return; }`, ...element];
  const invocations = byFours ? Math.ceil(total / 4) : total;
  return {
    launches: 1,
    dispatches: [writer.finish(body, { workgroups: spread(invocations, 64, request.facts.maxWorkgroups) })],
  };
};
