/** What the bits of a float say: NaN, infinity, sign and order; and the operations that are decided by these. */
import type { WgslFunction } from './library.ts';

/** `key` orders floats as they compare, −0 equal to 0; `rank` puts −0 below 0. NaN lies beyond the infinities in both. */
export const comparison: Readonly<Record<string, WgslFunction>> = {
  from_bits: {
    needs: [],
    text: 'fn from_bits(u: u32) -> f32 { return bitcast<f32>(u); }',
  },
  is_nan: {
    needs: [],
    text: 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }',
  },
  is_finite: {
    needs: [],
    text: 'fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }',
  },
  key: {
    needs: [],
    text: `fn key(x: f32) -> i32 {
  let i = bitcast<i32>(x);
  return select(i, -(i & 0x7fffffff), i < 0);
}`,
  },
  rank: {
    needs: [],
    text: `fn rank(x: f32) -> i32 {
  let i = bitcast<i32>(x);
  return select(i, i ^ 0x7fffffff, i < 0);
}`,
  },
  equal: {
    needs: ['is_nan', 'key'],
    text: 'fn equal(a: f32, b: f32) -> bool { return key(a) == key(b) && !is_nan(a); }',
  },
  less: {
    needs: ['is_nan', 'key'],
    text: 'fn less(a: f32, b: f32) -> bool { return key(a) < key(b) && !is_nan(a) && !is_nan(b); }',
  },
  less_equal: {
    needs: ['is_nan', 'key'],
    text: 'fn less_equal(a: f32, b: f32) -> bool { return key(a) <= key(b) && !is_nan(a) && !is_nan(b); }',
  },
  maximum: {
    needs: ['is_nan', 'rank'],
    text: `fn maximum(a: f32, b: f32) -> f32 {
  if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  return select(a, b, rank(a) < rank(b));
}`,
  },
  minimum: {
    needs: ['is_nan', 'rank'],
    text: `fn minimum(a: f32, b: f32) -> f32 {
  if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  return select(a, b, rank(b) < rank(a));
}`,
  },
  negate: {
    needs: [],
    text: 'fn negate(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }',
  },
  absolute: {
    needs: [],
    text: 'fn absolute(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }',
  },
  sign_of: {
    needs: ['is_nan'],
    text: `fn sign_of(x: f32) -> f32 {
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) == 0u || is_nan(x)) { return x; }
  return select(1.0, -1.0, (u >> 31u) == 1u);
}`,
  },
  copy_sign: {
    needs: [],
    text: `fn copy_sign(x: f32, sign: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u));
}`,
  },
  divide: {
    needs: ['from_bits'],
    text: `fn divide(a: f32, b: f32) -> f32 {
  let ua = bitcast<u32>(a) & 0x7fffffffu;
  let ub = bitcast<u32>(b) & 0x7fffffffu;
  let ordinary = ub - 1u < 0x7f7fffffu && ua < 0x7f800000u;
  if (ordinary) {
    // The reciprocal of a divisor beyond 2^125 would be subnormal, which a device may take for 0.
    if (ub > 0x7e000000u) { return (a * 0.0625) / (b * 0.0625); }
    return a / b;
  }
  let sign = (bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u;
  if (ua > 0x7f800000u || ub > 0x7f800000u) { return from_bits(0x7fc00000u); }
  if (ub == 0x7f800000u) { return from_bits(select(sign, 0x7fc00000u, ua == ub)); }
  if (ub == 0u) { return from_bits(select(sign | 0x7f800000u, 0x7fc00000u, ua == 0u)); }
  return from_bits(sign | 0x7f800000u);
}`,
  },
  square_root: {
    needs: ['from_bits'],
    text: `fn square_root(x: f32) -> f32 {
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) == 0u || u == 0x7f800000u) { return x; }
  if (u > 0x7f800000u) { return from_bits(0x7fc00000u); }
  return sqrt(x);
}`,
  },
};
