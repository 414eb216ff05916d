/** Exports every elementwise function that is no method. */

export type { BinaryFunction, UnaryFunction } from '../../shapeTypes.ts';
export * from './activations.ts';
export * from './bits.ts';
export * from './errorFunctions.ts';
export * from './gamma.ts';
export * from './logarithms.ts';
export * from './parts.ts';
