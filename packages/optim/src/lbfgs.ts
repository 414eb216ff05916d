/**
 * L-BFGS: Newton's method with a Hessian estimated from the last few steps. It is meant for smooth losses without
 * noise. It evaluates the loss several times in a step, so `step` takes a function and is asynchronous. The few
 * vectors it works on are kept on the host in float64.
 */

import { formatShape, type Tensor, tensor, type Variable } from '@ag/tensor';
import {
  checkOptions,
  codedError,
  commitUpdates,
  dropGradients,
  synchronous,
  valueError,
} from '@ag/tensor/engine';
import { checkParameter } from './check.ts';
import { type Point, searchLine } from './lineSearch.ts';
import type { OptimizerState } from './optimizer.ts';

/** Options of {@link lbfgs}. */
export interface LbfgsOptions {
  /** First step size tried along a direction (the only one without a line search). Default 1. */
  readonly learningRate?: number;
  /** Iterations in a step. Default 20. */
  readonly maxIterations?: number;
  /** Evaluations of the loss in a step. Default 1.25 · maxIterations. */
  readonly maxEvaluations?: number;
  /** Size of the history. Default 100. */
  readonly history?: number;
  /** Stops where no element of the gradient is larger. Default 1e-7. */
  readonly gradientTolerance?: number;
  /** Stops where neither parameters nor loss change by more. Default 1e-9. */
  readonly changeTolerance?: number;
  /** 'strongWolfe' (default), or 'none': always the learning rate. */
  readonly lineSearch?: 'strongWolfe' | 'none';
}

/** Loss and gradient at a point. */
interface Evaluation {
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** See {@link lbfgs}. */
export class Lbfgs {
  readonly type = 'lbfgs';
  /** Iterations so far. */
  steps = 0;
  readonly parameters: readonly Variable[];
  readonly learningRate: number;
  readonly #options: Required<LbfgsOptions>;
  readonly #size: number;
  /** Differences of positions and of gradients, oldest first. */
  #moves: Float64Array[] = [];
  #changes: Float64Array[] = [];
  #previousGradient: Float64Array | null = null;
  #previousMove: Float64Array | null = null;
  /** Estimate of the inverse Hessian before the history is taken into account. */
  #scale = 1;

  /** Use {@link lbfgs}. */
  constructor(parameters: Iterable<Variable>, options: LbfgsOptions = {}) {
    checkOptions(
      'lbfgs',
      options,
      'learningRate maxIterations maxEvaluations history gradientTolerance changeTolerance lineSearch',
    );
    this.parameters = [...parameters];
    const seen = new Set<Variable>();
    for (const parameter of this.parameters) checkParameter(parameter, seen);
    if (seen.size === 0)
      throw codedError(
        RangeError,
        'AG_PARAMETERS',
        'lbfgs: there are no parameters; pass model.parameters()',
      );
    const maxIterations = options.maxIterations ?? 20;
    this.#options = {
      learningRate: 1,
      maxIterations,
      maxEvaluations: Math.floor(1.25 * maxIterations),
      history: 100,
      gradientTolerance: 1e-7,
      changeTolerance: 1e-9,
      lineSearch: 'strongWolfe',
      ...options,
    };
    this.learningRate = this.#options.learningRate;
    if (!(Number.isFinite(this.learningRate) && this.learningRate > 0)) {
      throw valueError(`lbfgs: the learning rate must be a number above 0, got ${this.learningRate}`);
    }
    this.#size = this.parameters.reduce((sum, parameter) => sum + parameter.size, 0);
  }

  /**
   * Runs up to `maxIterations` iterations.
   *
   * ```ts
   * const optimizer = lbfgs(model.parameters());
   * const before = await optimizer.step(() => {
   *   const loss = mseLoss(model.forward(x), y);
   *   backward(loss);
   *   return loss;
   * });
   * ```
   *
   * @param closure computes the loss, calls `backward` and returns the loss
   * @returns the loss before the step
   * @throws Error when the closure leaves no gradient; whatever the closure throws. Parameters and state are then as they were
   */
  async step(closure: () => Tensor): Promise<number> {
    const start = await this.#read();
    const takeBack = this.#remembered();
    try {
      return await this.#iterate(closure, start);
    } catch (error) {
      takeBack();
      dropGradients(this.parameters);
      this.#write(start);
      throw error;
    }
  }

  async #iterate(closure: () => Tensor, origin: Float64Array): Promise<number> {
    const o = this.#options;
    let evaluations = 0;
    const evaluate = async (): Promise<Evaluation> => {
      evaluations++;
      return this.#evaluate(closure);
    };
    let current = await evaluate();
    const before = current.loss;
    if (largest(current.gradient) <= o.gradientTolerance) return before;
    let position = origin;
    for (let iteration = 1; iteration <= o.maxIterations; iteration++) {
      this.steps++;
      const direction = this.#direction(current.gradient);
      const slope = dot(current.gradient, direction);
      if (slope > -o.changeTolerance) break;
      // Without knowledge of the scale the first step is short.
      const first =
        this.steps === 1
          ? Math.min(1, 1 / sumOfAbsolutes(current.gradient)) * o.learningRate
          : o.learningRate;
      const start = position;
      const at = (t: number): Float64Array => start.map((x, i) => x + t * direction[i]);
      let length = first;
      let next: Evaluation | null = null;
      if (o.lineSearch === 'strongWolfe') {
        const point = await searchLine<Point & Evaluation>(
          async (t) => {
            this.#write(at(t));
            const found = await evaluate();
            return { ...found, t, value: found.loss, slope: dot(found.gradient, direction) };
          },
          { ...current, t: 0, value: current.loss, slope },
          first,
          {
            decrease: 1e-4,
            curvature: 0.9,
            maximum: 25,
            shortest: o.changeTolerance / Math.max(largest(direction), 1e-300),
          },
        );
        length = point.t;
        next = point;
      }
      position = at(length);
      this.#write(position);
      if (!next) {
        // The last position's loss would not be used.
        if (iteration === o.maxIterations) {
          this.#remember(current.gradient, direction, length);
          break;
        }
        next = await evaluate();
      }
      this.#remember(current.gradient, direction, length);
      const change = Math.abs(next.loss - current.loss);
      current = next;
      if (evaluations >= o.maxEvaluations) break;
      if (largest(current.gradient) <= o.gradientTolerance) break;
      if (length * largest(direction) <= o.changeTolerance || change < o.changeTolerance) break;
    }
    return before;
  }

  /** All variables that a step changes. What it remembers between steps lies on the host. */
  variables(): Variable[] {
    return [...this.parameters];
  }

  /** A copy of everything remembered between steps. */
  state(): OptimizerState {
    const rows = (list: readonly Float64Array[]): Tensor => {
      const data = new Float64Array(list.length * this.#size);
      list.forEach((row, i) => {
        data.set(row, i * this.#size);
      });
      return tensor(data, { shape: [list.length, this.#size] });
    };
    const last = this.#previousGradient ? [this.#previousGradient, this.#previousMove!] : [];
    return {
      type: this.type,
      numbers: { steps: this.steps, scale: this.#scale },
      tensors: { moves: rows(this.#moves), changes: rows(this.#changes), last: rows(last) },
    };
  }

  /** Goes on from a saved state. @throws Error when it does not fit */
  loadState(state: OptimizerState): void {
    if (state.type !== this.type)
      throw codedError(
        Error,
        'AG_STATE_MISMATCH',
        `loadState: this is ${this.type}, the state is of ${state.type}`,
      );
    const rows = (name: string): Float64Array[] => {
      const found = state.tensors[name];
      if (found?.shape.length !== 2 || (found.shape[0] > 0 && found.shape[1] !== this.#size)) {
        throw codedError(
          Error,
          'AG_STATE_MISMATCH',
          `loadState: '${name}' should be [n, ${this.#size}], found ${found ? formatShape(found.shape) : 'none'}`,
        );
      }
      const data = Float64Array.from(found.dataSync());
      return Array.from({ length: found.shape[0] }, (_, i) =>
        data.slice(i * this.#size, (i + 1) * this.#size),
      );
    };
    const [moves, changes, last] = [rows('moves'), rows('changes'), rows('last')];
    this.#moves = moves;
    this.#changes = changes;
    this.#previousGradient = last[0] ?? null;
    this.#previousMove = last[1] ?? null;
    this.steps = state.numbers.steps ?? 0;
    this.#scale = state.numbers.scale ?? 1;
  }

  /** Notes all that is remembered between steps; the function returned puts it back. */
  #remembered(): () => void {
    const { steps } = this;
    const [moves, changes] = [[...this.#moves], [...this.#changes]];
    const [gradient, move, scale] = [this.#previousGradient, this.#previousMove, this.#scale];
    return () => {
      this.steps = steps;
      this.#moves = moves;
      this.#changes = changes;
      this.#previousGradient = gradient;
      this.#previousMove = move;
      this.#scale = scale;
    };
  }

  #remember(gradient: Float64Array, direction: Float64Array, length: number): void {
    this.#previousGradient = gradient;
    this.#previousMove = direction.map((x) => x * length);
  }

  /** −H⁻¹ g by the two loops over the history (Nocedal & Wright, algorithm 7.4). */
  #direction(gradient: Float64Array): Float64Array {
    if (this.#previousGradient) {
      const change = gradient.map((g, i) => g - this.#previousGradient![i]);
      const move = this.#previousMove!;
      const along = dot(change, move);
      // Only steps along which the slope grows keep the estimate positive definite.
      if (along > 1e-10) {
        this.#moves.push(move);
        this.#changes.push(change);
        if (this.#moves.length > this.#options.history) {
          this.#moves.shift();
          this.#changes.shift();
        }
        this.#scale = along / dot(change, change);
      }
    }
    const q = gradient.map((g) => -g);
    const weights: number[] = [];
    for (let i = this.#moves.length - 1; i >= 0; i--) {
      weights[i] = dot(this.#moves[i], q) / dot(this.#moves[i], this.#changes[i]);
      addScaled(q, this.#changes[i], -weights[i]);
    }
    for (let i = 0; i < q.length; i++) q[i] *= this.#scale;
    for (let i = 0; i < this.#moves.length; i++) {
      const back = dot(this.#changes[i], q) / dot(this.#moves[i], this.#changes[i]);
      addScaled(q, this.#moves[i], weights[i] - back);
    }
    return q;
  }

  async #evaluate(closure: () => Tensor): Promise<Evaluation> {
    const loss = synchronous('lbfgs.step', closure());
    const gradient = new Float64Array(this.#size);
    let offset = 0;
    let found = false;
    for (const parameter of this.parameters) {
      if (parameter.gradPending && parameter.grad) {
        gradient.set(await parameter.grad.data(), offset);
        found = true;
      }
      parameter.gradPending = false;
      offset += parameter.size;
    }
    if (!found) {
      throw codedError(
        Error,
        'AG_NO_GRADIENT',
        'lbfgs: no parameter has a gradient; the function given to step() has to call backward(loss) with a loss that depends on them',
      );
    }
    return { loss: await loss.item(), gradient };
  }

  async #read(): Promise<Float64Array> {
    const position = new Float64Array(this.#size);
    let offset = 0;
    for (const parameter of this.parameters) {
      position.set(await parameter.value.data(), offset);
      offset += parameter.size;
    }
    return position;
  }

  #write(position: Float64Array): void {
    const values = new Map<Variable, Tensor>();
    let offset = 0;
    for (const parameter of this.parameters) {
      const { shape, dtype, size } = parameter;
      values.set(parameter, tensor(position.slice(offset, offset + size), { shape, dtype }));
      offset += size;
    }
    commitUpdates(values);
  }
}

/**
 * Limited-memory BFGS (Liu & Nocedal 1989) with a line search for the strong Wolfe conditions.
 *
 * @throws TypeError for anything that is no float variable; RangeError without parameters, for a parameter that is given
 * twice, and for a learning rate that is not above 0
 */
export function lbfgs(parameters: Iterable<Variable>, options: LbfgsOptions = {}): Lbfgs {
  checkOptions(
    'lbfgs',
    options,
    'learningRate maxIterations maxEvaluations history gradientTolerance changeTolerance lineSearch',
  );
  return new Lbfgs(parameters, options);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}

function largest(a: Float64Array): number {
  let found = 0;
  for (const x of a) found = Math.max(found, Math.abs(x));
  return found;
}

function sumOfAbsolutes(a: Float64Array): number {
  let sum = 0;
  for (const x of a) sum += Math.abs(x);
  return sum;
}
