/**
 * Convolutions by minimal filtering: filters are transformed once, images tile by tile.
 *
 * A unit of work is a few tiles. Their inputs are transformed to the right factors of 36 products of matrices, one for each pair of points,
 * filters being the left ones; the sums are transformed back to outputs and handed to the epilogue. All of that stays in the cache of a core,
 * as memory traffic would cost what the products save. Tiles are independent of one another, so units change no bit.
 *
 * An infinity or NaN would spread over its tile, so where an output is not finite the outputs of the unit are computed
 * anew by their definition.
 */
import type { ContractKernel, Launch } from '@ag/tensor';
import { contractRoles, type Factor } from '@ag/tensor/engine';
import { ArgumentBlock, type LowerContext, type Stage } from '../abi.ts';
import { type Arithmetic, arithmeticOf } from '../contraction/elements.ts';
import { epilogueArguments, epilogueOperands, operandWords } from '../contraction/epilogue.ts';
import { tileState } from '../contraction/microKernel.ts';
import { chainOf } from '../contraction/totals.ts';
import { aligned, type Filters, filterStage, numbers, planFilters, weightSteps } from './filters.ts';
import { emitForward, type Fields, parts, sumRow } from './forwardCode.ts';
import { products } from './points.ts';
import type { Convolution } from './shapes.ts';
import { edge } from './tiles.ts';

/** What transformed tiles and sums of a unit may take: a part of a core's own cache. */
const unitBytes = 400 * 1024;

/** Tiles of a unit: whole strips, for any width of vectors. */
function tilesOfUnit({ channels, filters, examples, tileRows, tileColumns }: Convolution): number {
  const fitting = Math.floor(unitBytes / (4 * products * (channels + filters)) / 16);
  const all = Math.ceil((examples * tileRows * tileColumns) / 16);
  return 16 * Math.max(1, Math.min(4, fitting, all));
}

/** Whether the rows of outputs follow one another in memory, in all operands of the epilogue, and are made of whole tiles. */
function goesOnEvenly({ width, size, rowAxis }: Convolution, others: readonly Factor[]): boolean {
  return (
    width % 4 === 0 &&
    width % size === 0 &&
    others.every(({ operand: { strides } }) => strides[rowAxis] === width * strides[rowAxis + 1])
  );
}

/** The stages of a convolution: its filters, then its tiles. */
export function lowerForward(context: LowerContext, convolution: Convolution): Stage[] {
  const arithmetic = arithmeticOf('float32', context);
  const filters = planFilters(convolution, arithmetic);
  const [weight] = context.launch.operands;
  return [
    filterStage(weight, convolution, filters, arithmetic),
    tileStage(context.launch, convolution, filters, arithmetic),
  ];
}

function tileStage(
  launch: Launch,
  convolution: Convolution,
  filters: Filters,
  arithmetic: Arithmetic,
): Stage {
  const { size, taps, images, examples, tileRows, tileColumns, channels, height, width } = convolution;
  const { stripRow } = arithmetic;
  const outputs = convolution.filters;
  const { others } = contractRoles(launch);
  const unit = tilesOfUnit(convolution);
  const tiles = examples * tileRows * tileColumns;
  const strips = unit / (stripRow / 4);
  const vStep = strips * channels * stripRow + 64;
  const mStep = strips * outputs * stripRow + 64;
  // 64 more: neighbors would share few sets of a cache otherwise.
  const sumStrip = outputs * sumRow + 64;
  const even = goesOnEvenly(convolution, others);
  const lineStep = even ? (width / 4) * sumStrip : (unit + 1) * sumStrip;
  const sumRows = even ? Math.floor((unit + tileColumns - 2) / tileColumns) + 1 : 1;

  let end = aligned(parts.operands + operandWords.bytes * others.length);
  const take = (bytes: number) => {
    const at = end;
    end += aligned(bytes);
    return at;
  };
  const tables = take(4 * outputs * others.length);
  const addresses = take(4 * unit);
  const places = take(4 * unit);
  const flags = take(unit);
  const masks = take((unit / 4) * edge.bytes);
  const v = take(Math.max(products * vStep, sumRows * size * lineStep));
  const m = take(products * mStep);

  const argumentBlock = new ArgumentBlock();
  const [weight, image] = launch.operands;
  const kernel = launch.kernel as ContractKernel;
  const fields: Fields = {
    image: argumentBlock.address(image, 'float32'),
    weight: argumentBlock.address(weight, 'float32'),
    others: epilogueOperands(argumentBlock, others),
    scratch: argumentBlock.scratch({ bytes: end, perThread: true }),
    filters: argumentBlock.scratch(filters.scratch),
    epilogue: epilogueArguments(argumentBlock, launch, kernel, { mode: 'rows', others }),
    numbers: numbers(argumentBlock, {
      scratchBytes: end,
      unit,
      tiles,
      perExample: tileRows * tileColumns,
      tileColumns,
      tileRows,
      height,
      width,
      channels,
      outputs,
      exampleStep: images.exampleStep,
      channelStep: images.channelStep,
      rowStep: images.rowStep,
      rowsLast: height - (tileRows - 1) * size,
      columnsLast: width - (tileColumns - 1) * size,
      vStep,
      mStep,
      filterStep: filters.step,
      panels: filters.panels,
      panelHeight: filters.height,
      higher: filters.higher,
      state: chainOf(channels, channels) << tileState.chain,
      tables,
      addresses,
      places,
      flags,
      masks,
      v,
      m,
      lineStep,
      sumStrip,
      even: Number(even),
      rowAhead: even ? (size - 1) * width : 0,
      ...weightSteps(weight),
    }),
    steps: others.map(({ operand, rows }) => {
      const step = (axis: number) => (axis < 0 ? 0 : operand.strides[axis] * rows.size);
      const { exampleAxis, rowAxis } = convolution;
      return [0, exampleAxis, rowAxis, rowAxis + 1].map((axis) => argumentBlock.i32(step(axis)));
    }),
  };
  const key = `winograd ${taps} ${fields.epilogue.key}`;
  // A tile of 36 products at some 25 a ns, and as much for its transformations.
  const nanoseconds = unit * products * channels * outputs * 0.06;
  return {
    key,
    argumentBlock,
    units: Math.ceil(tiles / unit),
    grain: Math.max(1, Math.round(3000 / nanoseconds)),
    emit: (target) => emitForward(target, arithmetic, convolution, fields),
  };
}
