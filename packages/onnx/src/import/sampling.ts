/**
 * Reading pictures at computed points.
 */
import { stack, type Tensor, tensor } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { quoted } from '../errors.ts';
import type { Call, Rules } from './call.ts';

/** Where a coordinate from −1 to 1 lies along an axis. */
function placed(x: Tensor, size: number, alignCorners: boolean): Tensor {
  return alignCorners
    ? x.add(1).mul((size - 1) / 2)
    : x
        .add(1)
        .mul(size / 2)
        .sub(0.5);
}

/** A whole position inside of the axis, and whether it was there before. */
function inside(
  at: Tensor,
  size: number,
  padding: string,
  alignCorners: boolean,
): [position: Tensor, was: Tensor | null] {
  if (padding === 'border') return [at.clamp(0, size - 1), null];
  if (padding === 'zeros') {
    return [at.clamp(0, size - 1), at.greaterEqual(0).logicalAnd(at.lessEqual(size - 1))];
  }
  if (padding !== 'reflection') throw valueError(`there is no padding ${quoted(padding)}`);
  const [low, length] = alignCorners ? [0, size - 1] : [-0.5, size];
  if (length === 0) return [at.mul(0), null];
  const turned = at
    .sub(low)
    .abs()
    .mod(2 * length);
  const folded = turned
    .greater(length)
    .where(turned.neg().add(2 * length), turned)
    .add(low);
  return [folded.clamp(0, size - 1), null];
}

interface Tap {
  readonly at: Tensor;
  /** Null: 1. */
  readonly weight: Tensor | null;
}

function tapsOf(x: Tensor, mode: string): Tap[] {
  if (mode === 'nearest') return [{ at: x.round(), weight: null }];
  const low = x.floor();
  const t = x.sub(low);
  if (mode === 'linear')
    return [
      { at: low, weight: t.neg().add(1) },
      { at: low.add(1), weight: t },
    ];
  if (mode !== 'cubic') throw valueError(`there is no mode ${quoted(mode)}`);
  const a = -0.75;
  return [-1, 0, 1, 2].map((step) => {
    const d = t.sub(step).abs();
    const weight =
      step === 0 || step === 1
        ? d
            .mul(a + 2)
            .sub(a + 3)
            .mul(d.square())
            .add(1)
        : d
            .mul(a)
            .sub(5 * a)
            .mul(d)
            .add(8 * a)
            .mul(d)
            .sub(4 * a);
    return { at: low.add(step), weight };
  });
}

function gridSample(call: Call): Tensor {
  const [x, grid] = [call.tensor(0), call.tensor(1)];
  const mode = call.text('mode', 'linear').replace(/^bi/, '');
  const padding = call.text('padding_mode', 'zeros');
  const align = call.int('align_corners', 0) === 1;
  const sizes = x.shape.slice(2);
  const out = grid.shape.slice(1, -1);
  const [batch, channels] = x.shape;
  const last = grid.shape.length - 1;
  // The last axis of the grid names the axes of the picture from the last to the first.
  const axes = sizes.map((size, i) => {
    const at = sizes.length - 1 - i;
    const own = grid.slice(at, at + 1, { axis: last }).reshape([batch, -1]);
    return tapsOf(placed(own, size, align), mode).map(({ at: position, weight }) => {
      const [place, was] = inside(position, size, padding, align);
      const share = was ? (weight ? was.where(weight, 0) : was.cast(x.dtype)) : weight;
      return { at: place, weight: share };
    });
  });
  const combinations = axes.reduce<Tap[]>(
    (found, taps, i) =>
      i === 0
        ? taps
        : found.flatMap((a) =>
            taps.map((b) => ({
              at: a.at.mul(sizes[i]).add(b.at),
              weight: a.weight && b.weight ? a.weight.mul(b.weight) : (a.weight ?? b.weight),
            })),
          ),
    [],
  );
  const flat = x.reshape([batch, channels, -1]);
  const terms = combinations.map(({ at, weight }) => {
    const values = flat.gather(at.cast('int32').unsqueeze(1).broadcastTo([batch, channels, at.shape[1]]), 2);
    return weight ? values.mul(weight.unsqueeze(1)) : values;
  });
  return terms.reduce((sum, term) => sum.add(term)).reshape([batch, channels, ...out]);
}

function affineGrid(call: Call): Tensor {
  const theta = call.tensor(0);
  const [batch, , ...sizes] = call.numbers(1);
  const align = call.int('align_corners', 0) === 1;
  const count = sizes.reduce((a, b) => a * b, 1);
  const columns = sizes.map((size, axis) => {
    const after = sizes.slice(axis + 1).reduce((a, b) => a * b, 1);
    return tensor(
      Float32Array.from({ length: count }, (_, i) => {
        const at = Math.floor(i / after) % size;
        return align ? (size === 1 ? 0 : -1 + (2 * at) / (size - 1)) : -1 + (2 * at + 1) / size;
      }),
    );
  });
  const points = stack([...columns.reverse(), tensor(new Float32Array(count).fill(1))], 1).cast(theta.dtype);
  return points
    .broadcastTo([batch, ...points.shape])
    .matmul(theta.transpose())
    .reshape([batch, ...sizes, sizes.length]);
}

export const sampling: Rules = { GridSample: gridSample, AffineGrid: affineGrid };
