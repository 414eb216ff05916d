/** The second stage of a gradient of filters: its sums at the points become taps. */
import type { ContractKernel, Launch } from '@ag/tensor';
import { contractRoles } from '@ag/tensor/engine';
import { ArgumentBlock, kernelParameters, type Scratch, type Stage, type Target } from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import { call, i32, i32Parameters, i32s, perform } from '../assembler/values.ts';
import type { Arithmetic } from '../contraction/elements.ts';
import {
  type Epilogue,
  emitEpilogue,
  epilogueArguments,
  epilogueOperands,
  operandWords,
} from '../contraction/epilogue.ts';
import { directGradientFunction } from './direct.ts';
import { aligned, each, numbers, ownScratch } from './filters.ts';
import type { Convolution } from './shapes.ts';
import { betweenBytes, totalFunction } from './tiles.ts';

/** Rows of filters that the second stage hands over at a time. */
const groupRows = 8;

/** The sums of the parts in working memory: part by part, pair of points by pair of points, strip by strip. */
export interface Sums {
  readonly scratch: Scratch;
  readonly parts: number;
  readonly part: number;
  /** Bytes of the sums at one pair of points. */
  readonly step: number;
}

/** Bytes of a row of the total as the epilogue finds it, and from one of its strips to the next. */
const row = 16;
const strip = row * groupRows;

/** The stage that adds up the parts, transforms back and hands over to the epilogue. */
export function totalStage(
  launch: Launch,
  convolution: Convolution,
  sums: Sums,
  arithmetic: Arithmetic,
): Stage {
  const { taps, channels, filters, images, examples, height, width } = convolution;
  const outputs = convolution.outputs!;
  const { others } = contractRoles(launch);
  const argumentBlock = new ArgumentBlock();
  const operands = 256 + aligned(betweenBytes);
  const tables = operands + aligned(operandWords.bytes * others.length);
  const linear = tables + aligned(4 * groupRows * others.length + 16);
  const total = linear + aligned(4 * 4 * taps ** 2);
  const bytes = total + aligned(Math.ceil(channels / 4) * taps ** 2 * strip);
  const fields = {
    others: epilogueOperands(argumentBlock, others),
    steps: others.map(({ rows }) => argumentBlock.i32(rows.axes[0][1])),
    image: argumentBlock.address(images.operand, 'float32'),
    output: argumentBlock.address(outputs.operand, 'float32'),
    scratch: argumentBlock.scratch({ bytes, perThread: true }),
    sums: argumentBlock.scratch(sums.scratch),
    epilogue: epilogueArguments(argumentBlock, launch, launch.kernel as ContractKernel, {
      mode: 'rows',
      others,
    }),
    ...numbers(argumentBlock, {
      scratchBytes: bytes,
      sumStrip: strip,
      parts: sums.parts,
      part: sums.part,
      step: sums.step,
      filters,
      channels,
      groups: Math.ceil(channels / 4),
      columns: channels * taps ** 2,
      imageExample: images.exampleStep,
      imageChannel: images.channelStep,
      imageRow: images.rowStep,
      outputExample: outputs.exampleStep,
      outputChannel: outputs.channelStep,
      outputRow: outputs.rowStep,
      examples,
      height,
      width,
      tables,
      linear,
      total,
    }),
  };
  return {
    key: `winograd total ${taps} ${fields.epilogue.key}`,
    argumentBlock,
    units: Math.ceil(filters / groupRows),
    grain: Math.max(1, Math.round(300 / (channels * sums.parts))),
    emit: (target) => emitTotal(target, arithmetic, taps, operands, fields),
  };
}

type TotalFields = Record<
  | 'image' | 'output' | 'scratch' | 'sums' | 'scratchBytes' | 'sumStrip' | 'parts' | 'part' | 'step' | 'filters' | 'channels' | 'groups' | 'columns'
  | 'imageExample' | 'imageChannel' | 'imageRow' | 'outputExample' | 'outputChannel' | 'outputRow' | 'examples' | 'height' | 'width'
  | 'tables' | 'linear' | 'total',
  number
> & { readonly others: readonly number[]; readonly steps: readonly number[]; readonly epilogue: Epilogue }; // biome-ignore format: names

function emitTotal(
  target: Target,
  arithmetic: Arithmetic,
  taps: number,
  operands: number,
  fields: TotalFields,
): FunctionBuilder {
  const { module, relaxedSimd } = target;
  const { stripRow } = arithmetic;
  const epilogue = emitEpilogue(
    target,
    fields.epilogue,
    { ...arithmetic, stripRow: row },
    operands,
    fields.sumStrip,
  );
  const total = totalFunction(module, relaxedSimd, taps);
  const direct = directGradientFunction(module, relaxedSimd, taps);
  const f = module.function(null, kernelParameters, []);
  const [argumentBlock, begin, end] = i32Parameters(f);
  const field = (at: number) => argumentBlock.load(at);
  const scratch = i32(f);
  scratch.set(ownScratch(f, target, argumentBlock, fields));
  const inScratch = (at: number) => scratch.add(field(at));
  const [first, rows, at, filter, from, channel] = i32s(f, 6);
  // One column, at 0, and the rows of each operand.
  at.set(inScratch(fields.tables));
  at.store(0);
  const zero = at.let();
  at.increase(16);
  fields.steps.forEach((step, index) => {
    const words = operands + operandWords.bytes * index;
    scratch.store(at, words + operandWords.rows);
    scratch.store(zero, words + operandWords.columns);
    each(f, groupRows, (i) => {
      at.store(i.mul(field(step)));
      at.increase(4);
    });
  });
  f.while(begin.ltS(end), () => {
    first.set(begin.mul(groupRows));
    rows.set(field(fields.filters).sub(first).minS(groupRows));
    each(f, rows, (i) => {
      filter.set(first.add(i));
      at.set(inScratch(fields.total).add(i.mul(row)));
      each(f, field(fields.groups), (group) => {
        const groups = stripRow / 16;
        from.set(
          field(fields.sums)
            .add(group.divU(groups).mul(field(fields.filters)).add(filter).mul(stripRow))
            .add(group.remU(groups).mul(16)),
        );
        const parts = [field(fields.part), field(fields.parts)];
        call(f, total, from, field(fields.step), ...parts, scratch.add(256), inScratch(fields.linear))
          .isZero()
          .if(() => {
            each(f, 4, (lane) => {
              channel.set(group.mul(4).add(lane).minS(field(fields.channels).sub(1)));
              perform(
                f,
                direct,
                field(fields.image).add(channel.mul(field(fields.imageChannel))),
                field(fields.imageExample),
                field(fields.imageRow),
                field(fields.output).add(filter.mul(field(fields.outputChannel))),
                field(fields.outputExample),
                field(fields.outputRow),
                field(fields.examples),
                field(fields.height),
                field(fields.width),
                inScratch(fields.linear).add(lane.mul(4 * taps ** 2)),
              );
            });
          });
        from.set(inScratch(fields.linear));
        each(f, taps ** 2, () => {
          at.store(from.loadVector());
          from.increase(16);
          at.increase(strip);
        });
      });
    });
    fields.others.forEach((other, index) => {
      scratch.store(
        field(other).add(first.mul(field(fields.steps[index]))),
        operands + operandWords.bytes * index + operandWords.address,
      );
    });
    perform(f, epilogue, argumentBlock, scratch, inScratch(fields.total), rows, 0, field(fields.columns));
    begin.increase(1);
  });
  return f;
}
