/** Random programs of one launch, for every kernel form, dtype and kind of stride. */
import {
  computedDType,
  type DType,
  dtypes,
  type Expression,
  type Instruction,
  type Kernel,
  type Launch,
  type Operand,
  type Program,
  type TypedArray,
} from '@ag/tensor';

/** Small deterministic generator (xorshift32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) | 1;
    for (let i = 0; i < 10; i++) this.next();
  }
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 2 ** 32;
  }
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[this.integer(0, list.length - 1)];
  }
  chance(p: number): boolean {
    return this.next() < p;
  }
}

export const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint32: Uint32Array, uint8: Uint8Array, bool: Uint8Array }; // biome-ignore format: short

export interface Case {
  readonly program: Program;
  readonly data: TypedArray[];
  readonly scalars: Float64Array;
  /** Bindings that the program writes, and the tolerance of each. */
  readonly outputs: number[];
}

export class CaseBuilder {
  readonly random: Random;
  readonly data: TypedArray[] = [];
  readonly buffers: Program['buffers'][number][] = [];
  readonly outputs: number[] = [];
  readonly scalars: number[] = [];
  /** Not where they would be summed in float32: what cancels there has no correct digits. */
  largeIntegers = true;

  constructor(random: Random) {
    this.random = random;
  }

  values(dtype: DType, length: number): TypedArray {
    const array = new arrays[computedDType(dtype)](length);
    for (let i = 0; i < length; i++) {
      const x = this.random.next() * 8 - 4;
      if (dtype === 'bool') array[i] = x > 0 ? 1 : 0;
      else if (dtype === 'float32' || dtype === 'float64') array[i] = this.random.chance(0.003) ? NaN : x;
      else array[i] = this.largeIntegers && this.random.chance(0.1) ? x * 1e9 : x * 30;
    }
    return array;
  }

  /** A buffer with a random view over `dims`; `free` axes may be broadcast. */
  operand(
    dtype: DType,
    dims: readonly number[],
    options: { broadcast: boolean; fill?: TypedArray },
  ): Operand {
    const { random } = this;
    const order = dims.map((_, i) => i);
    if (random.chance(0.4)) order.sort(() => random.next() - 0.5);
    const strides = dims.map(() => 0);
    let stride = 1;
    let offset = 0;
    for (let k = order.length - 1; k >= 0; k--) {
      const axis = order[k];
      if (options.broadcast && random.chance(0.2)) continue;
      const step = random.chance(0.15) ? random.integer(2, 3) : 1;
      strides[axis] = stride * step;
      stride *= Math.max(1, dims[axis] * step);
      if (random.chance(0.1) && dims[axis] > 0) {
        offset += (dims[axis] - 1) * strides[axis];
        strides[axis] = -strides[axis];
      }
    }
    const extra = random.chance(0.3) ? random.integer(1, 5) : 0;
    const dynamic = random.chance(0.2) ? [{ scalar: this.scalar(random.integer(0, 3)), factor: 2 }] : [];
    const data = this.values(dtype, stride + extra + 6);
    this.data.push(data);
    this.buffers.push({ kind: 'bound', binding: this.data.length - 1, dtype, length: data.length });
    return { buffer: this.buffers.length - 1, offset: offset + extra, dynamic, strides };
  }

  output(dtype: DType, dims: readonly number[]): Operand {
    const operand = this.operand(dtype, dims, { broadcast: false });
    this.outputs.push(operand.buffer);
    return operand;
  }

  scalar(x: number): number {
    this.scalars.push(x);
    return this.scalars.length - 1;
  }

  coordinate(dims: readonly number[]): Operand {
    const strides = dims.map(() => this.random.integer(-3, 5));
    return { buffer: -1, offset: this.random.integer(0, 100), dynamic: [], strides };
  }

  finish(launch: Omit<Launch, 'label'>): Case {
    const program: Program = {
      slots: [],
      buffers: this.buffers,
      bindingCount: this.data.length,
      scalarCount: this.scalars.length,
      launches: [{ ...launch, label: launch.kernel.form }],
    };
    return { program, data: this.data, scalars: new Float64Array(this.scalars), outputs: this.outputs };
  }
}

export const unaryOf: Record<string, string[]> = {
  float32: ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'tanh', 'sigmoid', 'erf', 'atan', 'isNaN', 'isFinite'],
  float64: ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'tanh', 'sigmoid', 'erf', 'exp', 'sin', 'isNaN', 'isFinite'],
  int32: ['neg', 'abs', 'sign', 'floor', 'isNaN', 'isFinite'],
  uint32: ['neg', 'abs', 'sign', 'round', 'isNaN', 'isFinite'],
  uint8: ['neg', 'abs', 'sign', 'ceil', 'isNaN', 'isFinite'],
  bool: ['not'],
}; // biome-ignore format: a table
export const arithmetic = [
  'add',
  'sub',
  'mul',
  'max',
  'min',
  'mod',
  'div',
  'equal',
  'notEqual',
  'less',
  'lessEqual',
];
const ofIntegers = ['pow', 'and', 'or', 'xor', 'shiftLeft', 'shiftRight'];
export const binaryOf: Record<string, string[]> = {
  float32: arithmetic.filter((op) => op !== 'div' && op !== 'mod'),
  float64: arithmetic.filter((op) => op !== 'div'),
  int32: [...arithmetic, ...ofIntegers],
  uint32: [...arithmetic, ...ofIntegers],
  uint8: [...arithmetic, ...ofIntegers],
  bool: ['and', 'or', 'xor', 'mul', 'max', 'min', 'equal', 'notEqual', 'less', 'lessEqual'],
};
export const givesBool = new Set(['not', 'isNaN', 'isFinite', 'equal', 'notEqual', 'less', 'lessEqual']);

/** A few random instructions over the given leaves; the last one cast to `wanted`. */
export function expression(
  random: Random,
  leaves: Instruction[],
  wanted: readonly DType[],
  steps: number,
): Expression {
  const instructions = [...leaves];
  const find = (dtype: DType) => {
    const list = instructions.map((_, i) => i).filter((i) => instructions[i].dtype === dtype);
    return list.length > 0 ? random.pick(list) : -1;
  };
  const to = (a: number, dtype: DType) =>
    instructions[a].dtype === dtype ? a : instructions.push({ op: 'cast', a, dtype }) - 1;
  const any = () => random.integer(0, instructions.length - 1);
  for (let i = 0; i < steps; i++) {
    const a = any();
    const { dtype } = instructions[a];
    const kind = random.next();
    if (kind < 0.35) {
      const op = random.pick(unaryOf[dtype]);
      instructions.push({ op, a, dtype: givesBool.has(op) ? 'bool' : dtype } as Instruction);
    } else if (kind < 0.8) {
      const op = random.pick(binaryOf[dtype]);
      const b = find(dtype);
      instructions.push({ op, a, b, dtype: givesBool.has(op) ? 'bool' : dtype } as Instruction);
    } else if (kind < 0.9) {
      to(a, random.pick(dtypes));
    } else {
      const condition = to(any(), 'bool');
      const b = find(dtype);
      instructions.push({ op: 'where', a: condition, b, c: a, dtype });
    }
  }
  return {
    instructions,
    results: wanted.map((dtype) =>
      to(instructions.length - 1 - random.integer(0, 1) * (instructions.length > 1 ? 1 : 0), dtype),
    ),
  };
}

export function dimensions(random: Random, rank: number, largest = 4000): number[] {
  const dims: number[] = [];
  let size = 1;
  for (let i = 0; i < rank; i++) {
    const limit = Math.min(random.pick([2, 9, 40, 300]), Math.floor(largest / size));
    const n = random.chance(0.02) ? 0 : random.integer(1, Math.max(1, limit));
    dims.push(n);
    size *= Math.max(1, n);
  }
  return dims.sort(() => random.next() - 0.5);
}

/** Loads, a literal and constants for an expression over the operands `first`…. */
export function leaves(
  random: Random,
  b: CaseBuilder,
  operands: Operand[],
  first: number,
  given: readonly DType[],
  literals: number[],
): Instruction[] {
  const list: Instruction[] = operands.map((operand, i) =>
    operand.buffer < 0
      ? { op: 'coordinate', operand: first + i, dtype: 'int32' }
      : { op: 'load', operand: first + i, dtype: given[i] },
  );
  if (list.length === 0 || random.chance(0.4)) {
    const dtype = random.pick(dtypes);
    literals.push(b.scalar(random.pick([0, 1, 2.5, -3, 1e10])));
    list.push({ op: 'literal', literal: literals.length - 1, dtype });
  }
  if (random.chance(0.4))
    list.push({ op: 'constant', value: random.pick([0, 1, -1, 3.7, 300]), dtype: random.pick(dtypes) });
  return list;
}

export const cases: Record<string, (random: Random) => Case> = {
  map(random) {
    const b = new CaseBuilder(random);
    const dims = dimensions(random, random.integer(0, 4));
    const pool = random.chance(0.5) ? (['float32'] as const) : dtypes;
    const inputs = Array.from({ length: random.integer(0, 3) }, () => random.pick(pool));
    const operands = inputs.map((dtype) => b.operand(dtype, dims, { broadcast: true }));
    if (random.chance(0.2)) {
      operands.push(b.coordinate(dims));
      inputs.push('int32');
    }
    const literals: number[] = [];
    const list = leaves(random, b, operands, 0, inputs, literals);
    const wanted = Array.from({ length: random.integer(1, 2) }, () => random.pick(pool));
    const kernel: Kernel = {
      form: 'map',
      rank: dims.length,
      inputs,
      outputs: wanted.map((dtype) => ({ dtype, accumulate: dtype !== 'bool' && random.chance(0.2) })),
      expression: expression(random, list, wanted, random.integer(1, 6)),
    };
    const outputs = wanted.map((dtype) => b.output(dtype, dims));
    return b.finish({ kernel, dims, operands: [...operands, ...outputs], literals });
  },

  reduce(random) {
    const b = new CaseBuilder(random);
    const outerRank = random.integer(0, 3);
    const combine = random.pick(['sum', 'sum', 'prod', 'max', 'min', 'argmax', 'argmin'] as const);
    // Long products overflow: their order would decide between 0, ∞ and NaN.
    const largest = combine === 'prod' ? 100 : random.pick([300, 4000, 4000, 300_000]);
    const dims = dimensions(random, outerRank + random.integer(0, 3), largest);
    const outer = dims.slice(0, outerRank);
    const pool = dtypes.filter((dtype) => dtype !== 'bool' || combine !== 'sum');
    const dtype = random.chance(0.5) ? 'float32' : random.pick(pool);
    b.largeIntegers = dtype !== 'float32';
    const inputs: DType[] = Array.from({ length: random.integer(1, 2) }, () =>
      random.chance(0.8) ? dtype : random.pick(dtypes),
    );
    const operands = inputs.map((type) => b.operand(type, dims, { broadcast: true }));
    if (random.chance(0.1)) {
      operands.push(b.coordinate(dims));
      inputs.push('int32');
    }
    const literals: number[] = [];
    const prologue = expression(
      random,
      leaves(random, b, operands, 0, inputs, literals),
      [dtype],
      random.chance(0.5) ? 0 : 2,
    );
    const extras: DType[] = Array.from({ length: random.integer(0, 1) }, () => random.pick(dtypes));
    const more = extras.map((type) => b.operand(type, outer, { broadcast: true }));
    const result: DType = combine.startsWith('arg') ? 'int32' : dtype;
    const list: Instruction[] = [
      ...leaves(random, b, more, inputs.length, extras, literals),
      { op: 'accumulator', dtype: result },
    ];
    const wanted = [random.chance(0.7) ? result : random.pick(dtypes)];
    const plain = random.chance(0.5);
    const epilogue = plain
      ? { instructions: [{ op: 'accumulator', dtype: result } as const], results: [0] }
      : expression(random, list, wanted, random.integer(1, 3));
    if (plain) wanted[0] = result;
    const kernel: Kernel = {
      form: 'reduce',
      outerRank,
      reducedRank: dims.length - outerRank,
      combine,
      dtype,
      inputs,
      extras,
      outputs: wanted.map((type) => ({ dtype: type, accumulate: type !== 'bool' && random.chance(0.2) })),
      prologue,
      epilogue,
    };
    const outputs = wanted.map((type) => b.output(type, outer));
    return b.finish({ kernel, dims, operands: [...operands, ...more, ...outputs], literals });
  },

  gather(random) {
    const b = new CaseBuilder(random);
    const dims = dimensions(random, random.integer(1, 3));
    const dtype = random.pick(dtypes);
    const axis = random.integer(0, dims.length - 1);
    const size = random.integer(1, 20);
    const source = b.operand(
      dtype,
      dims.map((n, i) => (i === axis ? size : n)),
      { broadcast: false },
    );
    const index = b.operand('int32', dims, { broadcast: true });
    b.data[index.buffer].forEach((_, i, all) => {
      all[i] = random.integer(-size, size - 1);
    });
    const stride = source.strides[axis];
    const operands = [
      { ...source, strides: source.strides.map((s, i) => (i === axis ? 0 : s)) },
      index,
      b.output(dtype, dims),
    ];
    return b.finish({
      kernel: { form: 'gather', rank: dims.length, dtype },
      dims,
      operands,
      literals: [],
      axis: { size, stride },
    });
  },

  scatter(random) {
    const b = new CaseBuilder(random);
    const dims = dimensions(random, random.integer(1, 3));
    const dtype = random.pick(dtypes.filter((d) => d !== 'bool'));
    const axis = random.integer(0, dims.length - 1);
    const size = random.integer(1, 20);
    const output = b.output(
      dtype,
      dims.map((n, i) => (i === axis ? size : n)),
    );
    const index = b.operand('int32', dims, { broadcast: true });
    b.data[index.buffer].forEach((_, i, all) => {
      all[i] = random.integer(-size, size - 1);
    });
    const updates = b.operand(dtype, dims, { broadcast: true });
    const stride = output.strides[axis];
    const operands = [
      updates,
      index,
      { ...output, strides: output.strides.map((s, i) => (i === axis ? 0 : s)) },
    ];
    const kernel: Kernel = {
      form: 'scatter',
      rank: dims.length,
      dtype,
      combine: random.pick(['add', 'set', 'max', 'min']),
    };
    return b.finish({ kernel, dims, operands, literals: [], axis: { size, stride } });
  },

  scan(random) {
    const b = new CaseBuilder(random);
    const dims = dimensions(random, random.integer(1, 3));
    const combine = random.pick(['sum', 'prod', 'max', 'min'] as const);
    const dtype = random.pick(dtypes.filter((d) => d !== 'bool'));
    const operands = [b.operand(dtype, dims, { broadcast: true }), b.output(dtype, dims)];
    const kernel: Kernel = {
      form: 'scan',
      outerRank: dims.length - 1,
      combine,
      reverse: random.chance(0.5),
      dtype,
    };
    return b.finish({ kernel, dims, operands, literals: [] });
  },

  sort(random) {
    const b = new CaseBuilder(random);
    const dims = dimensions(random, random.integer(1, 3));
    const dtype = random.pick(dtypes);
    const operands = [b.operand(dtype, dims, { broadcast: true }), b.output('int32', dims)];
    const kernel: Kernel = {
      form: 'sort',
      outerRank: dims.length - 1,
      descending: random.chance(0.5),
      dtype,
    };
    return b.finish({ kernel, dims, operands, literals: [] });
  },
};
