/**
 * What the first step would wait for, done while the program waits for its data: code that runs for the first time takes three times as long,
 * and planning, lowering and writing kernels is most of a first step.
 *
 * Nothing of it needs the user's network. So a backend that was waited for plans a typical step and writes its kernels for nobody, a few
 * milliseconds at a time. Nothing is compiled, kept or computed. Then the workers start, which takes them as long as a small plan.
 */
import type { Program, Tensor } from '@ag/tensor';
import type { Stage } from '../abi.ts';
import type { NodeProcess } from '../engine/support.ts';
import type { KernelCache } from './kernelCache.ts';
import type { Threads } from './threads.ts';

/** Not in place: bundlers would take the file for an import. This file lies beside that of the threads, built or not. */
const here: string = import.meta.url;

/** Milliseconds without a pause. */
const turn = 4;

/** What of `@ag/tensor/engine` plans. Given, not imported: bundlers that do not split would load all of it along. */
type Planner = Pick<typeof import('@ag/tensor/engine'), 'makePlan' | 'placeholderLeaf' | 'traverse'>;

/**
 * Goes through all of it whenever the program waits for something.
 *
 * @param wanted whether the program has not begun to compute
 */
export async function warmUp(
  planner: Planner,
  kernels: Pick<KernelCache, 'newTarget'>,
  threads: Pick<Threads, 'start'>,
  stagesOf: (program: Program) => readonly Stage[],
  wanted: () => boolean,
): Promise<void> {
  function* work(): Generator<void> {
    const program = typicalStep(planner);
    yield;
    const target = kernels.newTarget();
    for (const stage of stagesOf(program)) {
      target.module.element(0, stage.emit(target));
      yield;
    }
    target.module.bytes();
  }
  if ((await whileIdle(work(), wanted)) && workerIsFile()) threads.start();
}

/** Threads that nothing needs yet must not fail, nor load anything over a network. */
function workerIsFile(): boolean {
  const { process } = globalThis as { process?: NodeProcess };
  const files = process?.getBuiltinModule?.('node:fs') as { existsSync(file: URL): boolean } | undefined;
  return files?.existsSync(new URL('./worker.js', here)) === true;
}

/**
 * Runs the parts of `work` when the program waits, until it ends or `wanted` says no. Answers whether it came to its end; a script
 * does not wait for that.
 */
export function whileIdle(work: Iterator<void>, wanted: () => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      try {
        const end = now() + turn;
        do {
          const goes = wanted();
          if (!goes || work.next().done) {
            resolve(goes);
            return;
          }
        } while (now() < end);
        later(go);
      } catch (error) {
        reject(error);
      }
    };
    later(go);
  });
}

function later(go: () => void): void {
  const timer = globalThis.setTimeout?.(go, 0) as unknown as { unref?: () => void } | undefined;
  timer?.unref?.();
}

const now = (): number => globalThis.performance?.now() ?? Date.now();

/**
 * A network of two layers with its loss, the gradients of one layer, and their updates, of few kinds of operations: what the engine has seen
 * of many kinds it optimizes less well afterwards, which steps of microseconds feel (a sixth of W1, with softmax and Adam in it).
 */
export function typicalStep({ makePlan, placeholderLeaf, traverse }: Planner): Program {
  const leaf = (...shape: number[]): Tensor => placeholderLeaf(shape, 'float32', 'typical');
  const [x, w, b, v, target] = [leaf(32, 64), leaf(64, 48), leaf(48), leaf(48, 10), leaf(32, 10)];
  const hidden = x.matmul(w).add(b).sigmoid();
  const slope = hidden.matmul(v).sub(target);
  const loss = slope.square().sum();
  const back = slope.matmul(v.transpose()).mul(hidden);
  const updated = (value: Tensor, gradient: Tensor): Tensor[] => [value.sub(gradient.mul(0.1))];
  const outputs = [
    loss,
    // What nothing is fused with: a kernel of that form.
    leaf(48).mul(0.9).sub(leaf(48)),
    ...updated(w, x.transpose().matmul(back)),
    ...updated(b, back.sum(0)),
    ...updated(v, hidden.transpose().matmul(slope)),
  ];
  return makePlan(traverse(outputs, []), outputs, [], { fusion: true }).program;
}
