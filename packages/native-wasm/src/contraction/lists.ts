/**
 * Which lists of zeros a contraction's kernel makes, and which of them the tiles go through.
 *
 * `zeros.ts` has the functions that are called here, and says when leaving zeros out changes nothing.
 */
import { call, i32Constant } from '../assembler/values.ts';
import type { ContractCode } from './contractCode.ts';
import { tileState } from './microKernel.ts';
import {
  finiteFunction,
  finiteStripsFunction,
  finiteTilesFunction,
  listStripsFunction,
  listTilesFunction,
} from './zeros.ts';

/** Lists for the strips of B in which some k have nothing but zeros. */
export function emitStripLists(code: ContractCode): void {
  const { f, module, arithmetic, fields, strip } = code;
  const { finiteB, stripsListed, state, columns, from, j, aColumns, kCount } = code.variables;
  finiteB.set(0);
  stripsListed.set(0);
  const listBytes = code.field(fields.listBytes);
  listBytes.if(() => state.set(state.or(tileState.positive)));
  code.field(fields.stripLists).if(() => {
    code.eachPartOfB((panels) => {
      const worthUsing = call(
        f,
        listStripsFunction(module, arithmetic, fields.aLayout),
        code.stripAddress(),
        panels ? code.panelDistance() : arithmetic.stripRow,
        code.stripStep(),
        (panels ? columns : from).sub(j),
        aColumns,
        kCount,
        code.inScratch(fields.stripLists).add(j.divU(strip).mul(listBytes)),
        listBytes,
        code.field(fields.chain),
      );
      stripsListed.set(worthUsing.add(stripsListed));
    });
  });
}

/** Chooses the lists that the current rows use: those of their tiles, or those of the strips. */
export function emitChoice(code: ContractCode): void {
  const { listing, stripsListed } = code.variables;
  listing.set(0);
  if (code.fields.aLayout !== 'runs') tryTileLists(code, code.fields.aLayout);
  listing
    .isZero()
    .and(stripsListed.ne(0))
    .if(() => tryStripLists(code));
}

/** Lists of the rows' own zeros leave out elements of B, which have to be finite. */
function tryTileLists(code: ContractCode, aLayout: 'rows' | 'panels'): void {
  const { f, module, arithmetic, fields } = code;
  const { listing, aRows, a, aColumns, kCount, finiteB } = code.variables;
  code.field(fields.tileLists).if(() => {
    const worthUsing = call(
      f,
      listTilesFunction(module, arithmetic, aLayout),
      aRows,
      a,
      aColumns,
      kCount,
      code.field(fields.packB).select(arithmetic.stripRow, code.field(fields.bStep)),
      code.inScratch(fields.tileLists),
      code.field(fields.listBytes),
      ...code.tileCounts(),
      code.field(fields.chain),
    );
    worthUsing.if(() => {
      finiteB.isZero().if(() => emitFiniteB(code));
      finiteB.eq(1).if(() => listing.set(fields.tileLists));
    });
  });
}

/** Lists of the zeros of B leave out elements of A, which have to be finite. */
function tryStripLists(code: ContractCode): void {
  const { f, module, arithmetic, fields } = code;
  const { listing, aRows, a, kCount, finiteA } = code.variables;
  const use = () => listing.set(fields.stripLists);
  if (fields.aLayout === 'panels') {
    call(f, finiteTilesFunction(module, arithmetic), aRows, kCount, ...code.tileCounts()).if(use);
    return;
  }
  // In place, all of A at once: windows overlap.
  finiteA.isZero().if(() => {
    const start = a.add(code.field(fields.aSpanStart));
    const finite = call(f, finiteFunction(module), start, 0, code.field(fields.aSpan), 1);
    finiteA.set(i32Constant(f, 2).sub(finite));
  });
  finiteA.eq(1).if(use);
}

function emitFiniteB(code: ContractCode): void {
  const { f, module, arithmetic } = code;
  const { finiteB, from, columns, j, kCount } = code.variables;
  finiteB.set(1);
  code.eachPartOfB((panels) => {
    const finite = panels
      ? call(
          f,
          finiteStripsFunction(module, arithmetic),
          code.stripAddress(),
          code.panelDistance(),
          columns.sub(j),
          kCount,
        )
      : call(f, finiteFunction(module), code.stripAddress(), code.stripStep(), from, kCount);
    // 1 for yes, 2 for no; one no is enough.
    finiteB.set(i32Constant(f, 2).sub(finite).or(finiteB));
  });
}
