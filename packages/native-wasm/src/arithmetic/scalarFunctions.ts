// biome-ignore-all format: a line of instructions is a line of thought
/**
 * Functions that work one element at a time or are too long to repeat in every loop.
 *
 * Remainders, integer division and powers, the float64 error function, and Threefry on four lanes.
 */
import type { Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { hostFunction } from './hostFunctions.ts';
import { function64 } from './mathF64.ts';
import { VectorCode } from './vector.ts';

/**
 * Remainder with the sign of the divisor, zero included. For float32 operands (`short`) a − ⌊a/b⌋·b is exact in
 * float64 as long as the quotient has at most 29 bits; all else is JavaScript's `%`.
 */
export function modulo(target: Target, short: boolean): Callable {
  return target.module.shared(`modulo${short}`, [w.f64, w.f64], [w.f64], (f) => {
    const [a, b] = f.parameters;
    const quotient = f.local(w.f64);
    const remainder = f.local(w.f64);
    const exact = () => f.get(a).get(b).call(target.module.shared('remainder', [w.f64, w.f64], [w.f64], (g) => {
      g.get(0).get(1);
      hostFunction(g, target, 'remainder');
    })).set(remainder); // biome-ignore format: short
    if (short) {
      f.get(a).get(b).op(w.f64_div).op(w.f64_floor).tee(quotient).op(w.f64_abs).f64(2 ** 29).op(w.f64_lt);
      f.get(b).op(w.f64_abs).f64(Infinity).op(w.f64_lt).op(w.i32_and);
      f.if(
        () => f.get(a).get(quotient).get(b).op(w.f64_mul).op(w.f64_sub).set(remainder),
        () => exact(),
      );
    } else exact();
    f.get(remainder).f64(0).op(w.f64_eq);
    f.if(
      () => f.f64(0).get(b).op(w.f64_copysign),
      () => {
        f.get(remainder).get(b).op(w.f64_add).get(remainder);
        f.get(remainder).f64(0).op(w.f64_lt).get(b).f64(0).op(w.f64_lt).op(w.i32_ne).op(w.select);
      },
      w.f64,
    );
  });
}

/** Division toward zero, 0 for a divisor of 0; remainder with the divisor's sign; power by squaring; shifts by any count. */
export function integerFunction(target: Target, op: 'div' | 'mod' | 'pow' | 'shiftLeft' | 'shiftRight', signed: boolean): Callable {
  return target.module.shared(`${op}${signed}`, [w.i32, w.i32], [w.i32], (f) => {
    const [a, b] = f.parameters;
    if (op === 'div' || op === 'mod') f.get(b).op(w.i32_eqz).if(() => f.i32(0).op(w.return_));
    switch (op) {
      case 'shiftLeft':
        f.get(a).get(b).op(w.i32_shl).i32(0).get(b).i32(32).op(w.i32_lt_u).op(w.select);
        break;
      case 'shiftRight':
        f.get(a).get(b).op(signed ? w.i32_shr_s : w.i32_shr_u);
        if (signed) f.get(a).i32(31).op(w.i32_shr_s);
        else f.i32(0);
        f.get(b).i32(32).op(w.i32_lt_u).op(w.select);
        break;
      case 'div':
        // −2³¹ / −1 would trap: it wraps instead.
        if (signed) f.get(b).i32(-1).op(w.i32_eq).if(() => f.i32(0).get(a).op(w.i32_sub).op(w.return_));
        f.get(a).get(b).op(signed ? w.i32_div_s : w.i32_div_u);
        break;
      case 'mod': {
        f.get(a).get(b).op(signed ? w.i32_rem_s : w.i32_rem_u);
        if (!signed) break;
        const remainder = f.let(w.i32);
        f.get(remainder).get(b).op(w.i32_add).get(remainder);
        f.get(remainder).i32(0).op(w.i32_ne).get(remainder).get(b).op(w.i32_xor).i32(0).op(w.i32_lt_s);
        f.op(w.i32_and).op(w.select);
        break;
      }
      case 'pow': {
        if (signed) {
          f.get(b).i32(0).op(w.i32_lt_s).if(() => {
            // The reciprocal, rounded toward zero: only ±1 have one that is not 0.
            f.get(a).i32(1).op(w.i32_eq).if(() => f.i32(1).op(w.return_));
            f.get(a).i32(-1).op(w.i32_ne).if(() => f.i32(0).op(w.return_));
            f.i32(1).i32(-1).get(b).i32(1).op(w.i32_and).op(w.i32_eqz).op(w.select).op(w.return_);
          });
        }
        const result = f.local(w.i32);
        f.i32(1).set(result);
        f.while(() => f.get(b), () => {
          f.get(result).get(a).i32(1).get(b).i32(1).op(w.i32_and).op(w.select).op(w.i32_mul).set(result);
          f.get(a).get(a).op(w.i32_mul).set(a);
          f.get(b).i32(1).op(w.i32_shr_u).set(b);
        });
        f.get(result);
      }
    }
  });
}

/** 2/√π·e^(−x²)·Σ 2ⁿx^(2n+1)/(1·3·…·(2n+1)), all terms positive (Abramowitz & Stegun 7.1.6); ±1 from 6 on. */
export function erf64(target: Target): Callable {
  return target.module.shared('erf64', [w.f64], [w.f64], (f) => {
    const x = 0;
    const square = f.local(w.f64);
    const term = f.local(w.f64);
    const sum = f.local(w.f64);
    const divisor = f.local(w.f64);
    f.get(x).get(x).op(w.f64_mul).tee(square).f64(36).op(w.f64_gt);
    f.if(() => f.f64(1).get(x).op(w.f64_copysign).op(w.return_));
    f.get(x).tee(term).set(sum).f64(1).set(divisor);
    f.doWhile(
      () => {
        f.get(divisor).f64(2).op(w.f64_add).set(divisor);
        f.get(term).get(square).f64(2).op(w.f64_mul).get(divisor).op(w.f64_div).op(w.f64_mul).tee(term);
        f.get(sum).op(w.f64_add).set(sum);
      },
      () => f.get(term).op(w.f64_abs).get(sum).op(w.f64_abs).f64(1e-17).op(w.f64_mul).op(w.f64_gt),
    );
    f.get(sum).f64(2 / Math.sqrt(Math.PI)).op(w.f64_mul).get(square).op(w.f64_neg);
    f.op(w.f64x2_splat).call(function64(target, new VectorCode(f, target), 'exp')).lane(w.f64x2_extract_lane, 0);
    f.op(w.f64_mul);
  });
}

const rotations = [[13, 15, 26, 6], [17, 29, 16, 24]]; // biome-ignore format: a table

/** Threefry-2x32, 20 rounds, on four lanes: key words, counter words → first word (Salmon et al. 2011, section 4.2). */
export function threefry(target: Target): Callable {
  const four = [w.v128, w.v128, w.v128, w.v128];
  return target.module.shared('threefry', four, [w.v128], (f) => {
    const v = new VectorCode(f, target);
    const [key0, key1, counter0, counter1] = f.parameters;
    const keys = [key0, key1, v.xor(v.xor(key0, key1), v.i32(0x1bd11bda))];
    let x = v.addInt(counter0, key0);
    let y = v.addInt(counter1, key1);
    for (let group = 1; group <= 5; group++) {
      for (const bits of rotations[(group - 1) % 2]) {
        x = v.addInt(x, y);
        y = v.xor(v.or(v.shift(w.i32x4_shl, y, bits), v.shift(w.i32x4_shr_u, y, 32 - bits)), x);
      }
      x = v.addInt(x, keys[group % 3]);
      y = v.addInt(v.addInt(y, keys[(group + 1) % 3]), v.i32(group));
    }
    f.get(x);
  });
}
