/** The transforms for `dataLoader`'s option `transform`, exported together as `transforms`. */
export { randomRotate, randomShift } from './augment.ts';
export { minMax, type ScaleOptions, type Scaling, standardize } from './scale.ts';
export { compose, flatten, oneHot } from './shape.ts';
export type { Transform, TransformContext } from './transform.ts';
