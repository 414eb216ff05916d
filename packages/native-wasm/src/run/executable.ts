/**
 * A program made ready: argument blocks in memory, and which of their words change from run to run.
 *
 * Running it is: patch those words, let the driver walk the argument blocks. Nothing is allocated after the first run.
 */
import {
  type Binding,
  bytesPerElement,
  type DType,
  type Executable,
  type HostKernel,
  type Launch,
  type Operand,
  type Program,
  type TypedArray,
  toDType,
  viewArray,
} from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { Scratch, Stage } from '../abi.ts';
import * as header from '../header.ts';
import type { CompiledKernel } from './kernelCache.ts';
import type { Loop } from './loop.ts';
import { Block, type LinearMemory } from './memory.ts';

/** Records to walk, then a routine of the host or a loop, if any. */
export interface Segment {
  readonly first: number;
  readonly last: number;
  readonly host: Launch | null;
}

/** A word of an argument block, and what must be added to a base address to get its value. */
interface Patch {
  readonly word: number;
  readonly offset: number;
}

interface LiteralPatch {
  readonly word: number;
  readonly scalar: number;
  readonly dtype: DType;
}

/** An address or coordinate with terms that are known at each run only. */
interface DynamicPatch {
  readonly word: number;
  /** A binding, −1 for the arena, −2 for none. */
  readonly base: number;
  readonly offset: number;
  readonly bytes: number;
  readonly terms: Operand['dynamic'];
}

const arena = -1;
const nothing = -2;

/** A word that the steps of a loop change: `offset` and `perStep` times the step, beyond where a binding stands. */
export interface Move {
  readonly word: number;
  /** −1 for none. */
  readonly binding: number;
  readonly offset: number;
  readonly perStep: number;
  /** Whether the offset has in it where a binding that does not move stands in this run. */
  readonly ofRun: boolean;
}

/** A launch with what it was lowered to; `stages` is empty for host routines. */
export interface LoweredLaunch {
  readonly launch: Launch;
  readonly stages: readonly Stage[];
}

export class WasmExecutable implements Executable {
  readonly program: Program;
  readonly kernels: readonly CompiledKernel[];
  readonly segments: readonly Segment[];
  /** Records that are run once before the steps of a loop: the first ones, up to here. */
  readonly first: number;
  readonly start: number;
  /** Bytes of the shared arena it needs: its slots, then the working memory of one launch at a time. */
  readonly arenaBytes: number;
  disposed = false;
  /** The loops among the launches. */
  readonly loops = new Map<Launch, Loop>();
  readonly #memory: LinearMemory;
  readonly #argumentBlocks: Block;
  readonly #launchOf = new Map<number, Launch>();
  readonly #slots: number[] = [];
  readonly #patches: Patch[][];
  readonly #arenaPatches: Patch[] = [];
  readonly #literals: LiteralPatch[] = [];
  readonly #dynamics: DynamicPatch[] = [];
  /** Where each binding stood in the last run, and the arena. */
  readonly #addresses: number[];
  readonly #staging: (Block | undefined)[];
  readonly #lengths: number[];
  #arena = 0;

  /**
   * `threads`: how many may need working memory of their own at the same time. `local`: buffers that lie in working memory, so
   * that their slots are not needed.
   */
  constructor(
    memory: LinearMemory,
    program: Program,
    lowered: readonly LoweredLaunch[],
    kernels: readonly CompiledKernel[],
    threads: number,
    local: ReadonlySet<number> = new Set(),
  ) {
    this.program = program;
    this.kernels = kernels;
    this.#memory = memory;
    this.#patches = Array.from({ length: program.bindingCount }, () => []);
    // Not 0, the address of released memory, which has to be noticed in the first run as well.
    this.#addresses = new Array<number>(program.bindingCount).fill(-1);
    this.#staging = new Array<undefined>(program.bindingCount).fill(undefined);
    this.#lengths = new Array<number>(program.bindingCount).fill(0);
    for (const buffer of program.buffers) {
      if (buffer.kind === 'bound') {
        const bytes = buffer.length * bytesPerElement(buffer.dtype);
        this.#lengths[buffer.binding] = Math.max(this.#lengths[buffer.binding], bytes);
      }
    }
    let end = 0;
    const reserve = (bytes: number) => {
      const start = end;
      // Kernels may read up to 64 bytes beyond the end of a buffer.
      end = Math.ceil((end + bytes) / 64) * 64;
      return start;
    };
    const spared = new Set<number>();
    const slotOf = (i: number) => {
      const buffer = program.buffers[i];
      return buffer.kind === 'slot' ? buffer.slot : -1;
    };
    for (const buffer of local) spared.add(slotOf(buffer));
    for (let i = 0; i < program.buffers.length; i++) if (!local.has(i)) spared.delete(slotOf(i));
    program.slots.forEach((bytes, slot) => {
      this.#slots.push(reserve(spared.has(slot) ? 0 : bytes));
    });
    const kept = new Map<Scratch, number>();
    for (const { stages } of lowered) {
      for (const { argumentBlock } of stages) {
        for (const field of argumentBlock.fields) {
          if (field.kind !== 'scratch' || !field.scratch.kept || kept.has(field.scratch)) continue;
          kept.set(field.scratch, reserve(field.scratch.bytes));
        }
      }
    }
    const slotsEnd = end;
    let arenaBytes = end;
    const argumentBytes = lowered.reduce(
      (sum, { stages }) => stages.reduce((s, { argumentBlock }) => s + argumentBlock.bytes, sum),
      0,
    );
    this.#argumentBlocks = memory.allocate(argumentBytes);
    const segments: Segment[] = [];
    let at = this.#argumentBlocks.address;
    let first = at;
    this.first = at;
    let start = at;
    let kernel = 0;
    const all = lowered.flatMap(({ stages }) => stages);
    for (const { launch, stages } of lowered) {
      if (launch.kernel.form === 'host' || launch.kernel.form === 'loop') {
        segments.push({ first, last: at, host: launch });
        first = at;
      }
      end = slotsEnd;
      const scratches = new Map(kept);
      for (const stage of stages) {
        const members = all.slice(kernel + 1, kernel + 1 + (stage.members ?? 0));
        const next = members.reduce(
          (bytes, { argumentBlock }) => bytes + argumentBlock.bytes,
          stage.argumentBlock.bytes,
        );
        this.#write(at, stage, next, kernels[kernel++].position, (scratch) => {
          let start = scratches.get(scratch);
          if (start === undefined) {
            start = reserve(scratch.bytes * (scratch.perThread ? threads : 1));
            scratches.set(scratch, start);
          }
          return start;
        });
        this.#launchOf.set(at, launch);
        at += stage.argumentBlock.bytes;
        if (stage.once) {
          first = at;
          start = at;
        }
      }
      arenaBytes = Math.max(arenaBytes, end);
    }
    if (at > first || segments.length === 0) segments.push({ first, last: at, host: null });
    this.segments = segments;
    this.start = start;
    this.arenaBytes = arenaBytes;
  }

  /** The launch whose argument block lies at `address`. */
  launchAt(address: number): Launch | undefined {
    return this.#launchOf.get(address);
  }

  /** Brings the argument blocks up to date. @throws RangeError when staging memory for a host array cannot be had. */
  bind(bindings: readonly Binding[], scalars: Float64Array, arenaAddress: number): void {
    for (let i = 0; i < bindings.length; i++) {
      const binding = bindings[i];
      const address = binding instanceof Block ? binding.address : this.#stage(i, binding as TypedArray);
      if (address === 0)
        throw codedError(Error, 'AG_DISPOSED', `wasm: binding ${i} is memory that was released`);
      this.place(i, address);
    }
    this.settle(scalars, arenaAddress);
  }

  /** Moves a binding. `settle` has to follow before it is run. */
  place(binding: number, address: number): void {
    if (address === this.#addresses[binding]) return;
    const patches = this.#patches[binding];
    const words = this.#memory.i32;
    for (let k = 0; k < patches.length; k++) words[patches[k].word] = address + patches[k].offset;
    this.#addresses[binding] = address;
  }

  /** Brings the rest up to date once all bindings are placed. */
  settle(scalars: Float64Array, arenaAddress: number): void {
    if (arenaAddress !== this.#arena) {
      for (const { word, offset } of this.#arenaPatches) this.#memory.i32[word] = arenaAddress + offset;
      this.#arena = arenaAddress;
    }
    const literals = this.#literals;
    for (let k = 0; k < literals.length; k++) this.#literal(literals[k], scalars[literals[k].scalar]);
    if (this.#dynamics.length > 0) this.#resolve(scalars);
  }

  /** Whether it is all kernels, and the scalars that are the number of a step are whole numbers wherever they stand. */
  isAllKernels(steps: ReadonlySet<number>): boolean {
    const { segments } = this;
    if (segments.length > 1 || segments[0].host !== null) return false;
    return this.#literals.every(({ scalar, dtype }) => !steps.has(scalar) || dtype === 'int32');
  }

  /**
   * What changes from step to step where these bindings move and these scalars are the number of the step. Bindings and other scalars must
   * be in place.
   */
  moves(moving: ReadonlySet<number>, steps: ReadonlySet<number>, scalars: Float64Array): Move[] {
    const found: Move[] = [];
    for (const binding of moving)
      for (const { word, offset } of this.#patches[binding])
        found.push({ word, binding, offset, perStep: 0, ofRun: false });
    for (const { word, scalar } of this.#literals)
      if (steps.has(scalar)) found.push({ word, binding: -1, offset: 0, perStep: 1, ofRun: false });
    for (const { word, base, offset, bytes, terms } of this.#dynamics) {
      let [start, perStep] = [offset, 0];
      for (const { scalar, factor } of terms) {
        if (steps.has(scalar)) perStep += factor * bytes;
        else start += scalars[scalar] * factor * bytes;
      }
      if (perStep === 0 && !moving.has(base)) continue;
      const binding = moving.has(base) ? base : -1;
      const ofRun = binding < 0 && base >= 0;
      const fixed = base === arena ? this.#arena : ofRun ? this.#addresses[base] : 0;
      found.push({ word, binding, offset: fixed + start, perStep, ofRun });
    }
    // What is run once is run with what the first step is given.
    return found.filter(({ word }) => 4 * word >= this.start);
  }

  /** Runs a routine of the host on views of the operands. */
  runHost(launch: Launch): void {
    const kernel = launch.kernel as HostKernel;
    const arrays = launch.operands.map((operand, i) => {
      const { dtype } = this.program.buffers[operand.buffer];
      const length = launch.shapes![i].reduce((product, size) => product * size, 1);
      const address = this.#bufferAddress(operand.buffer) + operand.offset * bytesPerElement(dtype);
      return arrayAt(this.#memory, dtype, address, length);
    });
    const count = kernel.inputs.length;
    kernel.run(arrays.slice(0, count), arrays.slice(count), launch.shapes!);
  }

  /** Where the operands of a launch start now. */
  operandAddresses(launch: Launch, scalars: Float64Array): number[] {
    return launch.operands.map(({ buffer, offset, dynamic }) => {
      const bytes = bytesPerElement(this.program.buffers[buffer].dtype);
      const shift = dynamic.reduce((sum, { scalar, factor }) => sum + scalars[scalar] * factor, offset);
      return this.#bufferAddress(buffer) + shift * bytes;
    });
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.#memory.release(this.#argumentBlocks);
    for (const block of this.#staging) if (block) this.#memory.release(block);
  }

  #bufferAddress(buffer: number): number {
    const spec = this.program.buffers[buffer];
    return spec.kind === 'bound' ? this.#addresses[spec.binding] : this.#arena + this.#slots[spec.slot];
  }

  #stage(binding: number, data: TypedArray): number {
    let block = this.#staging[binding];
    if (!block) {
      block = this.#memory.allocate(Math.max(this.#lengths[binding], data.byteLength), false);
      this.#staging[binding] = block;
    }
    copyTo(this.#memory, block.address, data);
    return block.address;
  }

  /** `next`: bytes to the argument block the driver goes on with. */
  #write(
    at: number,
    stage: Stage,
    next: number,
    position: number,
    reserve: (scratch: Scratch) => number,
  ): void {
    const { i32, f32, f64 } = this.#memory;
    const { program } = this;
    // Addresses go up to 4 GiB: shifted without a sign.
    i32[(at + header.position) >>> 2] = position;
    i32[(at + header.bytes) >>> 2] = next;
    i32[(at + header.units) >>> 2] = stage.units;
    i32[(at + header.grain) >>> 2] = Math.max(1, stage.grain);
    i32[(at + header.pieces) >>> 2] = stage.pieces ?? 4;
    const { constants, fields } = stage.argumentBlock;
    for (let k = 0; k < constants.length; k += 2) i32[(at + constants[k]) >>> 2] = constants[k + 1];
    for (const field of fields) {
      const byte = at + field.at;
      const word = byte >>> 2;
      switch (field.kind) {
        case 'f32':
          f32[word] = field.value;
          break;
        case 'f64':
          f64[byte >>> 3] = field.value;
          break;
        case 'literal':
          this.#literals.push({ word, scalar: field.scalar, dtype: field.dtype });
          break;
        case 'scratch':
          this.#arenaPatches.push({ word, offset: reserve(field.scratch) + field.bytes });
          break;
        case 'coordinate': {
          const { offset, dynamic } = field.operand;
          i32[word] = offset;
          if (dynamic.length > 0)
            this.#dynamics.push({ word, base: nothing, offset, bytes: 1, terms: dynamic });
          break;
        }
        case 'address': {
          const bytes = bytesPerElement(field.dtype);
          const spec = program.buffers[field.operand.buffer];
          const base = spec.kind === 'bound' ? spec.binding : arena;
          const start = spec.kind === 'bound' ? 0 : this.#slots[spec.slot];
          const offset = start + field.operand.offset * bytes + field.bytes;
          const terms = field.operand.dynamic;
          if (terms.length > 0) this.#dynamics.push({ word, base, offset, bytes, terms });
          else (base === arena ? this.#arenaPatches : this.#patches[base]).push({ word, offset });
        }
      }
    }
  }

  #literal({ word, dtype }: LiteralPatch, value: number): void {
    const memory = this.#memory;
    switch (dtype) {
      case 'float32':
        memory.f32[word] = value;
        break;
      case 'float64':
        memory.f64[word >>> 1] = value;
        break;
      case 'bool':
        memory.i32[word] = toDType(value, dtype) === 0 ? 0 : -1;
        break;
      default:
        memory.i32[word] = toDType(value, dtype);
    }
  }

  #resolve(scalars: Float64Array): void {
    const { i32 } = this.#memory;
    for (const { word, base, offset, bytes, terms } of this.#dynamics) {
      let shift = 0;
      for (const { scalar, factor } of terms) shift += scalars[scalar] * factor;
      const start = base === nothing ? 0 : base === arena ? this.#arena : this.#addresses[base];
      i32[word] = start + offset + shift * bytes;
    }
  }
}

/** Elements at an address. */
export function arrayAt(memory: LinearMemory, dtype: DType, address: number, length: number): TypedArray {
  const buffer = memory.memory.buffer;
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, address, length);
    case 'float64':
      return new Float64Array(buffer, address, length);
    case 'int32':
      return new Int32Array(buffer, address, length);
    case 'uint32':
      return new Uint32Array(buffer, address, length);
    default:
      return viewArray(dtype, buffer, address, length);
  }
}

/** A copy of elements at an address. */
export function copyFrom(memory: LinearMemory, address: number, dtype: DType, length: number): TypedArray {
  // Without a view in between, which for a loss takes longer than reading it.
  if (dtype === 'float32') return memory.f32.slice(address >>> 2, (address >>> 2) + length);
  return arrayAt(memory, dtype, address, length).slice();
}

/** Copies `data` to an address. */
export function copyTo(memory: LinearMemory, address: number, data: TypedArray): void {
  if (data instanceof Float32Array) {
    memory.f32.set(data, address >>> 2);
    return;
  }
  const Constructor = data.constructor as new (
    buffer: ArrayBuffer,
    address: number,
    length: number,
  ) => TypedArray;
  new Constructor(memory.memory.buffer, address, data.length).set(data as never);
}
