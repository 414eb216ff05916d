/** Steps through row-major order. */

/** How many positions one step along each axis is. */
export function contiguousSteps(sizes: readonly number[]): number[] {
  const steps = new Array<number>(sizes.length);
  let step = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    steps[axis] = step;
    step *= sizes[axis];
  }
  return steps;
}
