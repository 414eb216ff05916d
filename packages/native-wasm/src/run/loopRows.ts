/**
 * Whether the rows of a loop's body have nothing to do with one another: at no step is a row made of another row of what steps
 * write. So it is with the examples of a batch in a recurrent layer. Read from sizes and strides, never from what is computed.
 */
import {
  type BufferSpec,
  bytesPerElement,
  type Launch,
  type LoopSchedule,
  type Operand,
  type Program,
} from '@ag/tensor';
import type { Features, Stage } from '../abi.ts';
import { sizesOf } from '../contraction/sizes.ts';
import { lower } from '../lower.ts';
import type { LoweredLaunch } from './executable.ts';

/** The number of rows, 0 where there are none. */
export function rowsOfBody(program: Program, { carried }: LoopSchedule): number {
  const { launches, buffers } = program;
  const states = new Set(carried.map(({ reads }) => reads));
  const changing = new Set<number>();
  buffers.forEach((buffer, i) => {
    if (buffer.kind === 'slot' || states.has(buffer.binding)) changing.add(i);
  });
  for (const launch of launches) for (const { buffer } of outputsOf(launch)) changing.add(buffer);
  const axes = launches.map(rowAxis);
  if (axes.length === 0 || axes.includes(null)) return 0;
  const rows = Math.min(...axes.map((axis) => axis!.size));
  const fits = launches.every((launch, i) => {
    const { size, strides } = axes[i]!;
    return (
      size % rows === 0 &&
      launch.operands.every((operand, k) => {
        if (!changing.has(operand.buffer)) return true;
        const { sizes, own } = strides[k];
        return isRow(operand, buffers[operand.buffer], { rows, size, stride: own }, sizes);
      })
    );
  });
  return fits ? rows : 0;
}

function outputsOf({ kernel, operands }: Launch): readonly Operand[] {
  return 'outputs' in kernel ? operands.slice(operands.length - kernel.outputs.length) : operands;
}

interface RowAxis {
  readonly size: number;
  /** For each operand its stride along the axis, null where it has none, and the sizes and strides of its other axes. */
  readonly strides: readonly {
    readonly own: number | null;
    readonly sizes: readonly (readonly [size: number, stride: number])[];
  }[];
}

/** The first axis of the results of a launch; null where that is not known. */
function rowAxis(launch: Launch): RowAxis | null {
  const { kernel, dims, operands } = launch;
  if (kernel.form !== 'map' && kernel.form !== 'reduce' && kernel.form !== 'contract') return null;
  if (kernel.outputs.some(({ accumulate }) => accumulate)) return null;
  const paired = ({ strides }: Operand, sizes: readonly number[]) =>
    strides.map((stride, i) => [sizes[i], stride] as const);
  if (kernel.form !== 'contract') {
    if ((kernel.form === 'map' ? kernel.rank : kernel.outerRank) < 1) return null;
    return {
      size: dims[0],
      strides: operands.map((operand) => ({
        own: operand.strides[0],
        sizes: paired(operand, dims).slice(1),
      })),
    };
  }
  const { batchRank, mRank } = kernel;
  if (batchRank + mRank < 1) return null;
  const { batch, m, n, k } = sizesOf(launch);
  return {
    size: dims[0],
    strides: operands.map((operand, i) => {
      const sizes =
        i === 0 ? [...batch, ...m, ...k] : i === 1 ? [...batch, ...k, ...n] : [...batch, ...m, ...n];
      const all = paired(operand, sizes);
      // The right factor has no rows.
      return i === 1 && batchRank === 0
        ? { own: null, sizes: all }
        : { own: operand.strides[0], sizes: all.slice(1) };
    }),
  };
}

/** Whether all that is reached with a row lies in that row of the buffer. */
function isRow(
  { offset, dynamic }: Operand,
  buffer: BufferSpec,
  { rows, size, stride }: { readonly rows: number; readonly size: number; readonly stride: number | null },
  sizes: readonly (readonly [size: number, stride: number])[],
): boolean {
  const length = buffer.length / rows;
  const joined = size / rows;
  if (stride === null || dynamic.length > 0 || stride * joined !== length) return false;
  const rest = [...sizes, [joined, stride] as const];
  if (offset < 0 || rest.some(([, step]) => step < 0)) return false;
  return rest.reduce((last, [count, step]) => last + (count - 1) * step, offset) < length;
}

/** The body of a loop, lowered so that threads share its rows. */
export interface RowwiseBody {
  readonly program: Program;
  readonly lowered: readonly LoweredLaunch[];
  readonly rows: number;
  /** The kernels of a step. */
  readonly kernels: readonly Stage[];
}

/** Fewest rows for a thread: a product of fewer reads its right factor for little. */
export const fewestRows = 4;

/** The body for threads that share its rows; null where they had better share its kernels. */
export function rowwiseBody(
  given: Program,
  schedule: LoopSchedule,
  features: Features,
  isConstant: (buffer: number) => boolean,
): RowwiseBody | null {
  if (features.threads < 2 || schedule.condition !== null) return null;
  const rows = rowsOfBody(given, schedule);
  if (rows < fewestRows * features.threads) return null;
  // Rows are at different places at the same time, so no buffer may lie where another one was.
  const slots: number[] = [];
  const buffers = given.buffers.map((buffer) =>
    buffer.kind === 'slot'
      ? { ...buffer, slot: slots.push(buffer.length * bytesPerElement(buffer.dtype)) - 1 }
      : buffer,
  );
  const program = { ...given, slots, buffers };
  const lowered = program.launches.map((launch) => ({
    launch,
    stages: lower({ ...features, program, launch, rows, isConstant }),
  }));
  const kernels = lowered.flatMap(({ stages }) => stages.filter(({ once }) => !once));
  const whole = kernels.every(
    ({ units, unitsPerRow, sections = 1 }) =>
      unitsPerRow !== undefined && units === rows * unitsPerRow * sections,
  );
  return whole && kernels.length === program.launches.length ? { program, lowered, rows, kernels } : null;
}
