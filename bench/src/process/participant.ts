/**
 * The process that runs one workload with `ag`: see `protocol.ts`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wasm } from '@ag/native-wasm';
import { type Backend, reference, use } from '@ag/tensor';
import type { Network } from '../problems/network.ts';
import type { Task } from '../protocol.ts';
import { ofNetworks, workloads } from '../workloads/index.ts';
import { profiling } from './profile.ts';
import { serve } from './serve.ts';

const task = JSON.parse(process.argv[2]) as Task;

let relaxed = false;
const profile = task.profile ? profiling() : null;
const start = (backend: Backend): void => {
  use(profile ? profile.around(backend) : backend);
};
if (task.backend === 'wasm') {
  const backend = await wasm({ threads: task.threads, wideVectors: task.wide ?? false });
  relaxed = backend.relaxedSimd;
  start(backend);
} else if (task.backend === 'webgpu') {
  // `bench/webgpu.mjs` says where the `GPU` object comes from.
  const { dawn } = await import(process.env.AG_DAWN!);
  const { gpu, reason } = await dawn();
  if (!gpu) throw new Error(reason);
  // An earlier state that takes turns may not have the package.
  const { webgpu } = await import('@ag/webgpu');
  start(await webgpu({ gpu }));
} else {
  start(reference());
}
const described = networksOf(task);
const workload = described ? ofNetworks(described) : workloads[task.workload](task.data);
const known = workload.variants.includes(task.variant);
const prepared = Object.entries(known ? workload.cases : {}).map(
  ([name, prepare]) => [name, () => prepare(task.variant)] as const,
);
await serve({
  cases: Object.fromEntries(prepared),
  engine: `${task.backend}${relaxed ? ' (relaxed SIMD)' : ''}, V8 ${process.versions.v8}`,
  profile,
});

/** The networks that the command wrote for all participants, where it did so for this workload. */
function networksOf({ data, workload }: Task): Readonly<Record<string, Network>> | null {
  const file = join(data, 'networks.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8'))[workload] ?? null) : null;
}
