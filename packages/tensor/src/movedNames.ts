/**
 * Names that programs could import from `@ag/tensor` before they moved to `@ag/tensor/engine`.
 */
export {
  /** @deprecated Moved: `import { sumGradients } from '@ag/tensor/engine'`. */
  sumGradients,
  /** @deprecated Moved: `import { sumToShape } from '@ag/tensor/engine'`. */
  sumToShape,
} from './accumulate.ts';
export {
  /** @deprecated Moved: `import { checkFinite } from '@ag/tensor/engine'`. */
  checkFinite,
  /** @deprecated Moved: `import { checkInteger } from '@ag/tensor/engine'`. */
  checkInteger,
  /** @deprecated Moved: `import { checkNumber } from '@ag/tensor/engine'`. */
  checkNumber,
  /** @deprecated Moved: `import { describeValue } from '@ag/tensor/engine'`. */
  describeValue,
} from './check.ts';
export {
  /** @deprecated Moved: `import { isTypedArray } from '@ag/tensor/engine'`. */
  isTypedArray,
} from './dtype.ts';
export {
  /** @deprecated Moved: `import { dynamicScalar } from '@ag/tensor/engine'`. */
  dynamicScalar as liveScalar,
} from './functions/create.ts';
export {
  /** @deprecated Moved: `import { launchTraffic } from '@ag/tensor/engine'`. */
  launchTraffic,
} from './kernel/traffic.ts';
export type {
  /** @deprecated Moved: `import { Leaf } from '@ag/tensor/engine'`. */
  Leaf,
  /** @deprecated Moved: `import { Origin } from '@ag/tensor/engine'`. */
  Origin,
} from './node.ts';
export {
  /** @deprecated Moved: `import { openSize } from '@ag/tensor/engine'`. */
  openSize,
} from './openSizes.ts';
export {
  /** @deprecated Moved: `import { nextMark } from '@ag/tensor/engine'`. */
  nextMark,
  /** @deprecated Moved: `import { sameSignature } from '@ag/tensor/engine'`. */
  sameSignature,
  /** @deprecated Moved: `import { Traversal } from '@ag/tensor/engine'`. */
  type Traversal,
  /** @deprecated Moved: `import { traverse } from '@ag/tensor/engine'`. */
  traverse,
} from './plan/signature.ts';
export type {
  /** @deprecated Moved: `import { Decisions } from '@ag/tensor/engine'`. */
  Decisions,
} from './run/decisions.ts';
export {
  /** @deprecated Moved: `import { commitUpdates } from '@ag/tensor/engine'`. */
  commitUpdates,
} from './run/evaluate.ts';
export {
  /** @deprecated Moved: `import { EvaluationGroup } from '@ag/tensor/engine'`. */
  type EvaluationGroup,
  /** @deprecated Moved: `import { TieOptions } from '@ag/tensor/engine'`. */
  type TieOptions,
  /** @deprecated Moved: `import { tie } from '@ag/tensor/engine'`. */
  tie,
} from './run/group.ts';
export {
  /** @deprecated Moved: `import { PreparedGraph } from '@ag/tensor/engine'`. */
  PreparedGraph,
} from './run/prepared.ts';
export {
  /** @deprecated Moved: `import { beforeEachRun } from '@ag/tensor/engine'`. */
  beforeEachRun as atRun,
  /** @deprecated Moved: `import { HostWork } from '@ag/tensor/engine'`. */
  type HostWork,
  /** @deprecated Moved: `import { Trace } from '@ag/tensor/engine'`. */
  type Trace,
} from './run/tracing.ts';
export type {
  /** @deprecated Moved: `import { EvaluationWatch } from '@ag/tensor/engine'`. */
  EvaluationWatch,
  /** @deprecated Moved: `import { ScopeNames } from '@ag/tensor/engine'`. */
  ScopeNames as PlaceNames,
} from './run/watch.ts';
export {
  /** @deprecated Moved: `import { checkTensor } from '@ag/tensor/engine'`. */
  checkTensor,
} from './tensor.ts';
export type {
  /** @deprecated Moved: `import { Update } from '@ag/tensor/engine'`. */
  Update,
} from './variable.ts';
