/**
 * Circular functions and their inverses.
 *
 * Arguments below 8192 are reduced by π/2 in three parts (W. J. Cody and W. Waite, "Software manual for the elementary functions",
 * 1980); larger ones by multiplying with the bits of 2/π that matter (M. Payne and R. Hanek, SIGNUM Newsletter 18, 1983), in integers.
 * The polynomials of asin and atan are those of the Cephes library (S. Moshier); sine and cosine are Taylor series, good to 2⁻²⁶ up to π/4.
 */
import type { WgslFunction } from './library.ts';

export const trigonometric: Readonly<Record<string, WgslFunction>> = {
  multiply_high: {
    needs: [],
    text: `fn multiply_high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let u = ah * bl + ((al * bl) >> 16u);
  let v = al * bh + (u & 0xffffu);
  return ah * bh + (u >> 16u) + (v >> 16u);
}`,
  },
  // The angle within ±π/4 and the number of quarter turns taken off, of a finite number without its sign.
  quarter_turns: {
    needs: ['multiply_high'],
    text: `struct Angle { rest: f32, turns: u32 }
fn quarter_turns(a: f32) -> Angle {
  if (a < 8192.0) {
    let n = floor(a * 0.63661977236 + 0.5);
    let rest = ((a - n * 1.5703125) - n * 4.837512969970703125e-4) - n * 7.54978995489188216e-8;
    return Angle(rest, u32(n));
  }
  // A zero word, then the bits of 2/pi.
  let bits = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
  let u = bitcast<u32>(a);
  let m = (u & 0x7fffffu) | 0x800000u;
  let first = (u >> 23u) - 120u;
  let word = first >> 5u;
  let shift = first & 31u;
  var w = array<u32, 3>(0u, 0u, 0u);
  for (var i = 0u; i < 3u; i++) {
    let high = bits[word + i] << shift;
    w[i] = high | select(0u, (bits[word + i + 1u] >> (31u - shift)) >> 1u, shift > 0u);
  }
  let low = m * w[2];
  let carry = multiply_high(m, w[2]);
  let middle = m * w[1] + carry;
  let high = m * w[0] + multiply_high(m, w[1]) + select(0u, 1u, middle < carry);
  let fraction = (high << 2u) | (middle >> 30u);
  let below = (middle << 2u) | (low >> 30u);
  let turns = (high >> 30u) + (fraction >> 31u);
  let rest = f32(bitcast<i32>(fraction)) * 2.3283064365386963e-10 + f32(below) * 5.421010862427522e-20;
  return Angle(rest * 1.57079632679, turns);
}`,
  },
  sine_series: {
    needs: [],
    text: `fn sine_series(x: f32) -> f32 {
  let z = x * x;
  return x + x * z * (-0.16666666667 + z * (8.3333333333e-3 + z * (-1.98412698e-4 + z * 2.7557319e-6)));
}
fn cosine_series(x: f32) -> f32 {
  let z = x * x;
  return 1.0 - z * (0.5 - z * (0.041666666667 - z * (1.3888888889e-3 - z * (2.48015873e-5 - z * 2.755732e-7))));
}`,
  },
  sine: {
    needs: ['from_bits', 'quarter_turns', 'sine_series', 'is_finite'],
    text: `fn sine(x: f32) -> f32 {
  if (!is_finite(x)) { return from_bits(0x7fc00000u); }
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) < 0x39800000u) { return x; }
  let angle = quarter_turns(bitcast<f32>(u & 0x7fffffffu));
  let y = select(sine_series(angle.rest), cosine_series(angle.rest), (angle.turns & 1u) == 1u);
  return bitcast<f32>(bitcast<u32>(y) ^ ((angle.turns & 2u) << 30u) ^ (u & 0x80000000u));
}`,
  },
  cosine: {
    needs: ['from_bits', 'quarter_turns', 'sine_series', 'is_finite'],
    text: `fn cosine(x: f32) -> f32 {
  if (!is_finite(x)) { return from_bits(0x7fc00000u); }
  let angle = quarter_turns(bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu));
  let y = select(cosine_series(angle.rest), sine_series(angle.rest), (angle.turns & 1u) == 1u);
  return bitcast<f32>(bitcast<u32>(y) ^ (((angle.turns + 1u) & 2u) << 30u));
}`,
  },
  tangent: {
    needs: ['from_bits', 'quarter_turns', 'sine_series', 'is_finite', 'negate', 'divide'],
    text: `fn tangent(x: f32) -> f32 {
  if (!is_finite(x)) { return from_bits(0x7fc00000u); }
  let u = bitcast<u32>(x);
  if ((u & 0x7fffffffu) < 0x39800000u) { return x; }
  let angle = quarter_turns(bitcast<f32>(u & 0x7fffffffu));
  let s = sine_series(angle.rest);
  let c = cosine_series(angle.rest);
  let odd = (angle.turns & 1u) == 1u;
  let y = divide(select(s, negate(c), odd), select(c, s, odd));
  return bitcast<f32>(bitcast<u32>(y) ^ (u & 0x80000000u));
}`,
  },
  // For 0 … 1.
  arc_sine_series: {
    needs: [],
    text: `fn arc_sine_series(x: f32, z: f32) -> f32 {
  return x + x * z * (0.16666752422 + z * (0.074953002686 + z * (0.045470025998 + z * (0.024181311049 + z * 0.042163199048))));
}`,
  },
  arc_sine: {
    needs: ['arc_sine_series', 'copy_sign', 'from_bits'],
    text: `fn arc_sine(x: f32) -> f32 {
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u > 0x3f800000u) { return from_bits(0x7fc00000u); }
  let a = bitcast<f32>(u);
  if (a <= 0.5) { return copy_sign(arc_sine_series(a, a * a), x); }
  let z = 0.5 * (1.0 - a);
  return copy_sign(1.57079632679 - 2.0 * arc_sine_series(sqrt(z), z), x);
}`,
  },
  arc_cosine: {
    needs: ['arc_sine_series', 'from_bits'],
    text: `fn arc_cosine(x: f32) -> f32 {
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u > 0x3f800000u) { return from_bits(0x7fc00000u); }
  if (u <= 0x3f000000u) {
    return 1.5707963268 - arc_sine_series(x, x * x);
  }
  let z = 0.5 * (1.0 - bitcast<f32>(u));
  let y = 2.0 * arc_sine_series(sqrt(z), z);
  return select(y, 3.14159265359 - y, x < 0.0);
}`,
  },
  // Of a number that is not negative, infinity included.
  arc_tangent_positive: {
    needs: [],
    text: `fn arc_tangent_positive(a: f32) -> f32 {
  if (bitcast<u32>(a) >= 0x4c800000u) { return 1.57079632679; }
  var start = 0.0;
  var x = a;
  if (a > 2.414213562) {
    start = 1.57079632679;
    x = -1.0 / a;
  } else if (a > 0.4142135624) {
    start = 0.785398163397;
    x = (a - 1.0) / (a + 1.0);
  }
  let z = x * x;
  return start + (x + x * z * (-0.333329491539 + z * (0.199777106478 + z * (-0.138776856032 + z * 0.0805374449538))));
}`,
  },
  arc_tangent: {
    needs: ['arc_tangent_positive', 'copy_sign', 'is_nan'],
    text: `fn arc_tangent(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let u = bitcast<u32>(x) & 0x7fffffffu;
  if (u < 0x39800000u) { return x; }
  return copy_sign(arc_tangent_positive(bitcast<f32>(u)), x);
}`,
  },
  arc_tangent2: {
    needs: ['arc_tangent_positive', 'copy_sign', 'is_nan', 'from_bits', 'divide'],
    text: `fn arc_tangent2(y: f32, x: f32) -> f32 {
  if (is_nan(x) || is_nan(y)) { return from_bits(0x7fc00000u); }
  let uy = bitcast<u32>(y) & 0x7fffffffu;
  let ux = bitcast<u32>(x) & 0x7fffffffu;
  let left = (bitcast<u32>(x) >> 31u) == 1u;
  var angle = 0.0;
  if (uy == 0u) {
    angle = 0.0;
  } else if (uy == 0x7f800000u) {
    angle = select(1.57079632679, 0.785398163397, ux == 0x7f800000u);
  } else if (ux == 0u) {
    angle = 1.57079632679;
  } else if (ux != 0x7f800000u) {
    // Exponents that lie far apart, so that the quotient would over- or underflow.
    let apart = i32(uy >> 23u) - i32(ux >> 23u);
    if (apart > 26) {
      angle = 1.57079632679;
    } else if (apart < -26 && left) {
      angle = 0.0;
    } else {
      angle = arc_tangent_positive(divide(bitcast<f32>(uy), bitcast<f32>(ux)));
    }
  }
  return copy_sign(select(angle, 3.14159265359 - angle, left), y);
}`,
  },
};
