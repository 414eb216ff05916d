/**
 * `@ag/optim`: optimizers, learning-rate schedules, gradient clipping and parameter averages.
 */
export { Adadelta, type AdadeltaOptions, adadelta } from './adadelta.ts';
export { Adagrad, type AdagradOptions, adagrad } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW, adam, adamw } from './adam.ts';
export { clipGradNorm, clipGradValue } from './clip.ts';
export { Ema, type EmaOptions, ema } from './ema.ts';
export { Lbfgs, type LbfgsOptions, lbfgs } from './lbfgs.ts';
export { Lion, type LionOptions, lion } from './lion.ts';
export { Nadam, type NadamOptions, nadam } from './nadam.ts';
export {
  Optimizer,
  type OptimizerOptions,
  type OptimizerState,
  type ParameterGroup,
  type ParameterState,
  type Parameters,
  type Read,
  type Scalars,
  type Slots,
  type Update,
} from './optimizer.ts';
export { Radam, type RadamOptions, radam } from './radam.ts';
export { Rmsprop, type RmspropOptions, rmsprop } from './rmsprop.ts';
export * from './schedules.ts';
export { Sgd, type SgdOptions, sgd } from './sgd.ts';
