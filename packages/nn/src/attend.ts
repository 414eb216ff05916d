/** Attention on queries, keys and values: all scores at once, in parts, or block after block. */
import { apply, concat, einsum, ones, sizeOf, type Tensor, tril } from '@ag/tensor';
import { coordinatesLike, hasOpen, isOpen } from '@ag/tensor/engine';
import { areMany, attendInBlocks, hidden, rowsOfBlock, type SeenOptions } from './attentionBlocks.ts';
import { dropped } from './dropout.ts';

/**
 * softmax(q kᵀ / √d) v for each head. Heads stay where they are, behind time: products read and write them there, and nothing
 * is transposed in memory.
 *
 * @param q `[..., time, heads, d]`
 * @param k `[..., keys, heads, d]`
 * @param v `[..., keys, heads, e]`
 * @returns `[..., time, heads, e]`
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, options: SeenOptions): Tensor {
  const [time, keys] = [q, k].map(({ shape }) => shape.at(-3)!) as [number, number];
  const [lead, ...others] = [q, k, v].map(({ shape }) => shape.slice(0, -3));
  const alike = others.every((other) => other.join() === lead.join());
  const matrices = sizeOf(lead) * q.shape.at(-2)!;
  // Of open lengths it is not known.
  const many = alike && !hasOpen([...q.shape, ...k.shape]) && areMany(matrices, time, keys);
  const attendTo = (part: Tensor, ownK: Tensor, ownV: Tensor, first: number): Tensor => {
    if (!many) return attendAll(part, ownK, ownV, options, first);
    const rows = rowsOfBlock(matrices, part.shape.at(-3)!, ownK.shape.at(-3)!);
    return attendInBlocks(part, ownK, ownV, options, rows, first);
  };
  // Rows of which a mask hides all take the mean of all values, so these have to be there.
  const parts = options.causal && !options.mask ? partsOf(Math.min(time, keys), many) : 1;
  if (parts === 1) return attendTo(q, k, v, 0);
  // Later keys are not looked at by the first queries, so nothing is computed of them.
  const ends = Array.from({ length: parts }, (_, i) => Math.round((time * (i + 1)) / parts));
  const results = ends.map((end, i) => {
    const start = i === 0 ? 0 : ends[i - 1];
    const [known, knownV] = [k, v].map((x) => x.slice(0, Math.min(end, keys), { axis: -3 })) as [
      Tensor,
      Tensor,
    ];
    return attendTo(q.slice(start, end, { axis: -3 }), known, knownV, start);
  });
  return concat(results, -3);
}

/** Into how many parts queries are cut where each looks at earlier keys only. Each makes as many kernels as all would, and has memory for blocks of its own. */
function partsOf(time: number, inBlocks: boolean): number {
  return time >= 1024 && !inBlocks ? 8 : time >= 128 ? 4 : 1;
}

/** Which keys each query may look at, [time, keys]: those that are not later. */
function seenBy(q: Tensor, k: Tensor, first: number): Tensor {
  const [time, keys] = [q, k].map(({ shape }) => shape.at(-3)!) as [number, number];
  if (!isOpen(time) && !isOpen(keys)) return tril(ones([time, keys]), first).greater(0);
  // Where the length is open positions are counted along the tensors themselves.
  const positions = (x: Tensor): Tensor => {
    const others = x.shape.flatMap((_, i) => (i === x.shape.length - 3 ? [] : [i]));
    return apply(coordinatesLike, [x.mean(others)]);
  };
  return positions(k).lessEqual(positions(q).add(first).unsqueeze(1));
}

/** @param first the number of the first query, where later keys are not seen */
function attendAll(q: Tensor, k: Tensor, v: Tensor, options: SeenOptions, first: number): Tensor {
  const d = q.shape.at(-1)!;
  let scores = einsum('...qhd,...khd->...hqk', q, k).mul(1 / Math.sqrt(d));
  if (options.causal) scores = seenBy(q, k, first).where(scores, hidden);
  if (options.mask) scores = options.mask.where(scores, hidden);
  // The division is left to the end, where it concerns [time, e] and not [time, keys].
  const powers = scores.sub(scores.detach().max(-1, { keepDims: true })).exp();
  const total = powers.sum(-1, { keepDims: true });
  const mixed = einsum('...hqk,...khe->...qhe', dropped(powers, options.dropout), v);
  return mixed.div(total.transpose(-3, -2));
}
