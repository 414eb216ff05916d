/**
 * The process that runs one workload with `ag`: see `protocol.ts`.
 */
import { createInterface } from 'node:readline';
import { wasm } from '@ag/native-wasm';
import { type Backend, reference, use } from '@ag/tensor';
import { profiling } from './profile.ts';
import type { Chunk, Hello, Open, Opened, Task, Timed } from './protocol.ts';
import { type Run, timeChunk } from './workload.ts';
import { workloads } from './workloads/index.ts';

const task = JSON.parse(process.argv[2]!) as Task;
const say = (answer: Hello | Opened | Timed): void =>
  void process.stdout.write(`${JSON.stringify(answer)}\n`);

let relaxed = false;
const profile = task.profile ? profiling() : null;
const start = (backend: Backend): void => {
  use(profile ? profile.around(backend) : backend);
};
if (task.backend === 'wasm') {
  const backend = await wasm({ threads: task.threads, wideVectors: task.wide ?? false });
  relaxed = backend.relaxedSimd;
  start(backend);
} else {
  start(reference());
}
const workload = workloads[task.workload]!(task.data);
const known = workload.variants.includes(task.variant);
say({
  cases: known ? Object.keys(workload.cases) : [],
  engine: `${task.backend}${relaxed ? ' (relaxed SIMD)' : ''}, V8 ${process.versions.v8}`,
});

let run: Run | null = null;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Open | Chunk;
  if ('open' in request) {
    run = null;
    run = await workload.cases[request.open]!(task.variant);
    say({ check: run.check, ...(run.figures && { figures: run.figures }) });
  } else {
    profile?.reset();
    say({ ...timeChunk(run!.step!, request.chunk), ...(profile && { profile: profile.report() }) });
  }
}
process.exit(0);
