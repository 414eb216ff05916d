/**
 * The kernel of a contraction: loops over units, blocks of k, blocks of rows and strips of columns, after K. Goto and
 * R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008).
 *
 * Sums over all k of a few rows, or of a strip, are finished while they are in the cache. Only where k does not fit one
 * block do the sums of a whole block wait in working memory, and beside them their totals where there are many (`totals.ts`).
 */
import { kernelParameters, type Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type ContractFields, scratchParts } from './argumentBlock.ts';
import { type Arithmetic, maxTileRows, zerosOf } from './elements.ts';
import { emitEpilogue, operandWords } from './epilogue.ts';
import { runsFunction, tileState, tilesFunction } from './microKernel.ts';
import { packFunction, tableFunction } from './panels.ts';
import { blocksOfTotal, hasTotals, totalFunction, totalRow } from './totals.ts';
import { listHeader } from './zeroList.ts';
import {
  finiteFunction,
  finiteStripsFunction,
  finiteTilesFunction,
  listStripsFunction,
  listTilesFunction,
} from './zeros.ts';

const int = w.i32;
const load = w.i32_load;

/** Builds the kernel of a contraction. */
export function emitContract(target: Target, arithmetic: Arithmetic, fields: ContractFields): Callable {
  const { module } = target;
  const { size, stripRow } = arithmetic;
  const tileRows = maxTileRows(arithmetic, fields.aLayout);
  const strip = stripRow / size;
  const parts = scratchParts(fields.others.length);
  const table = tableFunction(module);
  const pack = packFunction(module, arithmetic);
  const byRuns = fields.aLayout === 'runs';
  const tilesOf = (listed: boolean) =>
    byRuns
      ? runsFunction(module, arithmetic, listed)
      : tilesFunction(module, arithmetic, fields.aLayout, listed);
  const tiles = tilesOf(false);
  const { aLayout } = fields;
  /** Whether zeros may be looked for: in B, and in A but where rows are read in place in runs. */
  const zeros = zerosOf(arithmetic);
  const listedTiles = zeros ? tilesOf(true) : tiles;
  const epilogue = emitEpilogue(target, fields.epilogue, arithmetic, parts.operands, fields.sumStrip);
  const f = module.function(null, kernelParameters, []);
  const [argumentBlock, begin, end] = [0, 1, 2] as const;
  const local = () => f.local(int);
  const field = (at: number) => f.load(load, argumentBlock, at);
  const groupAt = (at: number) => f.get(argumentBlock).load(load, argumentBlock, at).op(w.i32_add);
  const x = local();
  const y = local();
  /** The smaller of the two values on the stack. */
  const minimum = () => f.set(y).tee(x).get(y).get(x).get(y).op(w.i32_lt_s).op(w.select);

  const scratch = local();
  const batch = local();
  const unit = local();
  const count = local();
  const m = local();
  const mEnd = local();
  const n = local();
  const columns = local();
  const a = local();
  const b = local();
  const bColumns = local();
  const superEnd = local();
  const k = local();
  const kCount = local();
  const aColumns = local();
  const bRows = local();
  const last = local();
  const i = local();
  const rows = local();
  const aRows = local();
  const aTiles = local();
  const j = local();
  const c = local();
  /** The first column that is read from panels. */
  const from = local();
  /** Strips of B that have lists worth using. */
  const stripsListed = local();
  /** Whether A, and the block of B, are finite: 0 when nobody has looked yet, else 1, or 2 for no. */
  const finiteA = local();
  const finiteB = local();
  /** Which lists the current rows use: 0 none, else those of tiles or those of strips. */
  const listing = local();
  /** The list of the current strip, and the one in use. */
  const stripList = local();
  const list = local();
  /** Flags for the tiles. */
  const state = local();
  /** How many blocks of k came before this one. */
  const block = local();
  /** Totals of the current strip; 0 after blocks whose sums go on. */
  const totals = local();

  const operand = (index: number) => parts.operands + operandWords.bytes * index;
  /** Pushes the address of `count` offsets of a group from `start` on. */
  const tableOf = (group: number, start: () => void, length: () => void, destination: number) => {
    groupAt(group);
    start();
    length();
    f.get(scratch).i32(destination).op(w.i32_add).call(table);
  };
  /** Pushes the address of an operand in the current batch. */
  const batchAddress = (address: number, group: number) => {
    field(address);
    tableOf(group, () => f.get(batch), () => f.i32(1), 128); // biome-ignore format: one thing
    f.memory(load).op(w.i32_add);
  };
  /** Pushes how rows share in tiles: their number, the height of most, how many are higher by one. */
  const pushTiles = () => {
    f.get(aTiles).get(rows).get(aTiles).op(w.i32_div_u).get(rows).get(aTiles).op(w.i32_rem_u);
  };

  field(fields.scratch).globalGet(target.thread);
  field(fields.scratchBytes).op(w.i32_mul).op(w.i32_add).set(scratch);
  f.while(
    () => f.get(begin).get(end).op(w.i32_lt_s),
    () => {
      // The units from here on that share batch and columns, rows first.
      f.get(begin);
      field(fields.mUnits).op(w.i32_rem_u).set(unit);
      f.get(begin);
      field(fields.mUnits).op(w.i32_div_u).set(batch);
      f.get(end).get(begin).op(w.i32_sub);
      field(fields.mUnits).get(unit).op(w.i32_sub);
      minimum();
      f.tee(count).get(begin).op(w.i32_add).set(begin);
      f.get(unit);
      field(fields.mUnit).op(w.i32_mul).set(m);
      field(fields.m);
      f.get(unit).get(count).op(w.i32_add);
      field(fields.mUnit).op(w.i32_mul);
      minimum();
      f.set(mEnd);
      f.get(batch);
      field(fields.nUnits).op(w.i32_rem_u);
      field(fields.nUnit).op(w.i32_mul).set(n);
      f.get(batch);
      field(fields.nUnits).op(w.i32_div_u).set(batch);
      field(fields.nUnit);
      field(fields.n).get(n).op(w.i32_sub);
      minimum();
      f.set(columns);

      batchAddress(fields.a, fields.aBatch);
      f.set(a).i32(0).set(finiteA);
      batchAddress(fields.b, fields.bBatch);
      f.set(b);
      tableOf(fields.bColumns, () => f.get(n), () => f.get(columns), parts.bColumns); // biome-ignore format: one thing
      f.set(bColumns);
      fields.otherGroups.forEach((groups, index) => {
        f.get(scratch);
        batchAddress(fields.others[index], groups.batch);
        f.memory(w.i32_store, operand(index));
        f.get(scratch);
        tableOf(groups.columns, () => f.get(n), () => f.get(columns), parts.otherColumns[index]); // biome-ignore format: one thing
        f.memory(w.i32_store, operand(index) + operandWords.columns);
      });
      f.loop((nextSuper) => {
        f.get(mEnd).get(m);
        field(fields.mSuper).op(w.i32_add);
        minimum();
        f.set(superEnd);
        f.i32(0).set(k);
        f.loop((nextK) => {
          emitBlockOfK();
          f.get(k).get(kCount).op(w.i32_add).set(k);
          f.get(last).op(w.i32_eqz).branchIf(nextK);
        });
        f.get(superEnd).tee(m).get(mEnd).op(w.i32_lt_s).branchIf(nextSuper);
      });
    },
  );
  return f;

  function emitBlockOfK(): void {
    field(fields.kBlock);
    field(fields.k).get(k).op(w.i32_sub);
    minimum();
    f.tee(kCount).get(k).op(w.i32_add);
    field(fields.k).op(w.i32_ge_s).set(last);
    tableOf(fields.aColumns, () => f.get(k), () => f.get(kCount), parts.aColumns); // biome-ignore format: one thing
    f.set(aColumns);
    tableOf(fields.bRows, () => f.get(k), () => f.get(kCount), parts.bRows); // biome-ignore format: one thing
    f.set(bRows);
    f.i32(0).get(columns).i32(-strip).op(w.i32_and);
    field(fields.packB).op(w.select).tee(from).get(columns).op(w.i32_lt_s);
    f.if(() => {
      f.get(scratch);
      field(fields.bPanels).op(w.i32_add).tee(x);
      f.get(b).get(bColumns).get(from).i32(4).op(w.i32_mul).op(w.i32_add).get(bRows).get(kCount);
      f.get(columns).get(from).op(w.i32_sub).tee(y);
      f.i32(strip - 1);
      f.op(w.i32_add).i32(strip).op(w.i32_div_u).i32(strip).i32(0);
      field(fields.bPackStep).call(pack);
      emitClearEdge();
    });
    f.get(k);
    field(fields.kBlock).op(w.i32_div_u).tee(block);
    // What went to totals is not added to once more.
    if (hasTotals(arithmetic)) f.i32(blocksOfTotal - 1).op(w.i32_and);
    f.i32(0).op(w.i32_ne);
    field(fields.chain).i32(tileState.chain).op(w.i32_shl).op(w.i32_or).set(state);
    if (zeros) emitStripLists();
    f.get(m).set(i);
    f.loop((nextRows) => {
      field(fields.mBlock);
      f.get(superEnd).get(i).op(w.i32_sub);
      minimum();
      if (fields.epilogue.mode === 'columns') {
        field(fields.mRun).get(i);
        field(fields.mRun).op(w.i32_rem_u).op(w.i32_sub);
        minimum();
      }
      f.tee(rows).i32(tileRows - 1);
      f.op(w.i32_add).i32(tileRows).op(w.i32_div_u).set(aTiles);
      tableOf(fields.aRows, () => f.get(i), () => f.get(rows), parts.aRows); // biome-ignore format: one thing
      f.set(aRows);
      f.get(last).if(() => {
        fields.otherGroups.forEach((groups, index) => {
          f.get(scratch);
          tableOf(groups.rows, () => f.get(i), () => f.get(rows), parts.otherRows[index]); // biome-ignore format: one thing
          f.memory(w.i32_store, operand(index) + operandWords.rows);
        });
      });
      if (fields.aLayout === 'panels') {
        f.get(scratch);
        field(fields.aPanels).op(w.i32_add);
        f.get(a).get(aRows).get(aColumns).get(kCount);
        pushTiles();
        field(fields.aPackStep).call(pack);
        f.get(scratch);
        field(fields.aPanels).op(w.i32_add).set(aRows);
      }
      if (zeros) emitChoice();
      emitStrips();
      f.get(i).get(rows).op(w.i32_add).tee(i).get(superEnd).op(w.i32_lt_s).branchIf(nextRows);
    });
  }

  /**
   * Lanes beyond the last column hold whatever lies there, in the last k perhaps something that is no number of this
   * matrix. It reaches no result, but a subnormal there would cost a hundred cycles a tile: zeros instead.
   */
  function emitClearEdge(): void {
    f.get(y);
    f.i32(strip - 1)
      .op(w.i32_and)
      .tee(y);
    f.if(() => {
      // The last row of the last panel, the start of which is at `x`: panels are one row apart.
      f.get(columns).get(from).op(w.i32_sub).get(y).op(w.i32_sub);
      f.get(kCount).i32(1).op(w.i32_add).op(w.i32_mul);
      f.get(kCount).i32(strip).op(w.i32_mul).op(w.i32_add).i32(strip).op(w.i32_sub);
      f.i32(size).op(w.i32_mul).get(x).op(w.i32_add).set(x);
      f.loop((again) => {
        f.get(x).get(y).i32(size).op(w.i32_mul).op(w.i32_add);
        if (size === 4) f.i32(0).memory(w.i32_store);
        else f.i64(0).memory(w.i64_store);
        f.get(y).i32(1).op(w.i32_add).tee(y).i32(strip).op(w.i32_lt_s).branchIf(again);
      });
    });
  }

  /** Pushes the address of the strip at column `j`. */
  function pushStrip(): void {
    f.get(j).get(from).op(w.i32_ge_s);
    f.if(
      () => {
        f.get(scratch);
        field(fields.bPanels).op(w.i32_add).get(j).get(from).op(w.i32_sub);
        f.get(kCount).i32(1).op(w.i32_add).op(w.i32_mul).i32(size).op(w.i32_mul).op(w.i32_add);
      },
      () => {
        f.get(b).get(bColumns).get(j).i32(4).op(w.i32_mul).op(w.i32_add).memory(load).op(w.i32_add);
        f.get(bRows).memory(load).op(w.i32_add);
      },
      int,
    );
  }

  /** Pushes the bytes from one row of the strip at column `j` to the next. */
  function pushStripStep(): void {
    f.i32(stripRow);
    field(fields.bStep).get(j).get(from).op(w.i32_ge_s).op(w.select);
  }

  /** Pushes the columns of the strip at `j`. */
  function pushStripColumns(): void {
    f.get(columns).get(j).op(w.i32_sub).i32(strip);
    minimum();
  }

  /** Pushes the address of lists, of which `at` is the field. */
  function pushLists(at: number): void {
    f.get(scratch);
    field(at).op(w.i32_add);
  }

  /** Pushes the bytes from one panel of B to the next. */
  function pushPanelDistance(): void {
    f.get(kCount).i32(1).op(w.i32_add).i32(stripRow).op(w.i32_mul);
  }

  /** Strips read in place lie side by side, panels one after the other: `each` for either part, with its strips from `j` on. */
  function eachPartOfB(each: (panels: boolean) => void): void {
    f.i32(0).set(j);
    f.get(from).if(() => each(false));
    f.get(from).tee(j).get(columns).op(w.i32_lt_s);
    f.if(() => each(true));
  }

  /** Lists for the strips of B in which some k have nothing but zeros. */
  function emitStripLists(): void {
    f.i32(0).set(finiteB).i32(0).set(stripsListed);
    field(fields.listBytes).if(() => f.get(state).i32(tileState.positive).op(w.i32_or).set(state));
    field(fields.stripLists).if(() => {
      eachPartOfB((panels) => {
        pushStrip();
        if (panels) pushPanelDistance();
        else f.i32(stripRow);
        pushStripStep();
        f.get(panels ? columns : from)
          .get(j)
          .op(w.i32_sub);
        f.get(aColumns).get(kCount);
        pushLists(fields.stripLists);
        f.get(j).i32(strip).op(w.i32_div_u);
        field(fields.listBytes).op(w.i32_mul).op(w.i32_add);
        field(fields.listBytes);
        field(fields.chain).call(listStripsFunction(module, arithmetic, aLayout));
        f.get(stripsListed).op(w.i32_add).set(stripsListed);
      });
    });
  }

  /** Chooses the lists that the current rows use: those of their tiles, or those of the strips. */
  function emitChoice(): void {
    f.i32(0).set(listing);
    if (aLayout !== 'runs') {
      field(fields.tileLists).if(() => {
        f.get(aRows).get(a).get(aColumns).get(kCount).i32(stripRow);
        field(fields.bStep);
        field(fields.packB).op(w.select);
        pushLists(fields.tileLists);
        field(fields.listBytes);
        pushTiles();
        field(fields.chain).call(listTilesFunction(module, arithmetic, aLayout));
        f.if(() => {
          f.get(finiteB).op(w.i32_eqz).if(emitFiniteB);
          f.get(finiteB)
            .i32(1)
            .op(w.i32_eq)
            .if(() => f.i32(fields.tileLists).set(listing));
        });
      });
    }
    f.get(listing).op(w.i32_eqz).get(stripsListed).i32(0).op(w.i32_ne).op(w.i32_and);
    f.if(() => {
      if (aLayout === 'panels') {
        f.get(aRows).get(kCount);
        pushTiles();
        f.call(finiteTilesFunction(module, arithmetic));
      } else {
        // In place, all of A at once: windows overlap.
        f.get(finiteA)
          .op(w.i32_eqz)
          .if(() => {
            f.i32(2).get(a);
            field(fields.aSpanStart).op(w.i32_add).i32(0);
            field(fields.aSpan).i32(1).call(finiteFunction(module)).op(w.i32_sub).set(finiteA);
          });
        f.get(finiteA).i32(1).op(w.i32_eq);
      }
      f.if(() => f.i32(fields.stripLists).set(listing));
    });
  }

  function emitFiniteB(): void {
    f.i32(1).set(finiteB);
    eachPartOfB((panels) => {
      f.i32(2);
      pushStrip();
      if (panels) {
        pushPanelDistance();
        f.get(columns).get(j).op(w.i32_sub).get(kCount).call(finiteStripsFunction(module, arithmetic));
      } else {
        pushStripStep();
        f.get(from).get(kCount).call(finiteFunction(module));
      }
      // 1 for yes, 2 for no; one no is enough.
      f.op(w.i32_sub).get(finiteB).op(w.i32_or).set(finiteB);
    });
  }

  function emitStrips(): void {
    /** Hands `length` columns from `column` on to the epilogue, once all k are summed. */
    const finish = (column: () => void, length: () => void) => {
      f.get(last).if(() => {
        f.get(argumentBlock).get(scratch).get(c).get(rows);
        column();
        length();
        f.call(epilogue);
      });
    };
    const byRows = fields.epilogue.mode === 'rows';
    const pushSums = () => {
      f.get(scratch);
      field(fields.sums).op(w.i32_add).get(i).get(m).op(w.i32_sub);
      field(fields.sumRow).op(w.i32_mul).op(w.i32_add);
    };
    pushSums();
    f.set(c);
    if (hasTotals(arithmetic)) emitTotals();
    f.i32(0).set(j);
    if (zeros) {
      pushLists(fields.stripLists);
      f.set(stripList);
    }
    /** Multiplies one strip; `kTable` is that of the columns of A, or a list. */
    const multiply = (kTable: () => void, step: () => void, tiles: Callable) => {
      f.get(aRows).get(a);
      kTable();
      pushStrip();
      step();
      f.get(kCount).get(c).get(state);
      if (byRuns) {
        f.get(rows).get(i);
        field(fields.aRun).op(w.i32_rem_u);
        field(fields.aRun);
      } else pushTiles();
      f.call(tiles);
    };
    const whole = () => multiply(() => f.get(aColumns), pushStripStep, tiles);
    f.loop((nextStrip) => {
      if (!zeros) whole();
      else {
        emitList();
        f.get(list);
        f.if(() => multiply(() => f.get(list), pushListStep, listedTiles), whole);
        f.get(stripList);
        field(fields.listBytes).op(w.i32_add).set(stripList);
      }
      if (hasTotals(arithmetic)) {
        f.get(totals).if(() => {
          f.get(c).get(totals).get(rows).get(block).i32(blocksOfTotal).op(w.i32_lt_u).get(last);
          f.call(totalFunction(module, arithmetic)).get(totals);
          field(fields.totalStrip).op(w.i32_add).set(totals);
        });
      }
      if (!byRows) finish(() => f.get(j), pushStripColumns);
      f.get(c);
      field(fields.sumStrip).op(w.i32_add).set(c);
      f.get(j).i32(strip).op(w.i32_add).tee(j).get(columns).op(w.i32_lt_s).branchIf(nextStrip);
    });
    if (byRows) {
      pushSums();
      f.set(c);
      finish(
        () => f.i32(0),
        () => f.get(columns),
      );
    }
  }

  /** Finds the totals of the first strip, if sums go there after this block. */
  function emitTotals(): void {
    f.i32(0).set(totals);
    field(fields.totals).if(() => {
      f.get(block)
        .i32(1)
        .op(w.i32_add)
        .i32(blocksOfTotal - 1)
        .op(w.i32_and)
        .op(w.i32_eqz);
      f.get(last)
        .op(w.i32_or)
        .if(() => {
          f.get(scratch);
          field(fields.totals).op(w.i32_add).get(i).get(m).op(w.i32_sub);
          f.i32(totalRow(arithmetic)).op(w.i32_mul).op(w.i32_add).set(totals);
        });
    });
  }

  /** Finds the list to go through for the current strip: 0 for all k. */
  function emitList(): void {
    f.i32(0).set(list);
    f.get(listing).if(() => {
      f.get(listing).i32(fields.tileLists).op(w.i32_eq);
      f.if(
        () => {
          pushLists(fields.tileLists);
          f.set(list);
        },
        () => f.load(load, stripList, listHeader.used).if(() => f.get(stripList).set(list)),
      );
    });
  }

  /** Pushes the bytes from one tile's list to the next: all tiles of a strip have the same. */
  function pushListStep(): void {
    field(fields.listBytes).i32(0);
    f.get(listing).i32(fields.tileLists).op(w.i32_eq).op(w.select);
  }
}
