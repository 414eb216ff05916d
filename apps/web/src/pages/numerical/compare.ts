/**
 * Trains a small network twice: with gradients by central differences, and with backpropagation.
 *
 * Both start from the same weights. Every forward pass is counted where it is made.
 */
import { gradients, numericalGradient } from '@ag/graph';
import { init, mseLoss } from '@ag/nn';
import { type Optimizer, sgd } from '@ag/optim';
import { evaluate, key, splitKey, type Tensor, tensor, Variable } from '@ag/tensor';
import type { Session } from '../../service/worker/serve.ts';

export interface CompareRequest {
  readonly hidden: number;
  readonly learningRate: number;
  /** How far a parameter is moved to either side. */
  readonly difference: number;
  readonly seed: number;
  /** Where both runs end. */
  readonly steps: number;
}

/** One of the two runs. */
export interface Side {
  /** The loss before each step. */
  readonly losses: readonly number[];
  /** Forward passes made when each of the losses was known and its step taken. */
  readonly passes: readonly number[];
  /** Forward and backward passes so far. */
  readonly forward: number;
  readonly backward: number;
  /** Answers to the four questions, after the last step. */
  readonly answers: readonly number[];
  /** Milliseconds spent so far. */
  readonly time: number;
}

/** How far the two gradients are from each other at the same weights, as shares of the length of backpropagation's. */
export interface GradientError {
  /** With the step size h that is set. */
  readonly error: number;
  /** With half of it: smaller where h is too coarse, not where rounding decides. */
  readonly halved: number;
}

/** Where the two curves part, and what was measured there. */
export interface Parting extends GradientError {
  /** The first step, from 1, before which the losses differ by more than `parted` of the first loss. */
  readonly step: number;
  /** By what each step multiplied the difference on the way there; null where there was no way. */
  readonly growth: number | null;
  /** Of the steps before, those after which the loss was higher. */
  readonly rises: number;
}

/** Losses that are further apart than this share of the first loss do not agree. */
export const parted = 1e-4;

export interface CompareUpdate {
  readonly parameters: number;
  readonly steps: number;
  readonly numerical: Side;
  readonly automatic: Side;
  /** Largest difference between the losses of the same step. */
  readonly apart: number;
  /** The same, each as a share of the larger loss of its step: what is seen on a logarithmic axis. */
  readonly relative: number;
  /** At the weights that both begin with. */
  readonly start: GradientError;
  /** Null while the curves have not parted. */
  readonly parting: Parting | null;
  /** Forward passes of the first run for each one of the second. */
  readonly factor: number;
  readonly done: boolean;
}

const float64 = { dtype: 'float64' } as const;

/** Exclusive or. */
const examples = {
  questions: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  answers: [[0], [1], [1], [0]],
};

/** A network 2-hidden-1 of sigmoids whose passes are counted. */
class Runner {
  readonly variables: readonly Variable[];
  readonly losses: number[] = [];
  readonly passes: number[] = [];
  readonly #questions = tensor(examples.questions, float64);
  readonly #answers = tensor(examples.answers, float64);
  forward = 0;
  backward = 0;
  time = 0;
  readonly #optimizer: Optimizer;

  constructor({ hidden, seed }: CompareRequest, rate: () => number) {
    const keys = splitKey(key(seed), 4);
    this.variables = [[hidden, 2], [hidden], [1, hidden], [1]].map(
      (shape, i) => new Variable(init.normal(shape, { std: 1, key: keys[i], ...float64 })),
    );
    this.#optimizer = sgd(this.variables, { learningRate: rate });
  }

  get values(): Tensor[] {
    return this.variables.map((variable) => variable.value);
  }

  /** The four answers of the network with these parameters. */
  answer([w1, b1, w2, b2]: readonly Tensor[]): Tensor {
    const h = this.#questions.matmul(w1.transpose()).add(b1).sigmoid();
    return h.matmul(w2.transpose()).add(b2).sigmoid();
  }

  loss(parameters: readonly Tensor[]): Tensor {
    this.forward++;
    return this.#lossOf(parameters);
  }

  #lossOf(parameters: readonly Tensor[]): Tensor {
    return mseLoss(this.answer(parameters), this.#answers);
  }

  /** How far numerical gradients are from exact ones at the present weights. No part of the training: nothing is counted. */
  async gradientError(difference: number): Promise<GradientError> {
    const values = this.values;
    const exact = gradients(this.#lossOf(values), this.variables);
    const numerical = (h: number) =>
      values.map((value, i) =>
        numericalGradient((moved) => this.#lossOf(values.map((v, j) => (j === i ? moved : v))), value, h),
      );
    const length = (parts: readonly Tensor[]) =>
      parts
        .map((part) => part.square().sum())
        .reduce((a, b) => a.add(b))
        .sqrt();
    const errorOf = (h: number) =>
      length(numerical(h).map((each, i) => each.sub(exact[i])))
        .div(length(exact))
        .item();
    return { error: await errorOf(difference), halved: await errorOf(difference / 2) };
  }

  /** One step with the gradients that `slopes` finds, and the loss before it. */
  async step(slopes: () => { loss: Tensor; gradients: readonly Tensor[] }): Promise<void> {
    const began = performance.now();
    const found = slopes();
    evaluate([found.loss, ...found.gradients]);
    this.losses.push(await found.loss.item());
    this.#optimizer.step(new Map(this.variables.map((variable, i) => [variable, found.gradients[i]])));
    this.passes.push(this.forward);
    this.time += performance.now() - began;
  }

  /** The gradients by moving every parameter to both sides. */
  numerical(difference: number): { loss: Tensor; gradients: readonly Tensor[] } {
    const values = this.values;
    return {
      loss: this.loss(values),
      gradients: values.map((value, i) =>
        numericalGradient(
          (moved) => this.loss(values.map((v, j) => (j === i ? moved : v))),
          value,
          difference,
        ),
      ),
    };
  }

  /** The gradients by one pass back through the graph. */
  automatic(): { loss: Tensor; gradients: readonly Tensor[] } {
    const loss = this.loss(this.values);
    this.backward++;
    return { loss, gradients: gradients(loss, this.variables) };
  }

  async side(): Promise<Side> {
    const data = await this.answer(this.values).data();
    const { losses, passes, forward, backward, time } = this;
    return { losses: [...losses], passes: [...passes], forward, backward, time, answers: Array.from(data) };
  }
}

/** @throws RangeError for sizes and rates out of range */
export async function openComparison(request: CompareRequest): Promise<Session<CompareUpdate>> {
  let rate = request.learningRate;
  const numerical = new Runner(request, () => rate);
  const automatic = new Runner(request, () => rate);
  const parameters = numerical.variables.reduce((sum, variable) => sum + variable.size, 0);
  const start = await numerical.gradientError(request.difference);
  let parting: Parting | null = null;

  const differenceAt = (step: number): number => Math.abs(numerical.losses[step] - automatic.losses[step]);

  /** Looked at before the next step is taken, at the weights as they are. */
  const lookForParting = async (): Promise<void> => {
    const last = numerical.losses.length - 1;
    if (parting || !(differenceAt(last) > parted * numerical.losses[0])) return;
    const first = numerical.losses.findIndex((_, step) => differenceAt(step) > 0);
    parting = {
      ...(await numerical.gradientError(request.difference)),
      step: last + 1,
      growth: last > first ? (differenceAt(last) / differenceAt(first)) ** (1 / (last - first)) : null,
      rises: numerical.losses.filter((loss, step) => loss > numerical.losses[step - 1]).length,
    };
  };

  return {
    setLearningRate(learningRate) {
      rate = learningRate;
    },
    async advance(patience) {
      const end = performance.now() + patience;
      while (numerical.losses.length < request.steps && performance.now() < end) {
        await numerical.step(() => numerical.numerical(request.difference));
        await automatic.step(() => automatic.automatic());
        await lookForParting();
      }
      const steps = numerical.losses.length;
      const [a, b] = [tensor(numerical.losses, float64), tensor(automatic.losses, float64)];
      const differences = a.sub(b).abs();
      return {
        parameters,
        steps,
        numerical: await numerical.side(),
        automatic: await automatic.side(),
        apart: steps === 0 ? 0 : await differences.max().item(),
        relative: steps === 0 ? 0 : await differences.div(a.maximum(b)).max().item(),
        start,
        parting,
        factor: steps === 0 ? 0 : numerical.forward / automatic.forward,
        done: steps >= request.steps,
      };
    },
  };
}
