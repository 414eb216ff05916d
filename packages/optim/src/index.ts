/**
 * `@ag/optim`: optimizers, learning-rate schedules, gradient clipping and parameter averages.
 */

export { Adadelta, type AdadeltaOptions, adadelta } from './adadelta.ts';
export { Adafactor, type AdafactorOptions, adafactor } from './adafactor.ts';
export { Adagrad, type AdagradOptions, adagrad } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW, adam, adamw } from './adam.ts';
export { Adamax, type AdamaxOptions, adamax } from './adamax.ts';
export { ParameterAverage } from './average.ts';
export { clipGradNorm, clipGradValue } from './clip.ts';
export { Ema, type EmaOptions, ema } from './ema.ts';
export { type NamedParameters, parameterGroups } from './groups.ts';
export { Lamb, type LambOptions, lamb } from './lamb.ts';
export { Lbfgs, type LbfgsOptions, lbfgs } from './lbfgs.ts';
export { Lion, type LionOptions, lion } from './lion.ts';
export { Lookahead, type LookaheadOptions, lookahead, type SteppingOptimizer } from './lookahead.ts';
export { Muon, type MuonOptions, muon } from './muon.ts';
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
export { Swa, type SwaOptions, swa } from './swa.ts';
