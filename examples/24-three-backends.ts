/**
 * One program on three backends: the reference, which says what each operation means; WebAssembly; and WebGPU, the graphics
 * processor. The same seed trains the same network on each, to the same digits; only the time differs. Where a step is as small
 * as here a graphics processor loses, and one that is played by the processor loses to everything.
 *
 *     npm run ts -- examples/24-three-backends.ts
 */
import { spirals } from '@ag/datasets';
import { backward } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { crossEntropy, linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { type Backend, manualSeed, reference, synchronize, use } from '@ag/tensor';
import { webgpu, webgpuSupport } from '@ag/webgpu';
// @ts-expect-error: scripts of this repository have no declarations
import { dawn } from '../scripts/dawn.mjs';

/** Trains on a backend: the loss at the beginning and at the end, how many of the points are told right, and the time of a step. */
async function train(backend: Backend): Promise<void> {
  use(backend);
  manualSeed(4);
  const data = spirals({ seed: 2, count: 240 });
  const { x, y } = await data.batch(Array.from({ length: data.length }, (_, i) => i));
  const model = sequential(linear(2, 32), tanh(), linear(32, 16), tanh(), linear(16, 3));
  const optimizer = adam(model.parameters(), { learningRate: 0.02 });
  const step = () => {
    const loss = crossEntropy(model.forward(x), y);
    backward(loss);
    optimizer.step();
    return loss;
  };
  // Kernels are made in the first step. Reading waits for the device: `await` is all that a program needs to run anywhere.
  const first = await step().item();
  const steps = 40;
  const began = performance.now();
  for (let i = 0; i < steps; i++) step();
  await synchronize();
  const time = (performance.now() - began) / steps;
  const last = await crossEntropy(model.forward(x), y).item();
  const right = await model.forward(x).argmax(1).equal(y).cast('float32').mean().item();
  console.log(
    `${backend.name}: loss ${first.toFixed(4)}, then ${last.toFixed(4)}, ${(100 * right).toFixed(1)} % right, ${time.toFixed(1)} ms a step`,
  );
}

await train(reference());
await train(await wasm());

// Browsers and Deno have a device at navigator.gpu. Node has one from npm `webgpu`, in a program of yours by
// `const gpu = (await import('webgpu')).create([])`; here by the script that tests fetch it with.
const { gpu, reason }: { gpu?: GPU; reason?: string } = await dawn();
const { adapter, info, hardware } = await webgpuSupport({ gpu });
if (gpu && adapter.available) {
  console.log(
    `device: ${info?.description || info?.vendor}${hardware.available ? '' : ', a software device'}`,
  );
  await train(await webgpu({ gpu }));
} else console.log(`webgpu is left out: ${reason ?? adapter.reason}`);

// Dawn keeps the process alive as long as its GPU object is there.
process.exit();
