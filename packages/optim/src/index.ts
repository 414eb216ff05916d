/**
 * `@ag/optim`: optimisers, learning-rate schedules and gradient clipping for `@ag/tensor`.
 */
export { Adam, type AdamOptions, AdamW, adam, adamw } from './adam.ts';
export {
  Optimizer,
  type OptimizerOptions,
  type OptimizerState,
  type ParameterGroup,
  type Parameters,
} from './optimizer.ts';
export * from './schedules.ts';
export { Sgd, type SgdOptions, sgd } from './sgd.ts';
