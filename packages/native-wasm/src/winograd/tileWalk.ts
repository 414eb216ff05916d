/** Where tiles stand: row after row, example after example. */
import type { I32, I32Variable, Int } from '../assembler/values.ts';

/** Where the argument block holds how many tiles there are, and outputs in the last row and column of them. */
interface WalkFields {
  readonly perExample: number;
  readonly tileColumns: number;
  readonly tileRows: number;
  readonly rowsLast: number;
  readonly columnsLast: number;
}

/** The tile at hand. */
interface Place {
  readonly example: I32Variable;
  readonly tileRow: I32Variable;
  readonly tileColumn: I32Variable;
}

export class TileWalk {
  readonly #argumentBlock: I32;
  readonly #fields: WalkFields;
  readonly #place: Place;

  constructor(argumentBlock: I32, fields: WalkFields, place: Place) {
    this.#argumentBlock = argumentBlock;
    this.#fields = fields;
    this.#place = place;
  }

  /** Goes to the tile with that number. */
  seek(tile: I32): void {
    const { example, tileRow, tileColumn } = this.#place;
    const perExample = this.#field('perExample');
    const columns = this.#field('tileColumns');
    example.set(tile.divU(perExample));
    tileColumn.set(tile.remU(perExample));
    tileRow.set(tileColumn.divU(columns));
    tileColumn.set(tileColumn.remU(columns));
  }

  /** `by` tiles on, all in the same row; at its end, on to the next. */
  next(by: Int, atNewRow?: () => void): void {
    const { example, tileRow, tileColumn } = this.#place;
    tileColumn
      .tee(tileColumn.add(by))
      .eq(this.#field('tileColumns'))
      .if(() => {
        tileColumn.set(0);
        atNewRow?.();
        tileRow
          .tee(tileRow.add(1))
          .eq(this.#field('tileRows'))
          .if(() => {
            tileRow.set(0);
            example.increase(1);
          });
      });
  }

  /** The first element of the tile at hand in its first channel; `base`: where the argument block holds the address of the images. */
  address(
    base: number,
    steps: { readonly exampleStep: number; readonly rowStep: number },
    size: number,
  ): I32 {
    const { example, tileRow, tileColumn } = this.#place;
    const block = this.#argumentBlock;
    return block
      .load(base)
      .add(example.mul(block.load(steps.exampleStep)))
      .add(tileRow.mul(block.load(steps.rowStep)).mul(size))
      .add(tileColumn.mul(4 * size));
  }

  /** How many rows and columns of its inputs there are, for `size` outputs each way: fewer at an edge. */
  extent(rows: I32Variable, columns: I32Variable, size: number, taps: number): void {
    const { tileRow, tileColumn } = this.#place;
    const inner = size + taps - 1;
    const valid = (at: I32, of: keyof WalkFields, last: keyof WalkFields) =>
      at
        .add(1)
        .eq(this.#field(of))
        .select(this.#field(last).add(taps - 1), inner);
    rows.set(valid(tileRow, 'tileRows', 'rowsLast'));
    columns.set(valid(tileColumn, 'tileColumns', 'columnsLast'));
  }

  #field(name: keyof WalkFields): I32 {
    return this.#argumentBlock.load(this.#fields[name]);
  }
}
