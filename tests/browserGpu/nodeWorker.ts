/** A worker thread of Node with WebGPU of its own, through Dawn: trains what the page trains. `workerData` says where Dawn is had. */
import { workerData } from 'node:worker_threads';
import { use } from '@ag/tensor';
import { serveTraining } from '@ag/train';
import { webgpu } from '@ag/webgpu';
import { runOf, type Wanted } from './training.ts';

const { dawn } = await import(workerData.dawn);
const { gpu } = await dawn();
await serveTraining(async (wanted: Wanted) => {
  use(await webgpu({ gpu }));
  return runOf(wanted);
});
