/**
 * What the ranks exchange in a step: one set of sums with figures, flags, running statistics and gradients, tied to the step, so
 * that all of it is values afterwards, at every rank the same.
 */
import type { AnyModule } from '@ag/nn';
import type { DType, Tensor, Variable } from '@ag/tensor';
import { dynamicScalar, foldingKeys } from '@ag/tensor/engine';
import type { EndReason } from '../events.ts';
import { agreedReason, endReasons } from './agreement.ts';
import { gradientsOf, replaceGradients } from './reduceGradients.ts';
import { type Summand, sumTogether } from './sums.ts';
import type { World } from './world.ts';

/** What a step reports where ranks train together. */
export interface Exchanged {
  /** Loss and metrics of the whole batch. */
  readonly figures: Tensor[];
  /** What `read` takes. */
  readonly exchanged: Tensor[];
}

/** The exchange of the steps of one run. */
export class StepExchange {
  readonly #world: World;
  readonly #buffers: readonly (readonly [string, Variable])[];
  /** Their values before the forward pass. */
  #before: readonly Tensor[] = [];
  /** This rank's share of the examples of the batch. */
  #share = 0;
  #wish: EndReason | null = null;

  constructor(world: World, model: AnyModule) {
    this.#world = world;
    this.#buffers = [...model.namedBuffers()].filter(
      ([, { dtype }]) => dtype === 'float32' || dtype === 'float64',
    );
  }

  /**
   * Notes what this rank has of a batch; answers how many examples the batch has on all ranks.
   *
   * @param total the same number where the data say it; else the ranks tell each other
   */
  begin(examples: number, total: number | undefined, wish: EndReason | null): number {
    let all = total;
    if (all === undefined) {
      const count = Float64Array.of(examples);
      this.#world.allReduce(count, 'examples of a batch');
      [all] = count;
    }
    this.#share = all === 0 ? 0 : examples / all;
    this.#wish = wish;
    return all;
  }

  /** The share of this rank's examples in the batch, as a factor of its mean loss; read at each run. */
  share(dtype: DType): Tensor {
    return dynamicScalar(() => this.#share, dtype);
  }

  /** Runs work that draws random numbers: other ones on each rank, equally many on all. */
  drawing = <T>(work: () => T): T => foldingKeys(() => this.#world.rank, work);

  /** To be called before the forward pass, which may move running statistics. */
  noteBuffers(): void {
    this.#before = this.#buffers.map(([, variable]) => variable.value);
  }

  /**
   * Replaces gradients and running statistics by those of the whole batch.
   *
   * @param scalars loss and metrics of this rank's part
   * @param parameters whose gradients a step uses; null while they are only added up here
   */
  sum(scalars: readonly Tensor[], parameters: readonly Variable[] | null): Exchanged {
    const floats = scalars.map((scalar) =>
      scalar.dtype === 'float64' || scalar.dtype === 'float32' ? scalar : scalar.cast('float32'),
    );
    const flags = endReasons.map((reason) => dynamicScalar(() => Number(this.#wish === reason)));
    const moved = parameters === null ? [] : this.#moved();
    const waiting = parameters === null ? [] : gradientsOf(parameters);
    const shared = (name: string, tensor: Tensor): Summand => ({
      name,
      tensor: tensor.mul(this.share(tensor.dtype)),
    });
    // What is ready first comes first: of the gradients those of the last layers.
    const summands = [
      ...floats.map((scalar, i) => shared(`figure ${i}`, scalar)),
      ...flags.map((tensor, i) => ({ name: `${endReasons[i]}`, tensor })),
      ...moved.map(([name, { value }]) => shared(name, value)),
      ...[...waiting].reverse().map(([{ name }, { grad }]) => ({ name, tensor: grad })),
    ];
    const sums = sumTogether(summands, this.#world, parameters === null ? 'figures' : 'gradients');
    const { tensors } = sums;
    const figures = tensors.slice(0, floats.length);
    const wishes = tensors.slice(floats.length, floats.length + flags.length);
    const statistics = floats.length + flags.length;
    moved.forEach(([, variable], i) => {
      variable.assign(tensors[statistics + i]);
    });
    replaceGradients(
      waiting.map(([variable], i) => [variable, tensors[tensors.length - 1 - i]]),
      { ...sums, tensors: [...figures, ...wishes] },
    );
    return { figures, exchanged: [scalars[0], ...wishes] };
  }

  /** What the tensors `exchanged` say, once they are read. */
  read([own, ...wishes]: readonly ArrayLike<number>[]): {
    readonly ownLoss: number;
    readonly wish: EndReason | null;
  } {
    return { ownLoss: own[0], wish: agreedReason(wishes.map((flag) => flag[0])) };
  }

  /** The running statistics that the forward pass has moved. */
  #moved(): (readonly [string, Variable])[] {
    return this.#buffers.filter(([, variable], i) => variable.value !== this.#before[i]);
  }
}
