/**
 * Where the argument block of a loop holds what, all i32, from the end of its header on. At `lists` follow, for each value that moves, it at the first and at the last
 * step, what it is at even and at odd steps between them beside the number of the row times the last word; for each word to be written
 * its distance from the start of the records, the value (in bytes from the first one) and what is added; then for each kernel its units
 * for a row and sections; then room for the values.
 */

export const limit = 24;
/** The row of the first step, and how it goes on: 1 or −1. */
export const row = 28;
export const direction = 32;
export const values = 36;
export const words = 40;
/** The argument blocks of the body. */
export const records = 44;
export const recordBytes = 48;
export const kernels = 52;
export const rows = 56;
/** Those of the condition, 0 where there is none, and where its answer is. */
export const test = 60;
export const testEnd = 64;
export const answer = 68;
/** Steps that were taken. */
export const done = 72;
/** Not 0: a worker failed. */
export const failed = 76;
/** Memory of the threads, where they share rows, else 0. */
export const copies = 80;
export const copyBytes = 84;
export const lists = 88;

export const valueBytes = 20;
export const wordBytes = 12;
export const kernelBytes = 8;
