/**
 * Contractions: matrix products in every transposition, batches of them, einsum and convolution, which all arrive as
 * sums over k of A[m, k]·B[k, n] with groups of axes for m, n and k.
 *
 * One function per structure cuts the product into blocks (`contractPlan.ts`), lets shared helpers make offset tables
 * and panels (`contractPack.ts`) and run tiles (`contractMicro.ts`), and hands each finished strip of results to an
 * epilogue (`contractEpilogue.ts`). A unit of work is a few rows by some columns of one batch; neighbouring units
 * that are called together share their panels.
 */
import type { ContractKernel, DType } from '@ag/tensor';
import type { Callable } from './assembler.ts';
import {
  type Features,
  kernelParameters,
  type LowerContext,
  RecordLayout,
  type Stage,
  type Target,
} from './abi.ts';
import { type Epilogue, emitEpilogue, layEpilogue, operandWords } from './contractEpilogue.ts';
import { type Arithmetic, tilesFunction } from './contractMicro.ts';
import { packFunction, tableFunction, tableSlack } from './contractPack.ts';
import { type ContractPlan, type Group, maxColumns, maxK, maxRows, planContract } from './contractPlan.ts';
import * as w from './opcodes.ts';

const int = w.i32;
const load = w.i32_load;

/** Lowers a launch of a `ContractKernel`. The element type must be float32, float64, int32 or uint32. */
export function lowerContract(context: LowerContext): Stage[] {
  const kernel = context.launch.kernel as ContractKernel;
  const arithmetic = arithmeticOf(kernel.dtype, context);
  const plan = planContract(context.launch, arithmetic);
  const record = new RecordLayout();
  const fields = fillRecord(record, context, plan, arithmetic);
  const flops = 2 * plan.mUnit * plan.nUnit * plan.k;
  return [
    {
      key: `${fields.epilogue.key} ${plan.packA}`,
      record,
      units: plan.batch * plan.mUnits * plan.nUnits,
      grain: Math.max(1, Math.ceil(150_000 / (flops + 1))),
      pieces: 1,
      emit: (target) => emitContract(target, arithmetic, fields),
    },
  ];
}

function arithmeticOf(dtype: DType, features: Features): Arithmetic {
  const tileRows = features.tallTiles ? 6 : 4;
  const stripRow = features.pairedVectors ? 64 : 32;
  if (dtype === 'float32') {
    return {
      name: 'f32',
      size: 4,
      lanes: 4,
      splat: w.v128_load32_splat,
      multiply: w.f32x4_mul,
      add: w.f32x4_add,
      fused: features.relaxedSimd ? w.f32x4_relaxed_madd : null,
      tileRows,
      stripRow,
    };
  }
  if (dtype === 'float64') {
    return {
      name: 'f64',
      size: 8,
      lanes: 2,
      splat: w.v128_load64_splat,
      multiply: w.f64x2_mul,
      add: w.f64x2_add,
      fused: features.relaxedSimd ? w.f64x2_relaxed_madd : null,
      tileRows: 4,
      stripRow,
    };
  }
  if (dtype === 'int32' || dtype === 'uint32') {
    const splat = w.v128_load32_splat;
    return {
      name: 'i32',
      size: 4,
      lanes: 4,
      splat,
      multiply: w.i32x4_mul,
      add: w.i32x4_add,
      fused: null,
      tileRows: 4,
      stripRow,
    };
  }
  throw new TypeError(
    `contract: products of ${dtype} are not summed as ${dtype}; cast the operands to int32 first`,
  );
}

/** Where the record holds what; the same for equal structures. Groups are offsets from the start of the record. */
interface Fields {
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
  readonly mBlock: number;
  readonly mSuper: number;
  readonly mUnit: number;
  readonly mUnits: number;
  readonly nUnit: number;
  readonly nUnits: number;
  /** Part of the structure: whether A is copied into panels. */
  readonly packA: boolean;
  readonly packB: number;
  /** Bytes from one k to the next of B itself. */
  readonly bStep: number;
  readonly aPanels: number;
  readonly bPanels: number;
  readonly sums: number;
  /** Bytes from one strip of sums to the next; 0 where they are used up at once. */
  readonly sumStrip: number;
  /** Bytes from one row of sums to the next row's block; 0 as well. */
  readonly sumRow: number;
  /** Rows of a block end before each multiple of it. */
  readonly mRun: number;
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

/** Groups of at most so many positions are tabulated once, in the record. */
const tabulated = 64;

/** Parts of a thread's working memory, from its start. */
function scratchParts(others: number) {
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

function fillRecord(
  record: RecordLayout,
  context: LowerContext,
  plan: ContractPlan,
  arithmetic: Arithmetic,
): Fields {
  const { a, b, others } = plan;
  const parts = scratchParts(others.length);
  const { size, stripRow } = arithmetic;
  const strip = stripRow / size;
  const strips = Math.ceil(plan.nUnit / strip);
  const waits = plan.kBlock < plan.k;
  const sumRows = waits ? Math.min(plan.mSuper, plan.m) : Math.min(plan.mBlock, plan.m);
  const aBytes = plan.packA ? plan.mBlock * (plan.kBlock * size + stripRow) : 0;
  const bBytes = (plan.packB ? strips : 1) * stripRow * (plan.kBlock + 1);
  const sumBytes = sumRows * stripRow * (waits ? strips : 1);

  const bytes = (parts.panels + aBytes + bBytes + sumBytes + 191) & ~63;

  const fixed: [keyof Fields, number][] = [
    ['scratchBytes', bytes],
    ['m', plan.m],
    ['n', plan.n],
    ['k', plan.k],
    ['kBlock', plan.kBlock],
    ['mBlock', plan.mBlock],
    ['mSuper', plan.mSuper],
    ['mUnit', plan.mUnit],
    ['mUnits', plan.mUnits],
    ['nUnit', plan.nUnit],
    ['nUnits', plan.nUnits],
    ['packB', Number(plan.packB)],
    ['bStep', b.rows.axes[0]![1]],
    ['aPanels', parts.panels],
    ['bPanels', parts.panels + aBytes],
    ['sums', parts.panels + aBytes + bBytes],
    ['sumStrip', waits ? sumRows * stripRow : 0],
    ['sumRow', waits ? stripRow : 0],
    ['mRun', plan.mRun],
  ];
  const groups = [a.batch, a.rows, a.columns, b.batch, b.rows, b.columns];
  for (const other of others) groups.push(other.batch, other.rows, other.columns);

  const fields: Record<string, unknown> = {
    a: record.address(a.operand, a.dtype),
    b: record.address(b.operand, b.dtype),
    others: others.map(({ operand, dtype }) =>
      operand.buffer < 0 ? record.coordinate(operand) : record.address(operand, dtype),
    ),
    scratch: record.scratch({ bytes, perThread: true }),
    packA: plan.packA,
    epilogue: layEpilogue(record, context.launch, context.launch.kernel as ContractKernel, plan),
  };
  for (const [name, value] of fixed) fields[name] = record.i32(value);
  // Offsets of the groups come first, then the groups, then the tables of short ones.
  const start = (fields.mRun as number) + 4;
  const words: number[] = [];
  const body = start + 4 * groups.length;
  const at = groups.map((group) => {
    const offset = body + 4 * words.length;
    const table = group.count <= tabulated ? 4 * (3 + 2 * group.axes.length) : 0;
    words.push(table, group.size, group.axes.length, ...group.axes.flat());
    if (table) words.push(...tabulate(group));
    return record.i32(offset);
  });
  for (const word of words) record.i32(word);
  ['aBatch', 'aRows', 'aColumns', 'bBatch', 'bRows', 'bColumns'].forEach((name, i) => {
    fields[name] = at[i];
  });
  fields.otherGroups = others.map((_, i) => ({
    batch: at[6 + 3 * i],
    rows: at[7 + 3 * i],
    columns: at[8 + 3 * i],
  }));
  return fields as unknown as Fields;
}

function tabulate(group: Group): number[] {
  const offsets = [0];
  for (const [size, stride] of group.axes) {
    const inner = offsets.slice();
    for (let i = 1; i < size; i++) for (const offset of inner) offsets.push(offset + i * stride);
  }
  for (let i = 0; i < tableSlack; i++) offsets.push(offsets[offsets.length - 1]! + group.size);
  return offsets;
}

function emitContract(target: Target, arithmetic: Arithmetic, fields: Fields): Callable {
  const { module } = target;
  const { size, stripRow } = arithmetic;
  const strip = stripRow / size;
  const parts = scratchParts(fields.others.length);
  const table = tableFunction(module);
  const pack = packFunction(module, arithmetic);
  const tiles = tilesFunction(module, arithmetic, fields.packA);
  const epilogue = emitEpilogue(target, fields.epilogue, arithmetic, parts.operands);
  const f = module.function(null, kernelParameters, []);
  const [record, begin, end] = [0, 1, 2] as const;
  const local = () => f.local(int);
  const field = (at: number) => f.load(load, record, at);
  const groupAt = (at: number) => f.get(record).load(load, record, at).op(w.i32_add);
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
      f.set(a);
      batchAddress(fields.b, fields.bBatch);
      f.set(b);
      tableOf(fields.bColumns, () => f.get(n), () => f.get(columns), parts.bColumns); // biome-ignore format: one thing
      f.set(bColumns);
      fields.otherGroups.forEach((groups, index) => {
        f.get(scratch);
        batchAddress(fields.others[index]!, groups.batch);
        f.memory(w.i32_store, operand(index));
        f.get(scratch);
        tableOf(groups.columns, () => f.get(n), () => f.get(columns), parts.otherColumns[index]!); // biome-ignore format: one thing
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
      f.get(columns)
        .get(from)
        .op(w.i32_sub)
        .tee(y)
        .i32(strip - 1);
      f.op(w.i32_add).i32(strip).op(w.i32_div_u).i32(strip).i32(0).call(pack);
      emitClearEdge();
    });
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
      f.tee(rows)
        .i32(arithmetic.tileRows - 1)
        .op(w.i32_add)
        .i32(arithmetic.tileRows)
        .op(w.i32_div_u)
        .set(aTiles);
      tableOf(fields.aRows, () => f.get(i), () => f.get(rows), parts.aRows); // biome-ignore format: one thing
      f.set(aRows);
      f.get(last).if(() => {
        fields.otherGroups.forEach((groups, index) => {
          f.get(scratch);
          tableOf(groups.rows, () => f.get(i), () => f.get(rows), parts.otherRows[index]!); // biome-ignore format: one thing
          f.memory(w.i32_store, operand(index) + operandWords.rows);
        });
      });
      if (fields.packA) {
        f.get(scratch);
        field(fields.aPanels).op(w.i32_add);
        f.get(a).get(aRows).get(aColumns).get(kCount);
        pushTiles();
        f.call(pack);
        f.get(scratch);
        field(fields.aPanels).op(w.i32_add).set(aRows);
      }
      emitStrips();
      f.get(i).get(rows).op(w.i32_add).tee(i).get(superEnd).op(w.i32_lt_s).branchIf(nextRows);
    });
  }

  /**
   * Lanes beyond the last column hold whatever lies there, in the last k perhaps something that is no number of this
   * matrix. It reaches no result, but a subnormal there would cost a hundred cycles a tile: zeros instead.
   */
  function emitClearEdge(): void {
    f.get(y)
      .i32(strip - 1)
      .op(w.i32_and)
      .tee(y);
    f.if(() => {
      // The last row of the last panel, the start of which is at `x`: panels are one row apart.
      f.get(columns)
        .get(from)
        .op(w.i32_sub)
        .get(y)
        .op(w.i32_sub)
        .get(kCount)
        .i32(1)
        .op(w.i32_add)
        .op(w.i32_mul);
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

  function emitStrips(): void {
    f.get(scratch);
    field(fields.sums).op(w.i32_add).get(i).get(m).op(w.i32_sub);
    field(fields.sumRow).op(w.i32_mul).op(w.i32_add).set(c);
    f.i32(0).set(j);
    f.loop((nextStrip) => {
      f.get(aRows).get(a).get(aColumns);
      f.get(j).get(from).op(w.i32_ge_s).tee(x);
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
      f.i32(stripRow);
      field(fields.bStep).get(x).op(w.select).get(kCount).get(c).get(k);
      pushTiles();
      f.call(tiles);
      f.get(last).if(() => {
        f.get(record).get(scratch).get(c).get(rows).get(j);
        f.get(columns).get(j).op(w.i32_sub).i32(strip);
        minimum();
        f.call(epilogue);
      });
      f.get(c);
      field(fields.sumStrip).op(w.i32_add).set(c);
      f.get(j).i32(strip).op(w.i32_add).tee(j).get(columns).op(w.i32_lt_s).branchIf(nextStrip);
    });
  }
}
