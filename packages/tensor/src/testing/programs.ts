/**
 * Programs of a single launch, written by hand. So the tests of a backend reach one kernel without a planner.
 */

import { bytesPerElement, type DType, dtypeOfArray, type TypedArray } from '../dtype.ts';
import type { Backend } from '../kernel/backend.ts';
import type { BufferSpec, Kernel, Launch, Operand, Program } from '../kernel/kernel.ts';
import type { DynamicOffset } from '../view.ts';

/** An operand with its contents; `strides` and `offset` in elements. Without `data`: that of a `coordinate`. */
export interface OperandSpec {
  readonly data?: TypedArray;
  /** Default: that of `data`; say `bool` for a Uint8Array of 0 and 1. */
  readonly dtype?: DType;
  readonly strides: readonly number[];
  /** Default 0. */
  readonly offset?: number;
  readonly dynamic?: readonly DynamicOffset[];
}

/** Arguments of the launch that most kernels do without. */
export interface LaunchOptions {
  readonly literals?: readonly number[];
  readonly scalars?: readonly number[];
  readonly axis?: { readonly size: number; readonly stride: number };
  readonly shapes?: readonly (readonly number[])[];
  /** Default: the kernel's form. */
  readonly label?: string;
}

/** The program that launches `kernel` once; operand i is bound as binding i (coordinates are not counted). */
export function oneLaunch(
  kernel: Kernel,
  dims: readonly number[],
  operands: readonly OperandSpec[],
  options: LaunchOptions = {},
): Program {
  const buffers: BufferSpec[] = [];
  const launchOperands: Operand[] = operands.map(({ data, dtype, strides, offset = 0, dynamic = [] }) => {
    if (data === undefined) return { buffer: -1, offset, dynamic, strides };
    const binding = buffers.length;
    buffers.push({ kind: 'bound', binding, dtype: dtype ?? dtypeOfArray(data), length: data.length });
    return { buffer: binding, offset, dynamic, strides };
  });
  const launch: Launch = {
    kernel,
    dims,
    operands: launchOperands,
    literals: options.literals ?? [],
    label: options.label ?? kernel.form,
    ...(options.axis && { axis: options.axis }),
    ...(options.shapes && { shapes: options.shapes }),
  };
  const scalarCount = options.scalars?.length ?? 0;
  return { slots: [], buffers, bindingCount: buffers.length, scalarCount, launches: [launch] };
}

/**
 * Runs `kernel` once on copies of the operands' data and returns what each holds afterwards, in their order
 * (coordinates left out).
 */
export async function runOnce(
  backend: Backend,
  kernel: Kernel,
  dims: readonly number[],
  operands: readonly OperandSpec[],
  options: LaunchOptions = {},
): Promise<TypedArray[]> {
  const program = oneLaunch(kernel, dims, operands, options);
  const executable = backend.prepare(program);
  const held = operands.flatMap(({ data, dtype }) => {
    if (data === undefined) return [];
    const type = dtype ?? dtypeOfArray(data);
    const memory = backend.allocate(data.length * bytesPerElement(type));
    backend.write(memory, data);
    return [{ memory, type, length: data.length }];
  });
  try {
    backend.run(
      executable,
      held.map(({ memory }) => memory),
      Float64Array.from(options.scalars ?? []),
    );
    return await Promise.all(held.map(({ memory, type, length }) => backend.read(memory, type, length)));
  } finally {
    for (const { memory } of held) backend.release(memory);
    backend.dispose(executable);
  }
}
