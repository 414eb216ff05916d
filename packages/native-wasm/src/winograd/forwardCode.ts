/** The kernel of a convolution by tiles: gather, multiply, scatter, finish. */
import { kernelParameters, type Target } from '../abi.ts';
import type { Callable, FunctionBuilder } from '../assembler/functionBuilder.ts';
import { call, type I32, type I32Variable, i32, i32Parameters, perform } from '../assembler/values.ts';
import type { Arithmetic } from '../contraction/elements.ts';
import { type Epilogue, emitEpilogue, operandWords } from '../contraction/epilogue.ts';
import { tilesFunction } from '../contraction/microKernel.ts';
import { directFunction } from './direct.ts';
import { each, ownScratch } from './filters.ts';
import { points, products } from './points.ts';
import type { Convolution } from './shapes.ts';
import { betweenBytes, edge, gatherFunction, scatterFunction } from './tiles.ts';

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
  readonly numbers: Record<ReturnType<typeof names>[number], number>;
  /** Steps of each operand of the epilogue, in bytes, one after another: filter, example, row, column. */
  readonly steps: readonly (readonly number[])[];
}

const names = () =>
  [
    'scratchBytes', 'unit', 'tiles', 'perExample', 'tileColumns', 'tileRows', 'height', 'width', 'channels', 'outputs',
    'exampleStep', 'channelStep', 'rowStep', 'rowsLast', 'columnsLast', 'vStep', 'mStep', 'filterStep', 'panels', 'panelHeight', 'higher', 'state',
    'tables', 'addresses', 'places', 'flags', 'masks', 'v', 'm', 'lineStep', 'sumStrip', 'even', 'rowAhead',
    'filter', 'channel', 'row', 'column',
  ] as const; // biome-ignore format: a table

/** The kernel as it is written. */
export class ForwardCode {
  readonly target: Target;
  readonly arithmetic: Arithmetic;
  readonly taps: number;
  readonly size: number;
  readonly fields: Fields;
  readonly f: FunctionBuilder;
  readonly argumentBlock: I32Variable;
  readonly begin: I32Variable;
  readonly end: I32Variable;
  readonly scratch: I32Variable;
  readonly epilogue: Callable;
  /** The first tile of the unit, and how many there are. */
  readonly first: I32Variable;
  readonly count: I32Variable;
  /** The tile at hand, where it stands, and where its outputs go. */
  readonly tile: I32Variable;
  readonly example: I32Variable;
  readonly tileRow: I32Variable;
  readonly tileColumn: I32Variable;

  constructor(target: Target, arithmetic: Arithmetic, { taps, size }: Convolution, fields: Fields) {
    this.target = target;
    this.arithmetic = arithmetic;
    this.taps = taps;
    this.size = size;
    this.fields = fields;
    const rows = { ...arithmetic, stripRow: sumRow } as const;
    this.epilogue = emitEpilogue(target, fields.epilogue, rows, parts.operands, fields.numbers.sumStrip);
    this.f = target.module.function(null, kernelParameters, []);
    const { f } = this;
    [this.argumentBlock, this.begin, this.end] = i32Parameters(f);
    const at = { scratch: fields.scratch, scratchBytes: fields.numbers.scratchBytes };
    this.scratch = i32(f);
    this.scratch.set(ownScratch(f, target, this.argumentBlock, at));
    [this.first, this.count, this.tile, this.example, this.tileRow, this.tileColumn] = Array.from(
      { length: 6 },
      () => i32(f),
    );
  }

  field(name: ReturnType<typeof names>[number]): I32 {
    return this.argumentBlock.load(this.fields.numbers[name]);
  }

  inScratch(name: ReturnType<typeof names>[number]): I32 {
    return this.scratch.add(this.field(name));
  }

  emit(): FunctionBuilder {
    const { f, begin, end, first, count } = this;
    this.#tables();
    const finite = i32(f);
    f.while(begin.ltS(end), () => {
      first.set(begin.mul(this.field('unit')));
      count.set(this.field('unit').minS(this.field('tiles').sub(first)));
      this.#findTiles();
      this.#gather();
      this.#multiply();
      finite.set(1);
      this.#scatter(finite);
      finite.isZero().if(() => this.#define());
      this.#finish();
      begin.increase(1);
    });
    return f;
  }

  /** Offsets of the filters for each operand of the epilogue; there is one column, at 0. */
  #tables(): void {
    const { scratch, fields } = this;
    const at = i32(this.f);
    at.set(this.inScratch('tables'));
    scratch.store(0, parts.zero);
    fields.steps.forEach(([filter], index) => {
      const words = parts.operands + operandWords.bytes * index;
      scratch.store(at, words + operandWords.rows);
      scratch.store(scratch.add(parts.zero), words + operandWords.columns);
      each(this.f, this.field('outputs'), (i) => {
        at.store(i.mul(this.argumentBlock.load(filter)));
        at.increase(4);
      });
    });
  }

  /** Where the first tile of the unit stands. */
  #startTiles(): void {
    const { tile, example, tileRow, tileColumn, first } = this;
    const perExample = this.field('perExample');
    tile.set(first);
    example.set(first.divU(perExample));
    tileColumn.set(first.remU(perExample));
    tileRow.set(tileColumn.divU(this.field('tileColumns')));
    tileColumn.set(tileColumn.remU(this.field('tileColumns')));
  }

  /** `by` tiles on, all in the same row; at its end, on to the next. */
  #nextTile(by: I32 | number, atNewRow: () => void): void {
    const { tile, example, tileRow, tileColumn } = this;
    tile.increase(by);
    tileColumn
      .tee(tileColumn.add(by))
      .eq(this.field('tileColumns'))
      .if(() => {
        tileColumn.set(0);
        atNewRow();
        tileRow
          .tee(tileRow.add(1))
          .eq(this.field('tileRows'))
          .if(() => {
            tileRow.set(0);
            example.increase(1);
          });
      });
  }

  /** Addresses, places and masks of the unit's tiles. What fills up the last strip repeats the last tile. */
  #findTiles(): void {
    const { f, example, tileRow, tileColumn, size, tile, first, count } = this;
    const pixel = i32(f);
    const rows = i32(f);
    const columns = i32(f);
    const masks = i32(f);
    const inner = size + this.taps - 1;
    this.#startTiles();
    pixel.set(tileColumn.mul(this.field('even')).mul(size));
    each(this.f, this.field('unit'), (i) => {
      const at = i.mul(4);
      this.inScratch('addresses')
        .add(at)
        .store(
          this.argumentBlock
            .load(this.fields.image)
            .add(example.mul(this.field('exampleStep')))
            .add(tileRow.mul(this.field('rowStep')).mul(size))
            .add(tileColumn.mul(4 * size)),
        );
      this.inScratch('places')
        .add(at)
        .store(
          this.inScratch('v')
            .add(pixel.shrU(2).mul(this.field('sumStrip')))
            .add(pixel.and(3).mul(4)),
        );
      const last = (at: I32, name: 'tileRows' | 'tileColumns', left: 'rowsLast' | 'columnsLast') =>
        at
          .add(1)
          .eq(this.field(name))
          .select(this.field(left).add(this.taps - 1), inner);
      rows.set(last(tileRow, 'tileRows', 'rowsLast'));
      columns.set(last(tileColumn, 'tileColumns', 'columnsLast'));
      const flag = this.inScratch('flags').add(i.shrU(2).mul(4));
      i.and(3)
        .isZero()
        .if(() => flag.store(0));
      rows
        .add(columns)
        .ne(2 * inner)
        .if(() => flag.store(1));
      masks.set(this.inScratch('masks').add(i.shrU(2).mul(edge.bytes)).add(i.and(3).mul(4)));
      each(this.f, points, (k) => {
        masks.store(k.ltS(columns).select(-1, 0), edge.columns);
        masks.store(k.ltS(rows).select(-1, 0), edge.rows);
        masks.store(k.minS(rows.sub(1)).mul(this.field('rowStep')), edge.offsets);
        masks.increase(16);
      });
      tile
        .sub(first)
        .add(1)
        .ltS(count)
        .if(() => {
          pixel.increase(size);
          this.#nextTile(1, () => pixel.set(pixel.add(3).and(-4).add(this.field('rowAhead'))));
        });
    });
  }

  /** Each group of four tiles: `body` is given its number, and where its first vector stands in strips of `rows` rows. */
  #eachGroup(rows: 'channels' | 'outputs', body: (group: I32Variable, offset: I32) => void): void {
    const { stripRow } = this.arithmetic;
    const groups = stripRow / 16;
    each(this.f, this.count.ceilDiv(4), (group) => {
      const strip = group.divU(groups).mul(this.field(rows)).mul(stripRow);
      body(group, strip.add(group.remU(groups).mul(16)));
    });
  }

  #gather(): void {
    const { f, target, scratch } = this;
    const { module, relaxedSimd } = target;
    const pointers = Array.from({ length: 4 }, () => i32(f));
    const to = i32(f);
    const masks = i32(f);
    const flag = i32(f);
    const whole = gatherFunction(module, relaxedSimd, points, false);
    const edges = gatherFunction(module, relaxedSimd, points, true);
    this.#eachGroup('channels', (group, offset) => {
      to.set(this.inScratch('v').add(offset));
      masks.set(this.inScratch('masks').add(group.mul(edge.bytes)));
      flag.set(this.inScratch('flags').add(group.mul(4)).load());
      pointers.forEach((pointer, t) =>
        pointer.set(
          this.inScratch('addresses')
            .add(group.mul(16))
            .load(4 * t),
        ),
      );
      each(this.f, this.field('channels'), () => {
        const between = scratch.add(parts.between);
        const operands = [...pointers, this.field('rowStep'), between, to, this.field('vStep'), masks];
        flag.if(
          () => perform(f, edges, ...operands),
          () => perform(f, whole, ...operands),
        );
        for (const pointer of pointers) pointer.increase(this.field('channelStep'));
        to.increase(this.arithmetic.stripRow);
      });
    });
  }

  #multiply(): void {
    const { f, arithmetic, count } = this;
    const { stripRow } = arithmetic;
    const tiles = tilesFunction(this.target.module, arithmetic, 'panels');
    const a = i32(f);
    const b = i32(f);
    const c = i32(f);
    const vBlock = i32(f);
    const mBlock = i32(f);
    a.set(this.argumentBlock.load(this.fields.filters));
    vBlock.set(this.inScratch('v'));
    mBlock.set(this.inScratch('m'));
    each(this.f, products, () => {
      b.set(vBlock);
      c.set(mBlock);
      each(this.f, count.ceilDiv(stripRow / 4), () => {
        perform(
          f,
          tiles,
          ...[a, 0, 0, b, stripRow, this.field('channels'), c, this.field('state')],
          ...[this.field('panels'), this.field('panelHeight'), this.field('higher')],
        );
        b.increase(this.field('channels').mul(stripRow));
        c.increase(this.field('outputs').mul(stripRow));
      });
      a.increase(this.field('filterStep'));
      vBlock.increase(this.field('vStep'));
      mBlock.increase(this.field('mStep'));
    });
  }

  #scatter(finite: I32Variable): void {
    const { f, target, scratch } = this;
    const scatter = scatterFunction(target.module, target.relaxedSimd, this.size);
    const from = i32(f);
    const column = i32(f);
    this.#eachGroup('outputs', (group, offset) => {
      from.set(this.inScratch('m').add(offset));
      column.set(0);
      each(this.f, this.field('outputs'), () => {
        const places = this.inScratch('places').add(group.mul(16));
        finite.set(
          call(
            f,
            scatter,
            from,
            this.field('mStep'),
            scratch.add(parts.between),
            places,
            column,
            this.field('lineStep'),
          ).and(finite),
        );
        from.increase(this.arithmetic.stripRow);
        column.increase(sumRow);
      });
    });
  }

  /** The outputs by their definition. */
  #define(): void {
    const { f, target, size, tileRow } = this;
    const direct = directFunction(target.module, target.relaxedSimd, this.taps);
    this.#startTiles();
    each(this.f, this.count, (i) => {
      const at = i.mul(4);
      each(this.f, this.field('outputs'), (output) => {
        perform(
          f,
          direct,
          this.inScratch('addresses').add(at).load(),
          this.field('rowStep'),
          this.field('channelStep'),
          this.argumentBlock.load(this.fields.weight).add(output.mul(this.field('filter'))),
          this.field('channel'),
          this.field('row'),
          this.field('column'),
          this.field('channels'),
          this.inScratch('places').add(at).load().add(output.mul(sumRow)),
          this.field('lineStep'),
          this.field('height').sub(tileRow.mul(size)).minS(size),
        );
      });
      this.#nextTile(1, () => undefined);
    });
  }

  /** Hands the outputs to the epilogue, in runs as long as memory allows. */
  #finish(): void {
    const { f, fields, scratch, argumentBlock, size, first, count, tile, example, tileRow, tileColumn } =
      this;
    const run = i32(f);
    const left = i32(f);
    const sums = i32(f);
    const columns = i32(f);
    const addresses = fields.others.map(() => i32(f));
    this.#startTiles();
    f.while(tile.sub(first).ltS(count), () => {
      const done = tile.sub(first);
      sums.set(this.inScratch('places').add(done.mul(4)).load());
      fields.steps.forEach(([, ofExample, ofRow, ofColumn], index) => {
        addresses[index].set(
          argumentBlock
            .load(fields.others[index])
            .add(example.mul(argumentBlock.load(ofExample)))
            .add(tileRow.mul(argumentBlock.load(ofRow)).mul(size))
            .add(tileColumn.mul(argumentBlock.load(ofColumn)).mul(size)),
        );
      });
      const lines = this.field('height').sub(tileRow.mul(size));
      run.set(0);
      this.field('even')
        .and(tileColumn.isZero())
        .if(() => run.set(count.sub(done).divU(this.field('tileColumns'))));
      run.if(
        () => {
          // Whole rows of tiles: one long run of outputs.
          run.set(run.minS(this.field('tileRows').sub(tileRow)));
          columns.set(run.mul(size).minS(lines).mul(this.field('width')));
          left.set(1);
          run.increase(-1);
          tile.increase(run.mul(this.field('tileColumns')));
          tileRow.increase(run);
          run.set(this.field('tileColumns'));
        },
        () => {
          run.set(this.field('tileColumns').sub(tileColumn).minS(count.sub(done)));
          columns.set(run.mul(size).minS(this.field('width').sub(tileColumn.mul(size))));
          left.set(lines.minS(size));
        },
      );
      f.loop((nextLine) => {
        addresses.forEach((address, index) => {
          scratch.store(address, parts.operands + operandWords.bytes * index + operandWords.address);
          address.increase(argumentBlock.load(fields.steps[index][2]));
        });
        perform(f, this.epilogue, argumentBlock, scratch, sums, this.field('outputs'), 0, columns);
        sums.increase(this.field('lineStep'));
        left.countDown(nextLine);
      });
      this.#nextTile(run, () => undefined);
    });
  }
}
