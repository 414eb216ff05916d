/**
 * Gather and scatter: elements whose position along one axis is read from an operand of indices.
 *
 * A scatter is done in a fixed order, so its bits do not depend on how the device schedules: along the axes over which results do not
 * meet there is an invocation for each, and it goes through the others in row-major order.
 */
import type { ScatterKernel } from '@ag/tensor';
import { codedError, count, mergeLaunchAxes } from '@ag/tensor/engine';
import { combinerOf } from '../emit/combine.ts';
import { wrapped } from '../emit/expression.ts';
import { KernelWriter, spread } from '../emit/kernelWriter.ts';
import { contiguousSteps } from '../emit/steps.ts';
import { walkAddresses, walkMerged } from '../emit/walk.ts';
import type { Form, FormRequest } from './form.ts';

/** Notes the first index that does not exist. */
function noteFailure(writer: KernelWriter, launchId: number, index: string, position: string): string {
  const status = writer.status();
  return `if (atomicAdd(&${status}[0], 1u) == 0u) { atomicStore(&${status}[1], u32(${writer.argument(launchId)})); atomicStore(&${status}[2], bitcast<u32>(${index})); atomicStore(&${status}[3], ${position}); }`;
}

function axisOf({ launch }: FormRequest): { readonly size: number; readonly stride: number } {
  if (launch.axis === undefined) throw codedError(Error, 'AG_INTERNAL', `${launch.label}: no indexed axis`);
  return launch.axis;
}

export const gather: Form = (request) => {
  const { launch, facts } = request;
  const axis = axisOf(request);
  const total = count(launch.dims);
  if (total === 0) return { launches: 1, dispatches: [] };
  const writer = new KernelWriter(request, [2]);
  const walked = walkAddresses(
    writer,
    'id',
    launch.dims,
    [0, 1, 2],
    launch.operands.map(({ strides }) => strides),
    'w',
  );
  const [source, index, output] = walked.addresses;
  const size = writer.argument(axis.size);
  const body = [
    `if (id >= u32(${writer.argument(total)})) { return; }`,
    ...walked.lines,
    `let given = ${writer.load(1, index)};`,
    `let at = select(given, given + ${size}, given < 0);`,
    `if (at < 0 || at >= ${size}) {`,
    noteFailure(writer, request.launchId, 'given', 'id'),
    'return;',
    '}',
    `let from_ = ${source} + at * ${writer.argument(axis.stride)};`,
    writer.store(2, output, writer.load(0, 'from_')),
  ];
  return {
    launches: 1,
    dispatches: [writer.finish(body, { workgroups: spread(total, 64, facts.maxWorkgroups) })],
  };
};

export const scatter: Form = (request) => {
  const { launch, facts } = request;
  const kernel = launch.kernel as ScatterKernel;
  const axis = axisOf(request);
  const total = count(launch.dims);
  if (total === 0) return { launches: 1, dispatches: [] };
  const strides = launch.operands.map((operand) => operand.strides);
  // Results meet along the axes over which the output does not move by itself.
  const apart = launch.dims.map((_, i) => i).filter((i) => strides[2][i] !== 0);
  const meeting = launch.dims.map((_, i) => i).filter((i) => strides[2][i] === 0);
  const pick = (values: readonly number[], axes: readonly number[]): number[] => axes.map((i) => values[i]);
  const lines = count(pick(launch.dims, apart));
  const meetings = count(pick(launch.dims, meeting));
  const adds = kernel.combine === 'add';
  const carries = adds && kernel.dtype === 'float32' && meetings > 64;
  const writer = new KernelWriter(request, [2]);
  const outer = walkAddresses(
    writer,
    'id',
    pick(launch.dims, apart),
    [0, 1, 2],
    strides.map((own) => pick(own, apart)),
    'o',
  );
  const inner = walkMerged(
    writer,
    'e',
    mergeLaunchAxes({ sizes: pick(launch.dims, meeting), strides: strides.map((own) => pick(own, meeting)) }),
    outer.addresses,
    'i',
  );
  const [update, index] = inner.addresses;
  const size = writer.argument(axis.size);
  const value = writer.load(0, update);
  const steps = contiguousSteps(launch.dims);
  // The position of an update in the launch, for messages.
  const position = positionText(
    writer,
    pick(launch.dims, apart),
    pick(steps, apart),
    'id',
    pick(launch.dims, meeting),
    pick(steps, meeting),
  );
  const store = (): string[] => {
    if (kernel.combine === 'set') return [writer.store(2, 'to_', value)];
    const old = writer.load(2, 'to_');
    if (!adds) {
      const combine = kernel.combine === 'mul' ? 'prod' : (kernel.combine as 'max' | 'min');
      const { combine: met } = combinerOf(combine, kernel.dtype, (name) => writer.use(name));
      return [writer.store(2, 'to_', met(old, value))];
    }
    const sum = kernel.dtype === 'bool' ? `(${old} || ${value})` : wrapped(`${old} + ${value}`, kernel.dtype);
    if (!carries) return [writer.store(2, 'to_', sum)];
    // What an addition loses is carried to the next one into the same element (W. Kahan, CACM 8, 1965).
    const lost = writer.scratch(0, outputBytes(request), 'f32', true);
    return [
      `let x = ${value};`,
      `let old = ${old};`,
      `let corrected = x - ${lost}[to_];`,
      'let sum = old + corrected;',
      // Not for what is not finite: infinity minus itself.
      `${lost}[to_] = select(0.0, (sum - old) - corrected, ${writer.use('is_finite')}(sum));`,
      writer.store(2, 'to_', 'sum'),
    ];
  };
  const stored = store();
  const body = [
    `if (id >= u32(${writer.argument(lines)})) { return; }`,
    ...outer.lines,
    `for (var e = 0u; e < u32(${writer.argument(meetings)}); e++) {`,
    ...inner.lines,
    `let given = ${writer.load(1, index)};`,
    `let at = select(given, given + ${size}, given < 0);`,
    `if (at < 0 || at >= ${size}) {`,
    ...position.lines,
    noteFailure(writer, request.launchId, 'given', position.text),
    'continue;',
    '}',
    `let to_ = ${inner.addresses[2]} + at * ${writer.argument(axis.stride)};`,
    ...stored,
    '}',
  ];
  const dispatch = writer.finish(body, { workgroups: spread(lines, 64, facts.maxWorkgroups) });
  return { launches: 1, dispatches: carries ? [clearScratch(request), dispatch] : [dispatch] };
};

/** Bytes of the buffer that the output lies in, for a scratch area of the same addresses. */
function outputBytes({ program, launch }: FormRequest): number {
  return program.buffers[launch.operands[2].buffer].length * 4;
}

/** A dispatch that sets the scratch area to 0. */
function clearScratch(request: FormRequest): ReturnType<KernelWriter['finish']> {
  const writer = new KernelWriter(request, []);
  const bytes = outputBytes(request);
  const area = writer.scratch(0, bytes, 'f32', true);
  const length = bytes / 4;
  return writer.finish([`if (id < u32(${writer.argument(length)})) { ${area}[id] = 0.0; }`], {
    workgroups: spread(length, 64, request.facts.maxWorkgroups),
  });
}

/** The number in the launch of position `id` among some axes and `e` among the others. */
function positionText(
  writer: KernelWriter,
  outerSizes: readonly number[],
  outerSteps: readonly number[],
  id: string,
  innerSizes: readonly number[],
  innerSteps: readonly number[],
): { readonly lines: readonly string[]; readonly text: string } {
  const outer = walkMerged(writer, id, { sizes: outerSizes, strides: [outerSteps] }, ['0'], 'po');
  const inner = walkMerged(
    writer,
    'e',
    { sizes: innerSizes, strides: [innerSteps] },
    [outer.addresses[0]],
    'pi',
  );
  return { lines: [...outer.lines, ...inner.lines], text: `u32(${inner.addresses[0]})` };
}
