/**
 * Running the function of a step once, on stand-ins, to see what it computes.
 */

import { describeValue } from '../check.ts';
import { isFloat } from '../dtype.ts';
import { codedError, shapeError, typeError } from '../errors.ts';
import { keyWords } from '../functions/random.ts';
import { randomBits } from '../ops/random.ts';
import { refusingAssignments } from '../run/pending.ts';
import { withKeysFrom } from '../run/randomKeys.ts';
import { formatShape, sameShape } from '../shape.ts';
import { synchronous } from '../synchronous.ts';
import { apply, nextSerial, type Tensor } from '../tensor.ts';
import { standInName } from './body.ts';
import { type Role, standIn } from './build.ts';
import { leavesOf, type TreeLeaf, treeLike } from './tree.ts';

/** The graph of a step while it is found. */
export class Trace {
  readonly #name: string;
  readonly #since = nextSerial();
  readonly #roles = new Map<Tensor, NonNullable<Role>>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Notes what a leaf stands for. */
  stand(leaf: Tensor, role: NonNullable<Role>): Tensor {
    this.#roles.set(leaf, role);
    return leaf;
  }

  /** A stand-in for each tensor of a structure. */
  standIns<T>(
    tree: T,
    leaves: readonly TreeLeaf[],
    of: (leaf: Tensor) => { type: Pick<Tensor, 'shape' | 'dtype'>; role: NonNullable<Role> },
  ): { tree: T; leaves: Tensor[] } {
    const stands = leaves.map(({ tensor }) => {
      const { type, role } = of(tensor);
      return this.stand(standIn(type), role);
    });
    return { tree: treeLike(tree, stands), leaves: stands };
  }

  /** What a node is to the loop: what was there before the function ran is outside. */
  readonly roleOf = (node: Tensor): Role => {
    const known = this.#roles.get(node);
    if (known) return known;
    const before = node.serial < this.#since;
    if (node.leaf?.kind === 'literal')
      return { kind: before && isFloat(node.dtype) ? 'captured' : 'scalar', of: node };
    return before || node.op === null ? { kind: 'captured', of: node } : null;
  };

  /**
   * Runs the function. With `index` each step has random numbers of its own: keys are made of one from outside and the number
   * of the step.
   */
  run<T>(index: Tensor | null, work: () => T): T {
    const name = this.#name;
    const reason =
      `${name}: its function is run once to see what a step computes, so a variable cannot be given values in it. Carry the value ` +
      'from step to step and assign it after the loop; layers with running statistics need eval mode';
    const traced = (): T => synchronous(name, work());
    try {
      return refusingAssignments(reason, () =>
        index === null
          ? traced()
          : withKeysFrom((outer) => {
              const words = keyWords(outer());
              const word = (stream: number): Tensor => apply(randomBits, [index, ...words], { stream });
              return { words: [0, 0], tensors: [word(0), word(1)] };
            }, traced),
      );
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes(`placeholder '${standInName}'`)) throw error;
      throw codedError(
        Error,
        'AG_READ_WHILE_TRACING',
        `${name}: the function of a step read a value, but it runs once for all steps, when there are no numbers yet. Choose between ` +
          'values with where(condition, x, y) or cond, print them after the loop, or carry and collect what you want to see.',
        { cause: error },
      );
    }
  }
}

/** The tensors of what a step made of the carried values; they have the structure, shapes and dtypes of `before`. */
export function carriedLeaves(name: string, before: readonly TreeLeaf[], after: unknown): Tensor[] {
  const leaves = leavesOf(after, 'carry', name);
  const paths = (list: readonly TreeLeaf[]): string => list.map(({ path }) => path).join(', ') || 'nothing';
  if (paths(before) !== paths(leaves)) {
    const got = after === undefined ? 'undefined; does the function return its result?' : paths(leaves);
    throw typeError(
      `${name}: a step must give back what it carries in the same structure: expected ${paths(before)}, got ${got}`,
    );
  }
  return leaves.map(({ tensor, path }, i) => {
    const own = before[i].tensor;
    if (own.dtype !== tensor.dtype || !sameShape(own.shape, tensor.shape)) {
      const type = (x: Tensor): string => `${x.dtype} ${formatShape(x.shape)}`;
      throw shapeError(
        `${name}: ${path} is ${type(own)} before a step and ${type(tensor)} after it; what is carried keeps shape and dtype. ` +
          'Start with a tensor of the right form, or give it that form in the step: x.cast(…), x.broadcastTo(…), x.sum(…)',
      );
    }
    return tensor;
  });
}

/** @throws TypeError for what is no function */
export function checkFunction(name: string, argument: string, value: unknown): void {
  if (typeof value !== 'function')
    throw typeError(`${name}: ${argument} must be a function, got ${describeValue(value)}`);
}
