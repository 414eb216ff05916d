/**
 * Exponentials, logarithms and what is made of them.
 *
 * exp reduces by multiples of log 2 in two parts and adds up its Taylor series; log is the series of 2·artanh(f / (2 + f)) in the
 * arrangement of fdlibm (Sun Microsystems, 1993); the power carries its logarithm in two parts, so that the error does not grow with the
 * exponent; erf is W. J. Cody's rational approximation (Math. Comp. 23, 1969, 631–637).
 */
import type { WgslFunction } from './library.ts';

export const exponential: Readonly<Record<string, WgslFunction>> = {
  // e^r for |r| below log(2)/2 or so.
  exponential_series: {
    needs: [],
    text: `fn exponential_series(r: f32) -> f32 {
  return 1.0 + (r + r * r * (0.5 + r * (0.16666666667 + r * (0.041666666667 + r * (8.3333333333e-3 + r * (1.3888889e-3 + r * 1.984127e-4))))));
}
fn times_power_of_two(x: f32, n: i32) -> f32 {
  let half = n >> 1u;
  return (x * bitcast<f32>((half + 127) << 23u)) * bitcast<f32>((n - half + 127) << 23u);
}`,
  },
  exponential: {
    needs: ['exponential_series', 'from_bits'],
    text: `fn exponential(x: f32) -> f32 {
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) > 0x7f800000u) { return x; }
  if ((u & 0x7fffffffu) > 0x42b17217u) {
    if ((u >> 31u) == 0u) { return from_bits(0x7f800000u); }
    if (u > 0xc2cff1b5u) { return 0.0; }
  }
  let n = floor(x * 1.44269504089 + 0.5);
  let r = (x - n * 0.693359375) - n * -2.12194440055e-4;
  return times_power_of_two(exponential_series(r), i32(n));
}`,
  },
  exponential_minus_one: {
    needs: ['exponential'],
    text: `fn exponential_minus_one(x: f32) -> f32 {
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u < 0x33000000u) { return x; }
  if (u < 0x3eb33333u) {
    return x + x * x * (0.5 + x * (0.16666666667 + x * (0.041666666667 + x * (8.3333333333e-3 + x * (1.3888889e-3 + x * 1.984127e-4)))));
  }
  return exponential(x) - 1.0;
}`,
  },
  logarithm: {
    needs: ['from_bits', 'normalized'],
    text: `fn logarithm(x: f32) -> f32 {
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) == 0u) { return from_bits(0xff800000u); }
  if (u == 0x7f800000u) { return x; }
  if (u > 0x7f800000u) { return from_bits(0x7fc00000u); }
  let parts = normalized(u);
  var e = f32(parts.y - 127);
  var m = bitcast<f32>((u32(parts.x) & 0x7fffffu) | 0x3f800000u);
  if (m > 1.41421356) {
    m = m * 0.5;
    e = e + 1.0;
  }
  let f = m - 1.0;
  let s = f / (2.0 + f);
  let z = s * s;
  let r = z * (0.66666666667 + z * (0.4 + z * (0.28571428571 + z * 0.22222222222)));
  let h = 0.5 * f * f;
  return e * 0.69313812256 - ((h - (s * (h + r) + e * 9.0580006145e-6)) - f);
}`,
  },
  logarithm_of_one_plus: {
    needs: ['logarithm'],
    text: `fn logarithm_of_one_plus(x: f32) -> f32 {
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) < 0x33000000u) { return x; }
  // -0.2928 … 0.4142
  if ((u < 0x3ed413cdu) || (u >= 0x80000000u && u < 0xbe95f619u)) {
    let s = x / (2.0 + x);
    let z = s * s;
    return x - s * (x - 2.0 * z * (0.33333333333 + z * (0.2 + z * (0.14285714286 + z * (0.11111111111 + z * 0.090909090909)))));
  }
  return logarithm(1.0 + x);
}`,
  },
  sigmoid: {
    needs: ['exponential', 'is_nan'],
    text: `fn sigmoid(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let negative = (bitcast<u32>(x) >> 31u) == 1u;
  let e = exponential(bitcast<f32>(bitcast<u32>(x) | 0x80000000u));
  return select(1.0, e, negative) / (1.0 + e);
}`,
  },
  hyperbolic_tangent: {
    needs: ['exponential_minus_one', 'copy_sign', 'is_nan'],
    text: `fn hyperbolic_tangent(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u < 0x39800000u) { return x; }
  if (u > 0x41110000u) { return copy_sign(1.0, x); }
  let e = exponential_minus_one(2.0 * bitcast<f32>(u));
  return copy_sign(e / (e + 2.0), x);
}`,
  },
  hyperbolic_sine: {
    needs: ['exponential', 'copy_sign'],
    text: `fn hyperbolic_sine(x: f32) -> f32 {
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u < 0x39800000u || u >= 0x7f800000u) { return x; }
  let a = bitcast<f32>(u);
  if (a < 1.0) {
    let z = a * a;
    return copy_sign(a + a * z * (0.16666666667 + z * (8.3333333333e-3 + z * (1.984127e-4 + z * (2.7557319e-6 + z * 2.505211e-8)))), x);
  }
  if (a < 88.0) {
    let e = exponential(a);
    return copy_sign(0.5 * (e - 1.0 / e), x);
  }
  let h = exponential(0.5 * a);
  return copy_sign((0.5 * h) * h, x);
}`,
  },
  hyperbolic_cosine: {
    needs: ['exponential'],
    text: `fn hyperbolic_cosine(x: f32) -> f32 {
  let u = bitcast<u32>(x) & 0x7fffffffu;
  let a = bitcast<f32>(u);
  if (u >= 0x7f800000u) { return a; }
  if (a < 88.0) {
    let e = exponential(a);
    return 0.5 * (e + 1.0 / e);
  }
  let h = exponential(0.5 * a);
  return (0.5 * h) * h;
}`,
  },
  error_function: {
    needs: ['exponential', 'copy_sign', 'is_nan'],
    text: `fn error_function(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u >= 0x407b0000u) { return copy_sign(1.0, x); }
  let y = bitcast<f32>(u);
  if (y <= 0.46875) {
    let z = y * y;
    let p = (((0.185777706184603 * z + 3.16112374387057) * z + 113.86415415105) * z + 377.485237685302) * z + 3209.37758913847;
    let q = (((z + 23.6012909523441) * z + 244.024637934444) * z + 1282.61652607737) * z + 2844.23683343917;
    return x * (p / q);
  }
  let p = (((((((2.15311535474404e-8 * y + 0.564188496988670) * y + 8.88314979438838) * y + 66.1191906371416) * y + 298.635138197400) * y
    + 881.952221241769) * y + 1712.04761263407) * y + 2051.07837782607) * y + 1230.33935479800;
  let q = (((((((y + 15.7449261107098) * y + 117.693950891312) * y + 537.181101862010) * y + 1621.38957456669) * y + 3290.79923573346) * y
    + 4362.61909014325) * y + 3439.36767414372) * y + 1230.33935480375;
  return copy_sign(1.0 - (p / q) * exponential(-y * y), x);
}`,
  },
  // A float with the upper 12 bits of its significand: the product of two is exact.
  upper: {
    needs: [],
    text: 'fn upper(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }',
  },
  power: {
    needs: ['from_bits', 'is_nan', 'normalized', 'upper', 'exponential_series'],
    text: `fn power(x: f32, y: f32) -> f32 {
  let ux = bitcast<u32>(x) & 0x7fffffffu;
  let uy = bitcast<u32>(y) & 0x7fffffffu;
  if (uy == 0u || bitcast<u32>(x) == 0x3f800000u) { return 1.0; }
  if (is_nan(x) || is_nan(y)) { return from_bits(0x7fc00000u); }
  let negative = (bitcast<u32>(x) >> 31u) == 1u;
  var whole = true;
  var odd = false;
  if (uy < 0x4b800000u) {
    let count = u32(bitcast<f32>(uy));
    whole = f32(count) == bitcast<f32>(uy);
    odd = whole && (count & 1u) == 1u;
  }
  if (negative && !whole && ux != 0u && ux != 0x7f800000u) { return from_bits(0x7fc00000u); }
  let sign = select(0u, 0x80000000u, negative && odd);
  if (ux == 0x3f800000u) { return from_bits(sign | 0x3f800000u); }
  if (ux == 0u || ux == 0x7f800000u || uy >= 0x5f800000u) {
    let grows = (ux > 0x3f800000u) == ((bitcast<u32>(y) >> 31u) == 0u);
    return from_bits(sign | select(0u, 0x7f800000u, grows));
  }
  let parts = normalized(ux);
  var e = f32(parts.y - 127);
  var m = bitcast<f32>((u32(parts.x) & 0x7fffffu) | 0x3f800000u);
  if (m > 1.41421356) {
    m = m * 0.5;
    e = e + 1.0;
  }
  // log(m) = 2 artanh(s), s = f / g in two parts.
  let f = m - 1.0;
  let g = m + 1.0;
  let s = f / g;
  let sh = upper(s);
  let gh = upper(g);
  let gl = m - (gh - 1.0);
  let sl = ((f - sh * gh) - sh * gl) / g;
  let z = s * s;
  let high = 2.0 * sh;
  let low = 2.0 * sl + 2.0 * s * z * (0.33333333333 + z * (0.2 + z * (0.14285714286 + z * (0.11111111111 + z * 0.090909090909))));
  // By 1 / log(2) = 1.4423828125 + 3.122283889634e-4, the first of 12 bits.
  let ph = high * 1.4423828125;
  let pl = low * 1.44269504089 + high * 3.122283889634e-4;
  let lh = upper(e + (ph + pl));
  let ll = ((e - lh) + ph) + pl;
  let yh = upper(y);
  let qh = yh * lh;
  let ql = (y - yh) * lh + y * ll;
  let exponent = qh + ql;
  if (exponent >= 128.0) { return from_bits(sign | 0x7f800000u); }
  if (exponent < -150.0) { return from_bits(sign); }
  let n = floor(exponent + 0.5);
  let r = (qh - n) + ql;
  let result = times_power_of_two(exponential_series(r * 0.69314718056), i32(n));
  return bitcast<f32>(bitcast<u32>(result) | sign);
}`,
  },
};
