/** An operand as a kernel meets it: in a buffer, in working memory, or a coordinate without memory. */
import { bytesPerElement, type DType, type Operand } from '@ag/tensor';
import type { ArgumentBlock, Scratch } from '../abi.ts';

/** An operand of a stage over some axes, strides in elements. */
export interface Access {
  /** `null` with `scratch`; `buffer` −1 for coordinates. */
  readonly operand: Operand | null;
  readonly scratch?: Scratch;
  /** First element within the scratch memory. */
  readonly first?: number;
  readonly dtype: DType;
  readonly strides: readonly number[];
}

/** Bytes of an element; 1 for coordinates, whose "addresses" count elements. */
export function elementBytes(access: Access): number {
  return access.operand?.buffer === -1 ? 1 : bytesPerElement(access.dtype);
}

/** Appends the address of an operand (or the offset, for coordinates) to an argument block. */
export function addressField(argumentBlock: ArgumentBlock, access: Access): number {
  if (access.scratch)
    return argumentBlock.scratch(access.scratch, (access.first ?? 0) * bytesPerElement(access.dtype));
  return access.operand!.buffer === -1
    ? argumentBlock.coordinate(access.operand!)
    : argumentBlock.address(access.operand!, access.dtype);
}

/** Offsets of all positions of some axes, in row-major order, for strides in any unit. */
export function positions(sizes: readonly number[], strides: readonly number[]): number[] {
  return sizes.reduce<number[]>(
    (offsets, size, axis) =>
      offsets.flatMap((offset) => Array.from({ length: size }, (_, i) => offset + i * strides[axis])),
    [0],
  );
}
