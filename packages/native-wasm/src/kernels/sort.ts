/**
 * Sort kernels: the positions that sort each row. Radix sort by bytes of a key that grows as the elements shall (stable, so
 * equal elements keep their order): n steps for each byte whatever the data, and no comparison to get wrong.
 *
 * Keys: integers with the sign bit flipped; floats likewise with negative ones inverted, −0 as 0, and NaN above
 * everything. A descending sort inverts the key of all but NaN.
 */

import { bytesPerElement, type DType, kernelKey, type SortKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import {
  ArgumentBlock,
  argument,
  kernelParameters,
  type LowerContext,
  type Scratch,
  type Stage,
  type Target,
} from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { I32, i32, i32Parameters, i32s } from '../assembler/values.ts';
import { type Access, addressField } from './access.ts';
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
  const axes = {
    sizes: launch.dims.slice(0, rank),
    strides: [input, output].map((a) => a.strides.slice(0, rank)),
  };
  const fields = walkFields(argumentBlock, axes, [input, output]);
  const stepsAt = [
    argumentBlock.i32(input.strides[rank] * bytesPerElement(dtype)),
    argumentBlock.i32(output.strides[rank] * 4),
  ];
  const lengthAt = argumentBlock.i32(length);
  // Counters, then two arrays of entries: key (8 bytes) and position (4), padded to 16.
  const scratch: Scratch = { bytes: Math.ceil((countersBytes + 2 * 16 * length) / 64) * 64, perThread: true };
  const scratchAt = argumentBlock.scratch(scratch);
  const scratchBytesAt = argumentBlock.i32(scratch.bytes);
  const emit = (target: Target) => {
    const f = target.module.function(null, kernelParameters, []);
    const [, begin, end] = i32Parameters(f);
    const rows = addresses.map((at) => argument(f, at).let());
    const [inputStep, outputStep] = stepsAt.map((at) => argument(f, at).let());
    const walk = new PointerWalk(f, fields, rows);
    const position = begin.let();
    walk.seek(position);
    const thread = new I32(f, () => f.globalGet(target.thread));
    const counters = argument(f, scratchAt).add(argument(f, scratchBytesAt).mul(thread)).let();
    const length = argument(f, lengthAt).let();
    const bytes = length.shl(4).let();
    const [from, to, cursor, entry, i] = i32s(f, 5);
    const shift = f.local(w.i64);
    const sum = i32(f);
    const cell = i32(f);
    /** The byte of the key that this pass sorts by. */
    const byte = new I32(f, () => {
      entry.load(0, w.i64_load).write();
      f.get(shift).op(w.i64_shr_u).op(w.i32_wrap_i64).i32(255).op(w.i32_and);
    });
    const bucket = byte.shl(2).add(counters);
    const eachEntry = (body: () => void) => {
      entry.set(from);
      f.doWhile(
        () => {
          body();
          entry.increase(16);
        },
        () => entry.ltU(from.add(bytes)).write(),
      );
    };
    f.loop((again) => {
      from.set(counters.add(countersBytes));
      to.set(from.add(bytes));
      cursor.set(rows[0]);
      i.set(0);
      eachEntry(() => {
        entry.write();
        pushKey(f, dtype, cursor, kernel.descending);
        f.memory(w.i64_store);
        entry.store(i, 8);
        cursor.increase(inputStep);
        i.increase(1);
      });
      f.i64(0).set(shift);
      f.doWhile(
        () => {
          counters.write();
          f.i32(0).i32(countersBytes).memoryFill();
          eachEntry(() => cell.tee(bucket).store(cell.load().add(1)));
          // Counts become addresses.
          sum.set(to);
          cell.set(counters);
          f.doWhile(
            () => {
              i.set(cell.load().shl(4));
              cell.store(sum);
              sum.increase(i);
              cell.increase(4);
            },
            () => cell.ltU(counters.add(countersBytes)).write(),
          );
          eachEntry(() => {
            cell.tee(bucket).load().store(entry.loadVector());
            cell.store(cell.load().add(16));
          });
          from.write();
          from.set(to);
          f.set(to.local);
          f.get(shift).i64(8).op(w.i64_add).set(shift);
        },
        () => f.get(shift).i64(keyBits(dtype)).op(w.i64_lt_u),
      );
      cursor.set(rows[1]);
      eachEntry(() => {
        cursor.store(entry.load(8));
        cursor.increase(outputStep);
      });
      walk.next();
      begin.increase(1);
      begin.ltU(end).branchIf(again);
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
function pushKey(f: FunctionBuilder, dtype: DType, address: I32, descending: boolean): void {
  const wide = dtype === 'float64';
  const float = wide || dtype === 'float32';
  if (!float) {
    address.load(0, bytesPerElement(dtype) === 1 ? w.i32_load8_u : w.i32_load).write();
    if (dtype === 'int32') f.i32(-(2 ** 31)).op(w.i32_xor);
    if (descending) f.i32(-1).op(w.i32_xor);
    f.op(w.i64_extend_i32_u);
    return;
  }
  // x + 0 makes −0 to 0.
  address.write();
  const x = f.memory(wide ? w.f64_load : w.f32_load).let(wide ? w.f64 : w.f32);
  f.get(x)
    .get(x)
    .op(wide ? w.f64_eq : w.f32_eq);
  f.if(
    () => {
      if (wide) {
        const bits = f.get(x).f64(0).op(w.f64_add).op(w.i64_reinterpret_f64).let(w.i64);
        // Sign set: all bits flipped; clear: the sign bit only.
        f.get(bits).get(bits).i64(63).op(w.i64_shr_s).i64(1).i64(63).op(w.i64_shl).op(w.i64_or).op(w.i64_xor);
        if (descending) f.i64(-1).op(w.i64_xor);
      } else {
        const bits = f.get(x).f32(0).op(w.f32_add).op(w.i32_reinterpret_f32).let(w.i32);
        f.get(bits)
          .get(bits)
          .i32(31)
          .op(w.i32_shr_s)
          .i32(-(2 ** 31))
          .op(w.i32_or)
          .op(w.i32_xor);
        if (descending) f.i32(-1).op(w.i32_xor);
        f.op(w.i64_extend_i32_u);
      }
    },
    () => f.i64(-1),
    w.i64,
  );
}
