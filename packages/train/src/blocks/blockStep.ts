/**
 * Steps of which each batch is cut into blocks that are computed one by one, here or by workers, and added up in one order: the
 * weights are the same to the bit however many workers there are.
 */
import type { AnyModule } from '@ag/nn';
import { evaluate, randomState, restoreRandomState, type TypedArray, type Variable } from '@ag/tensor';
import { dropGradients } from '@ag/tensor/engine';
import type { EndReason } from '../events.ts';
import type { GroupedBatch } from '../groups.ts';
import { GradientHealth } from '../health.ts';
import { readAll } from '../metrics.ts';
import { Objective } from '../objective.ts';
import type { AnyFitOptions } from '../options.ts';
import { pausedNow } from '../pause.ts';
import type { Stepper, StepResult } from '../step.ts';
import { examplesOf } from '../structure.ts';
import { BlockComputer } from './blockComputer.ts';
import { Crew } from './crew.ts';
import type { Layout } from './layout.ts';
import { type BlockOfTask, elementsOf, received, rowsOf } from './messages.ts';
import { layoutOf, stateOf } from './serveWorker.ts';
import { addUp, type Subtree } from './tree.ts';

/** Blocks of a batch unless told otherwise: as many workers can share its work. */
const defaultBlocks = 8;

/** What came of all blocks of a batch. */
interface Total {
  readonly arrays: readonly TypedArray[];
  readonly without: readonly number[];
  readonly drawn: number;
}

/** Computes the steps of one run block by block. */
export class BlockStep implements Stepper {
  readonly objective: Objective;
  readonly #options: AnyFitOptions;
  readonly #blocks: number;
  readonly #computer: BlockComputer;
  readonly #health: GradientHealth | null;
  /** Null where the blocks are computed here. */
  readonly #crew: Crew | null;
  readonly #state: Layout;
  readonly #variables: readonly Variable[];
  #tasks = 0;

  constructor(options: AnyFitOptions) {
    const { model, workers = 1, startWorker, blocks = defaultBlocks, compile = false } = options;
    this.objective = new Objective(options, 'fit');
    this.#options = options;
    this.#blocks = blocks;
    this.#computer = new BlockComputer(model as AnyModule, this.objective, compile);
    this.#health = options.gradientNorms ? new GradientHealth(model) : null;
    const named = stateOf(model);
    this.#state = layoutOf(named);
    this.#variables = named.map(([, variable]) => variable);
    const layout = `${this.#state}; ${this.objective.names.join()}`;
    this.#crew = startWorker ? new Crew({ size: workers, start: startWorker, layout, compile }) : null;
  }

  async compute({ x, y }: GroupedBatch, measured: boolean, wish: EndReason | null): Promise<StepResult> {
    const examples = examplesOf(x, y, 'fit');
    const count = Math.max(1, Math.min(this.#blocks, examples));
    const [rowsX, rowsY] = await Promise.all([elementsOf(x), elementsOf(y)]);
    const blockAt = (block: number): BlockOfTask => {
      const [from, to] = [block, block + 1].map((i) => Math.floor((i * examples) / count));
      return { block, share: (to - from) / examples, x: rowsOf(rowsX, from, to), y: rowsOf(rowsY, from, to) };
    };
    const total = this.#crew
      ? await this.#computedBy(this.#crew, count, blockAt)
      : await this.#computedHere(count, blockAt);
    return this.#step(total, examples, measured, wish);
  }

  close(): void {
    this.#crew?.close();
  }

  async #computedHere(count: number, blockAt: (block: number) => BlockOfTask): Promise<Total> {
    const sums: Subtree[] = [];
    let total: Omit<Total, 'arrays'> = { without: [], drawn: 0 };
    for (let i = 0; i < count; i++) {
      const { block, share, x, y } = blockAt(i);
      const found = await this.#computer.compute(received(x), received(y), block, share);
      sums.push({ first: block, count: 1, arrays: found.arrays });
      total = found;
    }
    return { ...total, arrays: addUp(sums, count)[0].arrays };
  }

  /** Neighboring blocks go to one worker, which adds them up as far as it can. */
  async #computedBy(crew: Crew, count: number, blockAt: (block: number) => BlockOfTask): Promise<Total> {
    const weights = (await readAll(
      this.#state.pack(this.#variables.map(({ value }) => value)),
    )) as TypedArray[];
    const random = randomState();
    const working = Math.min(crew.size, count);
    // The first worker has its rows before those of the second are cut.
    const outcomes = await Promise.all(
      Array.from({ length: working }, (_, number) => {
        const [from, to] = [number, number + 1].map((i) => Math.floor((i * count) / working));
        const blocks = Array.from({ length: to - from }, (_, i) => blockAt(from + i));
        return crew.run(number, { ag: 'blocks', task: this.#tasks++, blocks, count, weights, random });
      }),
    );
    pausedNow();
    const sums = addUp(
      outcomes.flatMap((outcome) => outcome.sums),
      count,
    );
    const [{ without, drawn }] = outcomes;
    return { arrays: sums[0].arrays, without, drawn };
  }

  async #step(
    { arrays, without, drawn }: Total,
    examples: number,
    measured: boolean,
    wish: EndReason | null,
  ): Promise<StepResult> {
    const { optimizer, gradients, average } = this.#options;
    const { sums, statistics, parameters } = this.#computer;
    const figures = this.objective.names.length + 1;
    const [[loss], ...values] = Array.from({ length: figures }, (_, i) =>
      Array.from(sums.elements(arrays, i)),
    );
    const before = randomState();
    restoreRandomState({ words: before.words, drawn });
    statistics.forEach((variable, i) => {
      variable.assign(sums.tensor(arrays, figures + i));
    });
    const first = figures + statistics.length;
    parameters.forEach((variable, i) => {
      if (!variable.trainable || without.includes(i)) return;
      variable.grad = sums.tensor(arrays, first + i);
      variable.gradPending = true;
      variable.gradGroup = null;
    });
    let health: StepResult['health'] = null;
    try {
      gradients?.(optimizer.parameters);
      const wanted = measured && this.#health ? this.#health.build() : [];
      evaluate(wanted);
      optimizer.step();
      average?.update();
      if (wanted.length > 0) health = this.#health?.read(await readAll(wanted)) ?? null;
    } catch (error) {
      restoreRandomState(before);
      dropGradients(parameters);
      throw error;
    }
    return {
      loss,
      ...this.objective.read(values, examples),
      examples,
      ownLoss: loss,
      wish,
      health,
    };
  }
}
