/**
 * The WebAssembly instruction codes that kernels use.
 *
 * Each is named as in the specification, with `.` written `_`. Codes below 0x100 are one byte. The others are a page and a number: 0x100 SIMD (prefix byte 0xfd), 0x200 relaxed SIMD
 * (0xfd, numbers from 0x100), 0x300 saturating conversion and bulk memory (0xfc), 0x400 atomics (0xfe).
 * Single constants, not one object, so that bundlers keep only those in use and shorten their names.
 */

// Value types.
export const i32 = 0x7f;
export const i64 = 0x7e;
export const f32 = 0x7d;
export const f64 = 0x7c;
export const v128 = 0x7b;

// Control, parametric.
export const unreachable = 0x00;
export const nop = 0x01;
export const return_ = 0x0f;
export const drop = 0x1a;
export const select = 0x1b;

// Memory. These take an alignment and an offset: `f.load`, `f.store`.
export const i32_load = 0x28;
export const i64_load = 0x29;
export const f32_load = 0x2a;
export const f64_load = 0x2b;
export const i32_load8_s = 0x2c;
export const i32_load8_u = 0x2d;
export const i32_load16_s = 0x2e;
export const i32_load16_u = 0x2f;
export const i32_store = 0x36;
export const i64_store = 0x37;
export const f32_store = 0x38;
export const f64_store = 0x39;
export const i32_store8 = 0x3a;
export const i32_store16 = 0x3b;

// i32
export const i32_eqz = 0x45;
export const i32_eq = 0x46;
export const i32_ne = 0x47;
export const i32_lt_s = 0x48;
export const i32_lt_u = 0x49;
export const i32_gt_s = 0x4a;
export const i32_gt_u = 0x4b;
export const i32_le_s = 0x4c;
export const i32_le_u = 0x4d;
export const i32_ge_s = 0x4e;
export const i32_ge_u = 0x4f;
export const i32_clz = 0x67;
export const i32_ctz = 0x68;
export const i32_popcnt = 0x69;
export const i32_add = 0x6a;
export const i32_sub = 0x6b;
export const i32_mul = 0x6c;
export const i32_div_s = 0x6d;
export const i32_div_u = 0x6e;
export const i32_rem_s = 0x6f;
export const i32_rem_u = 0x70;
export const i32_and = 0x71;
export const i32_or = 0x72;
export const i32_xor = 0x73;
export const i32_shl = 0x74;
export const i32_shr_s = 0x75;
export const i32_shr_u = 0x76;
export const i32_rotl = 0x77;

// i64
export const i64_eqz = 0x50;
export const i64_eq = 0x51;
export const i64_ne = 0x52;
export const i64_lt_s = 0x53;
export const i64_lt_u = 0x54;
export const i64_gt_s = 0x55;
export const i64_gt_u = 0x56;
export const i64_add = 0x7c;
export const i64_sub = 0x7d;
export const i64_mul = 0x7e;
export const i64_div_s = 0x7f;
export const i64_div_u = 0x80;
export const i64_rem_s = 0x81;
export const i64_rem_u = 0x82;
export const i64_and = 0x83;
export const i64_or = 0x84;
export const i64_xor = 0x85;
export const i64_shl = 0x86;
export const i64_shr_s = 0x87;
export const i64_shr_u = 0x88;

// f32
export const f32_eq = 0x5b;
export const f32_ne = 0x5c;
export const f32_lt = 0x5d;
export const f32_gt = 0x5e;
export const f32_le = 0x5f;
export const f32_ge = 0x60;
export const f32_abs = 0x8b;
export const f32_neg = 0x8c;
export const f32_ceil = 0x8d;
export const f32_floor = 0x8e;
export const f32_trunc = 0x8f;
export const f32_nearest = 0x90;
export const f32_sqrt = 0x91;
export const f32_add = 0x92;
export const f32_sub = 0x93;
export const f32_mul = 0x94;
export const f32_div = 0x95;
export const f32_min = 0x96;
export const f32_max = 0x97;
export const f32_copysign = 0x98;

// f64
export const f64_eq = 0x61;
export const f64_ne = 0x62;
export const f64_lt = 0x63;
export const f64_gt = 0x64;
export const f64_le = 0x65;
export const f64_ge = 0x66;
export const f64_abs = 0x99;
export const f64_neg = 0x9a;
export const f64_ceil = 0x9b;
export const f64_floor = 0x9c;
export const f64_trunc = 0x9d;
export const f64_nearest = 0x9e;
export const f64_sqrt = 0x9f;
export const f64_add = 0xa0;
export const f64_sub = 0xa1;
export const f64_mul = 0xa2;
export const f64_div = 0xa3;
export const f64_min = 0xa4;
export const f64_max = 0xa5;
export const f64_copysign = 0xa6;

// Conversions.
export const i32_wrap_i64 = 0xa7;
export const i64_extend_i32_s = 0xac;
export const i64_extend_i32_u = 0xad;
export const f32_convert_i32_s = 0xb2;
export const f32_convert_i32_u = 0xb3;
export const f32_demote_f64 = 0xb6;
export const f64_convert_i32_s = 0xb7;
export const f64_convert_i32_u = 0xb8;
export const f64_promote_f32 = 0xbb;
export const i32_reinterpret_f32 = 0xbc;
export const i64_reinterpret_f64 = 0xbd;
export const f32_reinterpret_i32 = 0xbe;
export const f64_reinterpret_i64 = 0xbf;
export const i32_trunc_sat_f32_s = 0x300;
export const i32_trunc_sat_f32_u = 0x301;
export const i32_trunc_sat_f64_s = 0x302;
export const i32_trunc_sat_f64_u = 0x303;

// SIMD memory. `…_lane` forms take a lane: `f.loadLane`, `f.storeLane`.
export const v128_load = 0x100;
export const v128_load8x8_s = 0x101;
export const v128_load8x8_u = 0x102;
export const v128_load16x4_s = 0x103;
export const v128_load16x4_u = 0x104;
export const v128_load32x2_s = 0x105;
export const v128_load32x2_u = 0x106;
export const v128_load8_splat = 0x107;
export const v128_load16_splat = 0x108;
export const v128_load32_splat = 0x109;
export const v128_load64_splat = 0x10a;
export const v128_store = 0x10b;
export const v128_load8_lane = 0x154;
export const v128_load16_lane = 0x155;
export const v128_load32_lane = 0x156;
export const v128_load64_lane = 0x157;
export const v128_store8_lane = 0x158;
export const v128_store16_lane = 0x159;
export const v128_store32_lane = 0x15a;
export const v128_store64_lane = 0x15b;
export const v128_load32_zero = 0x15c;
export const v128_load64_zero = 0x15d;

// SIMD lanes: `f.lane(op, index)`.
export const i8x16_extract_lane_u = 0x116;
export const i32x4_extract_lane = 0x11b;
export const i32x4_replace_lane = 0x11c;
export const i64x2_extract_lane = 0x11d;
export const i64x2_replace_lane = 0x11e;
export const f32x4_extract_lane = 0x11f;
export const f32x4_replace_lane = 0x120;
export const f64x2_extract_lane = 0x121;
export const f64x2_replace_lane = 0x122;

export const i8x16_swizzle = 0x10e;
export const i8x16_splat = 0x10f;
export const i16x8_splat = 0x110;
export const i32x4_splat = 0x111;
export const i64x2_splat = 0x112;
export const f32x4_splat = 0x113;
export const f64x2_splat = 0x114;

// SIMD comparisons.
export const i8x16_eq = 0x123;
export const i32x4_eq = 0x137;
export const i32x4_ne = 0x138;
export const i32x4_lt_s = 0x139;
export const i32x4_lt_u = 0x13a;
export const i32x4_gt_s = 0x13b;
export const i32x4_gt_u = 0x13c;
export const i32x4_le_s = 0x13d;
export const i32x4_le_u = 0x13e;
export const i32x4_ge_s = 0x13f;
export const i32x4_ge_u = 0x140;
export const f32x4_eq = 0x141;
export const f32x4_ne = 0x142;
export const f32x4_lt = 0x143;
export const f32x4_gt = 0x144;
export const f32x4_le = 0x145;
export const f32x4_ge = 0x146;
export const f64x2_eq = 0x147;
export const f64x2_ne = 0x148;
export const f64x2_lt = 0x149;
export const f64x2_gt = 0x14a;
export const f64x2_le = 0x14b;
export const f64x2_ge = 0x14c;

// SIMD bits.
export const v128_not = 0x14d;
export const v128_and = 0x14e;
export const v128_andnot = 0x14f;
export const v128_or = 0x150;
export const v128_xor = 0x151;
export const v128_bitselect = 0x152;
export const v128_any_true = 0x153;
export const i32x4_all_true = 0x1a3;
export const i32x4_bitmask = 0x1a4;

// SIMD integers.
export const i8x16_narrow_i16x8_s = 0x165;
export const i8x16_narrow_i16x8_u = 0x166;
export const i16x8_narrow_i32x4_s = 0x185;
export const i16x8_narrow_i32x4_u = 0x186;
export const i16x8_extend_low_i8x16_s = 0x187;
export const i16x8_extend_low_i8x16_u = 0x189;
export const i16x8_extend_high_i8x16_u = 0x18a;
export const i32x4_extend_low_i16x8_s = 0x1a7;
export const i32x4_extend_low_i16x8_u = 0x1a9;
export const i32x4_extend_high_i16x8_u = 0x1aa;
export const i64x2_extend_low_i32x4_s = 0x1c7;
export const i64x2_extend_high_i32x4_s = 0x1c8;
export const i64x2_extend_low_i32x4_u = 0x1c9;
export const i32x4_abs = 0x1a0;
export const i32x4_neg = 0x1a1;
export const i32x4_shl = 0x1ab;
export const i32x4_shr_s = 0x1ac;
export const i32x4_shr_u = 0x1ad;
export const i32x4_add = 0x1ae;
export const i32x4_sub = 0x1b1;
export const i32x4_mul = 0x1b5;
export const i32x4_min_s = 0x1b6;
export const i32x4_min_u = 0x1b7;
export const i32x4_max_s = 0x1b8;
export const i32x4_max_u = 0x1b9;
export const i64x2_shl = 0x1cb;
export const i64x2_shr_s = 0x1cc;
export const i64x2_shr_u = 0x1cd;
export const i64x2_add = 0x1ce;
export const i64x2_sub = 0x1d1;
export const i64x2_eq = 0x1d6;

// SIMD floats.
export const f32x4_ceil = 0x167;
export const f32x4_floor = 0x168;
export const f32x4_trunc = 0x169;
export const f32x4_nearest = 0x16a;
export const f64x2_ceil = 0x174;
export const f64x2_floor = 0x175;
export const f64x2_trunc = 0x17a;
export const f64x2_nearest = 0x194;
export const f32x4_abs = 0x1e0;
export const f32x4_neg = 0x1e1;
export const f32x4_sqrt = 0x1e3;
export const f32x4_add = 0x1e4;
export const f32x4_sub = 0x1e5;
export const f32x4_mul = 0x1e6;
export const f32x4_div = 0x1e7;
export const f32x4_min = 0x1e8;
export const f32x4_max = 0x1e9;
export const f32x4_pmin = 0x1ea;
export const f32x4_pmax = 0x1eb;
export const f64x2_abs = 0x1ec;
export const f64x2_neg = 0x1ed;
export const f64x2_sqrt = 0x1ef;
export const f64x2_add = 0x1f0;
export const f64x2_sub = 0x1f1;
export const f64x2_mul = 0x1f2;
export const f64x2_div = 0x1f3;
export const f64x2_min = 0x1f4;
export const f64x2_max = 0x1f5;
export const f64x2_pmin = 0x1f6;
export const f64x2_pmax = 0x1f7;

// SIMD conversions.
export const i32x4_trunc_sat_f32x4_s = 0x1f8;
export const i32x4_trunc_sat_f32x4_u = 0x1f9;
export const f32x4_convert_i32x4_s = 0x1fa;
export const f32x4_convert_i32x4_u = 0x1fb;
export const i32x4_trunc_sat_f64x2_s_zero = 0x1fc;
export const i32x4_trunc_sat_f64x2_u_zero = 0x1fd;
export const f64x2_convert_low_i32x4_s = 0x1fe;
export const f64x2_convert_low_i32x4_u = 0x1ff;
export const f32x4_demote_f64x2_zero = 0x15e;
export const f64x2_promote_low_f32x4 = 0x15f;

// Relaxed SIMD: the result may differ between machines (fused or rounded twice).
export const f32x4_relaxed_madd = 0x205;
export const f32x4_relaxed_nmadd = 0x206;
export const f64x2_relaxed_madd = 0x207;
export const f64x2_relaxed_nmadd = 0x208;

// Atomics: memory instructions with natural alignment.
export const memory_atomic_notify = 0x400;
export const memory_atomic_wait32 = 0x401;
export const i32_atomic_load = 0x410;
export const i64_atomic_load = 0x411;
export const i32_atomic_store = 0x417;
export const i64_atomic_store = 0x418;
export const i32_atomic_rmw_add = 0x41e;
export const i64_atomic_rmw_add = 0x41f;
export const i32_atomic_rmw_sub = 0x425;
export const i32_atomic_rmw_xchg = 0x441;
export const i32_atomic_rmw_cmpxchg = 0x448;
export const i64_atomic_rmw_cmpxchg = 0x449;
