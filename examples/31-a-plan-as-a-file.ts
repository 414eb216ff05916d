/**
 * A network and its training as files: the step of a perceptron that learns exclusive or becomes one WebAssembly module, which
 * then trains by itself, with nothing of this library but its bytes. It arrives at the same weights as the library, to the bit.
 *
 *     npm run ts -- examples/31-a-plan-as-a-file.ts
 */
import { backward, compile } from '@ag/graph';
import { exportPlan, wasm } from '@ag/native-wasm';
import { bceWithLogits, linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, type Tensor, tensor, use } from '@ag/tensor';

use(await wasm({ threads: 1, relaxedSimd: false })); // products and sums rounded apart, as in the module
manualSeed(1);
const model = sequential(linear(2, 8), tanh(), linear(8, 1));
const optimizer = adam(model.parameters(), { learningRate: 0.05 });
const step = compile((x: Tensor, y: Tensor) => {
  const loss = bceWithLogits(model.forward(x), y);
  backward(loss);
  optimizer.step();
  return { loss };
});

const steps = 200;
const plan = await exportPlan(
  step,
  { x: { shape: [4, 2] }, y: { shape: [4, 1] } },
  { steps, names: model.namedParameters() },
);
console.log(`a training step of ${plan.wasm.length} bytes, weights and optimizer included`);

// From here on only the bytes count, and what they say of themselves.
const module = new WebAssembly.Module(plan.wasm);
const [section] = WebAssembly.Module.customSections(module, 'ag.plan');
const { inputs, outputs, state } = JSON.parse(new TextDecoder().decode(section)) as typeof plan.description;
const { memory, run } = new WebAssembly.Instance(module).exports as {
  memory: WebAssembly.Memory;
  run(batch: number): number;
};
const floats = ({ offset, shape }: (typeof inputs)[number]): Float32Array =>
  new Float32Array(
    memory.buffer,
    offset!,
    shape.reduce<number>((size, axis) => size * axis!, 1),
  );
const [x, y] = [
  [0, 0, 0, 1, 1, 0, 1, 1],
  [0, 1, 1, 0],
];
floats(inputs[0]).set(x);
floats(inputs[1]).set(y);
for (let i = 0; i < steps; i++) run(0);
console.log(`the module's loss after ${steps} steps: ${floats(outputs[0])[0]}`);

let last = 0;
for (let i = 0; i < steps; i++)
  last = await step(tensor(x, { shape: [4, 2] }), tensor(y, { shape: [4, 1] })).loss.item();
console.log(`the library's: ${last}`);
let equal = 0;
let all = 0;
for (const [name, { value }] of model.namedParameters()) {
  const own = floats(state.find((one) => one.name === name)!);
  (await value.data()).forEach((weight, i) => {
    all++;
    if (Object.is(weight, own[i])) equal++;
  });
}
console.log(`${equal} of ${all} weights are equal to the bit`);
