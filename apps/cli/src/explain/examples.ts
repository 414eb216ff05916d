/**
 * An example for every code: what is wrong, marked so, and below it what is right. The tests run those of {@link runnable}: the first part
 * gives the code, the second does not.
 */
import type { errorCodes, warningCodes } from './codes.ts';

type Code = keyof typeof errorCodes | keyof typeof warningCodes;

/** Codes whose examples need a device, a network, a second process or a file: they are only read. */
export const onlyRead: ReadonlySet<string> = new Set([
  'AG_GRADIENT_CHECK',
  'AG_DISPOSED',
  'AG_OUT_OF_MEMORY',
  'AG_SYNCHRONOUS_READ',
  'AG_BACKEND_UNAVAILABLE',
  'AG_BACKEND_FAILED',
  'AG_DEVICE_LOST',
  'AG_WORKER_FAILED',
  'AG_COLLECTIVE_FAILED',
  'AG_RANK_FAILED',
  'AG_RANKS_DIFFER',
  'AG_TWO_COPIES',
  'AG_UNSUPPORTED',
  'AG_INTERNAL',
  'AG_CHECKPOINT',
  'AG_RECEIPT',
  'AG_DATA_MISSING',
  'AG_DATA_TRUNCATED',
  'AG_DATA_CHECKSUM',
  'AG_DATA_DOWNLOAD',
  'AG_DATA_UNSUPPORTED',
  'AG_SLOW_BACKEND',
  'AG_ONE_THREAD',
  'AG_VALUES_LOST',
  'AG_CHANGING_PLANS',
  'AG_DUPLICATE_WORK',
  'AG_DROPPED_ASSIGNMENT',
  'AG_DIVERGING',
  'AG_STANDING',
  'AG_SORTED_DATA',
  'AG_SAME_VALIDATION',
  'AG_NO_EPOCHS',
  'AG_MONITOR_MODE',
  'AG_NON_FINITE_LOSS',
  'AG_TRAINING_OPTION',
]);

export const examples: Readonly<Record<Code, string>> = {
  AG_SHAPE_MISMATCH: `sequential(linear(784, 128), relu(), linear(100, 10)).forward(zeros([1, 784])) // wrong: 128 ≠ 100
sequential(linear(784, 128), relu(), linear(128, 10)).forward(zeros([1, 784]))`,
  AG_AXIS: `zeros([2, 3]).sum(2) // wrong: the axes are 0 and 1
zeros([2, 3]).sum(1)`,
  AG_INDEX_OUT_OF_RANGE: `await embedding(10, 4).forward(tensor([10], { dtype: 'int32' })).data() // wrong: 0 … 9
await embedding(11, 4).forward(tensor([10], { dtype: 'int32' })).data()`,
  AG_ARGUMENT_VALUE: `dropout(50) // wrong: a share
dropout(0.5)`,
  AG_ARGUMENT_TYPE: `sequential([linear(4, 8), relu()]) // wrong: a list
sequential(linear(4, 8), relu())`,
  AG_NOT_A_TENSOR: `model.forward([[1, 2, 3, 4]]) // wrong: an array
model.forward(tensor([[1, 2, 3, 4]]))`,
  AG_DTYPE: `tensor([1], { dtype: 'float' }) // wrong
tensor([1], { dtype: 'float32' })`,
  AG_UNKNOWN_OPTION: `adam(model.parameters(), { lr: 0.1 }) // wrong
adam(model.parameters(), { learningRate: 0.1 })`,
  AG_ASYNC_FUNCTION: `compile(async (x) => x.mul(2))(scalar(1)) // wrong
compile((x) => x.mul(2))(scalar(1))`,
  AG_TOO_LARGE: `await zeros([100_000, 1]).add(zeros([1, 100_000])).data() // wrong: every pair, 10¹⁰
await zeros([100_000]).add(zeros([100_000])).data()`,
  AG_SINGULAR_MATRIX: `await inverse(tensor([[1, 2], [2, 4]])).data() // wrong: the rows depend on each other
await inverse(tensor([[1, 2], [2, 4]]).add(eye(2).mul(1e-3))).data()`,
  AG_FORMULA: `formula('(x + 1', { x: tensor([1]) }) // wrong: a bracket
formula('(x + 1)', { x: tensor([1]) })`,
  AG_NOT_SCALAR: `backward(w.value.square()) // wrong: a number for each element
backward(w.value.square().mean())`,
  AG_NO_GRADIENT: `backward(tensor([1, 2]).square().mean()) // wrong: no variable in it
backward(w.value.square().mean())`,
  AG_NOT_DIFFERENTIABLE: `grad((x) => x.sum())(tensor([1, 2], { dtype: 'int32' })) // wrong: whole numbers
grad((x) => x.sum())(tensor([1, 2]))`,
  AG_FROZEN: `model.freeze(); backward(model.forward(zeros([1, 4])).mean()) // wrong: nothing trains
model.unfreeze(); backward(model.forward(zeros([1, 4])).mean())`,
  AG_PARAMETERS: `sgd([], { learningRate: 0.1 }) // wrong
sgd(model.parameters(), { learningRate: 0.1 })`,
  AG_GRADIENT_CHECK: `const f = customGradient((x) => ({ value: x.square(), vjp: (g) => g })) // wrong: the derivative is 2x
const f = customGradient((x) => ({ value: x.square(), vjp: (g) => g.mul(x).mul(2) }))`,
  AG_NOT_FINITE: `await detectAnomaly(() => tensor([0]).log().item()) // wrong: −∞
await detectAnomaly(() => tensor([0]).add(1e-7).log().item())`,
  AG_READ_WHILE_TRACING: `compile((x) => (x.sum().itemSync() > 0 ? x : x.neg()))(tensor([1, 2])) // wrong: there is no number yet
compile((x) => where(x.sum().greater(0), x, x.neg()))(tensor([1, 2]))`,
  AG_IMPURE_FUNCTION: `const f = compile((x) => x.mul(Math.random())); f(tensor([1, 2])); f(tensor([1, 2])) // wrong: traced once
const f = compile((x) => x.mul(uniform([2]))); f(tensor([1, 2])); f(tensor([1, 2]))`,
  AG_NOT_FED: `await placeholder([2]).sum().item() // wrong: it has no value
const p = placeholder([2], { name: 'p' }); new Graph({ inputs: [p], outputs: [p.sum()] }).run({ p: tensor([1, 2]) })`,
  AG_OPEN_SIZE: `placeholder([null, 4]).size // wrong: how many rows is open
placeholder([8, 4]).size`,
  AG_STALE_VALUE: `const y = w.value.square(); for (let i = 0; i < 2; i++) { w.assign(w.value.add(1)); await w.value.data(); } await y.data() // wrong: two updates ago
const y = w.value.square(); await y.data(); w.assign(w.value.add(1))`,
  AG_DISPOSED: `backend.close(); await x.add(1).data() // wrong
await x.add(1).data(); backend.close()`,
  AG_WRONG_TIME: `ema(model.parameters()).restore() // wrong: nothing was applied
const average = ema(model.parameters()); average.apply(); average.restore()`,
  AG_OUT_OF_MEMORY: `losses.push(loss) // wrong: keeps graphs and values
losses.push(await loss.item())`,
  AG_SYNCHRONOUS_READ: `x.dataSync() // wrong on WebGPU
await x.data()`,
  AG_BACKEND_UNAVAILABLE: `use(await webgpu()) // wrong where there is no device
use(await best({ work: loss }))`,
  AG_BACKEND_FAILED: `use(await wasm({ threads: 4 })) // wrong where workers are stopped
use(await wasm({ threads: 1 }))`,
  AG_DEVICE_LOST: `await fit(options) // wrong: the device went to sleep
await moveTo(await wasm(), model, optimizer); await fit({ ...options, resume })`,
  AG_WORKER_FAILED: `new Worker('training.js') // wrong: not found, or no module
new Worker(new URL('./training.js', import.meta.url), { type: 'module' })`,
  AG_COLLECTIVE_FAILED: `dataLoader(data, { batchSize: 4096, part: world }) // wrong: no memory on one rank
dataLoader(data, { batchSize: 256, part: world })`,
  AG_RANK_FAILED: `if (world.rank === 0) optimizer.step() // wrong: the others wait
optimizer.step(); if (world.rank === 0) console.log(loss)`,
  AG_RANKS_DIFFER: `linear(4, world.rank === 0 ? 8 : 16) // wrong
linear(4, 8)`,
  AG_TWO_COPIES: `npm ls @ag/tensor # wrong: two versions
npm dedupe`,
  AG_UNSUPPORTED: `await saveCheckpoint('run.ckpt', parts) // wrong in a page: there are no files
const bytes = await encodeCheckpoint(await takeCheckpoint(parts))`,
  AG_FILE_FORMAT: `loadSafetensors(new TextEncoder().encode('<!doctype html>')) // wrong: a page that says 404
loadSafetensors(await saveSafetensors(model.stateDict()))`,
  AG_STATE_MISMATCH: `linear(4, 8).loadStateDict(linear(4, 9).stateDict()) // wrong: other sizes
linear(4, 8).loadStateDict(linear(4, 8).stateDict())`,
  AG_INTERNAL: `agrad doctor # and the smallest program that shows it, as an issue`,
  AG_NON_FINITE_LOSS: `sgd(model.parameters(), { learningRate: 100 }) // wrong: a thousand times too large
sgd(model.parameters(), { learningRate: 0.1 })`,
  AG_TRAINING_OPTION: `fit({ model, optimizer, loss, train, epochs: -1 }) // wrong
fit({ model, optimizer, loss, train, epochs: 10 })`,
  AG_CHECKPOINT: `fit({ …, resume: await loadCheckpoint('weights.safetensors') }) // wrong: weights alone
model.loadStateDict(loadSafetensors(readFileSync('weights.safetensors')).tensors)`,
  AG_RECEIPT: `agrad verify run # wrong on Node 20 and Bun, where the run was made with fused arithmetic
agrad train digits --arithmetic separate --out run`,
  AG_DATA_MISSING: `AG_OFFLINE=1 agrad train mnist # wrong: it was never downloaded
agrad data get mnist`,
  AG_DATA_FORMAT: `await parseCsv('a\\n1\\n"2') // wrong: a quote that is not closed
await parseCsv('a\\n1\\n"2"')`,
  AG_DATA_TRUNCATED: `readIdx(bytes.subarray(0, 1000)) // wrong: cut off
readIdx(bytes)`,
  AG_DATA_MISMATCH: `tensorDataset([[0], [1]], [0]) // wrong: two inputs, one label
tensorDataset([[0], [1]], [0, 1])`,
  AG_DATA_CHECKSUM: `await mnist({ dataDir: 'data' }) // files of your own need no checksum`,
  AG_DATA_DOWNLOAD: `await mnist() // wrong without a network
await mnist({ dataDir: 'data', download: false })`,
  AG_DATA_COLUMN: `await csvDataset({ text: 'a,b\\n1,2\\n' }, { target: 'c' }) // wrong
await csvDataset({ text: 'a,b\\n1,2\\n' }, { target: 'b' })`,
  AG_DATA_VALUE: `await csvDataset({ text: 'a,b\\n1,2\\nx,3\\n' }, { target: 'b' }) // wrong: a text among numbers
await csvDataset({ text: 'a,b\\n1,2\\n4,3\\n' }, { target: 'b' })`,
  AG_DATA_OPTION: `dataLoader(xor(), { batchSize: 0.5 }) // wrong
dataLoader(xor(), { batchSize: 2 })`,
  AG_DATA_UNSUPPORTED: `await imageFolder('./flowers', { size: 64 }) // wrong in Node without decoders
// npm install pngjs jpeg-js`,
  AG_SLOW_BACKEND: `import { tensor } from '@ag/tensor' // and nothing else: slow
use(await wasm())`,
  AG_ONE_THREAD: `Cross-Origin-Opener-Policy: same-origin
Cross-Origin-Embedder-Policy: require-corp`,
  AG_DUPLICATE_WORK: `const h = model.forward(ones([64, 4])); backward(h.square().mean()); optimizer.step(); await h.data() // wrong: computed again
const h = model.forward(ones([64, 4])); backward(h.square().mean(), { also: [h] }); optimizer.step(); await h.data()`,
  AG_VALUES_LOST: `await moveTo(await wasm(), model) // after the device was lost: the weights are gone
model.loadStateDict(saved)`,
  AG_CHANGING_PLANS: `model.forward(tensor([tokens])) // wrong: every length makes a plan
model.forward(tensor([[...tokens, ...Array(64 - tokens.length).fill(0)]]))`,
  AG_DROPPED_ASSIGNMENT: `w.assign(inverse(m).mul(w.value)) // where m turned out to be singular: w keeps its value
w.assign(inverse(m.add(eye(2).mul(1e-6))).mul(w.value))`,
  AG_OPERATOR: `const text = tensor([1]) + tensor([2]) // wrong: a text
const total = tensor([1]).add(tensor([2]))`,
  AG_SOFTMAX_TWICE: `await crossEntropy(sequential(linear(4, 3), softmax()).forward(ones([1, 4])), tensor([0], { dtype: 'int32' })).item() // wrong
await crossEntropy(sequential(linear(4, 3)).forward(ones([1, 4])), tensor([0], { dtype: 'int32' })).item()`,
  AG_SIGMOID_TWICE: `await bceWithLogits(sequential(linear(4, 1), sigmoid()).forward(ones([1, 4])), ones([1, 1])).item() // wrong
await bceWithLogits(linear(4, 1).forward(ones([1, 4])), ones([1, 1])).item()`,
  AG_NOT_PROBABILITIES: `await bceLoss(linear(4, 1).forward(ones([1, 4])), ones([1, 1])).item() // wrong
await bceWithLogits(linear(4, 1).forward(ones([1, 4])), ones([1, 1])).item()`,
  AG_IMPOSSIBLE_TARGET: `await crossEntropy(zeros([1, 3]), tensor([3], { dtype: 'int32' })).item() // wrong: 0 … 2
await crossEntropy(zeros([1, 3]), tensor([2], { dtype: 'int32' })).item()`,
  AG_UNOWNED_PARAMETERS: `const [body, head] = [linear(4, 8), linear(8, 1)]; const part = sgd(head.parameters(), { learningRate: 0.1 }); backward(head.forward(body.forward(ones([2, 4]))).mean()) // wrong: body has none
const both = sequential(linear(4, 8), linear(8, 1)); const whole = sgd(both.parameters(), { learningRate: 0.1 }); backward(both.forward(ones([2, 4])).mean())`,
  AG_STEP_MISSING: `for (let i = 0; i < 400; i++) backward(w.value.square().mean()) // wrong: no step
for (let i = 0; i < 5; i++) { backward(w.value.square().mean()); owner.step(); }`,
  AG_DIVERGING: `sgd(model.parameters(), { learningRate: 10 }) // wrong
sgd(model.parameters(), { learningRate: 0.1 })`,
  AG_STANDING: `adam(model.parameters(), { learningRate: 1e-9 }) // wrong
adam(model.parameters(), { learningRate: 1e-3 })`,
  AG_SORTED_DATA: `dataLoader(data) // wrong: one class after the other
dataLoader(data, { shuffle: true })`,
  AG_SAME_VALIDATION: `fit({ …, train: loader, validation: loader }) // wrong
const [train, validation] = randomSplit(data, [0.8, 0.2])`,
  AG_NO_EPOCHS: `fit({ …, epochs: Number('') }) // wrong: 0
fit({ …, epochs: 10 })`,
  AG_MONITOR_MODE: `earlyStopping({ monitor: 'validation.accuracy', mode: 'min' }) // wrong
earlyStopping({ monitor: 'validation.accuracy' })`,
};

/** Those that the tests run. */
export const runnable: readonly string[] = Object.keys(examples).filter((code) => !onlyRead.has(code));

/** An example in two parts; what is marked as wrong comes first. */
export function partsOf(example: string): { readonly wrong: string; readonly right: string } {
  const lines = example.split('\n');
  const last = lines.findIndex((line) => / (?:\/\/|#) wrong/.test(line));
  return { wrong: lines.slice(0, last + 1).join('\n'), right: lines.slice(last + 1).join('\n') };
}
