/**
 * Attention over long sequences, a few queries at a time: scores of all pairs are never stored.
 *
 * A loop goes through blocks of queries, each of which sees all keys; what stays is the result and two numbers a query. The gradient
 * is a loop too, and computes the scores of each block again (Rabe & Staats 2021, Dao et al. 2022; with whole rows of scores the
 * softmax is the plain one). So memory is linear in the length, forward and backward.
 */
import {
  apply,
  arange,
  bernoulli,
  defineOp,
  einsum,
  expand,
  randint,
  scan,
  type Tensor,
  zerosLike,
} from '@ag/tensor';
import { sumToShape } from '@ag/tensor/engine';

/** The score of what must not be seen: its weight is exactly 0, and a row of nothing else stays finite. */
export const hidden = -1e30;

/** What of the scores counts. */
export interface SeenOptions {
  readonly causal: boolean;
  /** Bool, broadcasts to `[..., heads, time, keys]`. */
  readonly mask?: Tensor;
  /** Floats that are added to the scores, broadcast like a mask. */
  readonly bias?: Tensor;
  readonly dropout: number;
}

/** More scores than this are computed in blocks. */
const mostScores = 1 << 25;
/** Scores of a block: 4 MB. */
const blockScores = 1 << 20;
/** Fewer queries make small products. */
const fewestRows = 64;

/** Whether there are so many scores that they had better not be stored. */
export function areMany(matrices: number, time: number, keys: number): boolean {
  return matrices * time * keys > mostScores;
}

/** How many queries a block has: the last of all even blocks is filled up. */
export function rowsOfBlock(matrices: number, time: number, keys: number): number {
  const most = Math.max(fewestRows, Math.floor(blockScores / (matrices * keys)));
  return Math.ceil(time / Math.ceil(time / most));
}

/** softmax(q kᵀ / √d) v, of which the first operand is the value; then what its gradient reads. */
const attention = /* @__PURE__ */ defineOp<Shared>({
  name: 'attention',
  type: ([value]) => value,
  lower: /* @__PURE__ */ expand(([value]) => value),
  vjp: (g, [, peak, total, q, k, v, ...extra], y, shared) => {
    const from = { y, peak: peak.detach(), total, q, k, v };
    const [dq, dk, dv, db] = gradientInBlocks(g, from, extra, shared);
    return [null, null, null, dq, dk, dv, ...extra.map((x) => (x === biasOf(extra, shared) ? db : null))];
  },
});

/** What forward and backward pass have in common. */
interface Shared extends Omit<SeenOptions, 'mask' | 'bias'> {
  readonly rows: number;
  readonly masked: boolean;
  readonly biased: boolean;
  /** The number of the first query: with `causal` it sees as many keys before its own. */
  readonly first: number;
}

/** What is added to scores stands behind the mask. */
function biasOf(extra: readonly Tensor[], { masked, biased }: Shared): Tensor | undefined {
  return biased ? extra[masked ? 1 : 0] : undefined;
}

/**
 * softmax(q kᵀ / √d) v with `rows` queries at a time.
 *
 * @param q `[..., time, heads, d]`
 * @param k `[..., keys, heads, d]`
 * @param v `[..., keys, heads, e]`
 * @returns `[..., time, heads, e]`
 */
export function attendInBlocks(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { causal, mask, bias, dropout }: SeenOptions,
  rows: number,
  first = 0,
): Tensor {
  const shared: Shared = { rows, causal, masked: !!mask, biased: !!bias, dropout, first };
  const extra = [...(mask ? [mask] : []), ...(bias ? [bias.maximum(hidden)] : [])];
  if (dropout > 0) extra.push(randint([2], -(2 ** 31), 2 ** 31).cast('uint32'));
  const step = new Step(q, k, extra, shared);
  const { ys } = scan(
    (_none, x: Rows, i) => {
      const { powers, peak } = step.powers(x, i);
      const total = powers.sum(-1, { keepDims: true });
      const mixed = einsum('...hqk,...khe->...qhe', step.thinned(powers, i), v);
      return [null, { peak, total, mixed: mixed.div(turned(total)) }];
    },
    null,
    step.rows,
  );
  const value = joined(ys.mixed).slice(0, q.shape.at(-3)!, { axis: -3 });
  return apply(attention, [value, ys.peak, ys.total, q, k, v, ...extra], shared);
}

/**
 * With E = exp(scores − peak), thinned by Z: y = (E∘Z) v / total. For g' = g / total the gradient is (E∘Z)ᵀ g' by v, and
 * E∘(Z∘(g' vᵀ) − Σ g'∘y) by the scores.
 */
function gradientInBlocks(
  g: Tensor,
  { y, peak, total, q, k, v }: Record<'y' | 'peak' | 'total' | 'q' | 'k' | 'v', Tensor>,
  extra: readonly Tensor[],
  shared: Shared,
): [Tensor, Tensor, Tensor, Tensor | null] {
  const step = new Step(q, k, extra, shared);
  const bias = biasOf(extra, shared);
  const inward = step.blocks(g, -3).div(turned(total));
  const level = turned(inward.mul(step.blocks(y, -3)).sum(-1, { keepDims: true }));
  const xs = { ...step.rows, peak, inward, level };
  // Where it is the same for all queries its gradient is a sum over the blocks, else a part of each.
  const fixed: WithBias = bias && step.rows.bias === undefined ? { bias: zerosLike(bias) } : {};
  const { carry, ys } = scan(
    (sum: { k: Tensor; v: Tensor } & WithBias, x: typeof xs, i) => {
      const { powers, seen } = step.powers(x, i, x.peak);
      const mixing = step.thinned(einsum('...qhe,...khe->...hqk', x.inward, v), i);
      const raw = powers.mul(mixing.sub(x.level));
      // In a row of which nothing is seen the powers are 1.
      const before = seen ? seen.where(raw, 0) : raw;
      const scores = before.mul(step.scale);
      const into = {
        ...(sum.bias && { bias: sum.bias.add(sumToShape(before, sum.bias)) }),
        k: sum.k.add(einsum('...hqk,...qhd->...khd', scores, x.q)),
        v: sum.v.add(einsum('...hqk,...qhe->...khe', step.thinned(powers, i), x.inward)),
      };
      const own: WithBias = x.bias ? { bias: sumToShape(before, x.bias) } : {};
      return [into, { q: einsum('...hqk,...khd->...qhd', scores, k), ...own }];
    },
    { k: zerosLike(k), v: zerosLike(v), ...fixed },
    xs,
  );
  const time = q.shape.at(-3)!;
  const db = ys.bias ? joined(ys.bias, -2).slice(0, time, { axis: -2 }) : (carry.bias ?? null);
  return [joined(ys.q).slice(0, time, { axis: -3 }), carry.k, carry.v, db];
}

/** There where something is added to the scores. */
type WithBias = { readonly bias?: Tensor };

/** What a step of either loop goes through. */
type Rows = { readonly q: Tensor; readonly mask?: Tensor; readonly bias?: Tensor };

/** What a step of either loop computes. */
class Step {
  readonly scale: number;
  readonly rows: Rows;
  readonly #k: Tensor;
  readonly #keys: number;
  readonly #count: number;
  readonly #shared: Shared;
  /** A mask that is the same for all queries. */
  readonly #mask: Tensor | undefined;
  readonly #bias: Tensor | undefined;
  readonly #words: Tensor | undefined;

  constructor(q: Tensor, k: Tensor, extra: readonly Tensor[], shared: Shared) {
    this.#shared = shared;
    this.scale = 1 / Math.sqrt(q.shape.at(-1)!);
    this.#k = k;
    this.#keys = k.shape.at(-3)!;
    this.#count = Math.ceil(q.shape.at(-3)! / shared.rows);
    const mask = shared.masked ? extra[0] : undefined;
    const bias = biasOf(extra, shared);
    const varies = (x: Tensor | undefined): x is Tensor =>
      x !== undefined && x.shape.length > 1 && x.shape.at(-2) !== 1;
    this.#mask = varies(mask) ? undefined : mask;
    this.#bias = varies(bias) ? undefined : bias;
    this.#words = shared.dropout > 0 ? extra.at(-1) : undefined;
    this.rows = {
      q: this.blocks(q, -3),
      ...(varies(mask) && { mask: this.blocks(mask, -2) }),
      ...(varies(bias) && { bias: this.blocks(bias, -2) }),
    };
  }

  /** The axis of queries cut into blocks, which come first; filled up with zeros. */
  blocks(x: Tensor, axis: -3 | -2): Tensor {
    const { rows } = this.#shared;
    const count = this.#count;
    const at = x.shape.length + axis;
    const missing = count * rows - x.shape[at];
    const full = missing === 0 ? x : x.pad(x.shape.map((_, i) => [0, i === at ? missing : 0] as const));
    const cut = full.reshape([...x.shape.slice(0, at), count, rows, ...x.shape.slice(at + 1)]);
    return cut.permute([at, ...[...cut.shape.keys()].filter((i) => i !== at)]);
  }

  /** exp(scores − peak), the peak, and which scores are seen where some row may have none. */
  powers(
    { q, mask = this.#mask, bias = this.#bias }: Rows,
    i: Tensor,
    known?: Tensor,
  ): { powers: Tensor; peak: Tensor; seen?: Tensor } {
    let scores = einsum('...qhd,...khd->...hqk', q, this.#k).mul(this.scale);
    if (bias) scores = scores.add(bias);
    let seen = mask;
    if (this.#shared.causal) {
      const { rows, first } = this.#shared;
      const queries = arange(first, first + rows, 1, { dtype: 'int32' })
        .add(i.mul(rows))
        .unsqueeze(-1);
      const earlier = arange(0, this.#keys, 1, { dtype: 'int32' }).lessEqual(queries);
      seen = mask ? earlier.logicalAnd(mask) : earlier;
    }
    if (seen) scores = seen.where(scores, hidden);
    const peak = known ?? scores.detach().max(-1, { keepDims: true });
    return { powers: scores.sub(peak).exp(), peak, ...(mask && seen && { seen }) };
  }

  /** Some of them left out, in the backward pass the same as before: the key of a step is made of its number. */
  thinned(x: Tensor, i: Tensor): Tensor {
    const { dropout } = this.#shared;
    if (!this.#words) return x;
    const [first, second] = [0, 1].map((at) => this.#words!.slice(at, at + 1).reshape([]));
    const tensors = [first, second.add(i.cast('uint32'))] as const;
    const kept = bernoulli(x.shape, 1 - dropout, { key: { words: [0, 0], tensors }, dtype: 'bool' });
    return kept.where(x.mul(dropout === 1 ? 1 : 1 / (1 - dropout)), 0);
  }
}

/** [..., heads, time, 1] ↔ [..., time, heads, 1] */
function turned(x: Tensor): Tensor {
  return x.transpose(-3, -2);
}

/** Blocks along the axis of queries again: [count, ..., rows, heads, e] → [..., count · rows, heads, e] */
function joined(x: Tensor, axis: -3 | -2 = -3): Tensor {
  const [count, ...shape] = x.shape as number[];
  const at = shape.length + axis;
  const order = [...shape.keys()].map((i) => i + 1);
  order.splice(at, 0, 0);
  shape[at] *= count;
  return x.permute(order).reshape(shape);
}
