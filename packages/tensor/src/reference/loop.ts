/** The loop form: programs that are run with parts of the launch's operands. */

import { bytesPerElement, type DType, type TypedArray } from '../dtype.ts';
import type { Launch, LoopKernel, LoopMachine, Program } from '../kernel/kernel.ts';
import type { BoundLaunch } from './form.ts';
import type { HostMemory } from './memory.ts';
import { baseOf } from './walk.ts';

/** A program of a loop, ready to run, with its own scratch memory. */
interface LoopBody {
  readonly program: Program;
  readonly launches: readonly BoundLaunch[];
  readonly slots: readonly HostMemory[];
}

/** `scratch`: the working memory that the kernel asks for. */
export function bindLoop(
  kernel: LoopKernel,
  launch: Launch,
  bodies: readonly LoopBody[],
  scratch: readonly HostMemory[],
): BoundLaunch {
  const arraysOf = bodies.map(({ program, slots }) =>
    program.buffers.map((spec): TypedArray | null =>
      spec.kind === 'slot' ? slots[spec.slot].view(spec.dtype) : null,
    ),
  );
  const count = launch.operands.length;
  return (arrays, scalars) => {
    const operands = launch.operands.map((operand) => {
      const array = arrays[operand.buffer];
      return array.subarray(baseOf(operand, scalars));
    });
    const part = (area: number, offset: number, dtype: DType, length: number): TypedArray => {
      const array = area < count ? operands[area] : scratch[area - count].view(dtype);
      const start = offset / bytesPerElement(dtype);
      return array.subarray(start, start + length);
    };
    const bytes = (area: number, offset: number, length: number): Uint8Array => {
      const { buffer, byteOffset } = area < count ? operands[area] : scratch[area - count].view('uint8');
      return new Uint8Array(buffer, byteOffset + offset, length);
    };
    const machine: LoopMachine = {
      scalars,
      run(number, { areas, offsets, scalars: own }) {
        const { program, launches } = bodies[number];
        const bound = arraysOf[number].map((slot, i) => {
          if (slot !== null) return slot;
          const spec = program.buffers[i] as Extract<(typeof program.buffers)[number], { kind: 'bound' }>;
          return part(areas[spec.binding], offsets[spec.binding], spec.dtype, spec.length);
        });
        for (const launch of launches) launch(bound, own);
      },
      copy(from, fromOffset, to, toOffset, length) {
        bytes(to, toOffset, length).set(bytes(from, fromOffset, length));
      },
      clear(area, offset, length) {
        bytes(area, offset, length).fill(0);
      },
      read: (area, dtype) => part(area, 0, dtype, 1)[0],
      write(area, value) {
        part(area, 0, 'int32', 1)[0] = value;
      },
    };
    kernel.run(machine);
  };
}
