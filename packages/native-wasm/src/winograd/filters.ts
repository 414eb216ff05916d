/** Transformed filters: panels of the left factors of 36 products, made once for each run. */
import type { Operand } from '@ag/tensor';
import { ArgumentBlock, kernelParameters, type Scratch, type Stage, type Target } from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import { I32, type I32Variable, type Int, i32, i32Parameters, i32s, perform } from '../assembler/values.ts';
import { type Arithmetic, maxTileRows } from '../contraction/elements.ts';
import { products } from './points.ts';
import type { Convolution } from './shapes.ts';
import { betweenBytes, filterFunction } from './tiles.ts';

export const aligned = (size: number) => (size + 63) & ~63;

/** Appends numbers to an argument block, by name. */
export function numbers<Names extends string>(
  argumentBlock: ArgumentBlock,
  values: Record<Names, number>,
): Record<Names, number> {
  const fields = {} as Record<Names, number>;
  for (const name of Object.keys(values) as Names[]) fields[name] = argumentBlock.i32(values[name]);
  return fields;
}

/** The calling thread's part of working memory. */
export function ownScratch(
  f: FunctionBuilder,
  target: Target,
  argumentBlock: I32,
  fields: { readonly scratch: number; readonly scratchBytes: number },
): I32Variable {
  const thread = new I32(f, () => f.globalGet(target.thread));
  return argumentBlock
    .load(fields.scratch)
    .add(thread.mul(argumentBlock.load(fields.scratchBytes)))
    .let();
}

/** Whole numbers from 0 below `count`, at least one. */
export function each(f: FunctionBuilder, count: Int, body: (i: I32Variable) => void): void {
  const i = i32(f);
  i.set(0);
  f.loop((again) => {
    body(i);
    i.increase(1);
    i.ltS(count).branchIf(again);
  });
}

/** Transformed filters in working memory, and how rows share in panels: their number, the height of most, how many are higher by one. */
export interface Filters {
  readonly scratch: Scratch;
  /** Bytes of those at one pair of points. */
  readonly step: number;
  readonly panels: number;
  readonly height: number;
  readonly higher: number;
}

/** Steps of the weight in bytes. */
export function weightSteps({ strides }: Operand) {
  const [filter, channel, row, column] = strides.map((stride) => 4 * stride);
  return { filter, channel, row, column };
}

export function planFilters({ channels, filters }: Convolution, arithmetic: Arithmetic): Filters {
  const panels = Math.ceil(filters / maxTileRows(arithmetic, 'panels'));
  const step = aligned(filters * channels * 4 + panels * arithmetic.stripRow) + 64;
  return {
    scratch: { bytes: products * step, perThread: false },
    step,
    panels,
    height: Math.floor(filters / panels),
    higher: filters % panels,
  };
}

/** The stage that transforms the filters. A unit is a panel. */
export function filterStage(
  weight: Operand,
  { taps, channels }: Convolution,
  plan: Filters,
  arithmetic: Arithmetic,
): Stage {
  const argumentBlock = new ArgumentBlock();
  const scratch: Scratch = { bytes: aligned(betweenBytes), perThread: true };
  const fields = {
    weight: argumentBlock.address(weight, 'float32'),
    scratch: argumentBlock.scratch(scratch),
    to: argumentBlock.scratch(plan.scratch),
    ...numbers(argumentBlock, {
      scratchBytes: scratch.bytes,
      channels,
      step: plan.step,
      height: plan.height,
      higher: plan.higher,
      gap: arithmetic.stripRow,
      ...weightSteps(weight),
    }),
  };
  return {
    key: `winograd filters ${taps}`,
    argumentBlock,
    units: plan.panels,
    grain: Math.ceil(60 / channels),
    emit: (target) => emitFilters(target, taps, fields),
  };
}

type FilterFields = Record<
  'weight' | 'scratch' | 'to' | 'scratchBytes' | 'channels' | 'step' | 'height' | 'higher' | 'gap',
  number
> &
  ReturnType<typeof weightSteps>;

function emitFilters(target: Target, taps: number, fields: FilterFields): FunctionBuilder {
  const { module } = target;
  const filter = filterFunction(module, target.relaxedSimd, taps);
  const f = module.function(null, kernelParameters, []);
  const [argumentBlock, begin, end] = i32Parameters(f);
  const field = (at: number) => argumentBlock.load(at);
  const scratch = ownScratch(f, target, argumentBlock, fields);
  const [first, height, row, at, to, panel, left] = i32s(f, 7);
  f.while(begin.ltS(end), () => {
    first.set(begin.mul(field(fields.height)).add(begin.minS(field(fields.higher))));
    height.set(field(fields.height).add(begin.ltS(field(fields.higher))));
    panel.set(
      field(fields.to)
        .add(first.mul(field(fields.channels)).mul(4))
        .add(begin.mul(field(fields.gap))),
    );
    row.set(0);
    f.loop((nextRow) => {
      at.set(field(fields.weight).add(first.add(row).mul(field(fields.filter))));
      to.set(panel.add(row.mul(4)));
      left.set(field(fields.channels));
      f.loop((nextChannel) => {
        perform(f, filter, at, field(fields.row), field(fields.column), scratch, to, field(fields.step));
        at.increase(field(fields.channel));
        to.increase(height.mul(4));
        left.countDown(nextChannel);
      });
      row.increase(1);
      row.ltS(height).branchIf(nextRow);
    });
    begin.increase(1);
  });
  return f;
}
