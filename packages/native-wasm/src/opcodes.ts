/**
 * The WebAssembly instruction codes our kernels use, each named as in the specification with `.` written `_`.
 *
 * Codes below 0x100 are one byte. The others carry their prefix byte in the bits above 16: `0xfd0000` SIMD
 * (relaxed SIMD from `0xfd0100`), `0xfc0000` bulk memory and saturating conversion, `0xfe0000` atomics.
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
export const i32_trunc_sat_f32_s = 0xfc0000;
export const i32_trunc_sat_f32_u = 0xfc0001;
export const i32_trunc_sat_f64_s = 0xfc0002;
export const i32_trunc_sat_f64_u = 0xfc0003;

// SIMD memory. `…_lane` forms take a lane: `f.loadLane`, `f.storeLane`.
export const v128_load = 0xfd0000;
export const v128_load8x8_s = 0xfd0001;
export const v128_load8x8_u = 0xfd0002;
export const v128_load16x4_s = 0xfd0003;
export const v128_load16x4_u = 0xfd0004;
export const v128_load32x2_s = 0xfd0005;
export const v128_load32x2_u = 0xfd0006;
export const v128_load8_splat = 0xfd0007;
export const v128_load16_splat = 0xfd0008;
export const v128_load32_splat = 0xfd0009;
export const v128_load64_splat = 0xfd000a;
export const v128_store = 0xfd000b;
export const v128_load8_lane = 0xfd0054;
export const v128_load16_lane = 0xfd0055;
export const v128_load32_lane = 0xfd0056;
export const v128_load64_lane = 0xfd0057;
export const v128_store8_lane = 0xfd0058;
export const v128_store16_lane = 0xfd0059;
export const v128_store32_lane = 0xfd005a;
export const v128_store64_lane = 0xfd005b;
export const v128_load32_zero = 0xfd005c;
export const v128_load64_zero = 0xfd005d;

// SIMD lanes: `f.lane(op, index)`.
export const i8x16_extract_lane_u = 0xfd0016;
export const i32x4_extract_lane = 0xfd001b;
export const i32x4_replace_lane = 0xfd001c;
export const i64x2_extract_lane = 0xfd001d;
export const i64x2_replace_lane = 0xfd001e;
export const f32x4_extract_lane = 0xfd001f;
export const f32x4_replace_lane = 0xfd0020;
export const f64x2_extract_lane = 0xfd0021;
export const f64x2_replace_lane = 0xfd0022;

export const i8x16_swizzle = 0xfd000e;
export const i8x16_splat = 0xfd000f;
export const i16x8_splat = 0xfd0010;
export const i32x4_splat = 0xfd0011;
export const i64x2_splat = 0xfd0012;
export const f32x4_splat = 0xfd0013;
export const f64x2_splat = 0xfd0014;

// SIMD comparisons.
export const i8x16_eq = 0xfd0023;
export const i32x4_eq = 0xfd0037;
export const i32x4_ne = 0xfd0038;
export const i32x4_lt_s = 0xfd0039;
export const i32x4_lt_u = 0xfd003a;
export const i32x4_gt_s = 0xfd003b;
export const i32x4_gt_u = 0xfd003c;
export const i32x4_le_s = 0xfd003d;
export const i32x4_le_u = 0xfd003e;
export const i32x4_ge_s = 0xfd003f;
export const i32x4_ge_u = 0xfd0040;
export const f32x4_eq = 0xfd0041;
export const f32x4_ne = 0xfd0042;
export const f32x4_lt = 0xfd0043;
export const f32x4_gt = 0xfd0044;
export const f32x4_le = 0xfd0045;
export const f32x4_ge = 0xfd0046;
export const f64x2_eq = 0xfd0047;
export const f64x2_ne = 0xfd0048;
export const f64x2_lt = 0xfd0049;
export const f64x2_gt = 0xfd004a;
export const f64x2_le = 0xfd004b;
export const f64x2_ge = 0xfd004c;

// SIMD bits.
export const v128_not = 0xfd004d;
export const v128_and = 0xfd004e;
export const v128_andnot = 0xfd004f;
export const v128_or = 0xfd0050;
export const v128_xor = 0xfd0051;
export const v128_bitselect = 0xfd0052;
export const v128_any_true = 0xfd0053;
export const i32x4_all_true = 0xfd00a3;
export const i32x4_bitmask = 0xfd00a4;

// SIMD integers.
export const i8x16_narrow_i16x8_s = 0xfd0065;
export const i8x16_narrow_i16x8_u = 0xfd0066;
export const i16x8_narrow_i32x4_s = 0xfd0085;
export const i16x8_narrow_i32x4_u = 0xfd0086;
export const i16x8_extend_low_i8x16_u = 0xfd0089;
export const i16x8_extend_high_i8x16_u = 0xfd008a;
export const i32x4_extend_low_i16x8_u = 0xfd00a9;
export const i32x4_extend_high_i16x8_u = 0xfd00aa;
export const i64x2_extend_low_i32x4_s = 0xfd00c7;
export const i64x2_extend_high_i32x4_s = 0xfd00c8;
export const i64x2_extend_low_i32x4_u = 0xfd00c9;
export const i32x4_abs = 0xfd00a0;
export const i32x4_neg = 0xfd00a1;
export const i32x4_shl = 0xfd00ab;
export const i32x4_shr_s = 0xfd00ac;
export const i32x4_shr_u = 0xfd00ad;
export const i32x4_add = 0xfd00ae;
export const i32x4_sub = 0xfd00b1;
export const i32x4_mul = 0xfd00b5;
export const i32x4_min_s = 0xfd00b6;
export const i32x4_min_u = 0xfd00b7;
export const i32x4_max_s = 0xfd00b8;
export const i32x4_max_u = 0xfd00b9;
export const i64x2_shl = 0xfd00cb;
export const i64x2_shr_s = 0xfd00cc;
export const i64x2_shr_u = 0xfd00cd;
export const i64x2_add = 0xfd00ce;
export const i64x2_sub = 0xfd00d1;
export const i64x2_eq = 0xfd00d6;

// SIMD floats.
export const f32x4_ceil = 0xfd0067;
export const f32x4_floor = 0xfd0068;
export const f32x4_trunc = 0xfd0069;
export const f32x4_nearest = 0xfd006a;
export const f64x2_ceil = 0xfd0074;
export const f64x2_floor = 0xfd0075;
export const f64x2_trunc = 0xfd007a;
export const f64x2_nearest = 0xfd0094;
export const f32x4_abs = 0xfd00e0;
export const f32x4_neg = 0xfd00e1;
export const f32x4_sqrt = 0xfd00e3;
export const f32x4_add = 0xfd00e4;
export const f32x4_sub = 0xfd00e5;
export const f32x4_mul = 0xfd00e6;
export const f32x4_div = 0xfd00e7;
export const f32x4_min = 0xfd00e8;
export const f32x4_max = 0xfd00e9;
export const f32x4_pmin = 0xfd00ea;
export const f32x4_pmax = 0xfd00eb;
export const f64x2_abs = 0xfd00ec;
export const f64x2_neg = 0xfd00ed;
export const f64x2_sqrt = 0xfd00ef;
export const f64x2_add = 0xfd00f0;
export const f64x2_sub = 0xfd00f1;
export const f64x2_mul = 0xfd00f2;
export const f64x2_div = 0xfd00f3;
export const f64x2_min = 0xfd00f4;
export const f64x2_max = 0xfd00f5;
export const f64x2_pmin = 0xfd00f6;
export const f64x2_pmax = 0xfd00f7;

// SIMD conversions.
export const i32x4_trunc_sat_f32x4_s = 0xfd00f8;
export const i32x4_trunc_sat_f32x4_u = 0xfd00f9;
export const f32x4_convert_i32x4_s = 0xfd00fa;
export const f32x4_convert_i32x4_u = 0xfd00fb;
export const i32x4_trunc_sat_f64x2_s_zero = 0xfd00fc;
export const i32x4_trunc_sat_f64x2_u_zero = 0xfd00fd;
export const f64x2_convert_low_i32x4_s = 0xfd00fe;
export const f64x2_convert_low_i32x4_u = 0xfd00ff;
export const f32x4_demote_f64x2_zero = 0xfd005e;
export const f64x2_promote_low_f32x4 = 0xfd005f;

// Relaxed SIMD: the result may differ between machines (fused or rounded twice).
export const f32x4_relaxed_madd = 0xfd0105;
export const f32x4_relaxed_nmadd = 0xfd0106;
export const f64x2_relaxed_madd = 0xfd0107;
export const f64x2_relaxed_nmadd = 0xfd0108;

// Atomics: memory instructions with natural alignment.
export const memory_atomic_notify = 0xfe0000;
export const memory_atomic_wait32 = 0xfe0001;
export const i32_atomic_load = 0xfe0010;
export const i64_atomic_load = 0xfe0011;
export const i32_atomic_store = 0xfe0017;
export const i64_atomic_store = 0xfe0018;
export const i32_atomic_rmw_add = 0xfe001e;
export const i64_atomic_rmw_add = 0xfe001f;
export const i32_atomic_rmw_sub = 0xfe0025;
export const i32_atomic_rmw_xchg = 0xfe0041;
export const i32_atomic_rmw_cmpxchg = 0xfe0048;
export const i64_atomic_rmw_cmpxchg = 0xfe0049;
