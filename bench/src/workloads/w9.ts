/**
 * W9: a small transformer (pre-norm, causal attention, GELU by tanh) that learns to count: the next token is three
 * times the present one plus one.
 */
import { crossEntropy } from '@ag/nn';
import { adam } from '@ag/optim';
import { split, type Tensor, take, tensor, type Variable } from '@ag/tensor';
import { randomAt } from '../numbers.ts';
import { parameter, train, trainingVariants, zeroParameter } from '../training.ts';
import type { Workload } from '../workload.ts';

const width = 128;
const layers = 4;
const heads = 4;
const length = 64;
const batchSize = 8;
const vocabulary = 256;
/** Batches after which the first comes again. */
const batches = 64;
const perHead = width / heads;

interface Block {
  readonly norm1: Norm;
  readonly attention: Variable;
  readonly projection: Variable;
  readonly norm2: Norm;
  readonly up: Variable;
  readonly upBias: Variable;
  readonly down: Variable;
  readonly downBias: Variable;
}

interface Norm {
  readonly gain: Variable;
  readonly shift: Variable;
}

export const w9: Workload = {
  variants: trainingVariants,
  cases: {
    'd 128, 4 layers, 4 heads, 8×64 tokens': (variant) => {
      const parameters: Variable[] = [];
      const random = (shape: readonly number[], scale: number): Variable => {
        const variable = parameter(shape, 900 + parameters.length, scale);
        parameters.push(variable);
        return variable;
      };
      const constant = (shape: readonly number[], value: number): Variable => {
        const variable = zeroParameter(shape, value);
        parameters.push(variable);
        return variable;
      };
      const norm = (): Norm => ({ gain: constant([width], 1), shift: constant([width], 0) });
      // The order decides the seeds.
      const tokens = random([vocabulary, width], 0.05);
      const positions = random([length, width], 0.05);
      const blocks = Array.from(
        { length: layers },
        (): Block => ({
          norm1: norm(),
          attention: random([width, 3 * width], 0.08),
          projection: random([width, width], 0.08),
          norm2: norm(),
          up: random([width, 4 * width], 0.08),
          upBias: constant([4 * width], 0),
          down: random([4 * width, width], 0.04),
          downBias: constant([width], 0),
        }),
      );
      const last = norm();
      const head = random([width, vocabulary], 0.08);
      const mask = tensor(
        Float32Array.from({ length: length * length }, (_, i) =>
          i % length > Math.floor(i / length) ? -1e9 : 0,
        ),
        { shape: [length, length] },
      );

      const block = (h: Tensor, b: Block): Tensor => {
        const parts = split(normalize(h, b.norm1).matmul(b.attention.value), [width, width, width], 1);
        const [q, k, v] = parts.map((part) =>
          part.reshape([batchSize, length, heads, perHead]).permute([0, 2, 1, 3]),
        ) as [Tensor, Tensor, Tensor];
        const weights = q
          .matmul(k.transpose())
          .mul(perHead ** -0.5)
          .add(mask)
          .softmax();
        const attended = weights
          .matmul(v)
          .permute([0, 2, 1, 3])
          .reshape([batchSize * length, width]);
        const middle = h.add(attended.matmul(b.projection.value));
        const inner = normalize(middle, b.norm2).matmul(b.up.value).add(b.upBias.value).gelu('tanh');
        return middle.add(inner.matmul(b.down.value).add(b.downBias.value));
      };

      return train(
        {
          loss: (current, next) => {
            let h = take(tokens.value, current!)
              .reshape([batchSize, length, width])
              .add(positions.value)
              .reshape([batchSize * length, width]);
            for (const b of blocks) h = block(h, b);
            return crossEntropy(normalize(h, last).matmul(head.value), next!);
          },
          optimizer: adam(parameters),
          batch,
          lossAt: [0, 3, 10],
        },
        variant,
      );
    },
  },
};

function normalize(x: Tensor, { gain, shift }: Norm): Tensor {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  const scale = centred.square().mean(-1, { keepDims: true }).add(1e-5).rsqrt();
  return centred.mul(scale).mul(gain.value).add(shift.value);
}

function batch(step: number): Tensor[] {
  const current = new Int32Array(batchSize * length);
  const next = new Int32Array(batchSize * length);
  for (let i = 0; i < batchSize; i++) {
    let token = Math.floor(randomAt(5, (step % batches) * batchSize + i) * vocabulary);
    for (let t = 0; t < length; t++) {
      current[i * length + t] = token;
      token = (3 * token + 1) % vocabulary;
      next[i * length + t] = token;
    }
  }
  return [tensor(current, { copy: false }), tensor(next, { copy: false })];
}
