/** The encodings that every part of a module shares: numbers, names, lists of bytes. */

/** One of `w.i32`, `w.i64`, `w.f32`, `w.f64`, `w.v128`. */
export type ValueType = number;

/** Appends a number without a sign, seven bits a byte (LEB128). */
export function unsigned(bytes: number[], value: number): void {
  value >>>= 0;
  while (value > 127) {
    bytes.push((value & 127) | 128);
    value >>>= 7;
  }
  bytes.push(value);
}

/** The same with a sign. */
export function signed(bytes: number[], value: number): void {
  while (value < -64 || value > 63) {
    bytes.push((value & 127) | 128);
    value >>= 7;
  }
  bytes.push(value & 127);
}

/** Appends bytes one by one: they may be too many for the arguments of one call of `push`. */
export function append(bytes: number[], more: ArrayLike<number>): void {
  for (let i = 0; i < more.length; i++) bytes.push(more[i]);
}

/** A name, which has to be ASCII. */
export function text(bytes: number[], value: string): void {
  unsigned(bytes, value.length);
  for (let i = 0; i < value.length; i++) bytes.push(value.charCodeAt(i));
}
