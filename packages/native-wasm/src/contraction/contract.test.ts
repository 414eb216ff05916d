import { setFlagsFromString } from 'node:v8';
import {
  bytesPerElement,
  type ContractKernel,
  type DType,
  type Instruction,
  type Launch,
  type Operand,
} from '@ag/tensor';
import { atSeed, testSeeds } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { ArgumentBlock, type Stage } from '../abi.ts';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { contractArguments } from './argumentBlock.ts';
import { lowerContract } from './contract.ts';
import { arithmeticOf } from './elements.ts';
import { planContract } from './tiling.ts';
import { listHeader } from './zeroList.ts';

/**
 * Contractions against plain loops in float64 over the launch's own strides. The stages run in a memory of their own, so
 * that these tests need neither the driver nor a program.
 */
// Node 20 has relaxed SIMD behind a flag, which may be set while running.
const relaxedModule = new ModuleBuilder();
relaxedModule.function('f', [w.v128], [w.v128]).get(0).get(0).get(0).op(w.f32x4_relaxed_madd);
if (!WebAssembly.validate(relaxedModule.bytes())) setFlagsFromString('--experimental-wasm-relaxed-simd');
const variants = [
  { relaxedSimd: false, tallTiles: false, pairedVectors: false, threads: 1 },
  {
    relaxedSimd: WebAssembly.validate(relaxedModule.bytes()),
    tallTiles: true,
    pairedVectors: false,
    threads: 1,
  },
  { relaxedSimd: true, tallTiles: false, pairedVectors: false, threads: 1 },
  { relaxedSimd: true, tallTiles: true, pairedVectors: true, threads: 1 },
];

describe.each(variants)(
  'contract, relaxed $relaxedSimd, tall $tallTiles, paired $pairedVectors',
  (features) => {
    const machine = new Machine(features);

    it.each([
      [1, 1, 1],
      [4, 2, 2],
      [3, 5, 7],
      [50, 50, 50],
      [100, 10, 100],
      [10, 100, 3],
      [1, 200, 130],
      [200, 1, 130],
      [13, 1100, 9],
      [260, 70, 20],
      [70, 130, 1100],
      [300, 120, 130],
    ])('multiplies [%i, k] by [k, %i] with k = %i in every transposition', (m, n, k) => {
      for (const aStrides of [
        [k, 1],
        [1, m],
      ]) {
        for (const bStrides of [
          [n, 1],
          [1, k],
        ]) {
          for (const cStrides of [
            [n, 1],
            [1, m],
          ]) {
            const c = new Case(machine, kernelOf('float32'), [m, n, k], [
            { sizes: [m, k], strides: aStrides },
            { sizes: [k, n], strides: bStrides },
            { sizes: [m, n], strides: cStrides },
          ]); // biome-ignore format: a table
            c.check();
          }
        }
      }
    });

    it('computes convolutions, forward and both gradients', () => {
      const [images, channels, size, filters, window] = [3, 2, 9, 5, 3];
      const padded = size + window - 1;
      const image = {
        sizes: [images, channels, padded, padded],
        strides: [channels * padded * padded, padded * padded, padded, 1],
      };
      const windows = [...image.strides.slice(0, 1), padded, 1, padded * padded, padded, 1];
      const dense = (...sizes: number[]) => ({ sizes, strides: contiguous(sizes) });
      const area = window * window;
      // m = (image, y, x), n = filter, k = (channel, y, x); results lie filter before pixel.
      new Case(machine, kernelOf('float32', 3, 1, 3), [images, size, size, filters, channels, window, window], [
      { ...image, strides: windows, sizes: [images, size, size, channels, window, window] },
      { sizes: [channels, window, window, filters], strides: [area, window, 1, channels * area] },
      { sizes: [images, size, size, filters], strides: [filters * size * size, size, 1, size * size] },
    ]).check(); // biome-ignore format: a table
      // The weights' gradient: m = filter, n = (channel, y, x), k = (image, y, x).
      new Case(machine, kernelOf('float32', 1, 3, 3), [filters, channels, window, window, images, size, size], [
      { sizes: [filters, images, size, size], strides: [size * size, filters * size * size, size, 1] },
      {
        sizes: [images, size, size, channels, window, window],
        strides: [channels * padded * padded, padded, 1, padded * padded, padded, 1],
      },
      dense(filters, channels, window, window),
    ]).check(); // biome-ignore format: a table
      // The input's gradient: windows of the padded gradient and turned weights, whose strides are negative.
      const g = [filters * padded * padded, padded * padded];
      new Case(machine, kernelOf('float32', 3, 1, 3), [images, size, size, channels, filters, window, window], [
      { sizes: [images, size, size, filters, window, window], strides: [g[0], padded, 1, g[1], padded, 1] },
      { sizes: [filters, window, window, channels], strides: [channels * area, -window, -1, area] },
      { sizes: [images, size, size, channels], strides: [channels * size * size, size, 1, size * size] },
    ]).check(); // biome-ignore format: a table
    });

    it('agrees on random shapes, strides, groups, dtypes and epilogues, in pieces as in one', () => {
      for (const seed of testSeeds(120, 4_000)) {
        atSeed(seed, () => randomCase(machine, new Random(seed)).check());
      }
    });

    it('sums nothing to epilogue(0) and computes nothing without results', () => {
      const c = new Case(machine, kernelOf('float32'), [3, 10, 0], [
      { sizes: [3, 0], strides: [0, 1] },
      { sizes: [0, 10], strides: [10, 1] },
      { sizes: [3, 10], strides: [10, 1] },
    ]); // biome-ignore format: a table
      c.run();
      expect(c.results(0)).toEqual(new Array(30).fill(0));
      for (const [m, n] of [
        [0, 10],
        [3, 0],
      ] as const) {
        const empty = new Case(machine, kernelOf('float32'), [m, n, 4], [
        { sizes: [m, 4], strides: [4, 1] },
        { sizes: [4, n], strides: [n, 1] },
        { sizes: [m, n], strides: [n, 1] },
      ]); // biome-ignore format: a table
        expect(empty.stage.units).toBe(0);
      }
    });

    describe.each([
      // Images by a weight, the weight's gradient, both ways round; [m, n, k] and whether A and B are transposed.
      ['batch · weight', [100, 50, 392], false, false],
      ['batchᵀ · gradient', [203, 50, 100], true, false],
      ['gradientᵀ · batch', [50, 203, 100], true, false],
      ['wide batch · weight', [120, 130, 700], false, false],
      ['wide batchᵀ · gradient', [210, 140, 70], true, false],
    ] as const)('%s with zeros', (_, [m, n, k], aTurned, bTurned) => {
      const make = () =>
        new Case(machine, kernelOf('float32'), [m, n, k], [
        { sizes: [m, k], strides: aTurned ? [1, m] : [k, 1] },
        { sizes: [k, n], strides: bTurned ? [1, k] : [n, 1] },
        { sizes: [m, n], strides: [n, 1] },
      ]); // biome-ignore format: a table
      /** Zeros, some of them negative, in patches of a row by 20 in memory, which the same patch above shares. */
      const empty = (array: Numbers, row: number) =>
        array.forEach((_, i) => {
          const patch = Math.floor((i % row) / 20);
          if ((patch * 7 + Math.floor(i / row / 30)) % 3 > 0) array[i] = i % 2 ? -0 : 0;
        });
      const rowOf = { a: aTurned ? m : k, b: bTurned ? k : n };

      it.each([
        ['neither factor', []],
        ['A', [0]],
        ['B', [1]],
        ['both', [0, 1]],
      ] as const)('sums what is left, zeros in %s', (_, operands) => {
        const c = make();
        for (const i of operands) empty(c.array(i), i === 0 ? rowOf.a : rowOf.b);
        c.check();
        // Zeros in one factor are found: see `ContractPlan.zeros`.
        if (operands.length === 2) expect(c.lists().filter(({ used }) => used).length).toBeGreaterThan(0);
        if (operands.length === 0) expect(c.lists().filter(({ used }) => used)).toEqual([]);
      });

      it('makes NaN of zero times infinity', () => {
        for (const [zeros, others] of [
          [0, 1],
          [1, 0],
        ] as const) {
          const c = make();
          empty(c.array(zeros), zeros === 0 ? rowOf.a : rowOf.b);
          // One infinity in each of a few rows or columns, the last among them.
          const infinite = c.array(others);
          const row = others === 0 ? rowOf.a : rowOf.b;
          for (const i of [3, row * 40 + 17, infinite.length - 1]) infinite[i] = Number.POSITIVE_INFINITY;
          c.run();
          const results = c.results(0);
          const [a, b] = [c.array(0), c.array(1)];
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let want = 0;
              for (let t = 0; t < k; t++)
                want += a[aTurned ? t * m + i : i * k + t] * b[bTurned ? j * k + t : t * n + j];
              if (!Number.isFinite(want) || !Number.isFinite(results[i * n + j])) {
                expect(results[i * n + j]).toBe(want);
              }
            }
          }
        }
      });

      it('gives the same zero whether or not products that vanish are summed', () => {
        // −10⁻⁶⁰ is −0 where product and sum are rounded at once.
        for (const dense of [true, false]) {
          const c = make();
          c.array(0).fill(1e-30);
          c.array(1).fill(-1e-30);
          if (!dense) for (const [i, row] of [rowOf.a, rowOf.b].entries()) empty(c.array(i), row);
          c.run();
          expect(c.results(0).every((x) => Object.is(x, 0))).toBe(true);
        }
      });
    });

    it('looks for zeros in sums whose last block is a single term', () => {
      // 131 blocks: 130 of 512, and one.
      const [m, n, k] = [40, 36, 130 * 512 + 1];
      const c = new Case(machine, kernelOf('float32'), [m, n, k], [
      { sizes: [m, k], strides: [1, m] },
      { sizes: [k, n], strides: [n, 1] },
      { sizes: [m, n], strides: [n, 1] },
    ]); // biome-ignore format: a table
      const b = c.array(1);
      for (let i = 0; i < b.length; i += 3) b.fill(0, i * n, (i + 2) * n);
      c.check();
      expect(c.lists().length).toBeGreaterThan(0);
    });

    it.each([
      [1, 1, 20_001],
      [7, 5, 9001],
      [40, 36, 8200],
      [3, 300, 1025],
    ])('keeps sums of equal terms accurate, [%i, k] by [k, %i] with k = %i', (m, n, k) => {
      for (const accumulate of [false, true]) {
        for (const aStrides of [
          [k, 1],
          [1, m],
        ]) {
          const kernel = { ...kernelOf('float32'), outputs: [{ dtype: 'float32', accumulate } as const] };
          const c = new Case(machine, kernel, [m, n, k], [
          { sizes: [m, k], strides: aStrides },
          { sizes: [k, n], strides: [n, 1] },
          { sizes: [m, n], strides: [n, 1] },
        ]); // biome-ignore format: a table
          c.array(0).fill(0.1);
          c.array(1).fill(0.7);
          c.check();
        }
      }
    });

    it("leaves zeros out of a filter's gradient, read in place through overlapping windows", () => {
      const [images, channels, size, filters, window] = [3, 4, 9, 32, 5];
      const padded = size + window - 1;
      const make = () =>
        new Case(machine, kernelOf('float32', 1, 3, 3), [filters, channels, window, window, images, size, size], [
        { sizes: [filters, images, size, size], strides: [size * size, filters * size * size, size, 1] },
        {
          sizes: [images, size, size, channels, window, window],
          strides: [channels * padded * padded, padded, 1, padded * padded, padded, 1],
        },
        { sizes: [filters, channels, window, window], strides: contiguous([filters, channels, window, window]) },
      ]); // biome-ignore format: a table
      // As after max-pooling: of each pixel pair one has no gradient, whatever the filter.
      const c = make();
      c.array(0).forEach((_, i, g) => {
        if ((i % (size * size)) % 2) g[i] = 0;
      });
      c.check();
      expect(c.lists().some(({ used }) => used)).toBe(true);
      // An infinite pixel in the middle meets every weight of its channel, and makes NaN of the zeros among them.
      c.array(1)[6 * padded + 6] = Number.POSITIVE_INFINITY;
      c.run();
      const results = c.results(0);
      results.forEach((x, i) => {
        const channel = Math.floor(i / (window * window)) % channels;
        expect(Number.isFinite(x)).toBe(channel !== 0);
      });
    });

    it('lets NaN and infinities through, and only to their rows and columns', () => {
      const c = new Case(machine, kernelOf('float32'), [30, 21, 17], [
      { sizes: [30, 17], strides: [17, 1] },
      { sizes: [17, 21], strides: [21, 1] },
      { sizes: [30, 21], strides: [21, 1] },
    ]); // biome-ignore format: a table
      const a = c.array(0);
      const b = c.array(1);
      a.fill(1);
      b.fill(1);
      a[2 * 17 + 16] = Number.NaN;
      a[29 * 17] = Number.POSITIVE_INFINITY;
      b[16 * 21 + 20] = Number.NEGATIVE_INFINITY;
      c.run();
      const results = c.results(0);
      for (let i = 0; i < 30; i++) {
        for (let j = 0; j < 21; j++) {
          const last = j === 20;
          const want =
            i === 2
              ? Number.NaN
              : i === 29
                ? last
                  ? Number.NaN
                  : Number.POSITIVE_INFINITY
                : last
                  ? Number.NEGATIVE_INFINITY
                  : 17;
          expect(results[i * 21 + j]).toBe(want);
        }
      }
    });
  },
);

it('rounds in the same way with tiles of every size', () => {
  const fused = variants.filter(({ relaxedSimd }) => relaxedSimd).map((features) => new Machine(features));
  for (const [m, n, k] of [
    [1, 1, 20_001],
    [50, 37, 700],
    [33, 90, 8200],
    [70, 20, 1025],
  ] as const) {
    const [first, ...others] = fused.map((machine) => {
      const c = new Case(machine, kernelOf('float32'), [m, n, k], [
      { sizes: [m, k], strides: [k, 1] },
      { sizes: [k, n], strides: [n, 1] },
      { sizes: [m, n], strides: [n, 1] },
    ]); // biome-ignore format: a table
      c.run();
      return c.results(0);
    });
    for (const other of others) expect(other).toEqual(first);
  }
});

it('refuses dtypes whose products are not summed', () => {
  const launch = { kernel: kernelOf('bool'), dims: [1, 1, 1], operands: [], literals: [], label: '' };
  const context = { launch, program: null as never, relaxedSimd: false, tallTiles: false, threads: 1 };
  expect(() => lowerContract(context)).toThrow(/bool.*cast the operands to int32/);
});

/** A kernel whose epilogue hands the sum through. */
function kernelOf(dtype: DType, mRank = 1, nRank = 1, kRank = 1): ContractKernel {
  const epilogue = { instructions: [{ op: 'accumulator', dtype } as const], results: [0] };
  const outputs = [{ dtype, accumulate: false }];
  return { form: 'contract', batchRank: 0, mRank, nRank, kRank, dtype, extras: [], outputs, epilogue };
}

function contiguous(sizes: readonly number[]): number[] {
  return sizes.map((_, i) => sizes.slice(i + 1).reduce((x, y) => x * y, 1));
}

/** How an operand lies over its axes, in elements; the buffer is made as large as that asks for. */
interface Layout {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly coordinate?: boolean;
}

type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** A memory, and stages compiled for it. */
class Machine {
  readonly features: (typeof variants)[number];
  readonly memory = new WebAssembly.Memory({ initial: 1024 });
  readonly #compiled = new Map<string, (argumentBlock: number, begin: number, end: number) => void>();
  top = 0;

  constructor(features: (typeof variants)[number]) {
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

const filler = 77;
const literal = 1.5;

/** A launch with operands full of random numbers. */
class Case {
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
    for (const field of this.stage.argumentBlock.fields) {
      const at = this.#argumentBlock + field.at;
      if (field.kind === 'i32') data.setInt32(at, field.value, true);
      else if (field.kind === 'address') {
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
    const plan = planContract(this.#launch, arithmetic, this.machine.features.threads);
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

const bytesOf = (array: Numbers) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

function describeCase(kernel: ContractKernel, dims: readonly number[], layouts: readonly Layout[]): string {
  return JSON.stringify({ dims, kernel, layouts });
}

/** Σ coordinate·stride of every position in row-major order. */
function positions(sizes: readonly number[], strides: readonly number[]): number[] {
  let list = [0];
  sizes.forEach((size, axis) => {
    list = list.flatMap((base) => Array.from({ length: size }, (_, i) => base + i * strides[axis]));
  });
  return list;
}

/** The vocabulary that the random epilogues below use. */
function evaluate(
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

/** mulberry32 */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  element(dtype: DType): number {
    if (dtype.startsWith('float')) return this.next() * 2 - 1;
    return dtype === 'bool' ? this.below(2) : dtype === 'int32' ? this.below(200) - 100 : this.below(200);
  }

  /** A layout in any order of axes, with gaps, reversals, repetition and, for factors, overlap. */
  layout(sizes: readonly number[], output: boolean): Layout {
    const order = sizes.map((_, i) => i);
    if (this.chance(0.6)) order.sort(() => this.next() - 0.5);
    const strides = new Array<number>(sizes.length);
    let stride = this.chance(0.15) ? 2 : 1;
    for (let i = order.length - 1; i >= 0; i--) {
      const axis = order[i];
      strides[axis] = this.chance(0.1) ? -stride : stride;
      if (!output && this.chance(0.1)) strides[axis] = 0;
      if (!output && this.chance(0.15)) continue;
      stride *= sizes[axis];
      if (this.chance(0.1)) stride += 3;
    }
    return { sizes, strides };
  }
}

function randomCase(machine: Machine, random: Random): Case {
  const dtype = random.pick<DType>([
    'float32',
    'float32',
    'float32',
    'float32',
    'float64',
    'int32',
    'uint32',
  ]);
  let budget = random.pick([300, 5000, 60_000, 200_000]);
  const group = (most: number, choices: readonly number[]) => {
    return Array.from({ length: random.below(most + 1) }, () => {
      let size = random.pick(choices);
      if (size > budget) size = 1 + random.below(2);
      budget /= Math.max(1, size);
      return size;
    });
  };
  const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 16, 17, 28, 33, 50, 65, 100, 130, 257];
  const batch = group(2, [1, 2, 3, 0, 2, 4]);
  const ms = group(3, sizes);
  const ks = group(3, [...sizes, 0, 600]);
  const ns = group(3, sizes);
  const float = dtype.startsWith('float');
  const extras: DType[] = [];
  const layouts = [
    random.layout([...batch, ...ms, ...ks], false),
    random.layout([...batch, ...ks, ...ns], false),
  ];
  const instructions: Instruction[] = [{ op: 'accumulator', dtype }];
  const emit = (instruction: Instruction) => instructions.push(instruction) - 1;
  const load = (type: DType) => {
    extras.push(type);
    layouts.push(random.layout([...batch, ...ms, ...ns], false));
    return emit({ op: 'load', operand: 1 + extras.length, dtype: type });
  };
  let value = 0;
  if (random.chance(0.3)) value = emit({ op: 'add', a: value, b: load(dtype), dtype });
  if (random.chance(0.2)) {
    const zero = emit({ op: 'constant', value: 0, dtype });
    if (dtype !== 'uint32') value = emit({ op: 'max', a: value, b: zero, dtype });
  }
  if (random.chance(0.2)) {
    const mask = load('bool');
    value = emit({ op: 'where', a: mask, b: value, c: load(dtype), dtype });
  }
  if (float && random.chance(0.2)) {
    const factor = emit({ op: 'cast', a: load('uint8'), dtype });
    value = emit({
      op: 'mul',
      a: value,
      b: emit({ op: 'mul', a: factor, b: emit({ op: 'constant', value: 0.01, dtype }), dtype }),
      dtype,
    });
  }
  if (dtype === 'float32' && random.chance(0.2)) {
    value = emit({ op: 'mul', a: value, b: emit({ op: 'literal', literal: 0, dtype }), dtype });
  }
  if (dtype === 'float32' && random.chance(0.2)) {
    extras.push('int32');
    layouts.push({ ...random.layout([...batch, ...ms, ...ns], false), coordinate: true });
    const coordinate = emit({ op: 'coordinate', operand: 1 + extras.length, dtype: 'int32' });
    value = emit({ op: 'add', a: value, b: emit({ op: 'cast', a: coordinate, dtype }), dtype });
  }
  const results = [value];
  const outputs = [{ dtype, accumulate: random.chance(0.2) }];
  if (random.chance(0.2)) {
    // A second result that does not hang on rounding: extras only.
    const [x, y] = [load('int32'), load('int32')];
    results.push(emit({ op: 'less', a: x, b: y, dtype: 'bool' }));
    outputs.push({ dtype: 'bool', accumulate: false });
  }
  if (dtype === 'float32' && random.chance(0.1)) {
    results.push(emit({ op: 'cast', a: value, dtype: 'float64' }));
    outputs.push({ dtype: 'float64', accumulate: false });
  }
  for (const _ of outputs) layouts.push(random.layout([...batch, ...ms, ...ns], true));
  const kernel: ContractKernel = {
    form: 'contract',
    batchRank: batch.length,
    mRank: ms.length,
    nRank: ns.length,
    kRank: ks.length,
    dtype,
    extras,
    outputs,
    epilogue: { instructions, results },
  };
  const result = new Case(machine, kernel, [...batch, ...ms, ...ns, ...ks], layouts, random);
  // Stretches of zeros, as long as a tile or as many rows.
  if (random.chance(0.4)) {
    const length = random.pick([3, 8, 40, 300]);
    const share = random.next();
    const array = result.array(random.below(2));
    for (let start = 0; start < array.length; start += length)
      if (random.chance(share)) array.fill(0, start, start + length);
  }
  return result;
}
