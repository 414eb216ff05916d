// biome-ignore-all format: a line of instructions is a line of thought
/**
 * Scan kernels: running sums, products and extremes along the last axis, one row after another. Rows are independent
 * units of work. float32 runs in float64 and is rounded at each store.
 */
import { bytesPerElement, type DType, kernelKey, type ScanKernel } from '@ag/tensor';
import { ArgumentBlock, type LowerContext, parameter, type Stage, type Target } from '../abi.ts';
import type { FunctionBuilder, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type Access, addressField } from './access.ts';
import { count } from './axes.ts';
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
  const startsAt = accesses.map((access) => argumentBlock.i32(reverse ? (length - 1) * access.strides[rank] * bytes : 0));
  const lengthAt = argumentBlock.i32(length);
  const type = dtype === 'float32' || dtype === 'float64' ? w.f64 : w.i32;
  const emit = (target: Target) => {
    const f = target.module.function(null, [w.i32, w.i32, w.i32], []);
    const { begin, end } = parameter;
    const load = (at: number) => f.load(w.i32_load, parameter.argumentBlock, at).let(w.i32);
    const rows = addresses.map(load);
    const steps = stepsAt.map(load);
    const walk = new PointerWalk(f, fields, rows);
    const position = f.get(begin).let(w.i32);
    walk.seek(position);
    const cursors = rows.map(() => f.local(w.i32));
    const total = f.local(type);
    const left = f.local(w.i32);
    f.loop((again) => {
      cursors.forEach((cursor, i) => {
        f.get(rows[i]).load(w.i32_load, parameter.argumentBlock, startsAt[i]).op(w.i32_add).set(cursor);
      });
      // The first element is the first total: no identity needed.
      loadScalar(f, dtype, cursors[0]);
      f.set(total).load(w.i32_load, parameter.argumentBlock, lengthAt).set(left);
      f.loop((more) => {
        storeScalar(f, dtype, cursors[1], total);
        cursors.forEach((cursor, i) => f.get(cursor).get(steps[i]).op(w.i32_add).set(cursor));
        f.increment(left, -1).get(left);
        f.if(() => {
          f.get(total);
          loadScalar(f, dtype, cursors[0]);
          combineScalars(f, combine, dtype);
          f.set(total).branch(more);
        });
      });
      walk.next();
      f.increment(begin, 1).get(begin).get(end).op(w.i32_lt_u).branchIf(again);
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
function loadScalar(f: FunctionBuilder, dtype: DType, address: Local): void {
  if (dtype === 'float64') f.load(w.f64_load, address);
  else if (dtype === 'float32') f.load(w.f32_load, address).op(w.f64_promote_f32);
  else f.load(bytesPerElement(dtype) === 1 ? w.i32_load8_u : w.i32_load, address);
}

function storeScalar(f: FunctionBuilder, dtype: DType, address: Local, value: Local): void {
  f.get(address).get(value);
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
  const b = f.let(w.i32);
  const a = f.let(w.i32);
  const signed = dtype === 'int32';
  const compare = combine === 'max' ? (signed ? w.i32_gt_s : w.i32_gt_u) : signed ? w.i32_lt_s : w.i32_lt_u;
  f.get(a).get(b).get(a).get(b).op(compare).op(w.select);
}
