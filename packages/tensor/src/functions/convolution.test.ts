/**
 * Convolution and pooling: shapes, padding, edges and errors. Values and gradients against PyTorch stand with the
 * gradient tests of @ag/graph.
 */
import { describe, expect, it } from 'vitest';
import {
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose2d,
  evaluate,
  full,
  maxPool2d,
  ones,
  tensor,
  zeros,
} from '../index.ts';

describe('convolution', () => {
  it("pads 'same' to ⌈size ÷ stride⌉, the odd element last", async () => {
    expect(
      conv2d(zeros([1, 1, 5, 8]), zeros([1, 1, 3, 4]), { padding: 'same', stride: [2, 3] }).shape,
    ).toEqual([1, 1, 3, 3]);
    // By hand: [1, 2, 3] with [1, 10] and one 0 after the end: 1 + 20, 2 + 30, 3 + 0.
    const y = conv1d(tensor([[[1, 2, 3]]]), tensor([[[1, 10]]]), { padding: 'same' });
    expect(await y.toArray()).toEqual([[[21, 32, 3]]]);
  });

  it("takes padding for each axis and side, and 'valid'", () => {
    const [x, w] = [zeros([1, 1, 5, 5]), zeros([1, 1, 3, 3])];
    expect(conv2d(x, w, { padding: 'valid' }).shape).toEqual([1, 1, 3, 3]);
    expect(conv2d(x, w, { padding: [1, 0] }).shape).toEqual([1, 1, 5, 3]);
    expect(
      conv2d(x, w, {
        padding: [
          [1, 0],
          [2, 3],
        ],
      }).shape,
    ).toEqual([1, 1, 4, 8]);
  });

  it('does nothing for an empty batch and nothing but zeros for no channels', async () => {
    expect(await conv2d(zeros([0, 2, 4, 4]), zeros([3, 2, 2, 2])).toArray()).toEqual([]);
    expect(await conv2d(zeros([1, 0, 2, 2]), zeros([1, 0, 2, 2])).toArray()).toEqual([[[[0]]]]);
  });

  it('sums products of uint8 as int32', async () => {
    const x = full([1, 1, 2, 2], 200, { dtype: 'uint8' });
    const y = conv2d(x, full([1, 1, 2, 2], 200, { dtype: 'uint8' }));
    expect(y.dtype).toBe('int32');
    expect(await y.item()).toBe(160000);
  });

  it("transposes with 'same' to size · stride", () => {
    expect(
      convTranspose2d(zeros([1, 2, 4, 3]), zeros([2, 5, 3, 3]), { stride: 2, padding: 'same' }).shape,
    ).toEqual([1, 5, 8, 6]);
    expect(
      convTranspose2d(zeros([1, 2, 4, 3]), zeros([2, 5, 1, 1]), { stride: 2, padding: 'same' }).shape,
    ).toEqual([1, 5, 8, 6]);
  });

  it('says what does not fit', () => {
    expect(() => conv2d(zeros([3, 8, 8]), zeros([4, 3, 3, 3]))).toThrow(
      'conv2d: the input must be [batch, channels, height, width], got [3, 8, 8]',
    );
    expect(() => conv2d(zeros([1, 3, 8, 8]), zeros([4, 2, 3, 3]))).toThrow(
      'has 3 channels and the weight [4, 2, 3, 3] is for 2',
    );
    expect(() => conv2d(zeros([1, 4, 8, 8]), zeros([3, 2, 3, 3]), { groups: 2 })).toThrow('groups');
    expect(() => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), { dilation: 2 })).toThrow(
      'reaches over 5 elements, but axis 2 has 4',
    );
    expect(() => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), { padding: -1 })).toThrow(
      'padding must be',
    );
    expect(() => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), { stride: 0 })).toThrow(
      'stride must be a whole number ≥ 1',
    );
    expect(() => convTranspose2d(zeros([1, 2, 4, 4]), zeros([3, 1, 3, 3]))).toThrow(
      '2 channels and the weight [3, 1, 3, 3] is for 3',
    );
    expect(() => convTranspose2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), { outputPadding: 1 })).toThrow(
      'outputPadding 1',
    );
  });
});

describe('pooling', () => {
  it('never takes padding for the largest, whatever the dtype', async () => {
    const low = tensor([
      [
        [
          [-5, -7],
          [-6, -8],
        ],
      ],
    ]);
    expect(await maxPool2d(low, 2, { padding: 1, stride: 2 }).toArray()).toEqual([
      [
        [
          [-5, -7],
          [-6, -8],
        ],
      ],
    ]);
    const y = maxPool2d(low.cast('int32'), 3, { padding: 1, stride: 1 });
    expect(y.dtype).toBe('int32');
    expect(await y.toArray()).toEqual([
      [
        [
          [-5, -5],
          [-5, -5],
        ],
      ],
    ]);
  });

  it('passes NaN on', async () => {
    expect(
      await maxPool2d(
        tensor([
          [
            [
              [1, Number.NaN],
              [3, 2],
            ],
          ],
        ]),
        2,
      ).item(),
    ).toBeNaN();
  });

  it('keeps paddings with different infinities apart in one plan', async () => {
    // Both paddings differ only in a number that JSON does not tell apart.
    const x = tensor([[1]]);
    const high = x.pad(
      [
        [0, 0],
        [0, 1],
      ],
      Number.POSITIVE_INFINITY,
    );
    const low = x.pad(
      [
        [0, 0],
        [0, 1],
      ],
      Number.NEGATIVE_INFINITY,
    );
    evaluate([high, low]);
    expect(await high.toArray()).toEqual([[1, Number.POSITIVE_INFINITY]]);
    expect(await low.toArray()).toEqual([[1, Number.NEGATIVE_INFINITY]]);
  });

  it('averages with and without counting padding', async () => {
    const x = ones([1, 1, 2, 2]);
    expect(await avgPool2d(x, 2, { padding: 1 }).toArray()).toEqual([
      [
        [
          [0.25, 0.25],
          [0.25, 0.25],
        ],
      ],
    ]);
    expect(await avgPool2d(x, 2, { padding: 1, countPadding: false }).toArray()).toEqual([
      [
        [
          [1, 1],
          [1, 1],
        ],
      ],
    ]);
    expect(avgPool2d(ones([1, 1, 2, 2], { dtype: 'int32' }), 2).dtype).toBe('float32');
  });

  it('says what does not fit', () => {
    expect(() => maxPool2d(zeros([4, 4]), 2)).toThrow(
      'maxPool2d: expects [batch, channels, height, width], got [4, 4]',
    );
    expect(() => avgPool2d(zeros([1, 1, 4, 4]), 5)).toThrow('reaches over 5 elements');
  });
});
