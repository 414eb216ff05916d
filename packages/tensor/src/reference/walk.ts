/**
 * Walks: how a kernel reads and writes strided operands a block at a time. Positions are row-major numbers within the
 * launch's axes; axes that lie behind one another in an operand merge first, so that most walks are a single run.
 */
import type { TypedArray } from '../dtype.ts';
import type { Operand } from '../kernel/kernel.ts';
import { sizeOf } from '../shape.ts';
import type { Register } from './registers.ts';

/** The least axes that visit the same addresses in the same order: no axis of size 1, no two that could be one. */
export function mergeAxes(
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
): { sizes: number[]; strides: number[][] } {
  const mergedSizes: number[] = [];
  const mergedStrides: number[][] = strides.map(() => []);
  for (let axis = 0; axis < sizes.length; axis++) {
    const size = sizes[axis];
    if (size === 1) continue;
    const last = mergedSizes.length - 1;
    if (last >= 0 && strides.every((own, i) => mergedStrides[i][last] === own[axis] * size)) {
      mergedSizes[last] *= size;
      strides.forEach((own, i) => {
        mergedStrides[i][last] = own[axis];
      });
    } else {
      mergedSizes.push(size);
      strides.forEach((own, i) => {
        mergedStrides[i].push(own[axis]);
      });
    }
  }
  return { sizes: mergedSizes, strides: mergedStrides };
}

/** The address of an operand's first element in this run. */
export function baseOf(operand: Operand, scalars: Float64Array): number {
  let base = operand.offset;
  for (let i = 0; i < operand.dynamic.length; i++) {
    base += operand.dynamic[i].factor * scalars[operand.dynamic[i].scalar];
  }
  return base;
}

type Pattern = 'contiguous' | 'constant' | 'strided' | 'nested';

/** One operand over the axes of a launch: its merged axes and where it stands in the current run. */
class Walk {
  readonly operand: Operand;
  readonly pattern: Pattern;
  /** Of the innermost merged axis. */
  readonly size: number;
  readonly stride: number;
  /** The merged axes around it, outermost first. */
  readonly outerSizes: readonly number[];
  readonly outerStrides: readonly number[];
  /** Position on each of the outer axes, kept between runs only to avoid allocation. */
  readonly coordinates: number[];
  base = 0;

  constructor(operand: Operand, sizes: readonly number[], strides: readonly number[]) {
    const merged = mergeAxes(sizes, [strides]);
    const steps = merged.strides[0];
    const rank = merged.sizes.length;
    this.operand = operand;
    this.size = rank === 0 ? 1 : merged.sizes[rank - 1];
    this.stride = rank === 0 ? 0 : steps[rank - 1];
    this.outerSizes = merged.sizes.slice(0, -1);
    this.outerStrides = steps.slice(0, -1);
    this.coordinates = this.outerSizes.map(() => 0);
    if (rank > 1) this.pattern = 'nested';
    else if (this.stride === 1) this.pattern = 'contiguous';
    else this.pattern = this.stride === 0 ? 'constant' : 'strided';
  }

  /** Goes to an element of a nested walk: sets `coordinates`, returns the address where its innermost axis begins. */
  seek(position: number): number {
    let rest = Math.floor(position / this.size);
    let address = this.base;
    for (let axis = this.coordinates.length - 1; axis >= 0; axis--) {
      const size = this.outerSizes[axis];
      const next = Math.floor(rest / size);
      const coordinate = rest - next * size;
      this.coordinates[axis] = coordinate;
      address += coordinate * this.outerStrides[axis];
      rest = next;
    }
    return address;
  }

  /** Goes on from the innermost axis that begins at `address` to where the next one begins. */
  advance(address: number): number {
    for (let axis = this.coordinates.length - 1; axis >= 0; axis--) {
      address += this.outerStrides[axis];
      if (++this.coordinates[axis] < this.outerSizes[axis]) break;
      address -= this.outerSizes[axis] * this.outerStrides[axis];
      this.coordinates[axis] = 0;
    }
    return address;
  }
}

/** Several operands over the same axes, position after position in row-major order. */
export class JointWalk {
  /** Number of positions. */
  readonly count: number;
  /** Where each operand stands. */
  readonly addresses: number[];
  readonly #operands: readonly Operand[];
  readonly #sizes: readonly number[];
  readonly #strides: readonly (readonly number[])[];
  readonly #coordinates: number[];

  /** `strides[i]` are those of operand i over `sizes`. */
  constructor(
    operands: readonly Operand[],
    sizes: readonly number[],
    strides: readonly (readonly number[])[],
  ) {
    this.#operands = operands;
    this.#sizes = sizes;
    this.#strides = strides;
    this.#coordinates = sizes.map(() => 0);
    this.addresses = operands.map(() => 0);
    this.count = sizeOf(sizes);
  }

  start(scalars: Float64Array): void {
    this.#coordinates.fill(0);
    for (let i = 0; i < this.#operands.length; i++) this.addresses[i] = baseOf(this.#operands[i], scalars);
  }

  next(): void {
    for (let axis = this.#coordinates.length - 1; axis >= 0; axis--) {
      const ended = ++this.#coordinates[axis] === this.#sizes[axis];
      const steps = ended ? 1 - this.#sizes[axis] : 1;
      for (let i = 0; i < this.#strides.length; i++) this.addresses[i] += this.#strides[i][axis] * steps;
      if (!ended) return;
      this.#coordinates[axis] = 0;
    }
  }
}

/** Brings blocks of an operand into a register. Contiguous memory is not copied: the register points into it. */
export class Load extends Walk {
  readonly #register: Register;
  readonly #own: TypedArray;
  readonly #copies: boolean;
  #source: TypedArray;

  /** `own` is the register's array for blocks that must be gathered; `copies` forbids pointing into the operand. */
  constructor(
    register: Register,
    own: TypedArray,
    operand: Operand,
    sizes: readonly number[],
    strides: readonly number[],
    copies: boolean,
  ) {
    super(operand, sizes, strides);
    this.#register = register;
    this.#own = own;
    this.#source = own;
    this.#copies = copies;
  }

  start(arrays: readonly TypedArray[], scalars: Float64Array): void {
    this.#source = arrays[this.operand.buffer];
    this.base = baseOf(this.operand, scalars);
  }

  /** Lets go of the operand's memory, so that an idle plan does not keep it alive. */
  finish(): void {
    this.#source = this.#own;
    this.#register.array = this.#own;
    this.#register.base = 0;
  }

  load(position: number, n: number): void {
    const source = this.#source;
    const own = this.#own;
    switch (this.pattern) {
      case 'contiguous':
        if (this.#copies) {
          copyRun(source, this.base + position, 1, own, 0, n);
        } else {
          this.#register.array = source;
          this.#register.base = this.base + position;
        }
        break;
      case 'constant':
        own.fill(source[this.base], 0, n);
        break;
      case 'strided':
        copyRun(source, this.base + position * this.stride, this.stride, own, 0, n);
        break;
      case 'nested': {
        let address = this.seek(position);
        let inner = position % this.size;
        for (let filled = 0; filled < n; ) {
          const run = Math.min(this.size - inner, n - filled);
          copyRun(source, address + inner * this.stride, this.stride, own, filled, run);
          filled += run;
          inner = 0;
          address = this.advance(address);
        }
      }
    }
  }
}

/** Fills a register with the addresses themselves: the `coordinate` instruction. */
export class Coordinates extends Walk {
  readonly #own: TypedArray;

  constructor(own: TypedArray, operand: Operand, sizes: readonly number[], strides: readonly number[]) {
    super(operand, sizes, strides);
    this.#own = own;
  }

  start(_arrays: readonly TypedArray[], scalars: Float64Array): void {
    this.base = baseOf(this.operand, scalars);
  }

  finish(): void {}

  load(position: number, n: number): void {
    const own = this.#own;
    let address = this.seek(position);
    let inner = position % this.size;
    for (let filled = 0; filled < n; ) {
      const run = Math.min(this.size - inner, n - filled);
      for (let i = 0; i < run; i++) own[filled + i] = address + (inner + i) * this.stride;
      filled += run;
      inner = 0;
      address = this.advance(address);
    }
  }
}

/** Writes blocks of a register to an operand, or adds them to what it holds. */
export class Store extends Walk {
  readonly #register: Register;
  readonly #accumulate: boolean;
  #target: TypedArray | undefined;

  constructor(
    register: Register,
    operand: Operand,
    sizes: readonly number[],
    strides: readonly number[],
    accumulate: boolean,
  ) {
    super(operand, sizes, strides);
    this.#register = register;
    this.#accumulate = accumulate;
  }

  start(arrays: readonly TypedArray[], scalars: Float64Array): void {
    this.#target = arrays[this.operand.buffer];
    this.base = baseOf(this.operand, scalars);
  }

  finish(): void {
    this.#target = undefined;
  }

  store(position: number, n: number): void {
    if (this.pattern !== 'nested') {
      this.#run(0, this.base + position * this.stride, n);
      return;
    }
    let address = this.seek(position);
    let inner = position % this.size;
    for (let done = 0; done < n; ) {
      const run = Math.min(this.size - inner, n - done);
      this.#run(done, address + inner * this.stride, run);
      done += run;
      inner = 0;
      address = this.advance(address);
    }
  }

  #run(from: number, address: number, n: number): void {
    const x = this.#register.array;
    const p = this.#register.base + from;
    const z = this.#target!;
    const stride = this.stride;
    if (this.#accumulate) {
      for (let i = 0; i < n; i++) z[address + i * stride] += x[p + i];
    } else if (stride === 1) {
      for (let i = 0; i < n; i++) z[address + i] = x[p + i];
    } else {
      for (let i = 0; i < n; i++) z[address + i * stride] = x[p + i];
    }
  }
}

function copyRun(
  source: TypedArray,
  address: number,
  stride: number,
  target: TypedArray,
  at: number,
  n: number,
): void {
  if (stride === 0) target.fill(source[address], at, at + n);
  else if (stride === 1) for (let i = 0; i < n; i++) target[at + i] = source[address + i];
  else for (let i = 0; i < n; i++) target[at + i] = source[address + i * stride];
}
