/**
 * Where the arguments of a contraction stand, and how a thread's working memory is parted.
 *
 * Groups of axes are words of the argument block too (see `tableFunction`), so one compiled kernel serves any number of axes.
 */
import type { ContractKernel, Launch } from '@ag/tensor';
import { type Group, spanOf } from '@ag/tensor/engine';
import type { ArgumentBlock, Scratch } from '../abi.ts';
import { type ALayout, type Arithmetic, maxTileRows } from './elements.ts';
import { type Epilogue, epilogueArguments, epilogueOperands, operandWords } from './epilogue.ts';
import { tableSlack } from './panels.ts';
import { type ContractPlan, maxColumns, maxRows } from './tiling.ts';
import { maxK, totalRow } from './totals.ts';
import { listBytes } from './zeroList.ts';

/** Where the argument block holds what; the same for equal structures. Groups are offsets from the start of the argument block. */
export interface ContractFields {
  readonly a: number;
  readonly b: number;
  readonly others: readonly number[];
  readonly epilogue: Epilogue;
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly kBlock: number;
  readonly chain: number;
  readonly mBlock: number;
  readonly mSuper: number;
  readonly mUnit: number;
  readonly mUnits: number;
  readonly nUnit: number;
  readonly nUnits: number;
  /** Part of the structure: how A is read, whether zeros are looked for, and whether sums are so long that they need totals. */
  readonly aLayout: ALayout;
  readonly looksForZeros: boolean;
  readonly hasTotals: boolean;
  readonly aRun: number;
  readonly packB: number;
  /** Bytes from one k to the next of B itself. */
  readonly bStep: number;
  /** Bytes from one k to the next where all are as far apart, else 0. */
  readonly aPackStep: number;
  readonly bPackStep: number;
  readonly aPanels: number;
  readonly bPanels: number;
  /**
   * Where panels of B are that were made before, in bytes from 0; 0 where each call makes its own. `makesPanels`: this call makes them, and
   * nothing else.
   */
  readonly given: number;
  readonly makesPanels: number;
  /** Rows of a strip in all panels of its columns, gaps included. */
  readonly givenRows: number;
  readonly sums: number;
  /** Bytes from one strip of sums to the next; 0 where they are used up at once. */
  readonly sumStrip: number;
  /** Bytes from one row of sums to the next row's block; 0 as well. */
  readonly sumRow: number;
  /** Totals of `totals.ts` in working memory, strip by strip; 0 where k needs none. */
  readonly totals: number;
  /** Bytes from one strip of totals to the next. */
  readonly totalStrip: number;
  /** Rows of a block end before each multiple of it. */
  readonly mRun: number;
  /** The memory in which A lies, from its first element on: start in bytes, length in elements. */
  readonly aSpanStart: number;
  readonly aSpan: number;
  /** Bytes of a list of `zeros.ts`; 0 where none are made. */
  readonly listBytes: number;
  /** Lists of strips of B and of tiles of A in working memory; 0 where none are made. */
  readonly stripLists: number;
  readonly tileLists: number;
  readonly aBatch: number;
  readonly aRows: number;
  readonly aColumns: number;
  readonly bBatch: number;
  readonly bRows: number;
  readonly bColumns: number;
  readonly otherGroups: readonly {
    readonly batch: number;
    readonly rows: number;
    readonly columns: number;
  }[];
}

/** Groups of at most so many positions are tabulated once, in the argument block. */
const tabulated = 32;

/** Parts of a thread's working memory, from its start; the first 256 bytes are for passing use. */
export function scratchParts(others: number) {
  let end = 256;
  const take = (bytes: number) => {
    const at = end;
    end = (end + bytes + 15) & ~15;
    return at;
  };
  const tables = (count: number) => take((count + tableSlack) * 4);
  return {
    operands: take(operandWords.bytes * others),
    aColumns: tables(maxK),
    bRows: tables(maxK),
    aRows: tables(maxRows),
    bColumns: tables(maxColumns),
    otherRows: Array.from({ length: others }, () => tables(maxRows)),
    otherColumns: Array.from({ length: others }, () => tables(maxColumns)),
    panels: (end + 63) & ~63,
  };
}

/** Appends the arguments of a launch to its argument block. */
export function contractArguments(
  argumentBlock: ArgumentBlock,
  launch: Launch,
  plan: ContractPlan,
  arithmetic: Arithmetic,
  panels: { readonly scratch: Scratch; readonly made: boolean } | null = null,
): ContractFields {
  const { a, b, others } = plan;
  const parts = scratchParts(others.length);
  const { size, stripRow } = arithmetic;
  const strip = stripRow / size;
  const strips = Math.ceil(plan.nUnit / strip);
  const waits = plan.kBlock < plan.k;
  const sumRows = waits ? Math.min(plan.mSuper, plan.m) : Math.min(plan.mBlock, plan.m);
  const aBytes = plan.aLayout === 'panels' ? plan.mBlock * (plan.kBlock * size + stripRow) : 0;
  const bBytes = (panels ? 0 : plan.packB ? strips : 1) * stripRow * (plan.kBlock + 1);
  const keeps = waits || plan.mode === 'rows';
  const sumBytes = sumRows * stripRow * (keeps ? strips : 1);
  const totals = parts.panels + aBytes + bBytes + sumBytes;
  const totalStrip = plan.totals ? sumRows * totalRow(arithmetic) : 0;

  const { zerosOfA, zerosOfB } = plan;
  const list = zerosOfA || zerosOfB ? listBytes(plan.kBlock) : 0;
  const stripLists = (totals + totalStrip * strips + 191) & ~63;
  const tileLists = stripLists + (zerosOfB ? list * strips : 0);
  const tiles = Math.ceil(plan.mBlock / maxTileRows(arithmetic, plan.aLayout));
  const bytes = (tileLists + (zerosOfA ? list * tiles : 0) + 63) & ~63;

  const fixed: [keyof ContractFields, number][] = [
    ['scratchBytes', bytes],
    ['m', plan.m],
    ['n', plan.n],
    ['k', plan.k],
    ['kBlock', plan.kBlock],
    ['chain', plan.chain],
    ['mBlock', plan.mBlock],
    ['mSuper', plan.mSuper],
    ['mUnit', plan.mUnit],
    ['mUnits', plan.mUnits],
    ['nUnit', plan.nUnit],
    ['nUnits', plan.nUnits],
    ['packB', Number(plan.packB)],
    ['bStep', b.rows.axes[0][1]],
    ['aPackStep', evenStep(a.columns)],
    ['bPackStep', evenStep(b.rows)],
    ['aPanels', parts.panels],
    ['bPanels', parts.panels + aBytes],
    ['makesPanels', Number(panels?.made ?? false)],
    ['givenRows', plan.k + Math.ceil(plan.k / plan.kBlock)],
    ['sums', parts.panels + aBytes + bBytes],
    ['sumStrip', keeps ? sumRows * stripRow : 0],
    ['sumRow', waits ? stripRow : 0],
    ['totals', plan.totals ? totals : 0],
    ['totalStrip', totalStrip],
    ['aRun', plan.aRun],
    ['mRun', plan.mRun],
    ['aSpanStart', spanOf(a).start],
    ['aSpan', spanOf(a).bytes / size],
    ['listBytes', list],
    ['stripLists', zerosOfB ? stripLists : 0],
    ['tileLists', zerosOfA ? tileLists : 0],
  ];
  const groups = [a.batch, a.rows, a.columns, b.batch, b.rows, b.columns];
  for (const other of others) groups.push(other.batch, other.rows, other.columns);

  const fields: Record<string, unknown> = {
    a: argumentBlock.address(a.operand, a.dtype),
    b: argumentBlock.address(b.operand, b.dtype),
    others: epilogueOperands(argumentBlock, others),
    scratch: argumentBlock.scratch({ bytes, perThread: true }),
    given: panels ? argumentBlock.scratch(panels.scratch) : argumentBlock.i32(0),
    aLayout: plan.aLayout,
    looksForZeros: list > 0,
    hasTotals: plan.totals,
    epilogue: epilogueArguments(argumentBlock, launch, launch.kernel as ContractKernel, plan),
  };
  for (const [name, value] of fixed) fields[name] = argumentBlock.i32(value);
  // Offsets of the groups come first, then the groups, then the tables of short ones.
  const start = (fields.tileLists as number) + 4;
  const words: number[] = [];
  const body = start + 4 * groups.length;
  const at = groups.map((group) => {
    const offset = body + 4 * words.length;
    const table = group.count <= tabulated ? 4 * (3 + 2 * group.axes.length) : 0;
    words.push(table, group.size, group.axes.length, ...group.axes.flat());
    if (table) words.push(...tabulate(group));
    return argumentBlock.i32(offset);
  });
  for (const word of words) argumentBlock.i32(word);
  ['aBatch', 'aRows', 'aColumns', 'bBatch', 'bRows', 'bColumns'].forEach((name, i) => {
    fields[name] = at[i];
  });
  fields.otherGroups = others.map((_, i) => ({
    batch: at[6 + 3 * i],
    rows: at[7 + 3 * i],
    columns: at[8 + 3 * i],
  }));
  return fields as unknown as ContractFields;
}

/** Bytes from one position to the next, 0 where they differ. */
function evenStep({ axes }: Group): number {
  return axes.length === 1 ? axes[0][1] : 0;
}

/** What `table` would make of the whole group. */
function tabulate(group: Group): number[] {
  const offsets = [0];
  for (const [size, stride] of group.axes) {
    const inner = offsets.slice();
    for (let i = 1; i < size; i++) for (const offset of inner) offsets.push(offset + i * stride);
  }
  for (let i = 0; i < tableSlack; i++) offsets.push(offsets[offsets.length - 1] + group.size);
  return offsets;
}
