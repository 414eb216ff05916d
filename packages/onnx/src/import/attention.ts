/**
 * Attention as one operator, and what transformers have beside it.
 */
import { arange, concat, type Tensor, zeros } from '@ag/tensor';
import type { Call, Rules } from './call.ts';

/** [batch, time, heads · size] → [batch, heads, time, size]; four axes stay as they are. */
function toHeads(x: Tensor, heads: number): Tensor {
  if (x.shape.length === 4) return x;
  const [batch, time, features] = x.shape;
  return x.reshape([batch, time, heads, features / heads]).transpose(1, 2);
}

const whole = (n: number): Tensor => arange(0, n, 1, { dtype: 'int32' });

const hidden = Number.NEGATIVE_INFINITY;

/** What is added to the scores: 0 where a key is seen, −∞ where it is not. Null: all are seen. */
function biasOf(call: Call, q: Tensor, k: Tensor): Tensor | null {
  const [queries, keys] = [q.shape[2], k.shape[2]];
  let bias = call.optional(3);
  if (bias) {
    const missing = keys - bias.shape[bias.shape.length - 1];
    const seen = bias.dtype === 'bool' ? bias.where(0, hidden).cast(q.dtype) : bias;
    bias =
      missing > 0
        ? seen.pad(
            seen.shape.map((_, i) => [0, i === seen.shape.length - 1 ? missing : 0]),
            hidden,
          )
        : seen;
  }
  const past = call.optional(4);
  const lengths = call.optional(6)?.cast('int32').reshape([-1, 1, 1, 1]) ?? null;
  // The position of the first query among the keys.
  const first: Tensor | number = past ? past.shape[2] : lengths ? lengths.sub(queries) : 0;
  const distance = whole(queries).unsqueeze(1).add(first).sub(whole(keys));
  const restrict = (allowed: Tensor): void => {
    const own = allowed.where(0, hidden).cast(q.dtype);
    bias = bias ? bias.add(own) : own;
  };
  const [left, right] = [call.int('left_window_size', -1), call.int('right_window_size', -1)];
  if (call.int('is_causal', 0) === 1) restrict(distance.greaterEqual(0));
  if (left >= 0) restrict(distance.lessEqual(left));
  if (right >= 0) restrict(distance.greaterEqual(-right));
  if (lengths) restrict(whole(keys).less(lengths));
  return bias;
}

function attention(call: Call): readonly (Tensor | null)[] {
  const given = call.tensor(0);
  const q = toHeads(given, call.int('q_num_heads', 1));
  let [k, v] = [1, 2].map((i) => toHeads(call.tensor(i), call.int('kv_num_heads', 1)));
  const [pastKey, pastValue] = [call.optional(4), call.optional(5)];
  if (pastKey) k = concat([pastKey, k], 2);
  if (pastValue) v = concat([pastValue, v], 2);
  const present = [k, v] as const;
  const groups = q.shape[1] / k.shape[1];
  if (groups !== 1) [k, v] = [k, v].map((t) => t.repeat(groups, 1));
  const scale = Math.sqrt(call.float('scale', 1 / Math.sqrt(q.shape[3])));
  let scores = q.mul(scale).matmul(k.mul(scale).transpose());
  const cap = call.float('softcap', 0);
  if (cap > 0) scores = scores.div(cap).tanh().mul(cap);
  const bias = biasOf(call, q, present[0]);
  const biased = bias ? scores.add(bias) : scores;
  let shares = biased.softmax();
  // A query that sees no key takes nothing.
  if (bias) shares = bias.max(-1, { keepDims: true }).equal(hidden).where(0, shares).cast(q.dtype);
  const mixed = shares.matmul(v);
  const [batch, heads, time, size] = mixed.shape;
  const output =
    given.shape.length === 4 ? mixed : mixed.transpose(1, 2).reshape([batch, time, heads * size]);
  const seen = [scores, scores, biased, shares][call.int('qk_matmul_output_mode', 0)];
  return [output, ...present, seen];
}

function rotary(call: Call): Tensor {
  const given = call.tensor(0);
  const x =
    given.shape.length === 4
      ? given.transpose(1, 2)
      : given.reshape([
          ...given.shape.slice(0, 2),
          call.int('num_heads'),
          given.shape[2] / call.int('num_heads'),
        ]);
  const size = call.int('rotary_embedding_dim', 0) || x.shape[3];
  const positions = call.optional(3);
  const [cos, sin] = [1, 2].map((i) => {
    const cache = call.tensor(i);
    return (positions ? cache.take(positions, 0) : cache).unsqueeze(2);
  });
  const turned = x.slice(0, size, { axis: 3 });
  const interleaved = call.int('interleaved', 0) === 1;
  const half = (i: number): Tensor =>
    interleaved
      ? turned.slice(i, size, { axis: 3, step: 2 })
      : turned.slice((i * size) / 2, ((i + 1) * size) / 2, { axis: 3 });
  const [a, b] = [half(0), half(1)];
  const parts = [a.mul(cos).sub(b.mul(sin)), a.mul(sin).add(b.mul(cos))];
  const rotated = interleaved
    ? concat(
        parts.map((part) => part.unsqueeze(4)),
        4,
      ).reshape(turned.shape)
    : concat(parts, 3);
  const all = size === x.shape[3] ? rotated : concat([rotated, x.slice(size, x.shape[3], { axis: 3 })], 3);
  return given.shape.length === 4 ? all.transpose(1, 2) : all.reshape(given.shape);
}

/** Rows written into a cache behind those that are there. */
function tensorScatter(call: Call): Tensor {
  const [cache, update] = [call.tensor(0), call.tensor(1)];
  const axis = call.axis(call.int('axis', -2), cache.shape.length);
  const size = cache.shape[axis];
  const start = call.optional(2)?.cast('int32') ?? zeros([cache.shape[0]], { dtype: 'int32' });
  const along = (t: Tensor, at: number): Tensor =>
    t.reshape(cache.shape.map((_, i) => (i === at ? t.shape[0] : 1)));
  const plain = along(start, 0).add(along(whole(update.shape[axis]), axis));
  const at = (call.text('mode', 'linear') === 'circular' ? plain.mod(size) : plain).broadcastTo(update.shape);
  const written = zeros(cache.shape).scatterAdd(at, zeros(update.shape).add(1), axis).greater(0);
  return written.where(
    zeros(cache.shape, { dtype: cache.dtype }).scatterAdd(at, update, axis).cast(cache.dtype),
    cache,
  );
}

export const transformers: Rules = {
  Attention: attention,
  RotaryEmbedding: rotary,
  TensorScatter: tensorScatter,
  SwiGLU: (call) => {
    const a = call.tensor(0);
    return a.mul(a.mul(call.float('alpha', 1)).sigmoid()).mul(call.tensor(1));
  },
};
