/**
 * Puts the axes of a launch into the form that kernels are compiled for.
 *
 * No axis of size 1, no two that could be one, and the order that walks memory best. Sizes and strides stay numbers here; only the number of axes and the
 * pattern along the last one become structure.
 */

/** LaunchAxes and, for each operand, its strides over them. */
export interface LaunchAxes {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** The same walk with fewer axes, in the same order. */
export function mergeLaunchAxes({ sizes, strides }: LaunchAxes): LaunchAxes {
  const mergedSizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  for (let axis = 0; axis < sizes.length; axis++) {
    const size = sizes[axis];
    if (size === 1) continue;
    const last = mergedSizes.length - 1;
    if (last >= 0 && strides.every((own, i) => merged[i][last] === own[axis] * size)) {
      mergedSizes[last] *= size;
      strides.forEach((own, i) => {
        merged[i][last] = own[axis];
      });
    } else {
      mergedSizes.push(size);
      strides.forEach((own, i) => {
        merged[i].push(own[axis]);
      });
    }
  }
  return { sizes: mergedSizes, strides: merged };
}

/** Puts axes in order of falling strides of the operands in `leading`, the first that tells two axes apart deciding. */
export function sortAxes(axes: LaunchAxes, leading: readonly number[]): LaunchAxes {
  return pickAxes(axes, sortedOrder(axes, leading));
}

/** Whether `sortAxes` leaves the first axis where it is. */
export function keepsFirstAxis(axes: LaunchAxes, leading: readonly number[]): boolean {
  return sortedOrder(axes, leading)[0] === 0;
}

function sortedOrder({ sizes, strides }: LaunchAxes, leading: readonly number[]): number[] {
  const order = sizes.map((_, axis) => axis);
  order.sort((a, b) => {
    for (const i of leading) {
      const difference = Math.abs(strides[i][b]) - Math.abs(strides[i][a]);
      if (difference !== 0) return difference;
    }
    return a - b;
  });
  return order;
}

/** Only the given axes, in the given order. */
function pickAxes({ sizes, strides }: LaunchAxes, order: readonly number[]): LaunchAxes {
  return {
    sizes: order.map((axis) => sizes[axis]),
    strides: strides.map((own) => order.map((axis) => own[axis])),
  };
}

/** All but the last axis, and the last one (size 1 and strides 0 when there is none). */
export function splitLast({ sizes, strides }: LaunchAxes): {
  outer: LaunchAxes;
  size: number;
  steps: number[];
} {
  const rank = sizes.length;
  if (rank === 0) return { outer: { sizes, strides }, size: 1, steps: strides.map(() => 0) };
  return {
    outer: { sizes: sizes.slice(0, -1), strides: strides.map((own) => own.slice(0, -1)) },
    size: sizes[rank - 1],
    steps: strides.map((own) => own[rank - 1]),
  };
}

/** Product of sizes. */
export function count(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}
