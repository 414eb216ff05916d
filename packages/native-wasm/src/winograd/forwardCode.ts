/** The kernel of a convolution by tiles: gather, multiply, scatter, finish. */
import { kernelParameters, type Target } from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import { call, type I32, type I32Variable, i32, i32Parameters, i32s, perform } from '../assembler/values.ts';
import type { Arithmetic } from '../contraction/elements.ts';
import { type Epilogue, emitEpilogue, operandWords } from '../contraction/epilogue.ts';
import { tilesFunction } from '../contraction/microKernel.ts';
import { directFunction } from './direct.ts';
import { each, ownScratch } from './filters.ts';
import { points, products } from './points.ts';
import type { Convolution } from './shapes.ts';
import { betweenBytes, edge, gatherFunction, scatterFunction } from './tiles.ts';
import { TileWalk } from './tileWalk.ts';

/** Parts of a thread's working memory; the first 256 bytes are the epilogue's. */
export const parts = { between: 256, zero: 256 + betweenBytes, operands: 272 + betweenBytes } as const;

/** Bytes of a row of sums as the epilogue finds them. */
export const sumRow = 16;

/** Where the argument block holds what. */
export interface Fields {
  readonly image: number;
  readonly weight: number;
  readonly others: readonly number[];
  readonly scratch: number;
  readonly filters: number;
  readonly epilogue: Epilogue;
  readonly numbers: Record<Name, number>;
  /** Steps of each operand of the epilogue, in bytes, one after another: filter, example, row, column. */
  readonly steps: readonly (readonly number[])[];
}

type Name =
  | 'scratchBytes' | 'unit' | 'tiles' | 'perExample' | 'tileColumns' | 'tileRows' | 'height' | 'width' | 'channels' | 'outputs'
  | 'exampleStep' | 'channelStep' | 'rowStep' | 'rowsLast' | 'columnsLast' | 'vStep' | 'mStep' | 'filterStep' | 'panels' | 'panelHeight' | 'higher'
  | 'state' | 'tables' | 'addresses' | 'places' | 'flags' | 'masks' | 'v' | 'm' | 'lineStep' | 'sumStrip' | 'even' | 'rowAhead'
  | 'filter' | 'channel' | 'row' | 'column'; // biome-ignore format: names

/** Writes the kernel. */
export function emitForward(
  target: Target,
  arithmetic: Arithmetic,
  { taps, size }: Convolution,
  fields: Fields,
): FunctionBuilder {
  const { module, relaxedSimd } = target;
  const { stripRow } = arithmetic;
  const rows = { ...arithmetic, stripRow: sumRow } as const;
  const epilogue = emitEpilogue(target, fields.epilogue, rows, parts.operands, fields.numbers.sumStrip);
  const f = module.function(null, kernelParameters, []);
  const [argumentBlock, begin, end] = i32Parameters(f);
  const scratch = i32(f);
  const at = { scratch: fields.scratch, scratchBytes: fields.numbers.scratchBytes };
  scratch.set(ownScratch(f, target, argumentBlock, at));
  // The first tile of the unit, and how many there are; the tile at hand, where it stands, and where its outputs go.
  const [first, count, tile, example, tileRow, tileColumn] = i32s(f, 6);
  const field = (name: Name): I32 => argumentBlock.load(fields.numbers[name]);
  const inScratch = (name: Name): I32 => scratch.add(field(name));
  const walk = new TileWalk(argumentBlock, fields.numbers, { example, tileRow, tileColumn });
  tables();
  const finite = i32(f);
  f.while(begin.ltS(end), () => {
    first.set(begin.mul(field('unit')));
    count.set(field('unit').minS(field('tiles').sub(first)));
    findTiles();
    gather();
    multiply();
    finite.set(1);
    scatter();
    finite.isZero().if(() => define());
    finish();
    begin.increase(1);
  });
  return f;

  /** Offsets of the filters for each operand of the epilogue; there is one column, at 0. */
  function tables(): void {
    const at = i32(f);
    at.set(inScratch('tables'));
    scratch.store(0, parts.zero);
    fields.steps.forEach(([filter], index) => {
      const words = parts.operands + operandWords.bytes * index;
      scratch.store(at, words + operandWords.rows);
      scratch.store(scratch.add(parts.zero), words + operandWords.columns);
      each(f, field('outputs'), (i) => {
        at.store(i.mul(argumentBlock.load(filter)));
        at.increase(4);
      });
    });
  }

  /** Where the first tile of the unit stands. */
  function startTiles(): void {
    tile.set(first);
    walk.seek(first);
  }

  /** `by` tiles on, all in the same row; at its end, on to the next. */
  function nextTile(by: I32 | number, atNewRow: () => void): void {
    tile.increase(by);
    walk.next(by, atNewRow);
  }

  /** Addresses, places and masks of the unit's tiles. What fills up the last strip repeats the last tile. */
  function findTiles(): void {
    const [pixel, rows, columns, masks] = i32s(f, 4);
    const inner = size + taps - 1;
    startTiles();
    pixel.set(tileColumn.mul(field('even')).mul(size));
    each(f, field('unit'), (i) => {
      const at = i.mul(4);
      inScratch('addresses')
        .add(at)
        .store(walk.address(fields.image, fields.numbers, size));
      inScratch('places')
        .add(at)
        .store(
          inScratch('v')
            .add(pixel.shrU(2).mul(field('sumStrip')))
            .add(pixel.and(3).mul(4)),
        );
      walk.extent(rows, columns, size, taps);
      const flag = inScratch('flags').add(i.shrU(2).mul(4));
      i.and(3)
        .isZero()
        .if(() => flag.store(0));
      rows
        .add(columns)
        .ne(2 * inner)
        .if(() => flag.store(1));
      masks.set(inScratch('masks').add(i.shrU(2).mul(edge.bytes)).add(i.and(3).mul(4)));
      each(f, points, (k) => {
        masks.store(k.ltS(columns).select(-1, 0), edge.columns);
        masks.store(k.ltS(rows).select(-1, 0), edge.rows);
        masks.store(k.minS(rows.sub(1)).mul(field('rowStep')), edge.offsets);
        masks.increase(16);
      });
      tile
        .sub(first)
        .add(1)
        .ltS(count)
        .if(() => {
          pixel.increase(size);
          nextTile(1, () => pixel.set(pixel.add(3).and(-4).add(field('rowAhead'))));
        });
    });
  }

  /** Each group of four tiles: `body` is given its number, and where its first vector stands in strips of `rows` rows. */
  function eachGroup(rows: 'channels' | 'outputs', body: (group: I32Variable, offset: I32) => void): void {
    const groups = stripRow / 16;
    each(f, count.ceilDiv(4), (group) => {
      const strip = group.divU(groups).mul(field(rows)).mul(stripRow);
      body(group, strip.add(group.remU(groups).mul(16)));
    });
  }

  function gather(): void {
    const pointers = i32s(f, 4);
    const [to, masks, flag] = i32s(f, 3);
    const whole = gatherFunction(module, relaxedSimd, points, false);
    const edges = gatherFunction(module, relaxedSimd, points, true);
    eachGroup('channels', (group, offset) => {
      to.set(inScratch('v').add(offset));
      masks.set(inScratch('masks').add(group.mul(edge.bytes)));
      flag.set(inScratch('flags').add(group.mul(4)).load());
      pointers.forEach((pointer, t) =>
        pointer.set(
          inScratch('addresses')
            .add(group.mul(16))
            .load(4 * t),
        ),
      );
      each(f, field('channels'), () => {
        const between = scratch.add(parts.between);
        const operands = [...pointers, field('rowStep'), between, to, field('vStep'), masks];
        flag.if(
          () => perform(f, edges, ...operands),
          () => perform(f, whole, ...operands),
        );
        for (const pointer of pointers) pointer.increase(field('channelStep'));
        to.increase(stripRow);
      });
    });
  }

  function multiply(): void {
    const { stripRow } = arithmetic;
    const tiles = tilesFunction(module, arithmetic, 'panels');
    const [a, b, c, vBlock, mBlock] = i32s(f, 5);
    a.set(argumentBlock.load(fields.filters));
    vBlock.set(inScratch('v'));
    mBlock.set(inScratch('m'));
    each(f, products, () => {
      b.set(vBlock);
      c.set(mBlock);
      each(f, count.ceilDiv(stripRow / 4), () => {
        perform(
          f,
          tiles,
          ...[a, 0, 0, b, stripRow, field('channels'), c, field('state')],
          ...[field('panels'), field('panelHeight'), field('higher')],
        );
        b.increase(field('channels').mul(stripRow));
        c.increase(field('outputs').mul(stripRow));
      });
      a.increase(field('filterStep'));
      vBlock.increase(field('vStep'));
      mBlock.increase(field('mStep'));
    });
  }

  function scatter(): void {
    const scatter = scatterFunction(module, relaxedSimd, size);
    const from = i32(f);
    const column = i32(f);
    eachGroup('outputs', (group, offset) => {
      from.set(inScratch('m').add(offset));
      column.set(0);
      each(f, field('outputs'), () => {
        const places = inScratch('places').add(group.mul(16));
        finite.set(
          call(
            f,
            scatter,
            from,
            field('mStep'),
            scratch.add(parts.between),
            places,
            column,
            field('lineStep'),
          ).and(finite),
        );
        from.increase(stripRow);
        column.increase(sumRow);
      });
    });
  }

  /** The outputs by their definition. */
  function define(): void {
    const direct = directFunction(module, relaxedSimd, taps);
    startTiles();
    each(f, count, (i) => {
      const at = i.mul(4);
      each(f, field('outputs'), (output) => {
        perform(
          f,
          direct,
          inScratch('addresses').add(at).load(),
          field('rowStep'),
          field('channelStep'),
          argumentBlock.load(fields.weight).add(output.mul(field('filter'))),
          field('channel'),
          field('row'),
          field('column'),
          field('channels'),
          inScratch('places').add(at).load().add(output.mul(sumRow)),
          field('lineStep'),
          field('height').sub(tileRow.mul(size)).minS(size),
        );
      });
      nextTile(1, () => undefined);
    });
  }

  /** Hands the outputs to the epilogue, in runs as long as memory allows. */
  function finish(): void {
    const [run, left, sums, columns] = i32s(f, 4);
    const addresses = fields.others.map(() => i32(f));
    startTiles();
    f.while(tile.sub(first).ltS(count), () => {
      const done = tile.sub(first);
      sums.set(inScratch('places').add(done.mul(4)).load());
      fields.steps.forEach(([, ofExample, ofRow, ofColumn], index) => {
        addresses[index].set(
          argumentBlock
            .load(fields.others[index])
            .add(example.mul(argumentBlock.load(ofExample)))
            .add(tileRow.mul(argumentBlock.load(ofRow)).mul(size))
            .add(tileColumn.mul(argumentBlock.load(ofColumn)).mul(size)),
        );
      });
      const lines = field('height').sub(tileRow.mul(size));
      run.set(0);
      field('even')
        .and(tileColumn.isZero())
        .if(() => run.set(count.sub(done).divU(field('tileColumns'))));
      run.if(
        () => {
          // Whole rows of tiles: one long run of outputs.
          run.set(run.minS(field('tileRows').sub(tileRow)));
          columns.set(run.mul(size).minS(lines).mul(field('width')));
          left.set(1);
          run.increase(-1);
          tile.increase(run.mul(field('tileColumns')));
          tileRow.increase(run);
          run.set(field('tileColumns'));
        },
        () => {
          run.set(field('tileColumns').sub(tileColumn).minS(count.sub(done)));
          columns.set(run.mul(size).minS(field('width').sub(tileColumn.mul(size))));
          left.set(lines.minS(size));
        },
      );
      f.loop((nextLine) => {
        addresses.forEach((address, index) => {
          scratch.store(address, parts.operands + operandWords.bytes * index + operandWords.address);
          address.increase(argumentBlock.load(fields.steps[index][2]));
        });
        perform(f, epilogue, argumentBlock, scratch, sums, field('outputs'), 0, columns);
        sums.increase(field('lineStep'));
        left.countDown(nextLine);
      });
      nextTile(run, () => undefined);
    });
  }
}
