/**
 * Merging axes: neighbors that every operand passes in one step are one axis, so kernels see few axes whatever the shapes.
 */
import type { Shape } from '../shape.ts';

/** Steps through memory along each axis; null where an operand does not have the axis. */
export type Strides = readonly (number | null)[];

/**
 * Drops axes of size 1 and merges neighbors within each group of axes where every operand goes through both in one
 * step. `strides[operand][group][axis]`; null where an operand does not have the axis.
 */
export function mergeAxes(
  groups: readonly Shape[],
  strides: readonly (readonly Strides[])[],
): { dims: number[][]; strides: Strides[][] } {
  const dims: number[][] = [];
  const result: (number | null)[][][] = strides.map(() => []);
  groups.forEach((shape, group) => {
    const sizes: number[] = [];
    const steps: (number | null)[][] = strides.map(() => []);
    for (let axis = 0; axis < shape.length; axis++) {
      const size = shape[axis];
      if (size === 1) continue;
      const previous = sizes.length - 1;
      const joins =
        previous >= 0 &&
        strides.every((operand, i) => {
          const stride = operand[group][axis]!;
          const before = steps[i][previous]!;
          return stride === null ? before === null : before === stride * size;
        });
      if (joins) {
        sizes[previous] = sizes[previous] * size;
        strides.forEach((operand, i) => {
          steps[i][previous] = operand[group][axis]!;
        });
      } else {
        sizes.push(size);
        strides.forEach((operand, i) => {
          steps[i].push(operand[group][axis]!);
        });
      }
    }
    dims.push(sizes);
    steps.forEach((step, i) => {
      result[i].push(step);
    });
  });
  return { dims, strides: result };
}
