/**
 * How a contraction is cut up: who lends the rows, what is packed, the sizes of blocks and units.
 *
 * Names in BLIS: `kBlock` is KC, `mBlock` MC, `nUnit` NC; the rows of a tile are MR, the columns of a strip NR.
 *
 * Everything here follows from sizes, strides and the number of threads, so the same launch is always computed in the same way.
 * How a sum is rounded hangs on the blocks of k (`totals.ts`), and these on the length of k alone, so the number of
 * threads changes no bit.
 */

import type { ContractKernel, Launch } from '@ag/tensor';
import {
  contractRoles,
  type Factor,
  type Group,
  hasRuns,
  isDense,
  type Roles,
  spanOf,
  transposed,
} from '@ag/tensor/engine';
import { type ALayout, type Arithmetic, zerosOf } from './elements.ts';
import { blocksOfTotal, chainOf, hasTotals, maxK } from './totals.ts';
import { sampleEvery } from './zeros.ts';

/**
 * How an epilogue goes through sums: vectors along whole rows of a block, vectors along the rows of a strip, along its
 * columns (where results lie side by side along m, as the pixels of an image do), or one element after the
 * other. Along a vector each operand must have one stride. Whole rows are best: memory is passed through in long runs.
 */
export type EpilogueMode = 'rows' | 'strips' | 'columns' | 'elements';

export interface ContractPlan extends Roles {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aLayout: ALayout;
  /** Rows of A that lie side by side. */
  readonly aRun: number;
  readonly packB: boolean;
  /** Panels of B are made before. */
  readonly given: boolean;
  /** k in one pass of the micro-kernel: KC. */
  readonly kBlock: number;
  /** Products that are summed one after another. */
  readonly chain: number;
  /** Whether sums of many blocks go to totals. */
  readonly totals: boolean;
  /** Rows whose panels and tables are made at a time: MC. */
  readonly mBlock: number;
  /** Rows for which a block of B is used before it is made again: all, unless sums must wait for further k. */
  readonly mSuper: number;
  readonly mUnit: number;
  readonly mUnits: number;
  readonly nUnit: number;
  readonly nUnits: number;
  readonly mode: EpilogueMode;
  /** In mode `columns`: a block of rows must not contain a multiple of it except as its start. */
  readonly mRun: number;
  /** Whether zeros are looked for, in which factor. */
  readonly zerosOfA: boolean;
  readonly zerosOfB: boolean;
}

/** Most rows of a row table. */
export const maxRows = 192;
/** Most columns of a unit. */
export const maxColumns = 1024;

const blockElements = 1 << 18;
/** Most sums of whole rows that wait for their epilogue: 48 KiB. */
const sumElements = 12288;

/** So many operands of an epilogue are those of an optimizer. */
const manyOperands = 4;

/** What is asked of a plan. */
interface Wishes {
  readonly threads: number;
  /** As in `LowerContext`. */
  readonly rows?: number;
  readonly isConstant?: (buffer: number) => boolean;
}

/** Plans a launch of a contraction for so many threads; their number changes no result. */
export function planContract(launch: Launch, arithmetic: Arithmetic, wishes: Wishes): ContractPlan {
  const straight = contractRoles(launch);
  const swapped = transposed(straight);
  const first = (launch.kernel as ContractKernel).extras.length;
  const tiling = { ...wishes, ...arithmetic, strip: arithmetic.stripRow / arithmetic.size };
  // The first axis of m is that of the rows.
  const free = wishes.rows === undefined || straight.a.batch.count > 1;
  const better = free && cost(swapped, first, tiling) < cost(straight, first, tiling);
  return divide(better ? swapped : straight, first, tiling);
}

/** What is known before a launch is cut up; `strip`: columns of a strip. */
interface Tiling extends Arithmetic, Wishes {
  readonly strip: number;
}

/** Whether the panels of B are made once for many products. */
function isGiven({ batch, operand }: Factor, { isConstant }: Tiling): boolean {
  return batch.count === 1 && (isConstant?.(operand.buffer) ?? false);
}

/** Cycles in which a strip is multiplied by one k of `m` rows. A tile takes at least the latency of an addition. */
function tileCycles(m: number, highest: number): number {
  const tiles = Math.ceil(m / highest);
  return Math.max(4.4 * tiles, m);
}

/** An estimate in cycles, to choose which operand lends the rows. */
function cost({ a, b, others }: Roles, first: number, tiling: Tiling): number {
  const m = a.rows.count;
  const n = b.columns.count;
  const k = a.columns.count;
  const aLayout = aLayoutOf(a, n, tiling);
  const multiply = rowCycles(a, aLayout, tiling) * Math.ceil(n / tiling.strip) * k;
  const pack =
    (aLayout === 'panels' ? k * m * packCycles(a.rows, a.columns) : 0) +
    (packsB(a, b) && !isGiven(b, tiling) ? k * n * packCycles(b.columns, b.rows) : 0);
  const mode = epilogueMode(others, first, tiling.strip);
  const { rows, columns } = others[first];
  const runs = mode === 'columns' ? hasRuns(rows) : mode !== 'elements' && hasRuns(columns);
  const store =
    m * n * (runs ? (mode === 'columns' ? 0.6 : 0.3) : (mode === 'elements' ? 3 : 1) * others.length);
  return multiply + pack + store;
}

/** Cycles for copying an element into panels: in whole rows of them, through transpositions, or one by one. */
function packCycles(along: Group, k: Group): number {
  return isDense(along) ? 0.4 : hasRuns(k) ? 0.6 : 1;
}

/** The first of the ways in which all operands of the epilogue go on evenly. */
function epilogueMode(others: readonly Factor[], first: number, strip: number): EpilogueMode {
  const straight = others.every(({ columns }) => columns.axes.length === 1);
  const even = others.every(({ columns }) => columns.axes.length === 1 || columns.axes[0][0] % strip === 0);
  const long = rowRun(others) >= 4 * strip;
  const { rows, columns } = others[first];
  // Side by side along m and not along n, or rows shorter than a vector: down the columns.
  if (
    long &&
    hasRuns(rows) &&
    (!even || !hasRuns(columns) || (columns.count < 4 && rows.count > columns.count))
  ) {
    return 'columns';
  }
  return straight ? 'rows' : even ? 'strips' : long ? 'columns' : 'elements';
}

/** The longest stretch of rows over which every operand of the epilogue goes on evenly, if blocks start at its multiples. */
function rowRun(others: readonly Factor[]): number {
  let run = 0;
  for (const { rows } of others) if (rows.axes.length > 1) run = greatestCommonDivisor(rows.axes[0][0], run);
  return run === 0 ? 2 ** 30 : run;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function packsB(a: Factor, b: Factor): boolean {
  if (!isDense(b.columns) || b.rows.axes.length > 1) return true;
  return a.rows.count > 64 && b.rows.count * b.columns.count > 8192;
}

/** Whether the cache lines of all k share few places of a first cache of 32 kB in 8 ways, so that they drive out one another. */
function collides({ axes, count }: Group): boolean {
  return axes.length === 1 && count * greatestCommonDivisor(axes[0][1], 4096) > 8 * 4096;
}

/** Cycles in which a strip is multiplied by one k of all rows. */
function rowCycles({ rows }: Factor, aLayout: ALayout, { tileRows, panelRows }: Tiling): number {
  const m = rows.count;
  if (aLayout === 'rows') return tileCycles(m, tileRows);
  if (aLayout === 'panels') return tileCycles(m, panelRows);
  const run = rows.axes[0][0];
  return (m / run) * tileCycles(run, panelRows);
}

function aLayoutOf(a: Factor, n: number, tiling: Tiling): ALayout {
  const m = a.rows.count;
  const inPlace =
    hasRuns(a.rows) && rowCycles(a, 'runs', tiling) <= rowCycles(a, 'rows', tiling) ? 'runs' : 'rows';
  // Higher tiles, where there are such on panels only.
  const gain = rowCycles(a, inPlace, tiling) - rowCycles(a, 'panels', tiling);
  if (gain * Math.ceil(n / tiling.strip) > m * packCycles(a.rows, a.columns)) return 'panels';
  const many = m * a.columns.count > (hasRuns(a.columns) ? 65536 : 16384);
  // Runs in place touch a cache line for each k; panels are read in long runs, once they have been paid for.
  if (inPlace === 'runs' && isDense(a.rows) && n >= 6 * tiling.strip) return 'panels';
  if (inPlace === 'runs' && n >= 3 * tiling.strip && collides(a.columns)) return 'panels';
  return n >= 96 && m > 64 && many ? 'panels' : inPlace;
}

function divide({ a, b, others }: Roles, first: number, tiling: Tiling): ContractPlan {
  const { strip } = tiling;
  // Rows of the batch are whole units anyway.
  const rows = a.batch.count > 1 ? undefined : tiling.rows;
  const m = a.rows.count;
  const n = b.columns.count;
  const k = a.columns.count;
  const kBlocks = Math.max(1, Math.ceil(k / maxK));
  const kBlock = Math.max(1, Math.ceil(k / kBlocks / 4) * 4);
  const maxUnit = Math.min(maxColumns, Math.floor(blockElements / Math.max(kBlock, 256) / strip) * strip);
  // 128 units at most. Where rows make few tiles, columns are shared out too.
  const mUnit = rows === undefined ? Math.ceil(m / 128) : m / rows;
  const aLayout = aLayoutOf(a, n, tiling);
  const tileRows = aLayout === 'rows' ? tiling.tileRows : tiling.panelRows;
  const aRun = a.rows.axes[0][0];
  const wanted = rows !== undefined || m * n * k < 50_000 ? 1 : Math.ceil(8 / Math.ceil(m / tileRows));
  // What is not shared out, every thread reads and packs: better that of the shorter side. But not where an epilogue passes
  // through many arrays: in halves of rows, each processor would fetch ahead what the other is about to write.
  const { threads } = tiling;
  const halves = rows === undefined && others.length < manyOperands && n > m;
  const sides = halves && n >= 8 * strip * threads ? threads : 1;
  const nUnits = Math.ceil(Math.max(n / maxUnit, Math.min(wanted, Math.floor(n / strip)), 1) / sides) * sides;
  const nUnit = Math.ceil(n / nUnits / strip) * strip;
  const mode = epilogueMode(others, first, strip);
  const mRun = rowRun(others);
  let mBlock = aLayout === 'panels' && kBlock > 384 ? maxRows / 2 : maxRows;
  // Sums of whole rows stay in the cache until they are used.
  if (mode === 'rows') {
    const inCache = Math.max(4, Math.floor(sumElements / nUnit / tileRows)) * tileRows;
    mBlock = Math.min(mBlock, inCache);
  }
  // Equal blocks within a run of results, a whole number of runs of A or of tiles of most heights.
  if (mode === 'columns') {
    const whole = aLayout === 'runs' && aRun <= mBlock ? aRun : 12;
    mBlock = Math.min(mBlock, Math.ceil(mRun / Math.ceil(mRun / mBlock) / whole) * whole);
  }
  const given = isGiven(b, tiling);
  const bPacked = given || packsB(a, b);
  // Looking at an element of one factor must cost little beside multiplying it with a row of the other.
  const look = zerosOf(tiling) && k >= 4 * sampleEvery;
  return {
    batch: a.batch.count,
    m,
    n,
    k,
    a,
    b,
    others,
    aLayout,
    aRun,
    packB: bPacked,
    given,
    kBlock,
    chain: chainOf(k, kBlock),
    totals: hasTotals(tiling) && kBlocks > blocksOfTotal,
    mBlock,
    mSuper: kBlocks === 1 ? 2 ** 30 : Math.max(maxRows, Math.floor(blockElements / nUnit / 48) * 48),
    mUnit,
    mUnits: m === 0 ? 0 : Math.ceil(m / mUnit),
    nUnit,
    nUnits: n === 0 ? 0 : Math.ceil(n / nUnit),
    mode,
    mRun,
    zerosOfA: look && n >= 32 && aLayout !== 'runs' && (bPacked || n % strip === 0),
    zerosOfB: look && m >= 32 && (aLayout === 'panels' || spanOf(a).bytes <= 8 * m * k),
  };
}
