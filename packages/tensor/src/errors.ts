/**
 * What every error of this library has: a code that names its kind and stays the same, whatever its message comes to say.
 *
 * Classes are the usual ones, `RangeError`, `TypeError`, `Error`, so `instanceof` works as everywhere; the code tells apart
 * what they have in common. `docs/errors.md` and `agrad explain CODE` say of each what it means and how to cure it.
 */

/** The codes of errors; those of data sets and of training runs have types of their own beside `DataError`, `TrainingError`. */
export type ErrorCode =
  // Arguments
  | 'AG_SHAPE_MISMATCH' // shapes that do not fit each other, or what an operation needs
  | 'AG_AXIS' // an axis that does not exist or is given twice
  | 'AG_INDEX_OUT_OF_RANGE' // a position outside of an axis
  | 'AG_ARGUMENT_VALUE' // an argument of the right type with an impossible value
  | 'AG_ARGUMENT_TYPE' // an argument of a wrong type
  | 'AG_NOT_A_TENSOR' // something else where a tensor is needed
  | 'AG_DTYPE' // a dtype that is unknown, or that an operation does not take
  | 'AG_UNKNOWN_OPTION' // an option that the function does not have
  | 'AG_ASYNC_FUNCTION' // an async function where a plain one is needed
  | 'AG_TOO_LARGE' // more elements than a tensor can have
  | 'AG_SINGULAR_MATRIX' // a matrix without an inverse or a factorization
  | 'AG_FORMULA' // a formula as text that cannot be read
  // Gradients and training
  | 'AG_NOT_SCALAR' // a loss of more than one number
  | 'AG_NO_GRADIENT' // nothing that a gradient could reach, or no gradient where one is needed
  | 'AG_NOT_DIFFERENTIABLE' // a gradient of or by what does not vary continuously
  | 'AG_FROZEN' // everything that could train is frozen
  | 'AG_PARAMETERS' // parameters that an optimizer cannot train
  | 'AG_GRADIENT_CHECK' // a gradient rule that differs from central differences
  | 'AG_NOT_FINITE' // anomaly detection found NaN or infinity
  // Evaluation
  | 'AG_READ_WHILE_TRACING' // a number was read where there are no numbers yet
  | 'AG_IMPURE_FUNCTION' // a compiled function that computes something else at each call
  | 'AG_NOT_FED' // a placeholder without a value, or one that is not among the inputs
  | 'AG_OPEN_SIZE' // a size that is open until a placeholder is fed
  | 'AG_STALE_VALUE' // a value that is gone, since a variable was updated or a tensor evaluated
  | 'AG_DISPOSED' // memory that was given back
  | 'AG_WRONG_TIME' // a call at a moment at which it cannot be made
  // Backends
  | 'AG_OUT_OF_MEMORY' // memory that cannot be had
  | 'AG_SYNCHRONOUS_READ' // a backend that cannot be read at once
  | 'AG_BACKEND_UNAVAILABLE' // an engine without what a backend needs, or no backend at all
  | 'AG_BACKEND_FAILED' // a backend that broke
  | 'AG_DEVICE_LOST' // a device that went away with what lay on it
  | 'AG_WORKER_FAILED' // a worker that failed or ended
  | 'AG_COLLECTIVE_FAILED' // a computation failed that other processes take part in
  | 'AG_RANK_FAILED' // another process of a distributed run failed, or did not come in time
  | 'AG_RANKS_DIFFER' // processes of a distributed run do different things
  | 'AG_TWO_COPIES' // two copies of @ag/tensor in one program
  | 'AG_UNSUPPORTED' // what this platform does not have
  // Files
  | 'AG_FILE_FORMAT' // a file that is damaged, or not what it should be
  | 'AG_STATE_MISMATCH' // saved weights or states of something else
  // The library itself
  | 'AG_INTERNAL'; // a mistake of the library

/** An error with its code. */
export type Coded<E extends Error> = E & { readonly code: ErrorCode };

/** Frames that a stack keeps: modules in modules lie between the user's line and the operation that complains. */
const frames = 50;

/**
 * An error of any class. The commonest kinds have functions of their own below.
 *
 * @param made the function that is left out of the stack, with whatever it calls
 */
export function codedError<E extends Error>(
  type: new (message: string, options?: ErrorOptions) => E,
  code: ErrorCode,
  message: string,
  options?: ErrorOptions,
  made: unknown = codedError,
): Coded<E> {
  const error = new type(message, options) as E & { code: ErrorCode };
  takeStack(error, made);
  // Enumerable, so that Node shows it with an error that nobody caught.
  error.code = code;
  return error;
}

/** Shapes that do not fit. */
export function shapeError(message: string): Coded<RangeError> {
  return codedError(RangeError, 'AG_SHAPE_MISMATCH', message, undefined, shapeError);
}

/** An axis that is not there. */
export function axisError(message: string): Coded<RangeError> {
  return codedError(RangeError, 'AG_AXIS', message, undefined, axisError);
}

/** A value that an argument cannot have. */
export function valueError(message: string): Coded<RangeError> {
  return codedError(RangeError, 'AG_ARGUMENT_VALUE', message, undefined, valueError);
}

/** A type that an argument cannot have. */
export function typeError(message: string): Coded<TypeError> {
  return codedError(TypeError, 'AG_ARGUMENT_TYPE', message, undefined, typeError);
}

/** A dtype that does not fit. */
export function dtypeError(message: string, options?: ErrorOptions): Coded<TypeError> {
  return codedError(TypeError, 'AG_DTYPE', message, options, dtypeError);
}

/** A stack deep enough to reach the user's line, where the engine lets it be taken; frozen globals stay as they are. */
export function takeStack(error: Error, made: unknown): void {
  const engine = Error as {
    stackTraceLimit?: number;
    captureStackTrace?(error: Error, made: unknown): void;
  };
  const before = engine.stackTraceLimit;
  if (!engine.captureStackTrace || before === undefined || before === 0 || Object.isFrozen(Error)) return;
  engine.stackTraceLimit = Math.max(frames, before);
  engine.captureStackTrace(error, made);
  engine.stackTraceLimit = before;
}
