/**
 * What every code of an error or a warning means, what it usually comes from, and what cures it: the table behind
 * `agrad explain` and docs/errors.md.
 */
import type { DataError } from '@ag/datasets';
import type { ErrorCode, WarningCode } from '@ag/tensor';
import type { TrainingError } from '@ag/train';

/** One code. */
export interface Explanation {
  /** What has happened, in a sentence. */
  readonly means: string;
  /** What it usually comes from. */
  readonly cause: string;
  /** What to do. */
  readonly cure: string;
}

/** The codes of errors, with their classes in {@link errorClasses}. */
export const errorCodes: Readonly<
  Record<ErrorCode | DataError['code'] | TrainingError['code'], Explanation>
> = {
  AG_SHAPE_MISMATCH: {
    means: 'Shapes do not fit each other, or are not what an operation or a layer needs.',
    cause:
      'A layer with the width of another one, a missing batch axis or flatten(), channels at the end, or a matrix that has to be transposed.',
    cure: 'The message shows the shapes, and inside a model the module that was at work: make its sizes those it is given, or reshape before it.',
  },
  AG_AXIS: {
    means: 'An axis does not exist, or is given twice.',
    cause:
      'Axes are counted from 0; negative ones from the end. A tensor with two axes has 0 and 1, or −2 and −1.',
    cure: 'Compare the axis with the shape in the message; keepDims: true keeps an axis that a sum would remove.',
  },
  AG_INDEX_OUT_OF_RANGE: {
    means: 'A position lies outside of the axis it is for.',
    cause: 'A class or word index as large as the number of classes or words, or labels that begin with 1.',
    cure: 'Indices go from 0 to size − 1: subtract 1 from labels that begin with 1, or make the table larger. detectAnomaly(() => …) names the line.',
  },
  AG_ARGUMENT_VALUE: {
    means: 'An argument has the right type and an impossible value.',
    cause: 'A probability above 1, a negative size, a name that is not among those there are.',
    cure: 'The message says what the argument may be.',
  },
  AG_ARGUMENT_TYPE: {
    means: 'An argument has a wrong type.',
    cause:
      'A text where a number is needed ("0.1" from a form or a file), a promise that was not awaited, an object where an array belongs.',
    cure: 'Convert it: Number(text), await promise.',
  },
  AG_NOT_A_TENSOR: {
    means: 'Something else was given where a tensor is needed.',
    cause: 'An array of numbers, a Variable, or a promise of a tensor.',
    cure: 'tensor(array) makes one, variable.value is one, await waits for one.',
  },
  AG_DTYPE: {
    means: 'A dtype is unknown, or one that the operation does not take.',
    cause: "'float' or 'float16' for float32, class indices where floats are needed, or the sum of bool.",
    cure: "x.cast('float32') converts; the known dtypes are in the message.",
  },
  AG_UNKNOWN_OPTION: {
    means: 'An option that the function does not have.',
    cause: 'A spelling mistake, or the name that another library uses (lr, batch_size, pad).',
    cure: 'Use the nearest name, which the message says.',
  },
  AG_ASYNC_FUNCTION: {
    means: 'An async function was given where a plain one is needed.',
    cause:
      'A forward, a loss or a compiled function with async or await in it. They only say what is computed, and nobody waits for them.',
    cure: 'Wait for data before; read numbers after.',
  },
  AG_TOO_LARGE: {
    means: 'A tensor would have more elements than are possible, 2³¹ − 1.',
    cause: 'Broadcasting [n, 1] against [1, n], or a reshape or one-hot coding of more than was meant.',
    cure: 'Split it along an axis, or look for the axis that grew.',
  },
  AG_SINGULAR_MATRIX: {
    means: 'A matrix has no inverse, or no such factorization.',
    cause: 'Rows that depend on each other; for cholesky, a matrix that is not positive definite.',
    cure: 'Add a small multiple of the identity, or use svd.',
  },
  AG_FORMULA: {
    means: 'A formula as text cannot be read or has no value for a name.',
    cause: 'A missing bracket, an unknown function, or a name without a tensor.',
    cure: 'The message gives the position.',
  },
  AG_NOT_SCALAR: {
    means: 'A loss with more than one number.',
    cause: "reduction: 'none', or a difference that was never averaged.",
    cure: 'loss.mean() or loss.sum().',
  },
  AG_NO_GRADIENT: {
    means: 'There is nothing that a gradient could reach, or no gradient where one is needed.',
    cause:
      'A loss that was made of plain tensors, a detach() or a number read on the way, step() before backward(), or an optimizer of another model.',
    cure: 'Compute the loss with model.forward, call backward(loss) and then optimizer.step().',
  },
  AG_NOT_DIFFERENTIABLE: {
    means: 'A gradient of or by something that does not vary continuously.',
    cause: 'Integer or bool tensors; argmax, comparisons and casts have no gradient.',
    cure: "Make them floats: tensor(data, { dtype: 'float32' }). For accuracy use a loss such as crossEntropy.",
  },
  AG_FROZEN: {
    means: 'Everything that could be trained is frozen.',
    cause: 'model.freeze(), or trainable = false on all variables.',
    cure: 'model.unfreeze(), or variable.trainable = true on what shall train.',
  },
  AG_PARAMETERS: {
    means: 'Parameters that an optimizer cannot take.',
    cause: 'An empty list, tensors in place of variables, the same variable twice, integers.',
    cure: 'Give it model.parameters(), which has each once.',
  },
  AG_GRADIENT_CHECK: {
    means: 'A gradient rule gives something else than differences of the function do.',
    cause:
      'A mistake in the rule of a customGradient or an operation of your own, or a kink at the point that was tried.',
    cure: 'Compare the two numbers in the message; try float64 and another point.',
  },
  AG_NOT_FINITE: {
    means: 'Anomaly detection found NaN or infinity, and where it arose.',
    cause: 'log(0), 0/0, exp of a large number, a learning rate that is too large, NaN in the data.',
    cure: 'The message names operation, operands and line: limit the operand (clamp, add a small number), or use a stable function such as crossEntropy or logSoftmax.',
  },
  AG_READ_WHILE_TRACING: {
    means: 'A number was read where there are no numbers yet.',
    cause: 'item(), data() or if (value > 0) inside of compile, vmap or a gradient rule.',
    cure: 'Return the tensor and read it outside; choose between values with where(condition, a, b).',
  },
  AG_IMPURE_FUNCTION: {
    means: 'A compiled function does not compute the same each time.',
    cause: 'Math.random, Date.now, a counter, or a list that grows inside of it: it is traced once.',
    cure: 'Give what changes as an argument; random numbers of the library (dropout, normal) are new at each call.',
  },
  AG_NOT_FED: {
    means: 'A placeholder has no value, or is not among the inputs.',
    cause: 'A graph that is read without run(), or a name that differs.',
    cure: 'new Graph({ inputs, outputs }).run({ name: value }).',
  },
  AG_OPEN_SIZE: {
    means: 'A size is open until a placeholder is fed, so the operation cannot know it.',
    cause: 'A placeholder with a size that is null or a name, and an operation that computes with it.',
    cure: 'A number in the placeholder; do it to the data before feeding them; mean in place of sum ÷ size; −1 in reshape.',
  },
  AG_STALE_VALUE: {
    means: 'A value that is gone.',
    cause:
      'A tensor was built on a parameter that has been updated since, more than once, and was not read before.',
    cure: 'Read it before the next step, or compute it with backward(loss, { also: [it] }); for a gradient, compute the forward pass again.',
  },
  AG_DISPOSED: {
    means: 'Memory that was given back is used.',
    cause: 'dispose() or close() before the last use.',
    cure: 'Leave it out: memory is freed by itself.',
  },
  AG_WRONG_TIME: {
    means: 'A call at a moment at which it cannot be made.',
    cause: 'restore() without apply(), backward inside vmap, reading inside a custom operation.',
    cure: 'The message says what has to come first.',
  },
  AG_OUT_OF_MEMORY: {
    means: 'Memory that cannot be had.',
    cause: 'Batches that are too large, or results that are kept in a list.',
    cure: 'Smaller batches; keep numbers (await loss.item()) in place of tensors; a larger maxMemory.',
  },
  AG_SYNCHRONOUS_READ: {
    means: 'The backend cannot be read at once.',
    cause: 'dataSync or itemSync on a device that answers later.',
    cure: 'await t.data(), await t.item(); for a model that is used on another backend await moveTo(backend, model).',
  },
  AG_BACKEND_UNAVAILABLE: {
    means: 'The engine lacks what a backend needs, or no backend was chosen.',
    cause: 'An old browser, a content security policy, or a bundle without the reference backend.',
    cure: 'The message says what is missing; use(reference()) computes everywhere, slowly.',
  },
  AG_BACKEND_FAILED: {
    means: 'A backend broke while it computed.',
    cause: 'A worker thread that ended or was stopped.',
    cure: 'use(await wasm()) goes on; with threads: 1 where workers cannot run.',
  },
  AG_DEVICE_LOST: {
    means: 'The device that computed is gone, with what lay on it.',
    cause:
      'A driver that was reset, a graphics processor that was unplugged or slept, a page in the background for long.',
    cure: 'await moveTo(await wasm(), model, optimizer), then load the last checkpoint: loadStateDict, or fit({ resume }).',
  },
  AG_WORKER_FAILED: {
    means: 'The worker that trains failed or ended.',
    cause: 'Its script threw, could not be loaded, or called process.exit.',
    cure: 'The message has what it said; open the worker script itself to see the stack.',
  },
  AG_COLLECTIVE_FAILED: {
    means: 'A computation failed that other processes take part in, and was not tried again.',
    cause: 'On this rank: no memory, a position that does not exist, or another rank that failed.',
    cure: 'The message has the cause. The run ends on all ranks; start it again from its last checkpoint.',
  },
  AG_RANK_FAILED: {
    means: 'Another process of a distributed run failed, left, or did not come in time.',
    cause:
      'An error, a kill or a stopped machine there; code that only some ranks run (if (world.rank === 0)) around a step or a read.',
    cure: 'See what the rank named in the message said; start the run again from its last checkpoint. What all ranks take part in must run on all.',
  },
  AG_RANKS_DIFFER: {
    means: 'The processes of a distributed run do different things.',
    cause: 'Models, options or versions that differ between ranks, or a step that only some take.',
    cure: 'Start the same program with the same options everywhere; the message says what each of two ranks is at.',
  },
  AG_UNSUPPORTED: {
    means: 'Something that this platform, or this library, does not have.',
    cause: 'Paths of files in a page; an ONNX file with operators or element types that cannot be imported.',
    cure: 'Use the functions that take bytes: encodeCheckpoint, saveSafetensors. For ONNX the message names all that is missing.',
  },
  AG_TWO_COPIES: {
    means: 'Two copies of @ag/tensor are in one program.',
    cause: 'Packages that depend on different versions, or two bundles on one page.',
    cure: 'npm ls @ag/tensor shows them; npm dedupe, or the same version everywhere.',
  },
  AG_FILE_FORMAT: {
    means: 'A file of weights or arrays is damaged, or no such file.',
    cause: 'A download that broke off, another format, an HTML page in place of the file.',
    cure: 'Load it anew; agrad convert knows safetensors, npz and npy.',
  },
  AG_STATE_MISMATCH: {
    means: 'Saved weights or states belong to something else.',
    cause: 'Another architecture, other sizes, or other names than those of the model.',
    cure: 'Make the model that was saved; { rename } for names, { strict: false } to load only what fits. The message lists the first differences.',
  },
  AG_INTERNAL: {
    means: 'A mistake of the library.',
    cause: 'Something that should never happen.',
    cure: 'Please report it with the program that shows it.',
  },
  AG_NON_FINITE_LOSS: {
    means: 'The loss of a training run became NaN or infinite.',
    cause: 'A learning rate that is too large, NaN in the data, unscaled inputs or targets, log(0).',
    cure: 'A rate ten times smaller; the message names what it found in the batch. detectAnomaly names the operation.',
  },
  AG_TRAINING_OPTION: {
    means: 'An option of fit, validate or a callback makes no sense.',
    cause:
      'A wrong number, two callbacks of one name, a metric that does not exist, an optimizer of another model, no batch.',
    cure: 'The message says what it may be.',
  },
  AG_CHECKPOINT: {
    means: 'A file is no checkpoint, is damaged, or belongs to another model.',
    cause: 'A file that was cut off, or a model that was changed since.',
    cure: 'Take an earlier checkpoint, or the model it was made of.',
  },
  AG_RECEIPT: {
    means: 'A file is no receipt of a training, or what it says cannot be repeated here.',
    cause:
      'A file that was cut off or changed by hand, or a run with fused arithmetic on an engine that rounds products before it adds them.',
    cure: 'Take the backend and the arithmetic that the message names; a training with --arithmetic separate can be repeated everywhere.',
  },
  AG_DATA_MISSING: {
    means: 'There is no file or folder where one is needed, and nothing may be downloaded.',
    cause: 'A path that is relative to another folder, or AG_OFFLINE=1.',
    cure: 'Give an absolute path; agrad data get NAME downloads a set.',
  },
  AG_DATA_FORMAT: {
    means: 'The bytes are not the format they should be.',
    cause: 'Another delimiter, a spreadsheet in place of CSV, a damaged image.',
    cure: 'The message says what was expected, what was found, and where.',
  },
  AG_DATA_TRUNCATED: {
    means: 'A file ends too early.',
    cause: 'A download or a copy that broke off.',
    cure: 'Load it anew.',
  },
  AG_DATA_MISMATCH: {
    means: 'Two things that belong together differ.',
    cause: 'Another number of labels than of images, or arrays of different lengths.',
    cure: 'Compare the numbers in the message.',
  },
  AG_DATA_CHECKSUM: {
    means: 'A downloaded file is not the published one.',
    cause: 'A proxy that changes files, or a mirror with another version.',
    cure: 'Download it from its source and give the folder as dataDir.',
  },
  AG_DATA_DOWNLOAD: {
    means: 'Every mirror failed.',
    cause: 'No network, a firewall, or the servers are down.',
    cure: 'Try again, or download it by hand and give the folder as dataDir.',
  },
  AG_DATA_COLUMN: {
    means: 'A CSV column is absent, or appears twice.',
    cause: 'A spelling mistake, blanks in the header, or a file without one.',
    cure: 'The message lists the columns there are.',
  },
  AG_DATA_VALUE: {
    means: 'A cell or an element is not what its column holds.',
    cause: 'A text among numbers, "1,5" for 1.5, NaN, a label that is no class.',
    cure: 'The message gives row and column: clean the file, or say how to read the column.',
  },
  AG_DATA_OPTION: {
    means: 'An option does not fit the data.',
    cause: 'A split of more than there is, a batch size that is no whole number ≥ 1, an unknown name.',
    cure: 'The message says what it may be.',
  },
  AG_DATA_UNSUPPORTED: {
    means: 'This platform cannot do it.',
    cause: 'Files in a browser, or a decoder that is not installed.',
    cure: 'The message names what is missing.',
  },
};

/** The codes of warnings. */
export const warningCodes: Readonly<Record<WarningCode, Explanation>> = {
  AG_SLOW_BACKEND: {
    means: 'The reference backend computes, which is made for checking.',
    cause: 'No backend was chosen, or the engine has no WebAssembly SIMD.',
    cure: "import { wasm } from '@ag/native-wasm'; use(await wasm()); or import from @ag/all, which chooses by itself.",
  },
  AG_ONE_THREAD: {
    means: 'WebAssembly computes on one thread.',
    cause: 'A page without the headers of cross-origin isolation, so without SharedArrayBuffer.',
    cure: 'Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
  },
  AG_DUPLICATE_WORK: {
    means: 'A matrix product is computed a second time.',
    cause: 'The outputs are read after backward or step without having been asked for.',
    cure: 'backward(loss, { also: [logits] }), or evaluate([…]) once.',
  },
  AG_VALUES_LOST: {
    means: 'Values were lost with the device that held them.',
    cause: 'moveTo after a device was lost.',
    cure: 'Load a state that was saved before: loadStateDict, loadState, or fit({ resume }).',
  },
  AG_CHANGING_PLANS: {
    means: 'The structure of the computation changes at almost every evaluation.',
    cause: 'Sizes that differ each time, or numbers that decide which operations run.',
    cure: 'Pad to a few sizes; use where in place of if.',
  },
  AG_DROPPED_ASSIGNMENT: {
    means: 'An assignment to a variable could not be computed and was dropped.',
    cause: 'The computation behind it fails; the message has the reason.',
    cure: 'Cure the reason; the variable has kept its value.',
  },
  AG_OPERATOR: {
    means: 'The operator + made a text of a tensor.',
    cause: 'a + b where a.add(b) was meant.',
    cure: 'Tensors compute with methods; String(tensor) where a text is wanted.',
  },
  AG_SOFTMAX_TWICE: {
    means: 'A loss that has a softmax of its own is given the output of another one.',
    cause: 'softmax() as the last layer, and crossEntropy.',
    cure: 'Leave the softmax out of the model; apply it to the logits when probabilities are wanted.',
  },
  AG_SIGMOID_TWICE: {
    means: 'A loss that has a sigmoid of its own is given the output of another one.',
    cause: 'sigmoid() as the last layer, and bceWithLogits.',
    cure: 'Leave the sigmoid out, or use bceLoss.',
  },
  AG_NOT_PROBABILITIES: {
    means: 'A loss of probabilities is given the output of a linear layer.',
    cause: 'bceLoss without a sigmoid.',
    cure: 'bceWithLogits, which is more accurate as well, or a sigmoid at the end of the model.',
  },
  AG_IMPOSSIBLE_TARGET: {
    means: 'A target is none of the classes, so the loss is NaN.',
    cause: 'Labels that begin with 1, a last layer with too few outputs, −100 for what does not count.',
    cure: 'Subtract 1, widen the last layer, or give { ignoreIndex }.',
  },
  AG_UNOWNED_PARAMETERS: {
    means: 'The loss depends on parameters that no optimizer moves, while others have one.',
    cause: 'A part of the model was left out of the optimizer.',
    cure: 'Give the optimizer all parameters, or freeze what shall stay: module.freeze().',
  },
  AG_STEP_MISSING: {
    means: 'backward was called many times and no step was taken.',
    cause: 'A forgotten optimizer.step().',
    cure: 'Call it after backward(loss).',
  },
  AG_DIVERGING: {
    means: 'The loss of a training run grew to more than ten times its beginning.',
    cause: 'A learning rate that is too large, or inputs or targets far from 1.',
    cure: 'A rate ten times smaller (findLearningRate looks for one), clipped gradients, standardized data.',
  },
  AG_STANDING: {
    means: 'The loss of a training run does not move.',
    cause:
      'A learning rate that is far too small, weights that are all 0, targets far from 1, labels that do not belong to the inputs.',
    cure: 'A larger rate (findLearningRate looks for one), standardized data, the usual initial weights.',
  },
  AG_SORTED_DATA: {
    means: 'The labels of the training data come in ascending order.',
    cause: 'A file sorted by class, and a loader without shuffling.',
    cure: 'dataLoader(data, { shuffle: true }).',
  },
  AG_SAME_VALIDATION: {
    means: 'The validation data are the training data.',
    cause: 'The same loader for both.',
    cure: 'Set examples apart: randomSplit(data, [0.8, 0.2]).',
  },
  AG_NO_EPOCHS: {
    means: 'A training of no epochs.',
    cause: 'epochs: 0, often from a text or a setting that was empty.',
    cure: 'Give the number of passes over the data.',
  },
  AG_MONITOR_MODE: {
    means: 'A metric is watched in the wrong direction.',
    cause: "mode: 'min' for an accuracy, or 'max' for a loss.",
    cure: 'Leave mode out: the direction follows from the name.',
  },
};

/** All, by code. */
export const explanations: Readonly<Record<string, Explanation>> = { ...errorCodes, ...warningCodes };
