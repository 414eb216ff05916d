/**
 * The element types of contractions: instructions, sizes, and the tiles that suit the engine.
 */
import type { DType } from '@ag/tensor';
import { dtypeError } from '@ag/tensor/engine';
import type { Features } from '../abi.ts';
import * as w from '../assembler/opcodes.ts';

/** What multiplies and adds: one for each element type. */
export interface Arithmetic {
  readonly name: string;
  /** Bytes of an element. */
  readonly size: 4 | 8;
  /** Elements of a vector. */
  readonly lanes: 4 | 2;
  readonly splat: number;
  readonly multiply: number;
  readonly add: number;
  /** a·b + c in one instruction, or null for `multiply` and `add`. */
  readonly fused: number | null;
  /** Largest number of rows of a tile that reads A row by row. */
  readonly tileRows: number;
  /** The same for one whose rows lie side by side. */
  readonly panelRows: number;
  /** Bytes of a row of a tile, and so of a strip of the result: two vectors, or four where the engine pairs them. */
  readonly stripRow: 16 | 32 | 64;
}

/**
 * How tiles find A. `panels`: copies in the order of use. `runs`: in place, where the rows of each tile lie side by side, one
 * pointer for all. `rows`: in place, a pointer for each row.
 */
export type ALayout = 'panels' | 'runs' | 'rows';

/** What multiplies and adds elements of a type, and the tiles that suit the engine. */
export function arithmeticOf(dtype: DType, features: Features): Arithmetic {
  const tileRows = features.tallTiles ? 6 : 4;
  // Higher without 6 × 8: see `emitTile`. Without fused products, 4 × 8 is at the limit of the processor.
  const panelRows = features.tallTiles ? 6 : features.relaxedSimd ? 5 : 4;
  const stripRow = features.pairedVectors ? 64 : 32;
  if (dtype === 'float32') {
    return {
      name: 'f32',
      size: 4,
      lanes: 4,
      splat: w.v128_load32_splat,
      multiply: w.f32x4_mul,
      add: w.f32x4_add,
      fused: features.relaxedSimd ? w.f32x4_relaxed_madd : null,
      tileRows,
      panelRows,
      stripRow,
    };
  }
  if (dtype === 'float64') {
    return {
      name: 'f64',
      size: 8,
      lanes: 2,
      splat: w.v128_load64_splat,
      multiply: w.f64x2_mul,
      add: w.f64x2_add,
      fused: features.relaxedSimd ? w.f64x2_relaxed_madd : null,
      tileRows: 4,
      panelRows: 4,
      stripRow,
    };
  }
  if (dtype === 'int32' || dtype === 'uint32') {
    const splat = w.v128_load32_splat;
    return {
      name: 'i32',
      size: 4,
      lanes: 4,
      splat,
      multiply: w.i32x4_mul,
      add: w.i32x4_add,
      fused: null,
      tileRows: 4,
      panelRows: 4,
      stripRow,
    };
  }
  throw dtypeError(
    `contract: products of ${dtype} are not summed as ${dtype}; cast the operands to int32 first`,
  );
}

/** Whether zeros may be left out: lists are made for elements of this type. */
export function zerosOf({ name }: Arithmetic): boolean {
  return name === 'f32';
}

/** The largest number of rows of a tile. */
export function maxTileRows({ tileRows, panelRows }: Arithmetic, aLayout: ALayout): number {
  return aLayout === 'rows' ? tileRows : panelRows;
}
