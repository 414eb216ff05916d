/** Whole numbers near a float, remainders, and conversions to integers. */
import type { WgslFunction } from './library.ts';

export const rounding: Readonly<Record<string, WgslFunction>> = {
  // Bits of float16 and bfloat16: the steps of @ag/tensor's halves.ts.
  from_half: {
    needs: ['from_bits'],
    text: `fn from_half(bits: u32) -> f32 {
  let size = bits & 0x7fffu;
  if (size < 0x400u) {
    let small = f32(size) * 5.9604644775390625e-8;
    return bitcast<f32>(bitcast<u32>(small) | ((bits & 0x8000u) << 16u));
  }
  let base = select(0x38000000u, 0x70000000u, size >= 0x7c00u);
  return from_bits(((size << 13u) + base) | ((bits & 0x8000u) << 16u));
}`,
  },
  to_half: {
    needs: [],
    text: `fn to_half(x: f32) -> u32 {
  let size = bitcast<u32>(x) & 0x7fffffffu;
  let sign = (bitcast<u32>(x) >> 16u) & 0x8000u;
  if (size > 0x7f800000u) { return 0x7e00u; }
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  if (size < 0x38800000u) { return sign | (bitcast<u32>(bitcast<f32>(size) + 0.5) - 0x3f000000u); }
  let rebased = size - 0x38000000u;
  return sign | ((rebased + 0xfffu + ((rebased >> 13u) & 1u)) >> 13u);
}`,
  },
  to_bfloat: {
    needs: [],
    text: `fn to_bfloat(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  if ((word & 0x7fffffffu) > 0x7f800000u) { return 0x7fc0u; }
  return (word + 0x7fffu + ((word >> 16u) & 1u)) >> 16u;
}`,
  },
  round_down: {
    needs: ['copy_sign'],
    text: `fn round_down(x: f32) -> f32 {
  // From 2^23 on every float is whole; NaN and infinities stay, too.
  if ((bitcast<u32>(x) & 0x7fffffffu) >= 0x4b000000u) { return x; }
  let y = floor(x);
  return select(y, copy_sign(0.0, x), y == 0.0);
}`,
  },
  round_up: {
    needs: ['negate', 'round_down'],
    text: 'fn round_up(x: f32) -> f32 { return negate(round_down(negate(x))); }',
  },
  round_even: {
    needs: ['copy_sign'],
    text: `fn round_even(x: f32) -> f32 {
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u >= 0x4b000000u) { return x; }
  let a = bitcast<f32>(u);
  let whole = i32(a);
  let rest = a - f32(whole);
  let up = rest > 0.5 || (rest == 0.5 && (whole & 1) == 1);
  return copy_sign(f32(whole + select(0, 1, up)), x);
}`,
  },
  // The remainder of significands by long division: exact for quotients of any size.
  remainder_of: {
    needs: ['from_bits', 'normalized'],
    text: `fn remainder_of(x: f32, y: f32) -> f32 {
  let ux = bitcast<u32>(x) & 0x7fffffffu;
  let uy = bitcast<u32>(y) & 0x7fffffffu;
  if (ux >= 0x7f800000u || uy > 0x7f800000u || uy == 0u) { return from_bits(0x7fc00000u); }
  if (ux < uy) { return x; }
  let a = normalized(ux);
  let b = normalized(uy);
  var rest = u32(a.x);
  let divisor = u32(b.x);
  for (var e = a.y; e > b.y; e--) {
    if (rest >= divisor) { rest = rest - divisor; }
    rest = rest << 1u;
  }
  if (rest >= divisor) { rest = rest - divisor; }
  let sign = bitcast<u32>(x) & 0x80000000u;
  if (rest == 0u) { return from_bits(sign); }
  let shift = i32(countLeadingZeros(rest)) - 8;
  let exponent = b.y - shift;
  if (exponent > 0) { return from_bits(sign | ((rest << u32(shift)) & 0x7fffffu) | (u32(exponent) << 23u)); }
  return from_bits(sign | ((rest << u32(shift)) >> u32(1 - exponent)));
}`,
  },
  // Significand with its leading bit at 23, and the biased exponent, which may be below 1.
  normalized: {
    needs: [],
    text: `fn normalized(u: u32) -> vec2<i32> {
  if (u >= 0x800000u) { return vec2<i32>(i32((u & 0x7fffffu) | 0x800000u), i32(u >> 23u)); }
  let shift = countLeadingZeros(u) - 8u;
  return vec2<i32>(i32(u << shift), 1 - i32(shift));
}`,
  },
  modulo: {
    needs: ['copy_sign', 'remainder_of', 'is_nan'],
    text: `fn modulo(x: f32, y: f32) -> f32 {
  let r = remainder_of(x, y);
  if (is_nan(r)) { return r; }
  if ((bitcast<u32>(r) & 0x7fffffffu) == 0u) { return copy_sign(0.0, y); }
  return select(r, r + y, ((bitcast<u32>(r) ^ bitcast<u32>(y)) >> 31u) == 1u);
}`,
  },
  to_i32: {
    needs: ['is_nan'],
    text: `fn to_i32(x: f32) -> i32 {
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) < 0x4f000000u) { return i32(x); }
  if (is_nan(x)) { return 0; }
  return select(2147483647, -2147483647 - 1, (u >> 31u) == 1u);
}`,
  },
  to_u32: {
    needs: [],
    text: `fn to_u32(x: f32) -> u32 {
  let u = bitcast<u32>(x);
  // Negative numbers and NaN of either sign.
  if (u > 0x7f800000u) { return 0u; }
  if (u >= 0x4f800000u) { return 0xffffffffu; }
  return u32(x);
}`,
  },
  to_u8: {
    needs: ['to_u32'],
    text: 'fn to_u8(x: f32) -> u32 { return min(to_u32(x), 255u); }',
  },
};
