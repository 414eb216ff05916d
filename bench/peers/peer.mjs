/**
 * What the participants with another library have in common. The libraries are no dependencies of this project: they are
 * loaded from the folder that `--peers` named. So there are no types for them either, and these files are JavaScript.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** See `Task` in protocol.ts. */
export const task = JSON.parse(process.argv[2]);

const require = createRequire(join(process.env.PEERS_DIR, 'package.json'));

// A library's remarks on the output would be taken for answers.
for (const method of ['log', 'warn', 'info']) console[method] = () => {};

/** On a device that computes while the program goes on, numbers are read later. */
export const later = task.backend === 'webgpu';
if (later) {
  // `bench/webgpu.mjs` says where the `GPU` object comes from.
  const { dawn } = await import(process.env.AG_DAWN);
  const { gpu, reason } = await dawn();
  if (!gpu) throw new Error(reason);
  globalThis.self ??= globalThis;
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Node' }, configurable: true });
}

export const load = (name) => require(name);

export const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));

/**
 * Trains up to the last step whose loss is compared, which also warms up, and goes on from there.
 * @param step trains step `i` and returns its loss where it is wanted
 */
export function train(step, { lossAt }, settle) {
  if (later) return trainLater(step, lossAt, settle);
  const check = {};
  const last = Math.max(...lossAt);
  const start = performance.now();
  let i = 0;
  do {
    const wanted = lossAt.includes(i);
    const loss = step(i, wanted);
    if (wanted) check[`loss ${i}`] = loss;
    i++;
  } while (i <= last && performance.now() - start < task.patience);
  return { check, step: () => void step(i++, false) };
}

/** The same where `step` gives a promise of its loss. */
async function trainLater(step, lossAt, settle) {
  const check = {};
  const last = Math.max(...lossAt);
  const start = performance.now();
  let first = 0;
  let i = 0;
  do {
    const wanted = lossAt.includes(i);
    const loss = await step(i, wanted);
    if (wanted) check[`loss ${i}`] = loss;
    if (i === 0) {
      await settle();
      first = performance.now() - start;
    }
    i++;
  } while (i <= last && performance.now() - start < task.patience);
  return { check, first, step: () => void step(i++, false), settle };
}
