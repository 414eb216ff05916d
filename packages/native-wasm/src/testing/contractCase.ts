/** A contraction run in a memory of its own and compared with plain loops in float64. */

import {
  bytesPerElement,
  type ContractKernel,
  type DType,
  type Instruction,
  type Launch,
  type Operand,
} from '@ag/tensor';
import { expect } from 'vitest';
import { ArgumentBlock, type Features, type Stage } from '../abi.ts';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { contractArguments } from '../contraction/argumentBlock.ts';
import { lowerContract } from '../contraction/contract.ts';
import { arithmeticOf } from '../contraction/elements.ts';
import { planContract } from '../contraction/tiling.ts';
import { listHeader } from '../contraction/zeroList.ts';
import { type Layout, Random } from './randomLayout.ts';

/** A kernel whose epilogue hands the sum through. */
export function kernelOf(dtype: DType, mRank = 1, nRank = 1, kRank = 1): ContractKernel {
  const epilogue = { instructions: [{ op: 'accumulator', dtype } as const], results: [0] };
  const outputs = [{ dtype, accumulate: false }];
  return { form: 'contract', batchRank: 0, mRank, nRank, kRank, dtype, extras: [], outputs, epilogue };
}

export function contiguous(sizes: readonly number[]): number[] {
  return sizes.map((_, i) => sizes.slice(i + 1).reduce((x, y) => x * y, 1));
}

export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** A memory, and stages compiled for it. */
export class Machine {
  readonly features: Features;
  readonly memory = new WebAssembly.Memory({ initial: 1024 });
  readonly #compiled = new Map<string, (argumentBlock: number, begin: number, end: number) => void>();
  top = 0;

  constructor(features: Features) {
    this.features = features;
  }

  allocate(bytes: number): number {
    const address = this.top;
    this.top = (this.top + bytes + 127) & ~63;
    return address;
  }

  view(dtype: DType, address: number, length: number): Numbers {
    const { buffer } = this.memory;
    if (dtype === 'float32') return new Float32Array(buffer, address, length);
    if (dtype === 'float64') return new Float64Array(buffer, address, length);
    if (dtype === 'int32') return new Int32Array(buffer, address, length);
    if (dtype === 'uint32') return new Uint32Array(buffer, address, length);
    return new Uint8Array(buffer, address, length);
  }

  compile(stage: Stage) {
    let compiled = this.#compiled.get(stage.key);
    if (!compiled) {
      const module = new ModuleBuilder();
      module.importMemory('env', 'memory', 1);
      const thread = module.importGlobal('env', 'thread');
      const callee = stage.emit({ ...this.features, module, thread });
      module.function('run', [w.i32, w.i32, w.i32], []).get(0).get(1).get(2).call(callee);
      const env = { memory: this.memory, thread: 0 };
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env });
      compiled = exports.run as (argumentBlock: number, begin: number, end: number) => void;
      this.#compiled.set(stage.key, compiled);
    }
    return compiled;
  }
}

export const filler = 77;
export const literal = 1.5;

/** A launch with operands full of random numbers. */
export class Case {
  readonly machine: Machine;
  readonly kernel: ContractKernel;
  readonly dims: readonly number[];
  readonly stage: Stage;
  readonly #dtypes: readonly DType[];
  readonly #layouts: readonly Layout[];
  readonly #starts: number[] = [];
  readonly #arrays: Numbers[] = [];
  readonly #argumentBlock: number;
  readonly #launch: Launch;
  #scratch = 0;

  constructor(
    machine: Machine,
    kernel: ContractKernel,
    dims: readonly number[],
    layouts: readonly Layout[],
    random = new Random(1),
  ) {
    this.machine = machine;
    this.kernel = kernel;
    this.dims = dims;
    this.#layouts = layouts;
    this.#dtypes = [
      kernel.dtype,
      kernel.dtype,
      ...kernel.extras,
      ...kernel.outputs.map(({ dtype }) => dtype),
    ];
    machine.top = 0;
    const operands: Operand[] = [];
    const addresses: number[] = [];
    layouts.forEach(({ sizes, strides, coordinate }, i) => {
      const dtype = this.#dtypes[i];
      const reach = sizes.map((size, axis) => (size - 1) * strides[axis]);
      const low = reach.reduce((sum, x) => sum + Math.min(0, x), 0);
      const high = reach.reduce((sum, x) => sum + Math.max(0, x), 0);
      const length = sizes.includes(0) ? 0 : high - low + 1;
      const address = machine.allocate(length * bytesPerElement(dtype));
      const array = machine.view(dtype, address, length);
      for (let e = 0; e < length; e++)
        array[e] = i >= 2 + kernel.extras.length ? filler : random.element(dtype);
      this.#arrays.push(array);
      this.#starts.push(coordinate ? 3 : -low);
      addresses.push(address);
      operands.push({ buffer: coordinate ? -1 : i, offset: coordinate ? 3 : -low, dynamic: [], strides });
    });
    const launch: Launch = { kernel, dims, operands, literals: [0], label: 'case' };
    this.#launch = launch;
    const stages = lowerContract({ ...machine.features, launch, program: null as never });
    expect(stages.length).toBe(1);
    this.stage = stages[0];
    this.#argumentBlock = machine.allocate(this.stage.argumentBlock.bytes);
    const data = new DataView(machine.memory.buffer);
    const { constants, fields } = this.stage.argumentBlock;
    for (let k = 0; k < constants.length; k += 2)
      data.setInt32(this.#argumentBlock + constants[k], constants[k + 1], true);
    for (const field of fields) {
      const at = this.#argumentBlock + field.at;
      if (field.kind === 'address') {
        const { buffer, offset } = field.operand;
        data.setInt32(at, addresses[buffer] + offset * bytesPerElement(field.dtype), true);
      } else if (field.kind === 'coordinate') data.setInt32(at, field.operand.offset, true);
      else if (field.kind === 'literal') data.setFloat32(at, literal, true);
      else if (field.kind === 'scratch') {
        const address = machine.allocate(field.scratch.bytes);
        new Uint8Array(machine.memory.buffer, address, field.scratch.bytes).fill(255);
        data.setInt32(at, address, true);
        this.#scratch = address;
      } else throw new Error(`no ${field.kind} expected`);
    }
  }

  array(operand: number): Numbers {
    return this.#arrays[operand];
  }

  run(pieces: readonly (readonly [number, number])[] = [[0, this.stage.units]]): void {
    const run = this.machine.compile(this.stage);
    for (const [begin, end] of pieces) run(this.#argumentBlock, begin, end);
  }

  /** Where the launch's argument block holds what, and its plan. */
  #fields() {
    const arithmetic = arithmeticOf(this.kernel.dtype, this.machine.features);
    const plan = planContract(this.#launch, arithmetic, this.machine.features);
    return {
      arithmetic,
      plan,
      fields: contractArguments(new ArgumentBlock(), this.#launch, plan, arithmetic),
    };
  }

  /** A run that sums everything, zeros or not. */
  runWhole(): void {
    const { fields } = this.#fields();
    const memory = new DataView(this.machine.memory.buffer);
    const words = [fields.stripLists, fields.tileLists].map((at) => this.#argumentBlock + at);
    const values = words.map((at) => memory.getInt32(at, true));
    for (const at of words) memory.setInt32(at, 0, true);
    this.run();
    words.forEach((at, i) => {
      memory.setInt32(at, values[i], true);
    });
  }

  /** The lists of what is not zero that the last run has left. */
  lists(): { readonly count: number; readonly used: boolean }[] {
    const { arithmetic, plan, fields } = this.#fields();
    const memory = new DataView(this.machine.memory.buffer);
    const field = (at: number) => memory.getInt32(this.#argumentBlock + at, true);
    const lists = (at: number, count: number) =>
      Array.from({ length: field(at) === 0 ? 0 : count }, (_, i) => {
        const list = this.#scratch + field(at) + i * field(fields.listBytes);
        return {
          count: memory.getInt32(list + listHeader.count, true),
          used: memory.getInt32(list + listHeader.used, true) === 1,
        };
      });
    const strips = Math.ceil(Math.min(plan.nUnit, plan.n) / (arithmetic.stripRow / 4));
    return [
      ...lists(fields.stripLists, strips),
      // Made whole only if all of them are used; what was tried is shorter.
      ...lists(fields.tileLists, 1).map(({ count }) => ({ count, used: count > plan.k / 16 })),
    ];
  }

  /** The buffer of an output. */
  results(output: number): number[] {
    return [...this.#arrays[2 + this.kernel.extras.length + output]];
  }

  /** Compares a run with plain loops, and runs in pieces with the run in one. */
  check(): void {
    const { kernel, dims } = this;
    const { batchRank, mRank, nRank } = kernel;
    const groups = [0, batchRank, batchRank + mRank, batchRank + mRank + nRank, dims.length];
    const [batches, ms, ns, ks] = [0, 1, 2, 3].map((i) => dims.slice(groups[i], groups[i + 1])) as number[][];
    const offsets = (operand: number, first: readonly number[], second: readonly number[]) => {
      const { strides } = this.#layouts[operand];
      const cut = batchRank + first.length;
      return {
        batch: positions(batches, strides),
        rows: positions(first, strides.slice(batchRank, cut)),
        columns: positions(second, strides.slice(cut)),
      };
    };
    const a = offsets(0, ms, ks);
    const b = offsets(1, ks, ns);
    const others = this.#layouts.slice(2).map((_, i) => offsets(i + 2, ms, ns));
    const [left, right] = this.#arrays as [Numbers, Numbers];
    const count = kernel.outputs.length;
    const first = kernel.extras.length;
    const wanted = kernel.outputs.map((_, i) => this.results(i));
    const slack = wanted.map((list) => list.map(() => 0));
    for (let batch = 0; batch < a.batch.length; batch++) {
      for (let i = 0; i < a.rows.length; i++) {
        for (let j = 0; j < b.columns.length; j++) {
          const aAt = this.#starts[0] + a.batch[batch] + a.rows[i];
          const bAt = this.#starts[1] + b.batch[batch] + b.columns[j];
          let sum = 0;
          let size = 0;
          for (let k = 0; k < a.columns.length; k++) {
            const x = left[aAt + a.columns[k]];
            const y = right[b.rows[k] + bAt];
            sum += x * y;
            size += Math.abs(x * y);
          }
          const address = (o: number) =>
            this.#starts[o + 2] + others[o].batch[batch] + others[o].rows[i] + others[o].columns[j];
          const values = evaluate(kernel.epilogue.instructions, sum, (o) => {
            return this.#layouts[o].coordinate ? address(o - 2) : this.#arrays[o][address(o - 2)];
          });
          for (let o = 0; o < count; o++) {
            const at = address(first + o);
            const value = values[kernel.epilogue.results[o]];
            const { accumulate } = kernel.outputs[o];
            wanted[o][at] = accumulate ? wanted[o][at] + value : value;
            slack[o][at] = Math.max(accumulate ? filler : 0, size, ...values.map(Math.abs));
          }
        }
      }
    }
    const before = this.#arrays.slice(2 + first).map((array) => array.slice());
    this.run();
    const outputs = this.#arrays.slice(2 + first);
    outputs.forEach((array, o) => {
      const { dtype } = kernel.outputs[o];
      // A sum of k products is off by at most (k + 1) roundings of Σ|a·b|, whatever k is by those of a chain and of the sums that
      // are added to one another (README.md); the epilogue adds a few (N. Higham, "Accuracy and Stability of Numerical Algorithms", 3.1
      // and 4.2). The float64 sums here round as well.
      const roundings = Math.min(a.columns.length, 260) + 5;
      const wide = kernel.dtype === 'float64' && dtype === 'float64';
      const tolerance = wide
        ? 2 * roundings * 2 ** -53
        : dtype.startsWith('float')
          ? roundings * 2 ** -24
          : 0;
      array.forEach((got, at) => {
        const want = wanted[o][at];
        const difference = tolerance === 0 ? (got - want) % 2 ** 32 : got - want;
        if (!(Math.abs(difference) <= tolerance * slack[o][at])) {
          expect.fail(
            `output ${o} (${dtype}) at ${at}: ${got}, wanted ${want}; ${describeCase(this.kernel, dims, this.#layouts)}`,
          );
        }
      });
    });
    const whole = outputs.map((array) => array.slice());
    outputs.forEach((array, o) => {
      array.set(before[o] as never);
    });
    const cuts = [0, this.stage.units];
    const random = new Random(this.stage.units);
    for (let i = 0; i < 5; i++) cuts.push(random.below(this.stage.units + 1));
    cuts.sort((x, y) => x - y);
    const pieces = cuts.slice(1).map((end, i) => [cuts[i], end] as const);
    const same = () =>
      outputs.forEach((array, o) => {
        expect(Buffer.compare(bytesOf(array), bytesOf(whole[o]))).toBe(0);
      });
    this.run(pieces.reverse());
    same();
    if (this.lists().some(({ used }) => used)) {
      // What was left out changes no bit.
      outputs.forEach((array, o) => {
        array.set(before[o] as never);
      });
      this.runWhole();
      same();
    }
  }
}

export const bytesOf = (array: Numbers) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

export function describeCase(
  kernel: ContractKernel,
  dims: readonly number[],
  layouts: readonly Layout[],
): string {
  return JSON.stringify({ dims, kernel, layouts });
}

/** Σ coordinate·stride of every position in row-major order. */
export function positions(sizes: readonly number[], strides: readonly number[]): number[] {
  let list = [0];
  sizes.forEach((size, axis) => {
    list = list.flatMap((base) => Array.from({ length: size }, (_, i) => base + i * strides[axis]));
  });
  return list;
}

/** The vocabulary that the random epilogues below use. */
export function evaluate(
  instructions: readonly Instruction[],
  sum: number,
  load: (operand: number) => number,
): number[] {
  const values: number[] = [];
  for (const i of instructions) {
    const [x, y, z] = ['a', 'b', 'c'].map((name) => values[(i as never)[name] as number]) as [
      number,
      number,
      number,
    ];
    if (i.op === 'accumulator') values.push(sum);
    else if (i.op === 'load' || i.op === 'coordinate') values.push(load(i.operand));
    else if (i.op === 'literal') values.push(literal);
    else if (i.op === 'constant') values.push(i.value);
    else if (i.op === 'add') values.push(x + y);
    else if (i.op === 'mul') values.push(x * y);
    else if (i.op === 'max') values.push(Math.max(x, y));
    else if (i.op === 'where') values.push(x !== 0 ? y : z);
    else if (i.op === 'less') values.push(x < y ? 1 : 0);
    else if (i.op === 'cast') values.push(x);
    else throw new Error(`no ${i.op} expected`);
  }
  return values;
}
