/**
 * One step of training, built lazily and run as one plan. Loss, metrics, gradients and new parameters come out of
 * that plan, and the numbers for the events too; where several ranks train together, so does what they exchange.
 */
import { backward, compile, type TensorTree } from '@ag/graph';
import { evaluate, randomState, restoreRandomState, type Tensor } from '@ag/tensor';
import { activeTrace, noteAssignments, withRoom } from '@ag/tensor/engine';
import type { EndReason, Metrics } from './events.ts';
import { forward } from './forward.ts';
import type { GroupedBatch } from './groups.ts';
import { GradientHealth, type Health } from './health.ts';
import { type BatchMetrics, readAll } from './metrics.ts';
import { Objective } from './objective.ts';
import type { AnyFitOptions } from './options.ts';
import type { Profiler, StepPart } from './profile/profiler.ts';
import { examplesOf } from './structure.ts';
import type { StepExchange } from './world/exchange.ts';
import { onPart } from './world/part.ts';

/** A tensor, or a tuple or object of them. */
type Structure = TensorTree;

/** What a batch gave. */
export interface StepResult {
  readonly loss: number;
  readonly metrics: Metrics;
  /** Those of streams as sums, see `BatchMetrics`. */
  readonly sums: BatchMetrics['sums'];
  /** How many examples the batch had, on all ranks. */
  readonly examples: number;
  /** The loss of the part of the batch that was computed here. */
  readonly ownLoss: number;
  /** Why a rank wants the run to end, null where none does; of this rank as it was when the step began. */
  readonly wish: EndReason | null;
  /** What was measured of the gradients; null for most steps. */
  readonly health: Health | null;
}

/** Computes the steps of one run. */
export interface Stepper {
  readonly objective: Objective;
  /**
   * Computes a batch and takes the step, or only adds up its gradients while its group is not complete.
   *
   * @param measured whether the gradients are measured
   * @param wish why this rank wants the run to end
   */
  compute(batch: GroupedBatch, measured: boolean, wish: EndReason | null): Promise<StepResult>;
  /** To be called when the run has ended. */
  close?(): void;
}

/** What a step computes, lazily. */
interface StepTensors {
  /** The loss, then the metrics. */
  readonly scalars: Tensor[];
  /** What came with them from the other ranks; empty without any. */
  readonly exchanged: Tensor[];
  /** What is measured of the gradients; empty for most steps. */
  readonly health: Tensor[];
  // A compiled function gives trees of tensors by name.
  readonly [name: string]: Tensor[];
}

/** Steps that are computed here, of this rank's part of each batch. */
export class TrainingStep implements Stepper {
  readonly objective: Objective;
  readonly #options: AnyFitOptions;
  readonly #profiler: Profiler | null;
  readonly #health: GradientHealth | null;
  /** Null where this program trains alone. */
  readonly #exchange: StepExchange | null;
  readonly #compiled: ((x: Structure, y: Structure) => StepTensors) | null;
  /** Whether the gradients of the step under way are measured. */
  #measured = false;

  constructor(options: AnyFitOptions, profiler: Profiler | null, exchange: StepExchange | null) {
    this.objective = new Objective(options, 'fit');
    this.#options = options;
    this.#profiler = profiler;
    this.#health = options.gradientNorms ? new GradientHealth(options.model) : null;
    this.#exchange = exchange;
    this.#compiled = options.compile
      ? compile((x: Structure, y: Structure) => this.#build(x, y, true, 1), {
          key: () => (this.#measured ? 'measured' : ''),
        })
      : null;
  }

  async compute(
    { x, y, part, endsGroup, groupSize }: GroupedBatch,
    measured: boolean,
    wish: EndReason | null,
  ): Promise<StepResult> {
    this.#measured = measured && endsGroup;
    const rows = examplesOf(x, y, 'fit');
    const here = part?.examples ?? rows;
    const total = this.#exchange?.begin(here, part?.total, wish) ?? here;
    const start = (): StepTensors => {
      const built = this.#compiled ? this.#compiled(x, y) : this.#build(x, y, endsGroup, groupSize);
      evaluate([...built.scalars, ...built.exchanged, ...built.health]);
      return built;
    };
    const { scalars, exchanged, health } = await withRoom(() => {
      const random = randomState();
      const dropAssignments = noteAssignments();
      try {
        return onPart(here, () => (this.#profiler ? this.#profiler.counting(start) : start()));
      } catch (error) {
        // Whoever goes on from here has the running statistics, and draws the numbers, of a run that never met this batch.
        dropAssignments();
        restoreRandomState(random);
        throw error;
      }
    });
    const values = await readAll([...scalars, ...exchanged, ...health]);
    const others = values.slice(scalars.length, scalars.length + exchanged.length);
    return {
      loss: values[0][0],
      ...this.objective.read(values.slice(1), total),
      examples: total,
      ...(this.#exchange?.read(others) ?? { ownLoss: values[0][0], wish }),
      health: health.length > 0 ? this.#health!.read(values.slice(scalars.length + exchanged.length)) : null,
    };
  }

  #build(x: Structure, y: Structure, update: boolean, groupSize: number): StepTensors {
    const { model, optimizer, gradients, average } = this.#options;
    const exchange = this.#exchange;
    const enter = (part: StepPart): void => this.#profiler?.enter(part);
    exchange?.noteBuffers();
    const scalars = (exchange?.drawing ?? plainly)(() => {
      enter('model');
      const output = forward(model, x, 'fit');
      enter('loss');
      const losses = this.objective.losses(output, y);
      enter('metrics');
      this.objective.metrics(output, y, losses);
      return losses;
    });
    enter('gradients');
    const [value] = scalars;
    const shared = exchange ? value.mul(exchange.share(value.dtype)) : value;
    backward(groupSize === 1 ? shared : shared.div(groupSize), { also: scalars });
    const { figures, exchanged } = exchange?.sum(scalars, update ? optimizer.parameters : null) ?? {
      figures: scalars,
      exchanged: [],
    };
    if (!update) return { scalars: figures, exchanged, health: [] };
    gradients?.(optimizer.parameters);
    const health = this.#measured ? this.#health!.build() : [];
    // Before the step, while the gradients that it uses as well can be kept.
    if (this.#measured && activeTrace() === null) evaluate([...figures, ...exchanged, ...health]);
    enter('update');
    optimizer.step();
    average?.update();
    return { scalars: figures, exchanged, health };
  }
}

function plainly<T>(work: () => T): T {
  return work();
}
