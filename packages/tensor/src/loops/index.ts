/** Loops and choices as operations. */
export { cond } from './cond.ts';
export { fori, type ScanOptions, type ScanResult, type ScanStep, scan } from './scan.ts';
export type { LoopTree } from './tree.ts';
export { type WhileOptions, whileLoop } from './whileLoop.ts';
