/**
 * `@ag/train`: the training loop as a stream of events, and what listens to it.
 */
export { type ServedModel, serveWorker } from './blocks/serveWorker.ts';
export type { Callback, CallbackContext } from './callbacks/callback.ts';
export { type EarlyStoppingOptions, earlyStopping } from './callbacks/earlyStopping.ts';
export { type GradientAlarmsOptions, gradientAlarms } from './callbacks/gradientAlarms.ts';
export { learningRateSchedule } from './callbacks/learningRateSchedule.ts';
export {
  csvLogger,
  type JsonlLoggerOptions,
  jsonlLogger,
  type LineTarget,
  progress,
} from './callbacks/loggers.ts';
export type { MonitorOptions } from './callbacks/monitor.ts';
export {
  listCheckpoints,
  type SaveCheckpointsOptions,
  saveCheckpoints,
} from './callbacks/saveCheckpoints.ts';
export { type TensorBoardLoggerOptions, tensorBoardLogger } from './callbacks/tensorBoard.ts';
export {
  type CallbackState,
  type Checkpoint,
  type CheckpointParts,
  checkpointVersion,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  type Progress,
  restoreCheckpoint,
  type StatefulCallback,
  saveCheckpoint,
  takeCheckpoint,
} from './checkpoint.ts';
export {
  type CrossValidatedRun,
  type CrossValidateOptions,
  type CrossValidation,
  crossValidate,
  type Estimate,
  type FoldResult,
} from './crossValidate.ts';
export {
  TrainingError,
  type TrainingErrorCode,
  type TrainingErrorDetails,
  type TrainingErrorKind,
} from './errors.ts';
export * from './events.ts';
export { appendTo, removeLeftovers, writeAtomically } from './files.ts';
export {
  type FindLearningRateOptions,
  findLearningRate,
  type LearningRatePoint,
  type LearningRateTest,
} from './findLearningRate.ts';
export { fit } from './fit.ts';
export type { MessageEnd } from './messageEnd.ts';
export type { Metric, Totals } from './metrics.ts';
export {
  type AnyMeasures,
  type HeadLosses,
  type Loss,
  type LossFunction,
  type LossWeights,
  type Measures,
  totalLoss,
  type WeightedLoss,
} from './objective.ts';
export type { FitAverage, FitOptimizer } from './optimizer.ts';
export type { FitOptions, TrainingData } from './options.ts';
export type { KernelRow, Profile, ProfileOptions, ProfileRow } from './profile/profiler.ts';
export { type BisectOptions, bisect, type Divergence } from './receipts/bisect.ts';
export { type ContentHash, hashData, hashTensors } from './receipts/contents.ts';
export type { ActivationOptions, Moment } from './receipts/moment.ts';
export {
  type FirstOptions,
  openRun,
  type Run,
  type RunSource,
  type SavedCheckpoint,
  type StepRange,
  type WalkOptions,
} from './receipts/openRun.ts';
export {
  compareReceipts,
  parseReceipt,
  type Receipt,
  type ReceiptDifference,
  receiptVersion,
} from './receipts/receipt.ts';
export type { RunSetup } from './receipts/replay.ts';
export { type ReceiptContent, type SaveReceiptOptions, saveReceipt } from './receipts/saveReceipt.ts';
export { receipt, type Verification, type VerifyOptions, verify } from './receipts/verify.ts';
export { browserStore, type CheckpointStore } from './service/checkpointStore.ts';
export type { ServedOptions } from './service/host.ts';
export type { ReportedEvent, ServiceEvent } from './service/protocol.ts';
export {
  type Answered,
  type ServiceWorkerEnd,
  type TrainingService,
  type TrainingServiceOptions,
  trainingService,
} from './service/trainingService.ts';
export {
  type LabeledBatch,
  type LabelledBatch,
  type PredictOptions,
  predict,
  type ValidateOptions,
  type Validation,
  validate,
} from './validate.ts';
export { type RunInWorkerOptions, runInWorker, type ServedTraining, serveTraining } from './worker.ts';
export { joinWorld, type MemoryWorldOptions, memoryWorld, type SharedWorld } from './world/memoryWorld.ts';
export { type ReduceGradientsOptions, reduceGradients } from './world/reduceGradients.ts';
export { sumOverRanks } from './world/sums.ts';
export { syncBatchNorm } from './world/syncBatchNorm.ts';
export {
  type PendingSum,
  rankFailed,
  ranksDiffer,
  type Summable,
  singleWorld,
  type World,
} from './world/world.ts';
