/**
 * Scan kernels: running sums, products and extremes along the last axis, one row after another. Rows are independent
 * units of work. float32 runs in float64 and is rounded at each store.
 */

import { bytesPerElement, type DType, kernelKey, type ScanKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import {
  ArgumentBlock,
  argument,
  kernelParameters,
  type LowerContext,
  type Stage,
  type Target,
} from '../abi.ts';
import type { FunctionBuilder, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type I32, i32, i32Parameters } from '../assembler/values.ts';
import { type Access, addressField } from './access.ts';
import { PointerWalk, walkFields } from './pointerWalk.ts';

export function lowerScan({ launch }: LowerContext, kernel: ScanKernel): Stage[] {
  const { dtype, reverse, combine } = kernel;
  const rank = launch.dims.length - 1;
  const length = launch.dims[rank];
  const bytes = bytesPerElement(dtype);
  const accesses: Access[] = launch.operands.map((operand) => ({ operand, dtype, strides: operand.strides }));
  const argumentBlock = new ArgumentBlock();
  const addresses = accesses.map((access) => addressField(argumentBlock, access));
  const axes = { sizes: launch.dims.slice(0, rank), strides: accesses.map((a) => a.strides.slice(0, rank)) };
  const fields = walkFields(argumentBlock, axes, accesses);
  const sign = reverse ? -1 : 1;
  const stepsAt = accesses.map((access) => argumentBlock.i32(sign * access.strides[rank] * bytes));
  const startsAt = accesses.map((access) =>
    argumentBlock.i32(reverse ? (length - 1) * access.strides[rank] * bytes : 0),
  );
  const lengthAt = argumentBlock.i32(length);
  const type = dtype === 'float32' || dtype === 'float64' ? w.f64 : w.i32;
  const emit = (target: Target) => {
    const f = target.module.function(null, kernelParameters, []);
    const [, begin, end] = i32Parameters(f);
    const rows = addresses.map((at) => argument(f, at).let());
    const steps = stepsAt.map((at) => argument(f, at).let());
    const walk = new PointerWalk(f, fields, rows);
    const position = begin.let();
    walk.seek(position);
    const cursors = rows.map(() => i32(f));
    const total = f.local(type);
    const left = i32(f);
    f.loop((again) => {
      cursors.forEach((cursor, i) => cursor.set(rows[i].add(argument(f, startsAt[i]))));
      // The first element is the first total: no identity needed.
      loadScalar(f, dtype, cursors[0]);
      f.set(total);
      left.set(argument(f, lengthAt));
      f.loop((more) => {
        storeScalar(f, dtype, cursors[1], total);
        cursors.forEach((cursor, i) => cursor.increase(steps[i]));
        left.increase(-1);
        left.if(() => {
          f.get(total);
          loadScalar(f, dtype, cursors[0]);
          combineScalars(f, combine, dtype);
          f.set(total).branch(more);
        });
      });
      walk.next();
      begin.increase(1);
      begin.ltU(end).branchIf(again);
    });
    return f;
  };
  return [
    {
      key: `scan ${rank} ${kernelKey(kernel)}`,
      argumentBlock,
      units: length === 0 ? 0 : count(axes.sizes),
      grain: Math.ceil(3000 / (length * 1.5 + 5)),
      emit,
    },
  ];
}

/** An element as f64 (floats) or i32 (the rest). */
function loadScalar(f: FunctionBuilder, dtype: DType, address: I32): void {
  address.write();
  if (dtype === 'float64') f.memory(w.f64_load);
  else if (dtype === 'float32') f.memory(w.f32_load).op(w.f64_promote_f32);
  else f.memory(bytesPerElement(dtype) === 1 ? w.i32_load8_u : w.i32_load);
}

function storeScalar(f: FunctionBuilder, dtype: DType, address: I32, value: Local): void {
  address.write();
  f.get(value);
  if (dtype === 'float64') f.memory(w.f64_store);
  else if (dtype === 'float32') f.op(w.f32_demote_f64).memory(w.f32_store);
  else f.memory(bytesPerElement(dtype) === 1 ? w.i32_store8 : w.i32_store);
}

function combineScalars(f: FunctionBuilder, combine: ScanKernel['combine'], dtype: DType): void {
  if (dtype === 'float32' || dtype === 'float64') {
    f.op({ sum: w.f64_add, prod: w.f64_mul, max: w.f64_max, min: w.f64_min }[combine]);
    return;
  }
  if (combine === 'sum' || combine === 'prod') {
    f.op(combine === 'sum' ? w.i32_add : w.i32_mul);
    if (dtype === 'uint8') f.i32(255).op(w.i32_and);
    return;
  }
  const b = i32(f, f.let(w.i32));
  const a = i32(f, f.let(w.i32));
  const signed = dtype === 'int32';
  const larger = signed ? a.gtS(b) : a.gtU(b);
  const smaller = signed ? a.ltS(b) : a.ltU(b);
  (combine === 'max' ? larger : smaller).select(a, b).write();
}
