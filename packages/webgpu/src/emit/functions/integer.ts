/** Integers: what the vocabulary defines where WGSL leaves it open, and random words. */
import type { WgslFunction } from './library.ts';

export const integer: Readonly<Record<string, WgslFunction>> = {
  divide_i32: {
    needs: [],
    text: `fn divide_i32(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  if (b == -1) { return -a; }
  return a / b;
}`,
  },
  divide_u32: {
    needs: [],
    text: `fn divide_u32(a: u32, b: u32) -> u32 {
  if (b == 0u) { return 0u; }
  return a / b;
}`,
  },
  modulo_i32: {
    needs: [],
    text: `fn modulo_i32(a: i32, b: i32) -> i32 {
  if (b == 0 || b == -1) { return 0; }
  let r = a % b;
  return select(r, r + b, r != 0 && (r < 0) != (b < 0));
}`,
  },
  modulo_u32: {
    needs: [],
    text: `fn modulo_u32(a: u32, b: u32) -> u32 {
  if (b == 0u) { return 0u; }
  return a % b;
}`,
  },
  // WGSL leaves open what a shift by 32 or more gives.
  shift_left_i32: {
    needs: [],
    text: `fn shift_left_i32(a: i32, count: i32) -> i32 {
  if (count < 0 || count > 31) { return 0; }
  return a << u32(count);
}`,
  },
  shift_left_u32: {
    needs: [],
    text: `fn shift_left_u32(a: u32, count: u32) -> u32 {
  if (count > 31u) { return 0u; }
  return a << count;
}`,
  },
  shift_right_i32: {
    needs: [],
    text: `fn shift_right_i32(a: i32, count: i32) -> i32 {
  if (count < 0 || count > 31) { return a >> 31u; }
  return a >> u32(count);
}`,
  },
  shift_right_u32: {
    needs: [],
    text: `fn shift_right_u32(a: u32, count: u32) -> u32 {
  if (count > 31u) { return 0u; }
  return a >> count;
}`,
  },
  power_u32: {
    needs: [],
    text: `fn power_u32(base: u32, exponent: u32) -> u32 {
  var result = 1u;
  var square = base;
  for (var rest = exponent; rest > 0u; rest = rest >> 1u) {
    if ((rest & 1u) == 1u) { result = result * square; }
    square = square * square;
  }
  return result;
}`,
  },
  power_i32: {
    needs: ['power_u32'],
    text: `fn power_i32(base: i32, exponent: i32) -> i32 {
  if (exponent < 0) {
    if (base == 1) { return 1; }
    if (base == -1) { return select(1, -1, (exponent & 1) != 0); }
    return 0;
  }
  return bitcast<i32>(power_u32(bitcast<u32>(base), bitcast<u32>(exponent)));
}`,
  },
  // Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.2.
  threefry: {
    needs: [],
    text: `fn turn(word: u32, bits: u32) -> u32 { return (word << bits) | (word >> (32u - bits)); }
fn threefry(key0: u32, key1: u32, counter0: u32, counter1: u32) -> u32 {
  var a = key1;
  var b = key0 ^ key1 ^ 0x1bd11bdau;
  var c = key0;
  var x = counter0 + key0;
  var y = counter1 + key1;
  for (var group = 1u; group <= 5u; group++) {
    if ((group & 1u) == 1u) {
      x += y; y = turn(y, 13u) ^ x;
      x += y; y = turn(y, 15u) ^ x;
      x += y; y = turn(y, 26u) ^ x;
      x += y; y = turn(y, 6u) ^ x;
    } else {
      x += y; y = turn(y, 17u) ^ x;
      x += y; y = turn(y, 29u) ^ x;
      x += y; y = turn(y, 16u) ^ x;
      x += y; y = turn(y, 24u) ^ x;
    }
    x += a;
    y += b + group;
    let next = a;
    a = b;
    b = c;
    c = next;
  }
  return x;
}`,
  },
};
