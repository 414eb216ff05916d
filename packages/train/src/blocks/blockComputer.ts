/**
 * The gradients of one block of a batch, with its figures and what it makes of running statistics: what workers compute, and the
 * program itself where it has none. Nothing is changed by it: neither weights nor statistics nor the sequence of random keys.
 */
import { backward, compile, type TensorTree } from '@ag/graph';
import type { AnyModule, Module } from '@ag/nn';
import {
  evaluate,
  randomState,
  restoreRandomState,
  type Tensor,
  type TypedArray,
  type Variable,
  zerosLike,
} from '@ag/tensor';
import {
  activeTrace,
  dropGradients,
  dynamicScalar,
  foldingKeys,
  holdingAssignments,
  noteAssignments,
} from '@ag/tensor/engine';
import { forward } from '../forward.ts';
import { readAll } from '../metrics.ts';
import type { Objective } from '../objective.ts';
import { type Entry, Layout } from './layout.ts';

/** What came of a block, packed by `sums`; all of it times the block's share of the batch. */
export interface Block {
  readonly arrays: readonly TypedArray[];
  /** Numbers of the parameters that no gradient reached. */
  readonly without: readonly number[];
  /** Keys drawn since the start of the global sequence. */
  readonly drawn: number;
}

/** Computes blocks of a model's batches. */
export class BlockComputer {
  readonly parameters: readonly Variable[];
  /** What the model holds besides. */
  readonly buffers: readonly Variable[];
  /** Running statistics, which are averaged over blocks. */
  readonly statistics: readonly Variable[];
  /** Where the parts of a block's sums lie: loss and metrics, statistics, gradients. */
  readonly sums: Layout;
  readonly #model: Module<[unknown], unknown>;
  readonly #objective: Objective;
  readonly #compiled: ((x: TensorTree, y: TensorTree) => Tensor[]) | null;
  #block = 0;
  #share = 0;
  #without: number[] = [];

  constructor(model: AnyModule, objective: Objective, compiled: boolean) {
    this.#model = model as Module<[unknown], unknown>;
    this.#objective = objective;
    const parameters = [...model.namedParameters()];
    this.buffers = [...model.namedBuffers().values()];
    const statistics = [...model.namedBuffers()].filter(
      ([, { dtype }]) => dtype === 'float32' || dtype === 'float64',
    );
    this.parameters = parameters.map(([, variable]) => variable);
    this.statistics = statistics.map(([, variable]) => variable);
    const entryOf = ([name, { shape, dtype }]: readonly [string, Variable]): Entry => ({
      name,
      shape,
      dtype,
    });
    this.sums = new Layout([
      { name: 'loss', shape: [], dtype: 'float32' },
      ...objective.names.map((name, i): Entry => {
        const shape = objective.streams.has(name) ? [objective.sizes[i]] : [];
        return { name, shape, dtype: 'float32' };
      }),
      ...statistics.map(entryOf),
      ...parameters.map(entryOf),
    ]);
    this.#compiled = compiled ? compile((x: TensorTree, y: TensorTree) => this.#build(x, y)) : null;
  }

  /**
   * @param block its number, which decides its random numbers
   * @param share of its examples in the batch
   */
  async compute(x: unknown, y: unknown, block: number, share: number): Promise<Block> {
    this.#block = block;
    this.#share = share;
    const random = randomState();
    const dropAssignments = noteAssignments();
    const { drawn, packs } = ((): { drawn: number; packs: Tensor[] } => {
      try {
        const built = this.#compiled ? this.#compiled(x as TensorTree, y as TensorTree) : this.#build(x, y);
        // What the forward pass makes of running statistics is put together of all blocks before it counts.
        holdingAssignments(() => evaluate(built));
        return { drawn: randomState().drawn, packs: built };
      } finally {
        restoreRandomState(random);
        dropAssignments();
        dropGradients(this.parameters);
      }
    })();
    const read = await readAll(packs);
    return { arrays: read as TypedArray[], without: this.#without, drawn };
  }

  #build(x: unknown, y: unknown): Tensor[] {
    const before = this.buffers.map(({ value }) => value);
    const scalars = foldingKeys(
      () => this.#block,
      () => {
        const output = forward(this.#model, x, 'fit');
        const losses = this.#objective.losses(output, y);
        this.#objective.metrics(output, y, losses);
        return losses;
      },
    );
    const [loss] = scalars;
    const share = (tensor: Tensor): Tensor => tensor.mul(dynamicScalar(() => this.#share, tensor.dtype));
    backward(share(loss), { also: scalars });
    const moved = this.statistics.map(({ value }) => share(value));
    // A compiled function commits what is assigned in it.
    if (activeTrace() !== null)
      for (const [i, variable] of this.buffers.entries())
        if (variable.value !== before[i]) variable.assign(before[i]);
    const without: number[] = [];
    const gradients = this.parameters.map((variable, i) => {
      if (variable.gradPending && variable.grad) return variable.grad;
      without.push(i);
      return zerosLike(variable.value);
    });
    this.#without = without;
    return this.sums.pack([
      ...scalars.map((scalar) => share(scalar.cast('float32'))),
      ...moved,
      ...gradients,
    ]);
  }
}
