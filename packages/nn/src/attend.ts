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
  if (q.shape.at(-2) !== k.shape.at(-2)) return attendInGroups(q, k, v, options);
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
  const parts = options.causal && !options.mask && !options.bias ? partsOf(Math.min(time, keys), many) : 1;
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

/** Each head of keys and values serves several heads of queries (Ainslie et al. 2023), which lie side by side. */
function attendInGroups(q: Tensor, k: Tensor, v: Tensor, options: SeenOptions): Tensor {
  const lead = q.shape.slice(0, -3);
  const [time, heads, d] = q.shape.slice(-3) as number[];
  const [keys, groups] = k.shape.slice(-3) as number[];
  const size = heads / groups;
  if (!hasOpen([...q.shape, ...k.shape]) && areMany(sizeOf(lead) * heads, time, keys)) {
    const repeated = (x: Tensor): Tensor => {
      const [e, shape] = [x.shape.at(-1)!, x.shape.slice(0, -1)];
      return x
        .unsqueeze(-2)
        .broadcastTo([...shape, size, e])
        .reshape([...shape.slice(0, -1), heads, e]);
    };
    return attend(q, repeated(k), repeated(v), options);
  }
  // The heads of a group become an axis before time, along which keys and values are the same.
  const split = (x: Tensor): Tensor => {
    if (x.shape.length < 3) return x;
    if (x.shape.at(-3) === 1) return x.unsqueeze(-4);
    return x.reshape([...x.shape.slice(0, -3), groups, size, ...x.shape.slice(-2)]).transpose(-4, -3);
  };
  const { mask, bias } = options;
  const queries = q
    .reshape([...lead, time, groups, size, d])
    .transpose(-2, -3)
    .transpose(-3, -4);
  const mixed = attend(queries, k.unsqueeze(-4), v.unsqueeze(-4), {
    ...options,
    ...(mask && { mask: split(mask) }),
    ...(bias && { bias: split(bias) }),
  });
  return mixed
    .transpose(-4, -3)
    .transpose(-3, -2)
    .reshape([...lead, time, heads, v.shape.at(-1)!]);
}

/** @param first the number of the first query, where later keys are not seen */
function attendAll(q: Tensor, k: Tensor, v: Tensor, options: SeenOptions, first: number): Tensor {
  // The division is left to the end, where it concerns [time, e] and not [time, keys].
  const { powers, total } = powersOf(q, k, options, first);
  const mixed = einsum('...hqk,...khe->...qhe', dropped(powers, options.dropout), v);
  return mixed.div(total.transpose(-3, -2));
}

/**
 * The same with the weights of each head, for those who want to see them: all at once, whatever the sizes.
 *
 * @returns the result, `[..., time, heads, e]`, and the weights, `[..., heads, time, keys]`, of each row 1 in sum
 */
export function attendWithWeights(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: SeenOptions,
): { readonly output: Tensor; readonly weights: Tensor } {
  const size = q.shape.at(-2)! / k.shape.at(-2)!;
  const [ownK, ownV] = [k, v].map((x) => (size === 1 ? x : x.repeat(size, -2))) as [Tensor, Tensor];
  const { powers, total } = powersOf(q, ownK, options, 0);
  const weights = dropped(powers.div(total), options.dropout);
  return { output: einsum('...hqk,...khe->...qhe', weights, ownV), weights };
}

/** exp(scores − the largest of each row), and their sums. */
function powersOf(
  q: Tensor,
  k: Tensor,
  options: SeenOptions,
  first: number,
): { readonly powers: Tensor; readonly total: Tensor } {
  let scores = einsum('...qhd,...khd->...hqk', q, k).mul(1 / Math.sqrt(q.shape.at(-1)!));
  if (options.bias) scores = scores.add(options.bias.maximum(hidden));
  if (options.causal) scores = seenBy(q, k, first).where(scores, hidden);
  if (options.mask) scores = options.mask.where(scores, hidden);
  const powers = scores.sub(scores.detach().max(-1, { keepDims: true })).exp();
  return { powers, total: powers.sum(-1, { keepDims: true }) };
}
