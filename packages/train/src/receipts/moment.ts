/**
 * A step of a finished run, to be asked: what its batch was, what modules answered, its gradients, its update, the weights and the
 * optimizer's state after it. What is not known yet is computed when it is asked for.
 */
import type { StateDict } from '@ag/nn';
import type { OptimizerState } from '@ag/optim';
import type { Tensor } from '@ag/tensor';
import { checkOptions, nearestName } from '@ag/tensor/engine';
import type { Checkpoint } from '../checkpoint.ts';
import { TrainingError } from '../errors.ts';
import type { Metrics, StepEvent } from '../events.ts';
import { partsOf, structureLike } from '../structure.ts';
import type { Seen } from './replay.ts';

/** What is known of a step. */
export interface Found {
  /** Null at the beginning, before the first step. */
  readonly event: StepEvent | null;
  readonly seen: Seen | null;
  /** After the step. */
  readonly after: Checkpoint;
}

/** Which output of a module is wanted. */
export interface ActivationOptions {
  /** The place of an example in the batch: its row alone. Default: all rows. */
  readonly example?: number;
  /** Which of several calls, where the module is at work more than once in a step. Default 0. */
  readonly call?: number;
}

/** A step of a run. */
export class Moment {
  /** Steps taken, this one included; 0 is the beginning. */
  readonly step: number;
  readonly #find: (activations: readonly string[]) => Promise<Found>;
  #found: Promise<Found> | null;

  /**
   * @param find computes the step again, and looks at the outputs of these modules
   * @internal
   */
  constructor(
    step: number,
    find: (activations: readonly string[]) => Promise<Found>,
    found: Found | null = null,
  ) {
    this.step = step;
    this.#find = find;
    this.#found = found && Promise.resolve(found);
  }

  /** The gradient of a parameter that this step followed: after clipping, where gradients are clipped. */
  async gradient(name: string): Promise<Tensor> {
    const { gradients, before } = await this.#seen('gradient');
    const found = gradients.get(name);
    if (found) return found;
    this.#expectName(name, before, 'gradient');
    throw new TrainingError(`gradient: '${name}' got no gradient at step ${this.step}`, { code: 'option' });
  }

  /**
   * The Euclidean norm of a parameter's gradient, of those of a module together, or of all.
   *
   * @param name of a parameter (`fc1.weight`) or of a module (`fc1`). Default: all parameters
   */
  async gradientNorm(name = ''): Promise<number> {
    const { gradients, before } = await this.#seen('gradientNorm');
    const isMeant = (path: string): boolean => name === '' || path === name || path.startsWith(`${name}.`);
    if (!Object.keys(before).some(isMeant)) this.#expectName(name, before, 'gradientNorm');
    const meant = [...gradients].filter(([path]) => isMeant(path)).map(([, gradient]) => gradient);
    const squares = await Promise.all(
      meant.map((gradient) => gradient.cast('float64').square().sum().item()),
    );
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  }

  /**
   * What a module gave for the step's batch, as it was when it trained: with dropout, with statistics of the batch.
   *
   * @param layer its path in the model, as `namedModules` has it: `encoder.0`
   * @returns `[batch, …]`, or for one example `[…]`; of modules with several outputs a structure of tensors
   */
  async activation(layer: string, options: ActivationOptions = {}): Promise<Tensor> {
    checkOptions('activation', options, 'example call');
    const { example, call = 0 } = options;
    let { activations } = await this.#seen('activation');
    if (!activations.has(layer)) {
      this.#found = this.#find([layer]);
      activations = (await this.#seen('activation')).activations;
    }
    const outputs = activations.get(layer) ?? [];
    if (call >= outputs.length) {
      const times = outputs.length === 0 ? 'not at work' : `called ${outputs.length} times`;
      throw new TrainingError(`activation: '${layer}' was ${times} at step ${this.step}`, { code: 'option' });
    }
    const output = outputs[call];
    if (example === undefined) return output as Tensor;
    const parts = partsOf(output).map(([, tensor]) => tensor);
    const [{ shape }] = parts;
    if (!(Number.isInteger(example) && example >= 0 && example < (shape[0] ?? 0))) {
      throw new TrainingError(
        `activation: example must be a place in the batch, from 0 to ${(shape[0] ?? 0) - 1}, got ${example}`,
        { code: 'option' },
      );
    }
    return structureLike(
      output,
      parts.map((part) => part.index(example)),
    ) as Tensor;
  }

  /** What the step added to a parameter: its value after it less that before it. */
  async update(name: string): Promise<Tensor> {
    const { before } = await this.#seen('update');
    this.#expectName(name, before, 'update');
    const { after } = await this.#get();
    return after.model[name].sub(before[name]);
  }

  /** A parameter or a buffer after the step. */
  async weight(name: string): Promise<Tensor> {
    const weights = await this.weights();
    this.#expectName(name, weights, 'weight');
    return weights[name];
  }

  /** All parameters and buffers after the step. */
  async weights(): Promise<StateDict> {
    return (await this.#get()).after.model;
  }

  /** The state of the optimizer after the step. */
  async optimizer(): Promise<OptimizerState> {
    return (await this.#get()).after.optimizer!;
  }

  /** Everything that a run goes on from after the step: for `fit({ resume })`. */
  async checkpoint(): Promise<Checkpoint> {
    return (await this.#get()).after;
  }

  /** The step's batch. */
  async batch(): Promise<{ readonly x: unknown; readonly y: unknown }> {
    const { batch } = await this.#seen('batch');
    return batch!;
  }

  /** The loss of the batch, before the step. */
  async loss(): Promise<number> {
    return (await this.#event('loss')).loss;
  }

  /** The metrics of the batch, before the step. */
  async metrics(): Promise<Metrics> {
    return (await this.#event('metrics')).metrics;
  }

  /** The rate that the step was taken with. */
  async learningRate(): Promise<number> {
    return (await this.#event('learningRate')).learningRate;
  }

  #get(): Promise<Found> {
    this.#found ??= this.#find([]);
    return this.#found;
  }

  async #seen(asked: string): Promise<Seen> {
    const { seen } = await this.#get();
    return seen ?? this.#beginning(asked);
  }

  async #event(asked: string): Promise<StepEvent> {
    const { event } = await this.#get();
    return event ?? this.#beginning(asked);
  }

  #beginning(asked: string): never {
    throw new TrainingError(
      `${asked}: step 0 is the beginning, before any step; ask it for weights and the optimizer's state`,
      { code: 'option' },
    );
  }

  #expectName(name: string, among: StateDict, asked: string): void {
    const names = Object.keys(among);
    if (names.includes(name)) return;
    const near = nearestName(name, names);
    throw new TrainingError(
      `${asked}: the model has no '${name}'${near === undefined ? '' : `; did you mean '${near}'?`} It has: ${names.join(', ')}`,
      { code: 'option' },
    );
  }
}
