/**
 * Bands: launches over the same rows (see `Launch.band`) as one job of the driver. A unit is a few rows; the thread that
 * takes it runs all the kernels for these rows before it takes the next. So the threads meet once instead of after each
 * launch, and what one kernel writes the next finds in the cache of its own core.
 *
 * What lies between the kernels and is read by nobody else needs memory for one unit only: each thread keeps its own. The
 * kernels know nothing of that. They are called with a copy of their argument blocks that belongs to the thread, in which addresses of
 * such buffers are set anew for each unit, so that its first row lies at the start of the thread's part.
 *
 * Rows are computed by the same code wherever they are cut, so results have the same bits with and without bands.
 */

import type { Launch, Program } from '@ag/tensor';
import { count, localTo, rowBytes } from '@ag/tensor/engine';
import {
  ArgumentBlock,
  type Features,
  kernelParameters,
  type LowerContext,
  type Scratch,
  type Stage,
  type Target,
} from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import { I32, i32Parameters, i32s, performIndirect } from '../assembler/values.ts';
import * as header from '../header.ts';
import type { LoweredLaunch } from './executable.ts';
import { Lowerings } from './lowerings.ts';

/** What the kernels of a band touch for one unit: a part of a core's own cache. */
const unitBytes = 128 * 1024;
/** Arrays that take less together stay in the cache from one launch to the next; then bands only help threads. */
const cachedBytes = 512 * 1024;
/** Longer rows are better shared themselves. */
const maxRowBytes = 256 * 1024;
/** Elements of all launches: a few µs of work, which is not worth looking at. */
const minElements = 4096;

/** A launch that goes row by row. */
interface Member {
  readonly launch: Launch;
  readonly stage: Stage;
}

interface LoweredProgram {
  readonly lowered: readonly LoweredLaunch[];
  /** Buffers whose slots are not used, because threads keep their rows. */
  readonly local: ReadonlySet<number>;
}

export function lowerProgram(
  program: Program,
  features: Features,
  isConstant?: LowerContext['isConstant'],
): LoweredProgram {
  const lowered: LoweredLaunch[] = [];
  const local = new Set<number>();
  const lowerings = new Lowerings(program, features, isConstant);
  const { launches } = program;
  const alone = (launch: Launch) => {
    const stages = lowerings.stagesOf(launch).filter((stage) => stage.units > 0);
    lowered.push({ launch, stages });
  };
  for (let first = 0; first < launches.length; ) {
    let end = first + 1;
    const { band } = launches[first];
    while (band !== undefined && launches[end]?.band === band) end++;
    const together = launches.slice(first, end);
    first = end;
    const rows = Math.min(...together.map(({ dims }) => dims[0]));
    let run: Member[] = [];
    const finish = () => {
      const made = bandOf(program, features, rows, run);
      if (made) {
        lowered.push({ launch: run[0].launch, stages: [made.stage] });
        for (const { launch, stage } of run) lowered.push({ launch, stages: [stage] });
        for (const buffer of made.local) local.add(buffer);
      } else for (const { launch } of run) alone(launch);
      run = [];
    };
    const elements = together.reduce((sum, { dims }) => sum + count(dims), 0);
    const promising = together.length > 1 && elements > minElements;
    for (const launch of together) {
      const stages = promising ? lowerings.stagesOf(launch, rows) : [];
      const [stage] = stages;
      if (stages.length === 1 && stage.units > 0 && stage.unitsPerRow !== undefined)
        run.push({ launch, stage });
      else {
        finish();
        alone(launch);
      }
    }
    finish();
  }
  return { lowered, local };
}

/** Null where the launches had better run one after another. */
function bandOf(
  program: Program,
  features: Features,
  rows: number,
  members: readonly Member[],
): { stage: Stage; local: Iterable<number> } | null {
  if (members.length < 2 || rows < 4 * features.threads) return null;
  const launches = members.map(({ launch }) => launch);
  const bytes = rowBytes(program, rows, launches);
  const touched = [...bytes.values()].reduce((sum, own) => sum + own, 0);
  if (touched > maxRowBytes) return null;
  /** Of the work worth handing to another thread, how much one row is. */
  const work = members.reduce((sum, { stage }) => sum + stage.unitsPerRow! / stage.grain, 0);
  const shared = features.threads > 1 && work * rows >= 2;
  if (!shared && rows * touched < cachedBytes) return null;
  const grain = Math.max(1, Math.ceil(1 / work));
  // Calling a kernel has a cost too: as many rows as the cache holds, while there are pieces for all threads.
  const maxSize = Math.max(grain, Math.floor(rows / (4 * features.threads)));
  const size = Math.max(1, Math.min(Math.floor(unitBytes / Math.max(1, touched)), maxSize));
  const units = Math.ceil(rows / size);

  const local = localTo(program, launches);
  const copied = members.reduce((sum, { stage }) => sum + stage.argumentBlock.bytes, 0);
  // Each thread's part: the argument blocks, then the rows of one unit.
  let end = aligned(copied);
  const places = new Map<number, number>();
  for (const buffer of local) {
    places.set(buffer, end);
    // Kernels may read up to 64 bytes beyond the end.
    end += aligned(size * bytes.get(buffer)! + 64);
  }
  const scratch: Scratch = { bytes: end, perThread: true };

  const argumentBlock = new ArgumentBlock();
  argumentBlock.scratch(scratch);
  for (const value of [end, rows, size, copied, members.length]) argumentBlock.i32(value);
  const moves: number[][] = [];
  let at = 0;
  for (const { stage } of members) {
    for (const field of stage.argumentBlock.fields) {
      if (field.kind !== 'address' || !places.has(field.operand.buffer)) continue;
      const { buffer } = field.operand;
      moves.push([at + field.at, places.get(buffer)! + field.bytes, bytes.get(buffer)!]);
    }
    at += stage.argumentBlock.bytes;
  }
  argumentBlock.i32(moves.length);
  for (const { stage } of members) argumentBlock.i32(stage.unitsPerRow!);
  for (const value of moves.flat()) argumentBlock.i32(value);
  const stage = {
    key: 'band',
    argumentBlock,
    units,
    grain: Math.ceil(grain / size),
    emit: emitBand,
    members: members.length,
  };
  return { stage, local };
}

const aligned = (bytes: number) => Math.ceil(bytes / 64) * 64;

/**
 * Where the argument block holds what, all i32. After it, for each kernel its units for a row, then for each address that moves its place
 * in the copied argument blocks, the place of the buffer in the thread's part and the bytes of a row. The argument blocks of the
 * kernels follow.
 */
const fields = {
  scratch: header.fields,
  scratchBytes: header.fields + 4,
  rows: header.fields + 8,
  /** Rows of a unit. */
  size: header.fields + 12,
  /** Bytes of the kernels' argument blocks. */
  copied: header.fields + 16,
  kernels: header.fields + 20,
  moves: header.fields + 24,
  lists: header.fields + 28,
} as const;

/** One function for all bands: everything about them is in the argument block. */
function emitBand(target: Target): FunctionBuilder {
  const type = target.module.type(kernelParameters, []);
  const f = target.module.function(null, kernelParameters, []);
  const [argumentBlock, begin, end] = i32Parameters(f);
  const field = (at: number) => argumentBlock.load(at);
  const thread = new I32(f, () => f.globalGet(target.thread));
  const own = field(fields.scratch)
    .add(thread.mul(field(fields.scratchBytes)))
    .let();
  // The argument blocks of the kernels are the last bytes of this one.
  own.write();
  argumentBlock.add(field(header.bytes)).sub(field(fields.copied)).write();
  field(fields.copied).write();
  f.memoryCopy();
  const size = field(fields.size);
  const row = begin.mul(size).let();
  end.set(end.mul(size));
  const last = end.minU(field(fields.rows)).let();
  const [stop, list, left, called, units] = i32s(f, 5);
  f.loop((again) => {
    stop.set(row.add(size));
    stop.set(stop.minU(last));
    list.set(units.tee(argumentBlock.add(fields.lists)).add(field(fields.kernels).mul(4)));
    left.set(field(fields.moves));
    f.while(left, () => {
      // Before the start by as much as the kernel will add for the first row.
      const start = own.add(list.load(4)).sub(row.mul(list.load(8)));
      own.add(list.load()).store(start);
      list.increase(12);
      left.increase(-1);
    });
    called.set(own);
    left.set(field(fields.kernels));
    f.while(left, () => {
      const [from, to] = [row, stop].map((position) => position.mul(units.load()));
      performIndirect(f, type, called.load(header.position), called, from, to);
      called.increase(called.load(header.bytes));
      units.increase(4);
      left.increase(-1);
    });
    row.tee(stop).ltU(last).branchIf(again);
  });
  return f;
}
