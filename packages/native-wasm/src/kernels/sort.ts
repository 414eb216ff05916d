// biome-ignore-all format: a line of instructions is a line of thought
/**
 * Sort kernels: the positions that sort each row. Radix sort by bytes of a key that grows as the elements shall (stable, so
 * equal elements keep their order): n steps for each byte whatever the data, and no comparison to get wrong.
 *
 * Keys: integers with the sign bit flipped; floats likewise with negative ones inverted, −0 as 0, and NaN above
 * everything. A descending sort inverts the key of all but NaN.
 */
import { bytesPerElement, type DType, kernelKey, type SortKernel } from '@ag/tensor';
import { ArgumentBlock, type LowerContext, parameter, type Scratch, type Stage, type Target } from '../abi.ts';
import type { FunctionBuilder, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type Access, addressField } from './access.ts';
import { count } from './axes.ts';
import { PointerWalk, walkFields } from './pointerWalk.ts';

/** Bytes of the counters of one pass: one for each value of a byte. */
const countersBytes = 1024;

export function lowerSort({ launch }: LowerContext, kernel: SortKernel): Stage[] {
  const { dtype } = kernel;
  const rank = launch.dims.length - 1;
  const length = launch.dims[rank];
  const [input, output]: Access[] = [
    { operand: launch.operands[0], dtype, strides: launch.operands[0].strides },
    { operand: launch.operands[1], dtype: 'int32', strides: launch.operands[1].strides },
  ];
  const argumentBlock = new ArgumentBlock();
  const addresses = [input, output].map((access) => addressField(argumentBlock, access));
  const axes = { sizes: launch.dims.slice(0, rank), strides: [input, output].map((a) => a.strides.slice(0, rank)) };
  const fields = walkFields(argumentBlock, axes, [input, output]);
  const stepsAt = [argumentBlock.i32(input.strides[rank] * bytesPerElement(dtype)), argumentBlock.i32(output.strides[rank] * 4)];
  const lengthAt = argumentBlock.i32(length);
  // Counters, then two arrays of entries: key (8 bytes) and position (4), padded to 16.
  const scratch: Scratch = { bytes: Math.ceil((countersBytes + 2 * 16 * length) / 64) * 64, perThread: true };
  const scratchAt = argumentBlock.scratch(scratch);
  const scratchBytesAt = argumentBlock.i32(scratch.bytes);
  const emit = (target: Target) => {
    const f = target.module.function(null, [w.i32, w.i32, w.i32], []);
    const { begin, end } = parameter;
    const load = (at: number) => f.load(w.i32_load, parameter.argumentBlock, at).let(w.i32);
    const rows = addresses.map(load);
    const [inputStep, outputStep] = stepsAt.map(load);
    const walk = new PointerWalk(f, fields, rows);
    const position = f.get(begin).let(w.i32);
    walk.seek(position);
    f.load(w.i32_load, parameter.argumentBlock, scratchAt).load(w.i32_load, parameter.argumentBlock, scratchBytesAt);
    const counters = f.globalGet(target.thread).op(w.i32_mul).op(w.i32_add).let(w.i32);
    const length = load(lengthAt);
    const bytes = f.get(length).i32(4).op(w.i32_shl).let(w.i32);
    const from = f.local(w.i32);
    const to = f.local(w.i32);
    const cursor = f.local(w.i32);
    const entry = f.local(w.i32);
    const i = f.local(w.i32);
    const shift = f.local(w.i64);
    const sum = f.local(w.i32);
    const cell = f.local(w.i32);
    const bucket = () => {
      f.load(w.i64_load, entry).get(shift).op(w.i64_shr_u).op(w.i32_wrap_i64).i32(255).op(w.i32_and);
      f.i32(2).op(w.i32_shl).get(counters).op(w.i32_add);
    };
    const eachEntry = (body: () => void) => {
      f.get(from).set(entry);
      f.doWhile(
        () => {
          body();
          f.increment(entry, 16);
        },
        () => f.get(entry).get(from).get(bytes).op(w.i32_add).op(w.i32_lt_u),
      );
    };
    f.loop((again) => {
      f.get(counters).i32(countersBytes).op(w.i32_add).set(from);
      f.get(from).get(bytes).op(w.i32_add).set(to);
      f.get(rows[0]).set(cursor).i32(0).set(i);
      eachEntry(() => {
        f.get(entry);
        pushKey(f, dtype, cursor, kernel.descending);
        f.memory(w.i64_store).get(entry).get(i).memory(w.i32_store, 8);
        f.get(cursor).get(inputStep).op(w.i32_add).set(cursor).increment(i, 1);
      });
      f.i64(0).set(shift);
      f.doWhile(
        () => {
          f.get(counters).i32(0).i32(countersBytes).memoryFill();
          eachEntry(() => {
            bucket();
            f.tee(cell).load(w.i32_load, cell).i32(1).op(w.i32_add).memory(w.i32_store);
          });
          // Counts become addresses.
          f.get(to).set(sum).get(counters).set(cell);
          f.doWhile(
            () => {
              f.load(w.i32_load, cell).i32(4).op(w.i32_shl).set(i);
              f.get(cell).get(sum).memory(w.i32_store);
              f.get(sum).get(i).op(w.i32_add).set(sum).increment(cell, 4);
            },
            () => f.get(cell).get(counters).i32(countersBytes).op(w.i32_add).op(w.i32_lt_u),
          );
          eachEntry(() => {
            bucket();
            f.tee(cell).memory(w.i32_load).get(entry).memory(w.v128_load).memory(w.v128_store);
            f.get(cell).load(w.i32_load, cell).i32(16).op(w.i32_add).memory(w.i32_store);
          });
          f.get(from).get(to).set(from).set(to);
          f.get(shift).i64(8).op(w.i64_add).set(shift);
        },
        () => f.get(shift).i64(keyBits(dtype)).op(w.i64_lt_u),
      );
      f.get(rows[1]).set(cursor);
      eachEntry(() => {
        f.get(cursor).load(w.i32_load, entry, 8).memory(w.i32_store);
        f.get(cursor).get(outputStep).op(w.i32_add).set(cursor);
      });
      walk.next();
      f.increment(begin, 1).get(begin).get(end).op(w.i32_lt_u).branchIf(again);
    });
    return f;
  };
  return [
    {
      key: `sort ${rank} ${kernelKey(kernel)}`,
      argumentBlock,
      units: length === 0 ? 0 : count(axes.sizes),
      grain: Math.ceil(3000 / (length * 20 + 1000)),
      emit,
    },
  ];
}

/** Significant bits of a key. */
function keyBits(dtype: DType): number {
  return bytesPerElement(dtype) * 8;
}

/** Pushes the key (i64) of the element at `address`. */
function pushKey(f: FunctionBuilder, dtype: DType, address: Local, descending: boolean): void {
  const wide = dtype === 'float64';
  const float = wide || dtype === 'float32';
  if (!float) {
    f.load(bytesPerElement(dtype) === 1 ? w.i32_load8_u : w.i32_load, address);
    if (dtype === 'int32') f.i32(-(2 ** 31)).op(w.i32_xor);
    if (descending) f.i32(-1).op(w.i32_xor);
    f.op(w.i64_extend_i32_u);
    return;
  }
  // x + 0 makes −0 to 0.
  const x = f.load(wide ? w.f64_load : w.f32_load, address).let(wide ? w.f64 : w.f32);
  f.get(x).get(x).op(wide ? w.f64_eq : w.f32_eq);
  f.if(
    () => {
      if (wide) {
        const bits = f.get(x).f64(0).op(w.f64_add).op(w.i64_reinterpret_f64).let(w.i64);
        // Sign set: all bits flipped; clear: the sign bit only.
        f.get(bits).get(bits).i64(63).op(w.i64_shr_s).i64(1).i64(63).op(w.i64_shl).op(w.i64_or).op(w.i64_xor);
        if (descending) f.i64(-1).op(w.i64_xor);
      } else {
        const bits = f.get(x).f32(0).op(w.f32_add).op(w.i32_reinterpret_f32).let(w.i32);
        f.get(bits).get(bits).i32(31).op(w.i32_shr_s).i32(-(2 ** 31)).op(w.i32_or).op(w.i32_xor);
        if (descending) f.i32(-1).op(w.i32_xor);
        f.op(w.i64_extend_i32_u);
      }
    },
    () => f.i64(-1),
    w.i64,
  );
}
