/**
 * The side of a worker that computes blocks for `fit({ workers })`: it is handed weights and examples, and hands back sums.
 */
import type { Module } from '@ag/nn';
import { backend, restoreRandomState, type Tensor, type Variable } from '@ag/tensor';
import { checkOptions, commitUpdates } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import { listen, type MessageEnd, ownEnd } from '../messageEnd.ts';
import { type Loss, type LossWeights, type Measures, Objective } from '../objective.ts';
import { BlockComputer } from './blockComputer.ts';
import { Layout } from './layout.ts';
import { type FromWorker, received, type Task, type ToWorker } from './messages.ts';
import { addUp, type Subtree } from './tree.ts';

/** What workers compute: the same as the options of `fit` with these names. */
export interface ServedModel<X = Tensor, Output = Tensor, Y = Tensor> {
  readonly model: Module<[X], Output>;
  readonly loss: Loss<Output, Y>;
  readonly weights?: LossWeights<Y>;
  readonly metrics?: Measures<Output, Y>;
}

/**
 * To be called in the module that makes the model, which the program and each of its workers load:
 *
 * ```ts
 * // network.ts
 * export const model = sequential(linear(784, 50), relu(), linear(50, 10));
 * export const loss = crossEntropy;
 * serveWorker({ model, loss });
 * // train.ts
 * const startWorker = () => new Worker(new URL('./network.js', import.meta.url), { type: 'module' });
 * for await (const event of fit({ model, loss, optimizer, train, epochs: 5, workers: 4, startWorker })) show(event);
 * ```
 *
 * In the program itself it does nothing. The weights are those of the program, whatever a worker's model starts with; its modes
 * too. Let each worker compute on one thread: `use(await wasm({ threads: 1 }))`.
 *
 * @param end where messages come from; default the worker's own scope, in Node its parent's port
 */
export function serveWorker<X = Tensor, Output = Tensor, Y = Tensor>(
  served: ServedModel<X, Output, Y>,
  end?: MessageEnd,
): void {
  checkOptions('serveWorker', served, 'model loss weights metrics');
  const port = end ?? ownEnd();
  if (port === null) return;
  const send = (message: FromWorker): void => port.postMessage(message);
  let computer: BlockComputer | null = null;
  let state: Layout | null = null;
  let variables: readonly Variable[] = [];

  const begin = async (lock: string | null, compiled: boolean): Promise<void> => {
    const objective = new Objective(served, 'serveWorker');
    computer = new BlockComputer(served.model, objective, compiled);
    const named = stateOf(served.model);
    state = layoutOf(named);
    variables = named.map(([, variable]) => variable);
    served.model.train();
    // Held as long as this worker lives: its owner is told when it is free.
    if (lock !== null) await held(lock);
    send({ ag: 'ready', layout: `${state}; ${objective.names.join()}`, backend: computedBy() });
  };

  const compute = async ({ task, blocks, count, weights, random }: Task): Promise<void> => {
    if (computer === null || state === null)
      throw new TrainingError('serveWorker: no run began', { code: 'option' });
    const own = state;
    commitUpdates(new Map(variables.map((variable, i) => [variable, own.tensor(weights, i)])));
    const sums: Subtree[] = [];
    let without: readonly number[] = [];
    let { drawn } = random;
    for (const { block, share, x, y } of blocks) {
      restoreRandomState(random);
      const found = await computer.compute(received(x), received(y), block, share);
      sums.push({ first: block, count: 1, arrays: found.arrays });
      ({ without, drawn } = found);
    }
    send({ ag: 'sums', task, sums: addUp(sums, count), without, drawn });
  };

  /** One thing after the other. */
  let last = Promise.resolve();
  listen(port, 'message', (message: ToWorker) => {
    if (message?.ag !== 'crew' && message?.ag !== 'blocks') return;
    const work = (): Promise<void> =>
      message.ag === 'crew' ? begin(message.lock, message.compile) : compute(message);
    last = last.then(work).catch((error: unknown) => {
      const { message: text, code } = (error ?? {}) as Error & { code?: unknown };
      send({
        ag: 'failed',
        task: message.ag === 'blocks' ? message.task : -1,
        message: String(text ?? error),
        ...(error instanceof TrainingError ? { kind: error.kind } : typeof code === 'string' && { code }),
      });
    });
  });
}

/** All variables of a model, those that train and those that do not, in one order. */
export function stateOf(
  model: Pick<Module, 'namedParameters' | 'namedBuffers'>,
): (readonly [string, Variable])[] {
  return [...model.namedParameters(), ...model.namedBuffers()];
}

export function layoutOf(variables: readonly (readonly [string, Variable])[]): Layout {
  return new Layout(variables.map(([name, { shape, dtype }]) => ({ name, shape, dtype })));
}

/** What computes here, in words. */
export function computedBy(): string {
  const { name, arithmetic = 'separate' } = backend();
  return `${name} with ${arithmetic} multiplication and addition`;
}

interface Locks {
  request(name: string, work: () => Promise<void>): Promise<void>;
}

/** The browser's locks, by which one page hears of the end of another's work; undefined elsewhere. */
export function locks(): Locks | undefined {
  return (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks;
}

function held(name: string): Promise<void> {
  return new Promise((resolve) => {
    void locks()?.request(name, () => {
      resolve();
      return new Promise(() => {});
    });
  });
}
