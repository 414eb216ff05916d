/**
 * Gradients of filters by minimal filtering: the outputs' gradients are the filters, the taps are what comes out.
 *
 * Tiles of images and of gradients are transformed, some at a time, and multiplied at 36 pairs of points; the products are summed over all
 * tiles before anything is transformed back. So that threads can share the sum it is cut into parts, whose number
 * follows from sizes alone, as does the length of chains (decision 0008): neither threads nor the width of vectors change a bit.
 *
 * A second stage adds up the parts, transforms back and hands over to the epilogue; what is not finite it computes anew by definition.
 */
import { ArgumentBlock, kernelParameters, type LowerContext, type Stage, type Target } from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import { type I32, type I32Variable, i32, i32Parameters, i32s, perform } from '../assembler/values.ts';
import { type Arithmetic, arithmeticOf, maxTileRows } from '../contraction/elements.ts';
import { tileState, tilesFunction } from '../contraction/microKernel.ts';
import { aligned, each, numbers, ownScratch } from './filters.ts';
import { points, products } from './points.ts';
import type { Convolution, Images } from './shapes.ts';
import { betweenBytes, edge, gatherFunction } from './tiles.ts';
import { TileWalk } from './tileWalk.ts';
import { type Sums, totalStage } from './total.ts';

/** What transformed tiles may take: a part of a core's own cache. */
const chunkBytes = 400 * 1024;

/** Most chunks whose sums are added to one another. */
const mostChunks = 64;

/** Parts into which the sum over tiles is cut, where there are enough, and what their sums may take together. */
const manyParts = 8;
const partBytes = 32 << 20;

/** Tiles of a chunk, which is a chain of products, and of a part. */
function shares({ channels, filters, examples, tileRows, tileColumns }: Convolution) {
  const tiles = examples * tileRows * tileColumns;
  const fitting = Math.floor(chunkBytes / (4 * products * (channels + filters)) / 4) * 4;
  const chunk = Math.max(16, Math.min(64, fitting));
  const most = Math.max(1, Math.min(manyParts, Math.floor(partBytes / (4 * products * channels * filters))));
  const parts = Math.max(Math.min(most, Math.ceil(tiles / chunk)), Math.ceil(tiles / (chunk * mostChunks)));
  const part = Math.ceil(tiles / parts);
  return { tiles, chunk, part, parts: Math.ceil(tiles / part) };
}

/** The stages of a gradient: sums over parts, then their total. */
export function lowerGradient({ launch, ...features }: LowerContext, convolution: Convolution): Stage[] {
  const arithmetic = arithmeticOf('float32', features);
  const { stripRow } = arithmetic;
  const share = shares(convolution);
  const strips = Math.ceil((convolution.channels * 4) / stripRow);
  const step = strips * convolution.filters * stripRow + 64;
  const bytes = share.parts * products * step;
  const sums: Sums = {
    scratch: { bytes, perThread: false },
    parts: share.parts,
    part: products * step,
    step,
  };
  return [
    sumStage(convolution, share, sums, arithmetic, strips),
    totalStage(launch, convolution, sums, arithmetic),
  ];
}

type Shares = ReturnType<typeof shares>;

function sumStage(
  convolution: Convolution,
  share: Shares,
  sums: Sums,
  arithmetic: Arithmetic,
  strips: number,
): Stage {
  const { size, taps, images, tileRows, tileColumns, channels, filters, height, width } = convolution;
  const outputs = convolution.outputs!;
  const { stripRow } = arithmetic;
  const { chunk } = share;
  const highest = maxTileRows(arithmetic, 'runs');
  const tall = Math.ceil(filters / highest);
  const zRow = Math.ceil(filters / 4) * 16;
  const zStep = chunk * zRow + 64;
  const vStep = strips * chunk * stripRow + 64;
  let end = aligned(betweenBytes);
  const take = (bytes: number) => {
    const at = end;
    end += aligned(bytes);
    return at;
  };
  const parts = {
    imageMasks: take(edge.bytes),
    outputMasks: take(edge.bytes),
    rowTable: take(4 * filters),
    kTable: take(4 * chunk),
    z: take(products * zStep + 64),
    v: take(products * vStep),
  };
  const argumentBlock = new ArgumentBlock();
  const imageFields = ({ exampleStep, channelStep, rowStep }: Images, count: number) =>
    numbers(argumentBlock, {
      exampleStep,
      channelStep,
      rowStep,
      channels: count,
      groups: Math.ceil(count / 4),
    });
  const fields = {
    image: argumentBlock.address(images.operand, 'float32'),
    output: argumentBlock.address(outputs.operand, 'float32'),
    scratch: argumentBlock.scratch({ bytes: end, perThread: true }),
    sums: argumentBlock.scratch(sums.scratch),
    images: imageFields(images, channels),
    outputs: imageFields(outputs, filters),
    ...numbers(argumentBlock, {
      scratchBytes: end,
      tiles: share.tiles,
      part: share.part,
      chunk,
      partBytes: sums.part,
      step: sums.step,
      strips,
      perExample: tileRows * tileColumns,
      tileColumns,
      tileRows,
      rowsLast: height - (tileRows - 1) * size,
      columnsLast: width - (tileColumns - 1) * size,
      zRow,
      zStep,
      vStep,
      filters,
      tall,
      low: Math.floor(filters / tall),
      higher: filters % tall,
      ...parts,
    }),
  };
  return {
    key: `winograd sums ${taps}`,
    argumentBlock,
    units: share.parts,
    grain: 1,
    pieces: 4,
    emit: (target) => emitSums(target, arithmetic, taps, size, fields),
  };
}

type SumFields = Record<
  | 'image' | 'output' | 'scratch' | 'sums' | 'scratchBytes' | 'tiles' | 'part' | 'chunk' | 'partBytes' | 'step' | 'strips'
  | 'perExample' | 'tileColumns' | 'tileRows' | 'rowsLast' | 'columnsLast' | 'zRow' | 'zStep' | 'vStep' | 'filters' | 'tall' | 'low' | 'higher'
  | 'imageMasks' | 'outputMasks' | 'rowTable' | 'kTable' | 'z' | 'v',
  number
> & {
  readonly images: ImageFields;
  readonly outputs: ImageFields;
}; // biome-ignore format: names

type ImageFields = Record<'exampleStep' | 'channelStep' | 'rowStep' | 'channels' | 'groups', number>;

function emitSums(
  target: Target,
  arithmetic: Arithmetic,
  taps: number,
  size: number,
  fields: SumFields,
): FunctionBuilder {
  const { module, relaxedSimd } = target;
  const { stripRow } = arithmetic;
  const tiles = tilesFunction(module, arithmetic, 'runs');
  const f = module.function(null, kernelParameters, []);
  const [argumentBlock, begin, end] = i32Parameters(f);
  const field = (at: number) => argumentBlock.load(at);
  const scratch = i32(f);
  scratch.set(ownScratch(f, target, argumentBlock, fields));
  const inScratch = (at: number) => scratch.add(field(at));
  const [tile, last, example, tileRow, tileColumn, count, sums, state] = i32s(f, 8);
  const [rows, columns, masks, address, to, a, b, c, z, v] = i32s(f, 10);
  const pointers = i32s(f, 4);
  const walk = new TileWalk(argumentBlock, fields, { example, tileRow, tileColumn });
  const table = (at: number, length: I32, step: I32 | number) => {
    to.set(inScratch(at));
    each(f, length, (i) => {
      to.store(i.mul(step));
      to.increase(4);
    });
  };
  table(fields.rowTable, field(fields.filters), 4);
  table(fields.kTable, field(fields.chunk), field(fields.zRow));

  /** Transforms the tile at hand in all channels: the first vector goes to `first`, `step` to the next group, or to the next strip. */
  const gather = (
    base: number,
    own: ImageFields,
    taken: number,
    masksAt: number,
    toStep: number,
    place: (group: I32Variable) => I32,
  ) => {
    const whole = gatherFunction(module, relaxedSimd, taken, false);
    const edges = gatherFunction(module, relaxedSimd, taken, true);
    const lost = size + taps - 1 - taken;
    const cut = rows.add(columns).ne(2 * (size + taps - 1));
    cut.if(() => {
      masks.set(inScratch(masksAt));
      each(f, taken, (k) => {
        const valid = (count: I32) => k.ltS(count.sub(lost)).select(-1, 0).splat();
        masks.store(valid(columns), edge.columns);
        masks.store(valid(rows), edge.rows);
        masks.store(
          k
            .minS(rows.sub(lost + 1))
            .mul(field(own.rowStep))
            .splat(),
          edge.offsets,
        );
        masks.increase(16);
      });
      masks.set(inScratch(masksAt));
    });
    address.set(walk.address(base, own, size));
    each(f, field(own.groups), (group) => {
      pointers.forEach((pointer, t) => {
        pointer.set(group.mul(4).add(t).minS(field(own.channels).sub(1)));
        pointer.set(pointer.mul(field(own.channelStep)).add(address));
      });
      const operands = [...pointers, field(own.rowStep), scratch, place(group), field(toStep), masks];
      cut.if(
        () => perform(f, edges, ...operands),
        () => perform(f, whole, ...operands),
      );
    });
  };

  f.while(begin.ltS(end), () => {
    tile.set(begin.mul(field(fields.part)));
    last.set(tile.add(field(fields.part)).minS(field(fields.tiles)));
    sums.set(field(fields.sums).add(begin.mul(field(fields.partBytes))));
    state.set(field(fields.chunk).shl(tileState.chain));
    walk.seek(tile);
    f.while(tile.ltS(last), () => {
      count.set(field(fields.chunk).minS(last.sub(tile)));
      tile.increase(count);
      each(f, count, (i) => {
        walk.extent(rows, columns, size, taps);
        const groups = stripRow / 16;
        gather(fields.image, fields.images, points, fields.imageMasks, fields.vStep, (group) =>
          inScratch(fields.v)
            .add(group.divU(groups).mul(field(fields.chunk)).add(i).mul(stripRow))
            .add(group.remU(groups).mul(16)),
        );
        gather(fields.output, fields.outputs, size, fields.outputMasks, fields.zStep, (group) =>
          inScratch(fields.z)
            .add(i.mul(field(fields.zRow)))
            .add(group.mul(16)),
        );
        walk.next(1);
      });
      z.set(inScratch(fields.z));
      v.set(inScratch(fields.v));
      a.set(sums);
      each(f, products, () => {
        b.set(v);
        c.set(a);
        each(f, field(fields.strips), () => {
          perform(
            f,
            tiles,
            ...[inScratch(fields.rowTable), z, inScratch(fields.kTable), b, stripRow, count, c, state],
            ...[field(fields.tall), field(fields.low), field(fields.higher)],
          );
          b.increase(field(fields.chunk).mul(stripRow));
          c.increase(field(fields.filters).mul(stripRow));
        });
        z.increase(field(fields.zStep));
        v.increase(field(fields.vStep));
        a.increase(field(fields.step));
      });
      state.set(state.or(tileState.resume));
    });
    begin.increase(1);
  });
  return f;
}
