import { describe, expect, it } from 'vitest';
import { type FunctionBuilder, lanes32 } from './functionBuilder.ts';
import { ModuleBuilder } from './moduleBuilder.ts';
import * as w from './opcodes.ts';

type Instance = Record<string, (...values: number[]) => number>;

function instantiate(module: ModuleBuilder, imports: WebAssembly.Imports = {}): Instance {
  return new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), imports)
    .exports as unknown as Instance;
}

/** Compiles a function of numbers and returns it. */
function compile(
  parameters: number[],
  result: number,
  body: (f: FunctionBuilder) => void,
): (...values: number[]) => number {
  const module = new ModuleBuilder();
  body(module.function('run', parameters, [result]));
  return instantiate(module).run;
}

describe('scalar code', () => {
  it('encodes integer constants of every length', () => {
    for (const value of [
      0,
      1,
      -1,
      63,
      64,
      -64,
      -65,
      127,
      128,
      8191,
      8192,
      -8192,
      -8193,
      2 ** 31 - 1,
      -(2 ** 31),
    ]) {
      expect(compile([], w.i32, (f) => f.i32(value))()).toBe(value);
    }
  });

  it('encodes floating constants', () => {
    expect(compile([], w.f64, (f) => f.f64(0.1))()).toBe(0.1);
    expect(compile([], w.f32, (f) => f.f32(0.1))()).toBe(Math.fround(0.1));
    expect(compile([], w.f64, (f) => f.f64(-0))()).toBe(-0);
    expect(compile([], w.i32, (f) => f.i64(-5).op(w.i32_wrap_i64))()).toBe(-5);
  });

  it.each([
    ['i32_add', 7, 3, 10],
    ['i32_sub', 7, 3, 4],
    ['i32_mul', 7, 3, 21],
    ['i32_div_s', -7, 3, -2],
    ['i32_div_u', -1, 16, 0x0fffffff],
    ['i32_rem_s', -7, 3, -1],
    ['i32_rem_u', 7, 3, 1],
    ['i32_and', 6, 3, 2],
    ['i32_or', 6, 3, 7],
    ['i32_xor', 6, 3, 5],
    ['i32_shl', 3, 2, 12],
    ['i32_shr_s', -8, 1, -4],
    ['i32_shr_u', -8, 1, 0x7ffffffc],
    ['i32_rotl', 1 << 31, 1, 1],
    ['i32_eq', 3, 3, 1],
    ['i32_ne', 3, 3, 0],
    ['i32_lt_s', -1, 0, 1],
    ['i32_lt_u', -1, 0, 0],
    ['i32_gt_s', -1, 0, 0],
    ['i32_gt_u', -1, 0, 1],
    ['i32_le_s', 1, 1, 1],
    ['i32_le_u', -1, 0, 0],
    ['i32_ge_s', -1, 0, 0],
    ['i32_ge_u', -1, 0, 1],
  ] as const)('%s(%i, %i) = %i', (name, a, b, expected) => {
    expect(compile([w.i32, w.i32], w.i32, (f) => f.get(0).get(1).op(w[name]))(a, b)).toBe(expected);
  });

  it.each([
    ['f64_add', 1.5, 0.25, 1.75],
    ['f64_sub', 1.5, 0.25, 1.25],
    ['f64_mul', 1.5, 0.25, 0.375],
    ['f64_div', 1.5, 0.25, 6],
    ['f64_min', 1.5, 0.25, 0.25],
    ['f64_max', 1.5, 0.25, 1.5],
    ['f64_copysign', 1.5, -0, -1.5],
    ['f32_add', 1.5, 0.25, 1.75],
    ['f32_sub', 1.5, 0.25, 1.25],
    ['f32_mul', 1.5, 0.25, 0.375],
    ['f32_div', 1.5, 0.25, 6],
    ['f32_min', 1.5, 0.25, 0.25],
    ['f32_max', 1.5, 0.25, 1.5],
    ['f32_copysign', 1.5, -0, -1.5],
  ] as const)('%s(%d, %d) = %d', (name, a, b, expected) => {
    const type = name.startsWith('f64') ? w.f64 : w.f32;
    expect(compile([type, type], type, (f) => f.get(0).get(1).op(w[name]))(a, b)).toBe(expected);
  });

  it.each([
    ['abs', -2.5, 2.5],
    ['neg', -2.5, 2.5],
    ['ceil', -2.5, -2],
    ['floor', -2.5, -3],
    ['trunc', -2.5, -2],
    ['nearest', -2.5, -2],
    ['sqrt', 6.25, 2.5],
  ] as const)('f32 and f64 %s(%d) = %d', (name, x, expected) => {
    expect(compile([w.f64], w.f64, (f) => f.get(0).op(w[`f64_${name}`]))(x)).toBe(expected);
    expect(compile([w.f32], w.f32, (f) => f.get(0).op(w[`f32_${name}`]))(x)).toBe(expected);
  });
});

describe('control flow', () => {
  it('loops and leaves loops', () => {
    const sum = compile([w.i32], w.i32, (f) => {
      const total = f.local(w.i32);
      f.while(
        () => f.get(0),
        (exit) => {
          f.get(0).i32(100).op(w.i32_eq).branchIf(exit);
          f.get(total).get(0).op(w.i32_add).set(total).get(0).i32(1).op(w.i32_sub).set(0);
        },
      );
      f.get(total);
    });
    expect(sum(4)).toBe(10);
    expect(sum(0)).toBe(0);
    expect(sum(102)).toBe(203);
  });

  it('branches, nested blocks and do-while', () => {
    const classify = compile([w.i32], w.i32, (f) => {
      f.get(0).if(
        () =>
          f
            .get(0)
            .i32(5)
            .op(w.i32_gt_s)
            .if(
              () => f.i32(2),
              () => f.i32(1),
              w.i32,
            ),
        () => f.i32(0),
        w.i32,
      );
    });
    expect([0, 3, 9].map((x) => classify(x))).toEqual([0, 1, 2]);
    const doubled = compile([w.i32], w.i32, (f) => {
      const count = f.local(w.i32);
      f.doWhile(
        () => f.get(count).i32(2).op(w.i32_add).set(count),
        () => f.get(0).i32(1).op(w.i32_sub).tee(0),
      );
      f.get(count);
    });
    expect(doubled(7)).toBe(14);
  });

  it('calls functions: built, shared, imported and through a table', () => {
    const module = new ModuleBuilder();
    const twice = module.importFunction('env', 'twice', [w.f64], [w.f64]);
    module.importTable('env', 'table', 2);
    const square = () => module.shared('square', [w.f64], [w.f64], (f) => f.get(0).get(0).op(w.f64_mul));
    module.function('run', [w.f64], [w.f64]).get(0).call(square()).call(twice);
    module
      .function('indirect', [w.f64, w.i32], [w.f64])
      .get(0)
      .get(1)
      .callIndirect(module.type([w.f64], [w.f64]));
    expect(square()).toBe(square());
    module.element(1, square());
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 2 });
    const { run, indirect } = instantiate(module, { env: { twice: (x: number) => 2 * x, table } });
    expect(run(3)).toBe(18);
    expect(indirect(3, 1)).toBe(9);
    expect(() => indirect(3, 0)).toThrow(WebAssembly.RuntimeError);
  });

  it('refuses an import after a function, which would renumber it', () => {
    const module = new ModuleBuilder();
    module.function(null, [], []);
    expect(() => module.importFunction('env', 'f', [], [])).toThrow(/before functions/);
  });
});

/** Runs SIMD code over vectors of four 32-bit floats; returns the bytes it left on the stack. */
function simd(body: (f: FunctionBuilder) => void, ...inputs: ArrayBufferView[]): DataView<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', 1);
  const f = module.function('run', [], []);
  f.i32(1024);
  inputs.forEach((_, i) => f.i32(16 * i).memory(w.v128_load));
  body(f);
  f.memory(w.v128_store);
  const memory = new WebAssembly.Memory({ initial: 1 });
  inputs.forEach((x, i) => new Uint8Array(memory.buffer).set(new Uint8Array(x.buffer), 16 * i));
  instantiate(module, { env: { memory } }).run();
  return new DataView(memory.buffer, 1024, 16);
}
const floats = (view: DataView) => [0, 4, 8, 12].map((i) => view.getFloat32(i, true));
const doubles = (view: DataView) => [0, 8].map((i) => view.getFloat64(i, true));
const integers = (view: DataView) => [0, 4, 8, 12].map((i) => view.getInt32(i, true));
const f = (...x: number[]) => new Float32Array(x);
const d = (...x: number[]) => new Float64Array(x);
const i = (...x: number[]) => new Int32Array(x);

describe('SIMD', () => {
  it.each([
    ['add', [5, -3, 2.5, 11]],
    ['sub', [-3, 7, 1.5, 5]],
    ['mul', [4, -10, 1, 24]],
    ['div', [0.25, -0.4, 4, 8 / 3]],
    ['min', [1, -5, 0.5, 3]],
    ['max', [4, 2, 2, 8]],
    ['pmin', [1, -5, 0.5, 3]],
    ['pmax', [4, 2, 2, 8]],
  ] as const)('f32x4 and f64x2 %s', (name, expected) => {
    const a = [1, 2, 2, 8];
    const b = [4, -5, 0.5, 3];
    expect(floats(simd((c) => c.op(w[`f32x4_${name}`]), f(...a), f(...b)))).toEqual(
      expected.map(Math.fround),
    );
    const two = doubles(simd((c) => c.op(w[`f64x2_${name}`]), d(...a.slice(2)), d(...b.slice(2))));
    expect(two).toEqual(expected.slice(2));
  });

  it.each([
    ['abs', [2.5, 1.5]],
    ['neg', [2.5, -1.5]],
    ['ceil', [-2, 2]],
    ['floor', [-3, 1]],
    ['trunc', [-2, 1]],
    ['nearest', [-2, 2]],
  ] as const)('f32x4 and f64x2 %s', (name, expected) => {
    expect(floats(simd((c) => c.op(w[`f32x4_${name}`]), f(-2.5, 1.5, -2.5, 1.5)))).toEqual([
      ...expected,
      ...expected,
    ]);
    expect(doubles(simd((c) => c.op(w[`f64x2_${name}`]), d(-2.5, 1.5)))).toEqual(expected);
  });

  it.each([
    ['add', [1, 2, -2, 7]],
    ['sub', [-3, -2, -4, 3]],
    ['mul', [-2, 0, -3, 10]],
    ['min_s', [-1, 0, -3, 2]],
    ['min_u', [2, 0, 1, 2]],
    ['max_s', [2, 2, 1, 5]],
    ['max_u', [-1, 2, -3, 5]],
    ['eq', [0, 0, 0, 0]],
    ['ne', [-1, -1, -1, -1]],
    ['lt_s', [-1, -1, -1, 0]],
    ['lt_u', [0, -1, 0, 0]],
    ['gt_s', [0, 0, 0, -1]],
    ['gt_u', [-1, 0, -1, -1]],
    ['le_s', [-1, -1, -1, 0]],
    ['ge_u', [-1, 0, -1, -1]],
  ] as const)('i32x4_%s', (name, expected) => {
    expect(integers(simd((c) => c.op(w[`i32x4_${name}`]), i(-1, 0, -3, 5), i(2, 2, 1, 2)))).toEqual(expected);
  });

  it.each([
    ['eq', [0, -1]],
    ['ne', [-1, 0]],
    ['lt', [-1, 0]],
    ['gt', [0, 0]],
    ['le', [-1, -1]],
    ['ge', [0, -1]],
  ] as const)('f32x4_%s', (name, expected) => {
    const mask = integers(simd((c) => c.op(w[`f32x4_${name}`]), f(1, 2, 1, 2), f(2, 2, 2, 2)));
    expect(mask).toEqual([...expected, ...expected]);
    const wide = integers(simd((c) => c.op(w[`f64x2_${name}`]), d(1, 2), d(2, 2)));
    expect(wide).toEqual([expected[0], expected[0], expected[1], expected[1]]);
  });

  it('bits, shifts, shuffles and lanes', () => {
    const a = i(1, 2, 3, 4);
    const b = i(5, 6, 7, 8);
    expect(integers(simd((c) => c.op(w.v128_and), a, b))).toEqual([1, 2, 3, 0]);
    expect(integers(simd((c) => c.op(w.v128_or), a, b))).toEqual([5, 6, 7, 12]);
    expect(integers(simd((c) => c.op(w.v128_xor), a, b))).toEqual([4, 4, 4, 12]);
    expect(integers(simd((c) => c.op(w.v128_andnot), a, b))).toEqual([0, 0, 0, 4]);
    expect(integers(simd((c) => c.op(w.v128_not), a))).toEqual([-2, -3, -4, -5]);
    expect(integers(simd((c) => c.op(w.v128_bitselect), a, b, i(-1, 0, -1, 0)))).toEqual([1, 6, 3, 8]);
    expect(integers(simd((c) => c.i32(3).op(w.i32x4_shl), a))).toEqual([8, 16, 24, 32]);
    expect(integers(simd((c) => c.i32(1).op(w.i32x4_shr_s), i(-8, 8, -2, 2)))).toEqual([-4, 4, -1, 1]);
    expect(integers(simd((c) => c.i32(28).op(w.i32x4_shr_u), i(-1, 8, -1, 2)))).toEqual([15, 0, 15, 0]);
    expect(integers(simd((c) => c.shuffle32(0, 5, 2, 7), a, b))).toEqual([1, 6, 3, 8]);
    expect(integers(simd((c) => c.lane(w.i32x4_extract_lane, 2).op(w.i32x4_splat), a))).toEqual([3, 3, 3, 3]);
    expect(integers(simd((c) => c.i32(9).lane(w.i32x4_replace_lane, 1), a))).toEqual([1, 9, 3, 4]);
    expect(floats(simd((c) => c.lane(w.f32x4_extract_lane, 3).op(w.f32x4_splat), f(1, 2, 3, 4)))).toEqual([
      4, 4, 4, 4,
    ]);
    expect(integers(simd((c) => c.v128(lanes32(1, -1, 2 ** 31 - 1, 7))))).toEqual([1, -1, 2 ** 31 - 1, 7]);
    expect(floats(simd((c) => c.f32x4(1.25)))).toEqual([1.25, 1.25, 1.25, 1.25]);
    expect(doubles(simd((c) => c.f64x2(0.1)))).toEqual([0.1, 0.1]);
    expect(integers(simd((c) => c.op(w.v128_any_true).op(w.i32x4_splat), a))).toEqual([1, 1, 1, 1]);
    expect(integers(simd((c) => c.op(w.i32x4_bitmask).op(w.i32x4_splat), i(-1, 1, -1, 1)))).toEqual([
      5, 5, 5, 5,
    ]);
  });

  it('converts', () => {
    expect(floats(simd((c) => c.op(w.f32x4_convert_i32x4_s), i(-1, 2, 3, 4)))).toEqual([-1, 2, 3, 4]);
    expect(floats(simd((c) => c.op(w.f32x4_convert_i32x4_u), i(-1, 2, 3, 4)))).toEqual([2 ** 32, 2, 3, 4]);
    expect(integers(simd((c) => c.op(w.i32x4_trunc_sat_f32x4_s), f(-1.7, 2.7, NaN, 1e20)))).toEqual([
      -1,
      2,
      0,
      2 ** 31 - 1,
    ]);
    expect(integers(simd((c) => c.op(w.i32x4_trunc_sat_f32x4_u), f(-1.7, 2.7, NaN, 1e20)))).toEqual([
      0, 2, 0, -1,
    ]);
    expect(doubles(simd((c) => c.op(w.f64x2_promote_low_f32x4), f(1.5, 2, 3, 4)))).toEqual([1.5, 2]);
    expect(floats(simd((c) => c.op(w.f32x4_demote_f64x2_zero), d(1.5, 2)))).toEqual([1.5, 2, 0, 0]);
    expect(doubles(simd((c) => c.op(w.f64x2_convert_low_i32x4_s), i(-1, 2, 3, 4)))).toEqual([-1, 2]);
    expect(doubles(simd((c) => c.op(w.f64x2_convert_low_i32x4_u), i(-1, 2, 3, 4)))).toEqual([2 ** 32 - 1, 2]);
    expect(integers(simd((c) => c.op(w.i32x4_trunc_sat_f64x2_s_zero), d(-1.7, 2.7)))).toEqual([-1, 2, 0, 0]);
    expect(integers(simd((c) => c.op(w.i32x4_trunc_sat_f64x2_u_zero), d(-1.7, 2.7)))).toEqual([0, 2, 0, 0]);
    const widened = simd(
      (c) => c.op(w.i16x8_extend_low_i8x16_u).op(w.i32x4_extend_low_i16x8_u),
      new Uint8Array([1, 2, 255, 4, ...new Uint8Array(12)]),
    );
    expect(integers(widened)).toEqual([1, 2, 255, 4]);
    const narrowed = simd(
      (c) => {
        const x = c.let(w.v128);
        c.get(x).get(x).op(w.i16x8_narrow_i32x4_u).get(x).op(w.i8x16_narrow_i16x8_u);
      },
      i(1, 2, 255, 4),
    );
    expect([0, 1, 2, 3].map((k) => narrowed.getUint8(k))).toEqual([1, 2, 255, 4]);
  });

  it('multiplies and adds in one instruction where the engine has relaxed SIMD', () => {
    const module = new ModuleBuilder();
    module.function('run', [], [w.v128]).f32x4(2).f32x4(3).f32x4(4).op(w.f32x4_relaxed_madd);
    if (!WebAssembly.validate(module.bytes())) return;
    expect(
      floats(simd((c) => c.op(w.f32x4_relaxed_madd), f(1, 2, 3, 4), f(2, 2, 2, 2), f(1, 1, 1, 1))),
    ).toEqual([3, 5, 7, 9]);
    expect(
      floats(simd((c) => c.op(w.f32x4_relaxed_nmadd), f(1, 2, 3, 4), f(2, 2, 2, 2), f(1, 1, 1, 1))),
    ).toEqual([-1, -3, -5, -7]);
    expect(doubles(simd((c) => c.op(w.f64x2_relaxed_madd), d(1, 2), d(2, 2), d(1, 1)))).toEqual([3, 5]);
  });
});

describe('memory', () => {
  it('loads, stores, copies and fills, at offsets and lanes', () => {
    const module = new ModuleBuilder();
    module.importMemory('env', 'memory', 1);
    const run = module.function('run', [], []);
    run.i32(0).f64(1.5).memory(w.f64_store, 8);
    run.i32(16).i32(-2).memory(w.i32_store8);
    run.i32(20).i32(16).memory(w.i32_load8_u).memory(w.i32_store);
    run.i32(24).i32(16).memory(w.i32_load8_s).memory(w.i32_store);
    run.i32(32).i32(8).i32(8).memoryCopy();
    run.i32(40).i32(7).i32(4).memoryFill();
    run.i32(44).i32(0).i32x4(0).memoryLane(w.v128_load32_lane, 40, 3).memoryLane(w.v128_store32_lane, 0, 3);
    run.i32(48).i32(0).memory(w.v128_load32_zero, 40).memory(w.v128_store);
    run.i32(64).i32(40).memory(w.v128_load8_splat).memory(w.v128_store);
    const memory = new WebAssembly.Memory({ initial: 1 });
    instantiate(module, { env: { memory } }).run();
    const view = new DataView(memory.buffer);
    expect(view.getFloat64(8, true)).toBe(1.5);
    expect(view.getUint32(20, true)).toBe(254);
    expect(view.getInt32(24, true)).toBe(-2);
    expect(view.getFloat64(32, true)).toBe(1.5);
    expect([40, 44, 48, 52, 64, 76].map((at) => view.getUint32(at, true))).toEqual([
      0x07070707, 0x07070707, 0x07070707, 0, 0x07070707, 0x07070707,
    ]);
  });

  it('works atomically on shared memory', () => {
    const module = new ModuleBuilder();
    module.importMemory('env', 'memory', 1, 4, true);
    const global = module.importGlobal('env', 'base');
    const run = module.function('run', [w.i32], [w.i32]);
    run.globalGet(global).i32(5).memory(w.i32_atomic_store, 4);
    run.globalGet(global).get(0).memory(w.i32_atomic_rmw_add, 4).op(w.drop);
    run.globalGet(global).i32(12).i32(99).memory(w.i32_atomic_rmw_cmpxchg, 4).op(w.drop);
    run.globalGet(global).i64(3).memory(w.i64_atomic_store, 8);
    run.globalGet(global).i64(3).i64(-1).memory(w.i64_atomic_rmw_cmpxchg, 8).op(w.drop);
    run.globalGet(global).i32(1).memory(w.memory_atomic_notify, 4).op(w.drop);
    run.globalGet(global).memory(w.i32_atomic_load, 4);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
    const exports = instantiate(module, { env: { memory, base: 64 } });
    expect(exports.run(7)).toBe(99);
    expect(exports.run(8)).toBe(13);
    expect(new Int32Array(memory.buffer)[18]).toBe(-1);
  });
});
