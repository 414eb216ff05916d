/**
 * `@ag/tensor/engine`: what the packages beside `@ag/tensor` need of its inside.
 *
 * Not for programs: names and meanings here change with any release. A door of its own keeps them out of the way of those who
 * use tensors, and is the same code: state exists once, whichever door it is reached through.
 */
export { sumGradients, sumToShape } from './accumulate.ts';
export { checkArray, checkFinite, checkInteger, checkNumber, describeValue } from './check.ts';
export { isTypedArray } from './dtype.ts';
export {
  axisError,
  type Coded,
  codedError,
  dtypeError,
  type ErrorCode,
  shapeError,
  typeError,
  valueError,
} from './errors.ts';
export { dynamicScalar, placeholderLeaf } from './functions/create.ts';
export { localTo, rowBytes } from './kernel/bandRows.ts';
export { contractAsReduction } from './kernel/contractAsReduction.ts';
export { building } from './kernel/expression.ts';
export {
  count,
  keepsFirstAxis,
  type LaunchAxes,
  mergeLaunchAxes,
  sortAxes,
  splitLast,
} from './kernel/launchAxes.ts';
export { standsAt } from './kernel/loopSchedule.ts';
export { toText } from './kernel/programText.ts';
export {
  contractRoles,
  type Factor,
  type Group,
  groupOf,
  hasRuns,
  isDense,
  type Roles,
  spanOf,
  transposed,
} from './kernel/roles.ts';
export { launchTraffic } from './kernel/traffic.ts';
export type { Leaf, Origin } from './node.ts';
export { factorsOf, hasOpen, isOpen, openSize, openSizeName, openSizeOf, withSizes } from './openSizes.ts';
export * from './ops/index.ts';
export { checkKnownSize } from './ops/movement.ts';
export { checkOptions, nearestName } from './options.ts';
export { makePlan } from './plan/plan.ts';
export { nextMark, sameSignature, type Traversal, traverse } from './plan/signature.ts';
export { capturedNodes } from './run/carried.ts';
export { defineCollective } from './run/collective.ts';
export { type Decisions, noteHolder, noteHook } from './run/decisions.ts';
export { commitAssignments, commitUpdates } from './run/evaluate.ts';
export { dropGradients, type EvaluationGroup, type TieOptions, tie } from './run/group.ts';
export { setChainBound, withoutGrowth } from './run/growth.ts';
export { isForgotten, isSourceOfForgotten } from './run/history.ts';
export { asOneCall, currentCall, listenToCreation, observeRuns, watchCreation } from './run/observe.ts';
export {
  assignmentsRefused,
  holdingAssignments,
  noteAssignments,
  refusingAssignments,
} from './run/pending.ts';
export { setFusion } from './run/planCache.ts';
export { PreparedGraph } from './run/prepared.ts';
export { foldingKeys, withKeysFrom, withRunKeys } from './run/randomKeys.ts';
export { readyValue, withRoom } from './run/read.ts';
export { setDefaultBackend } from './run/runtime.ts';
export {
  activeTrace,
  beforeEachRun,
  type HostWork,
  readFlag,
  recordTrace,
  type Trace,
  variableOf,
  writeFlag,
} from './run/tracing.ts';
export {
  type EvaluationWatch,
  evaluationWatch,
  type ScopeNames,
  setEvaluationWatch,
  setScopeNames,
} from './run/watch.ts';
export { type Workload, workloadOf } from './run/workload.ts';
export { synchronous } from './synchronous.ts';
export { checkTensor, nextSerial } from './tensor.ts';
export { userLine } from './userLine.ts';
export type { Update } from './variable.ts';
export { forgetWarnings, warn, wouldWarn } from './warn.ts';
