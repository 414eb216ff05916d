/**
 * One step of training, built lazily and run as one plan. Loss, metrics, gradients and new parameters come out of
 * that plan, and the numbers for the events too.
 */
import { backward, compile, type TensorTree } from '@ag/graph';
import { evaluate, randomState, restoreRandomState, type Tensor } from '@ag/tensor';
import { activeTrace, noteAssignments, withRoom } from '@ag/tensor/engine';
import type { Metrics } from './events.ts';
import { forward } from './forward.ts';
import type { GroupedBatch } from './groups.ts';
import { GradientHealth, type Health } from './health.ts';
import { readAll } from './metrics.ts';
import { Objective } from './objective.ts';
import type { AnyFitOptions } from './options.ts';
import type { Profiler, StepPart } from './profile/profiler.ts';

/** A tensor, or a tuple or object of them. */
type Structure = TensorTree;

/** What a batch gave. */
export interface StepResult {
  readonly loss: number;
  readonly metrics: Metrics;
  /** What was measured of the gradients; null for most steps. */
  readonly health: Health | null;
}

/** What a step computes, lazily. */
interface StepTensors {
  /** The loss, then the metrics. */
  readonly scalars: Tensor[];
  /** What is measured of the gradients; empty for most steps. */
  readonly health: Tensor[];
  // A compiled function gives trees of tensors by name.
  readonly [name: string]: Tensor[];
}

/** Computes the steps of one run. */
export class TrainingStep {
  readonly objective: Objective;
  readonly #options: AnyFitOptions;
  readonly #profiler: Profiler | null;
  readonly #health: GradientHealth | null;
  readonly #compiled: ((x: Structure, y: Structure) => StepTensors) | null;
  /** Whether the gradients of the step under way are measured. */
  #measured = false;

  constructor(options: AnyFitOptions, profiler: Profiler | null) {
    this.objective = new Objective(options, 'fit');
    this.#options = options;
    this.#profiler = profiler;
    this.#health = options.gradientNorms ? new GradientHealth(options.model) : null;
    this.#compiled = options.compile
      ? compile((x: Structure, y: Structure) => this.#build(x, y, true, 1), {
          key: () => (this.#measured ? 'measured' : ''),
        })
      : null;
  }

  /**
   * Computes a batch and takes the step, or only adds up its gradients while its group is not complete.
   *
   * @param measured whether the gradients are measured
   */
  async compute({ x, y, endsGroup, groupSize }: GroupedBatch, measured: boolean): Promise<StepResult> {
    this.#measured = measured && endsGroup;
    const start = (): StepTensors => {
      const built = this.#compiled ? this.#compiled(x, y) : this.#build(x, y, endsGroup, groupSize);
      evaluate([...built.scalars, ...built.health]);
      return built;
    };
    const { scalars, health } = await withRoom(() => {
      const random = randomState();
      const dropAssignments = noteAssignments();
      try {
        return this.#profiler ? this.#profiler.counting(start) : start();
      } catch (error) {
        // Whoever goes on from here has the running statistics, and draws the numbers, of a run that never met this batch.
        dropAssignments();
        restoreRandomState(random);
        throw error;
      }
    });
    const values = await readAll([...scalars, ...health]);
    return {
      loss: values[0][0],
      metrics: Object.fromEntries(this.objective.names.map((name, i) => [name, values[i + 1][0]])),
      health: health.length > 0 ? this.#health!.read(values.slice(scalars.length)) : null,
    };
  }

  #build(x: Structure, y: Structure, update: boolean, groupSize: number): StepTensors {
    const { model, optimizer, gradients, average } = this.#options;
    const enter = (part: StepPart): void => this.#profiler?.enter(part);
    enter('model');
    const output = forward(model, x, 'fit');
    enter('loss');
    const scalars = this.objective.losses(output, y);
    const [value] = scalars;
    enter('metrics');
    this.objective.metrics(output, y, scalars);
    enter('gradients');
    backward(groupSize === 1 ? value : value.div(groupSize), { also: scalars });
    if (!update) return { scalars, health: [] };
    gradients?.(optimizer.parameters);
    const health = this.#measured ? this.#health!.build() : [];
    // Before the step, while the gradients that it uses as well can be kept.
    if (this.#measured && activeTrace() === null) evaluate([...scalars, ...health]);
    enter('update');
    optimizer.step();
    average?.update();
    return { scalars, health };
  }
}
