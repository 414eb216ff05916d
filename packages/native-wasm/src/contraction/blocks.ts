/**
 * The kernel of a contraction: loops over units, blocks of k and blocks of rows.
 *
 * After K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008).
 *
 * Sums over all k of a few rows, or of a strip, are finished while they are in the cache. Only where k does not fit one
 * block do the sums of a whole block wait in working memory, and beside them their totals where there are many (`totals.ts`).
 */

import type { Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { I32, perform } from '../assembler/values.ts';
import type { ContractFields } from './argumentBlock.ts';
import { ContractCode } from './contractCode.ts';
import { type Arithmetic, maxTileRows } from './elements.ts';
import { operandWords } from './epilogue.ts';
import { emitChoice, emitStripLists } from './lists.ts';
import { tileState } from './microKernel.ts';
import { emitStrips } from './strips.ts';
import { blocksOfTotal } from './totals.ts';

/** Builds the kernel of a contraction. */
export function emitContract(target: Target, arithmetic: Arithmetic, fields: ContractFields): Callable {
  const code = new ContractCode(target, arithmetic, fields);
  const { f, begin, end } = code;
  const { scratch, k, kCount, last, m, mEnd, superEnd } = code.variables;
  scratch.set(
    code.field(fields.scratch).add(threadNumber(code, target).mul(code.field(fields.scratchBytes))),
  );
  f.while(begin.ltS(end), () => {
    takeUnits(code);
    findOperands(code);
    f.loop((nextSuper) => {
      superEnd.set(code.minimum(mEnd, m.add(code.field(fields.mSuper))));
      k.set(0);
      f.loop((nextK) => {
        startBlockOfK(code);
        code
          .field(fields.makesPanels)
          .isZero()
          .if(() => emitRows(code));
        k.increase(kCount);
        last.isZero().branchIf(nextK);
      });
      m.tee(superEnd).ltS(mEnd).branchIf(nextSuper);
    });
  });
  return f;
}

/** The number of the calling thread. */
function threadNumber({ f }: ContractCode, target: Target): I32 {
  return new I32(f, () => f.globalGet(target.thread));
}

/** Takes the units from here on that share batch and columns, rows first. */
function takeUnits(code: ContractCode): void {
  const { fields, begin, end } = code;
  const { unit, batch, count, m, mEnd, n, columns } = code.variables;
  const mUnits = code.field(fields.mUnits);
  const mUnit = code.field(fields.mUnit);
  const nUnits = code.field(fields.nUnits);
  const nUnit = code.field(fields.nUnit);
  unit.set(begin.remU(mUnits));
  batch.set(begin.divU(mUnits));
  begin.set(count.tee(code.minimum(end.sub(begin), mUnits.sub(unit))).add(begin));
  m.set(unit.mul(mUnit));
  mEnd.set(code.minimum(code.field(fields.m), unit.add(count).mul(mUnit)));
  n.set(batch.remU(nUnits).mul(nUnit));
  batch.set(batch.divU(nUnits));
  columns.set(code.minimum(nUnit, code.field(fields.n).sub(n)));
}

/** Addresses of the operands in this batch, and offsets of these columns. */
function findOperands(code: ContractCode): void {
  const { fields, parts } = code;
  const { a, b, bColumns, finiteA, n, columns, scratch } = code.variables;
  a.set(code.batchAddress(fields.a, fields.aBatch));
  finiteA.set(0);
  b.set(code.batchAddress(fields.b, fields.bBatch));
  // Only panels that were made before are read without.
  const given = code.field(fields.given).isZero().or(code.field(fields.makesPanels)).select(columns, 1);
  bColumns.set(code.offsets(fields.bColumns, n, given, parts.bColumns));
  fields.otherGroups.forEach((groups, index) => {
    const address = code.batchAddress(fields.others[index], groups.batch);
    scratch.store(address, code.operandWord(index, operandWords.address));
    // Whole rows are found by the first.
    const count = fields.epilogue.mode === 'rows' ? 1 : columns;
    const offsets = code.offsets(groups.columns, n, count, parts.otherColumns[index]);
    scratch.store(offsets, code.operandWord(index, operandWords.columns));
  });
}

/** The next block of k: its offsets, panels and lists of B. */
function startBlockOfK(code: ContractCode): void {
  const { fields, parts, arithmetic, strip } = code;
  const { k, kCount, last, aColumns, bRows, bPanels, from, n, columns, block, state } = code.variables;
  const kAll = code.field(fields.k);
  const kBlock = code.field(fields.kBlock);
  last.set(
    kCount
      .tee(code.minimum(kBlock, kAll.sub(k)))
      .add(k)
      .geS(kAll),
  );
  aColumns.set(code.offsets(fields.aColumns, k, kCount, parts.aColumns));
  bRows.set(code.offsets(fields.bRows, k, kCount, parts.bRows));
  block.set(k.divU(kBlock));
  from.set(code.field(fields.packB).select(0, columns.and(-strip)));
  const given = code.field(fields.given);
  const place = n.mul(code.field(fields.givenRows)).add(k.add(block).mul(code.field(fields.nUnit)));
  bPanels.set(
    given.ifElse(
      () => given.add(place.mul(arithmetic.size)),
      () => code.inScratch(fields.bPanels),
    ),
  );
  from
    .ltS(columns)
    .and(given.isZero().or(code.field(fields.makesPanels)))
    .if(() => packB(code));
  // What went to totals is not added to once more.
  const resumes = (fields.hasTotals ? block.and(blocksOfTotal - 1) : block).ne(0);
  state.set(resumes.or(code.field(fields.chain).shl(tileState.chain)));
  if (code.zeros) emitStripLists(code);
}

/** Copies the columns of B that are not read in place into panels. */
function packB(code: ContractCode): void {
  const { f, fields, pack, strip } = code;
  const { x, y, b, bColumns, bPanels, from, bRows, kCount, columns } = code.variables;
  const panels = x.tee(bPanels);
  const count = y.tee(columns.sub(from)).ceilDiv(strip);
  const kStep = code.field(fields.bPackStep);
  perform(f, pack, panels, b, bColumns.add(from.mul(4)), bRows, kCount, count, strip, 0, kStep);
  clearEdge(code);
}

/**
 * Lanes beyond the last column hold whatever lies there, in the last k perhaps something that is no number of this
 * matrix. It reaches no result, but a subnormal there would cost a hundred cycles a tile: zeros instead. The first panel
 * is at `x`, and `y` columns are in panels.
 */
function clearEdge(code: ContractCode): void {
  const { f, strip } = code;
  const { size } = code.arithmetic;
  const { x, y, columns, from, kCount } = code.variables;
  y.tee(y.and(strip - 1)).if(() => {
    // The last row of the last panel: panels are one row apart.
    const panel = columns.sub(from).sub(y).mul(kCount.add(1));
    x.set(panel.add(kCount.mul(strip)).sub(strip).mul(size).add(x));
    f.loop((again) => {
      const address = x.add(y.mul(size));
      if (size === 4) address.store(0);
      else {
        address.write();
        f.i64(0).memory(w.i64_store);
      }
      y.tee(y.add(1)).ltS(strip).branchIf(again);
    });
  });
}

/** Goes through the rows of these units, block after block. */
function emitRows(code: ContractCode): void {
  const { f, fields } = code;
  const { i, m, rows, superEnd } = code.variables;
  i.set(m);
  f.loop((nextRows) => {
    startRows(code);
    if (fields.aLayout === 'panels') packA(code);
    if (code.zeros) emitChoice(code);
    emitStrips(code);
    i.tee(i.add(rows)).ltS(superEnd).branchIf(nextRows);
  });
}

/** The next block of rows: its height and offsets. */
function startRows(code: ContractCode): void {
  const { fields, parts, arithmetic } = code;
  const { i, rows, superEnd, aTiles, aRows, last, scratch } = code.variables;
  const mRun = code.field(fields.mRun);
  let height = code.minimum(code.field(fields.mBlock), superEnd.sub(i));
  if (fields.epilogue.mode === 'columns') height = code.minimum(height, mRun.sub(i.remU(mRun)));
  aTiles.set(rows.tee(height).ceilDiv(maxTileRows(arithmetic, fields.aLayout)));
  aRows.set(code.offsets(fields.aRows, i, rows, parts.aRows));
  last.if(() => {
    fields.otherGroups.forEach((groups, index) => {
      const offsets = code.offsets(groups.rows, i, rows, parts.otherRows[index]);
      scratch.store(offsets, code.operandWord(index, operandWords.rows));
    });
  });
}

/** Copies these rows of A into panels. */
function packA(code: ContractCode): void {
  const { f, fields, pack } = code;
  const { a, aRows, aColumns, kCount } = code.variables;
  const panels = code.inScratch(fields.aPanels);
  const kStep = code.field(fields.aPackStep);
  perform(f, pack, panels, a, aRows, aColumns, kCount, ...code.tileCounts(), kStep);
  aRows.set(panels);
}
