/** The worker of the page: WebGPU of its own, and runs as they are asked for. */
import { use } from '@ag/tensor';
import { serveTraining } from '@ag/train';
import { webgpu } from '@ag/webgpu';
import { runOf, type Wanted } from './training.ts';

await serveTraining(async (wanted: Wanted) => {
  use(await webgpu());
  return runOf(wanted);
});
