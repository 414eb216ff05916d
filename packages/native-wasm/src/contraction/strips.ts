/** The strips of a block of rows: multiplied, added to totals, handed to the epilogue. */
import type { Callable } from '../assembler/functionBuilder.ts';
import { type I32, type Int, perform } from '../assembler/values.ts';
import type { ContractCode } from './contractCode.ts';
import { blocksOfTotal, totalFunction, totalRow } from './totals.ts';
import { listHeader } from './zeroList.ts';

/** Goes through all strips of the current rows and k. */
export function emitStrips(code: ContractCode): void {
  const { f, module, arithmetic, fields, strip, zeros } = code;
  const { c, i, m, j, columns, stripList, list, last, rows, totals, block } = code.variables;
  /** Where the sums of the current rows begin. */
  const sums = code.inScratch(fields.sums).add(i.sub(m).mul(code.field(fields.sumRow)));
  c.set(sums);
  if (fields.hasTotals) findTotals(code);
  j.set(0);
  if (zeros) stripList.set(code.inScratch(fields.stripLists));
  const whole = () => multiply(code, code.variables.aColumns, code.stripStep(), code.tiles);
  f.loop((nextStrip) => {
    if (!zeros) whole();
    else {
      findList(code);
      list.if(() => multiply(code, list, listStep(code), code.listedTiles), whole);
      stripList.increase(code.field(fields.listBytes));
    }
    if (fields.hasTotals) {
      totals.if(() => {
        const first = block.ltU(blocksOfTotal);
        perform(f, totalFunction(module, arithmetic), c, totals, rows, first, last);
        totals.increase(code.field(fields.totalStrip));
      });
    }
    if (fields.epilogue.mode !== 'rows') finish(code, j, code.minimum(columns.sub(j), strip));
    c.increase(code.field(fields.sumStrip));
    j.tee(j.add(strip)).ltS(columns).branchIf(nextStrip);
  });
  if (fields.epilogue.mode === 'rows') {
    c.set(sums);
    finish(code, 0, columns);
  }
}

/** Multiplies one strip. `kTable` is that of the columns of A, or a list; `step` goes from row to row of B, or from list to list. */
function multiply(code: ContractCode, kTable: I32, step: I32, tiles: Callable): void {
  const { fields } = code;
  const { aRows, a, kCount, c, state, rows, i } = code.variables;
  const run = code.field(fields.aRun);
  const counts = fields.aLayout === 'runs' ? [rows, i.remU(run), run] : code.tileCounts();
  perform(code.f, tiles, aRows, a, kTable, code.stripAddress(), step, kCount, c, state, ...counts);
}

/** Hands `length` columns from `column` on to the epilogue, once all k are summed. */
function finish(code: ContractCode, column: Int, length: I32): void {
  const { last, scratch, c, rows } = code.variables;
  last.if(() => perform(code.f, code.epilogue, code.argumentBlock, scratch, c, rows, column, length));
}

/** Finds the totals of the first strip, if sums go there after this block. */
function findTotals(code: ContractCode): void {
  const { fields, arithmetic } = code;
  const { totals, block, last, i, m } = code.variables;
  totals.set(0);
  code.field(fields.totals).if(() => {
    const full = block
      .add(1)
      .and(blocksOfTotal - 1)
      .isZero();
    full.or(last).if(() => {
      totals.set(code.inScratch(fields.totals).add(i.sub(m).mul(totalRow(arithmetic))));
    });
  });
}

/** Finds the list to go through for the current strip: 0 for all k. */
function findList(code: ContractCode): void {
  const { fields } = code;
  const { list, listing, stripList } = code.variables;
  list.set(0);
  listing.if(() => {
    listing.eq(fields.tileLists).if(
      () => list.set(code.inScratch(fields.tileLists)),
      () => stripList.load(listHeader.used).if(() => list.set(stripList)),
    );
  });
}

/** Bytes from one tile's list to the next: all tiles of a strip have the same. */
function listStep(code: ContractCode): I32 {
  const { fields } = code;
  return code.variables.listing.eq(fields.tileLists).select(code.field(fields.listBytes), 0);
}
