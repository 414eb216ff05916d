/** What a program reads and writes of what is bound to it. */
import type { Kernel, Program } from '@ag/tensor';

/** How many operands of a kernel come before those that are written. */
export function readCount(kernel: Kernel): number {
  switch (kernel.form) {
    case 'map':
    case 'host':
    case 'loop':
      return kernel.inputs.length;
    case 'reduce':
      return kernel.inputs.length + kernel.extras.length;
    case 'contract':
      return 2 + kernel.extras.length;
    case 'gather':
    case 'scatter':
      return 2;
    case 'scan':
    case 'sort':
      return 1;
  }
}

export interface ProgramAccess {
  /** For each binding whether a launch writes it, and whether one reads it. */
  readonly written: readonly boolean[];
  readonly read: readonly boolean[];
  /** The buffer of each binding, −1 where no launch knows it. */
  readonly bufferOf: readonly number[];
}

export function accessOf(program: Program): ProgramAccess {
  const written = new Array<boolean>(program.bindingCount).fill(false);
  const read = new Array<boolean>(program.bindingCount).fill(false);
  const bufferOf = new Array<number>(program.bindingCount).fill(-1);
  program.buffers.forEach((spec, buffer) => {
    if (spec.kind === 'bound') bufferOf[spec.binding] = buffer;
  });
  for (const { kernel, operands } of program.launches) {
    const reads = readCount(kernel);
    operands.forEach(({ buffer }, i) => {
      const spec = program.buffers[buffer];
      if (spec?.kind !== 'bound') return;
      if (i < reads) read[spec.binding] = true;
      else written[spec.binding] = true;
    });
  }
  return { written, read, bufferOf };
}

/**
 * Whether the host has to compute it: float64 is nothing that WGSL knows, and where there are only routines of the host there is
 * nothing for the device to do.
 */
export function belongsToHost(program: Program): boolean {
  if (program.launches.every(({ kernel }) => kernel.form === 'host')) return true;
  return usesFloat64(program);
}

function usesFloat64(program: Program): boolean {
  if (program.buffers.some(({ dtype }) => dtype === 'float64')) return true;
  return program.launches.some(({ kernel }) => {
    switch (kernel.form) {
      case 'map':
        return kernel.expression.instructions.some(({ dtype }) => dtype === 'float64');
      case 'reduce':
        return (
          kernel.dtype === 'float64' ||
          [kernel.prologue, kernel.epilogue].some(({ instructions }) =>
            instructions.some(({ dtype }) => dtype === 'float64'),
          )
        );
      case 'contract':
        return (
          kernel.dtype === 'float64' || kernel.epilogue.instructions.some(({ dtype }) => dtype === 'float64')
        );
      case 'loop':
        return kernel.programs.some(usesFloat64);
      default:
        return false;
    }
  });
}
