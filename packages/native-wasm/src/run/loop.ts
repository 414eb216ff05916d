/**
 * A loop: programs that are run again and again with parts of the operands of a launch. Each step moves the addresses in their
 * argument blocks and lets the driver walk these; nothing is copied or allocated.
 */
import type { DType, Launch, LoopKernel, LoopMachine } from '@ag/tensor';
import { arrayAt, type WasmExecutable } from './executable.ts';
import type { Block, LinearMemory } from './memory.ts';

export class Loop {
  readonly kernel: LoopKernel;
  /** The programs, in the order of the kernel. */
  readonly bodies: WasmExecutable[] = [];
  readonly #memory: LinearMemory;
  readonly #launch: Launch;
  readonly #scratch: Block[] = [];
  /** What the slots of each program lie in: the arena belongs to the program around them. */
  readonly #arenas: Block[] = [];

  /** @throws OutOfMemoryError when there is no working memory for it */
  constructor(memory: LinearMemory, launch: Launch, kernel: LoopKernel) {
    this.#memory = memory;
    this.#launch = launch;
    this.kernel = kernel;
  }

  /** Takes over the next of its programs. */
  add(body: WasmExecutable): void {
    this.bodies.push(body);
    this.#arenas.push(this.#memory.allocate(body.arenaBytes, false));
    if (this.bodies.length < this.kernel.programs.length) return;
    for (const bytes of this.kernel.scratch) this.#scratch.push(this.#memory.allocate(bytes, false));
  }

  /** Runs it in a run of `plan`; `drive` runs a program whose arguments are in place. */
  run(
    plan: WasmExecutable,
    scalars: Float64Array,
    drive: (body: WasmExecutable, scalars: Float64Array) => void,
  ): void {
    const memory = this.#memory;
    const base = plan.operandAddresses(this.#launch, scalars);
    for (const { address } of this.#scratch) base.push(address);
    const { bodies } = this;
    const arenas = this.#arenas;
    const machine: LoopMachine = {
      scalars,
      run(program, areas, offsets, own) {
        const body = bodies[program];
        for (let i = 0; i < areas.length; i++) body.place(i, base[areas[i]] + offsets[i]);
        body.settle(own, arenas[program].address);
        drive(body, own);
      },
      copy(from, fromOffset, to, toOffset, bytes) {
        const start = base[from] + fromOffset;
        memory.u8.copyWithin(base[to] + toOffset, start, start + bytes);
      },
      clear(area, offset, bytes) {
        const start = base[area] + offset;
        memory.u8.fill(0, start, start + bytes);
      },
      read: (area, dtype: DType) => arrayAt(memory, dtype, base[area], 1)[0],
      write(area, value) {
        memory.i32[base[area] >>> 2] = value;
      },
    };
    this.kernel.run(machine);
  }

  dispose(): void {
    for (const block of [...this.#scratch, ...this.#arenas]) this.#memory.release(block);
  }
}
