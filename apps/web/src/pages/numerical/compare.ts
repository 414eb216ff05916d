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

export interface CompareUpdate {
  readonly parameters: number;
  readonly steps: number;
  readonly numerical: Side;
  readonly automatic: Side;
  /** Largest difference between the losses of the same step. */
  readonly apart: number;
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
    return mseLoss(this.answer(parameters), this.#answers);
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
  return {
    setLearningRate(learningRate) {
      rate = learningRate;
    },
    async advance(patience) {
      const end = performance.now() + patience;
      while (numerical.losses.length < request.steps && performance.now() < end) {
        await numerical.step(() => numerical.numerical(request.difference));
        await automatic.step(() => automatic.automatic());
      }
      const steps = numerical.losses.length;
      const [a, b] = [tensor(numerical.losses, float64), tensor(automatic.losses, float64)];
      return {
        parameters,
        steps,
        numerical: await numerical.side(),
        automatic: await automatic.side(),
        apart: steps === 0 ? 0 : await a.sub(b).abs().max().item(),
        factor: steps === 0 ? 0 : numerical.forward / automatic.forward,
        done: steps >= request.steps,
      };
    },
  };
}
