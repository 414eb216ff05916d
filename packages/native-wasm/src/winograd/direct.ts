/** Convolution by its definition, for the few outputs that are not finite: nothing here is meant to be fast. */
import type { Callable } from '../assembler/functionBuilder.ts';
import { lanes32 } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { i32s, sharedFunction, v128, v128Constant } from '../assembler/values.ts';
import { Lanes, points } from './points.ts';

/**
 * `direct(image, rowStep, channelStep, weight, weightChannel, weightRow, weightColumn, channels, to, toStep, rows)`: the outputs
 * of one filter in `rows` rows of a tile.
 */
export function directFunction(module: ModuleBuilder, fused: boolean, taps: number): Callable {
  return sharedFunction(
    module,
    `winograd direct ${taps}`,
    [],
    (
      f,
      image,
      rowStep,
      channelStep,
      weight,
      weightChannel,
      weightRow,
      weightColumn,
      channels,
      to,
      toStep,
      rows,
    ) => {
      const lanes = new Lanes(f, fused);
      const sum = v128(f);
      const [channel, row, left, at, tap] = i32s(f, 5);
      f.loop((nextRow) => {
        sum.set(v128Constant(f, new Uint8Array(16)));
        channel.set(0);
        f.loop((nextChannel) => {
          row.set(0);
          f.loop((nextTapRow) => {
            at.set(image.add(channel.mul(channelStep)).add(row.mul(rowStep)));
            tap.set(weight.add(channel.mul(weightChannel)).add(row.mul(weightRow)));
            left.set(taps);
            f.loop((nextTap) => {
              sum.set(lanes.multiplyAdd(at.loadVector(), tap.loadVector(0, w.v128_load32_splat), sum));
              at.increase(4);
              tap.increase(weightColumn);
              left.countDown(nextTap);
            });
            row.tee(row.add(1)).ltS(taps).branchIf(nextTapRow);
          });
          channel.tee(channel.add(1)).ltS(channels).branchIf(nextChannel);
        });
        if (points + 1 - taps === 4) to.store(sum);
        else to.storeLane(sum, w.v128_store64_lane, 0, 0);
        to.increase(toStep);
        image.increase(rowStep);
        rows.countDown(nextRow);
      });
    },
  );
}

/**
 * `gradient(image, imageExample, imageRow, output, outputExample, outputRow, examples, height, width, to)`: the gradient of one filter's taps for one
 * channel.
 */
export function directGradientFunction(module: ModuleBuilder, fused: boolean, taps: number): Callable {
  return sharedFunction(
    module,
    `winograd direct gradient ${taps}`,
    [],
    (f, image, imageExample, imageRow, output, outputExample, outputRow, examples, height, width, to) => {
      const lanes = new Lanes(f, fused);
      const sum = v128(f);
      const mask = v128(f);
      const [row, column, example, y, left, at, from] = i32s(f, 7);
      const order = v128Constant(f, lanes32(0, 1, 2, 3));
      f.loop((nextRow) => {
        column.set(0);
        f.loop((nextColumn) => {
          sum.set(v128Constant(f, new Uint8Array(16)));
          example.set(0);
          f.loop((nextExample) => {
            y.set(0);
            f.loop((nextY) => {
              at.set(image.add(example.mul(imageExample)).add(y.add(row).mul(imageRow)).add(column.mul(4)));
              from.set(output.add(example.mul(outputExample)).add(y.mul(outputRow)));
              left.set(width);
              f.loop((again) => {
                // Beyond the end nothing is multiplied, not even by 0.
                mask.set(left.splat().op(w.i32x4_gt_s, order));
                sum.set(lanes.multiplyAdd(at.loadVector().and(mask), from.loadVector().and(mask), sum));
                at.increase(16);
                from.increase(16);
                left.tee(left.sub(4)).gtS(0).branchIf(again);
              });
              y.tee(y.add(1)).ltS(height).branchIf(nextY);
            });
            example.tee(example.add(1)).ltS(examples).branchIf(nextExample);
          });
          sum.set(sum.op(w.f32x4_add, sum.shuffle32(sum, 2, 3, 0, 1)));
          sum.set(sum.op(w.f32x4_add, sum.shuffle32(sum, 1, 0, 3, 2)));
          to.storeLane(sum, w.v128_store32_lane, 0, 0);
          to.increase(4);
          column.tee(column.add(1)).ltS(taps).branchIf(nextColumn);
        });
        row.tee(row.add(1)).ltS(taps).branchIf(nextRow);
      });
    },
  );
}
