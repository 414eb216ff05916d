/**
 * The code that runs plans: it calls kernel after kernel and shares the large ones with workers.
 *
 * `run(first, last)` walks argument blocks, one behind the other in memory. The workers sit in `work(loaded)`.
 *
 * Work is handed out in pieces. A ticket holds the number of the job and the pieces left; whoever lowers it owns the piece
 * whose number it removed. So nobody waits for a thread that is asleep, still loading or descheduled before it
 * claimed anything, and a thread that comes late finds an empty ticket. A claim succeeds only on the ticket that
 * was read, so the job it belongs to cannot have ended, and its description is stable.
 */

import { kernelParameters } from '../abi.ts';
import type { Callable, FunctionBuilder } from '../assembler/functionBuilder.ts';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import {
  call,
  I32,
  type Int,
  i32,
  i32Constant,
  i32Parameters,
  i32s,
  performIndirect,
  sharedFunction,
} from '../assembler/values.ts';
import * as control from '../control.ts';
import * as header from '../header.ts';

/** Passes of the waiting loop before a worker goes to sleep: 50 to 100 µs. */
const spins = 40_000;

/** `shared` and `maximum` as in the memory the module will be given. */
export function driverModule(shared: boolean, maximum: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', 1, maximum, shared);
  module.importTable('env', 'table', 0);
  const stalled = module.importFunction('env', 'stalled', [], [w.i32]);
  const kernelType = module.type(kernelParameters, []);
  const piece = shared ? pieceFunction(module, kernelType) : null;
  runFunction(module, kernelType, piece, stalled);
  if (piece) workFunction(module, piece);
  return module.bytes();
}

/** Calls the kernel of an argument block with a range of units. */
function callKernel(f: FunctionBuilder, type: number, argumentBlock: I32, begin: Int, end: I32): void {
  performIndirect(f, type, argumentBlock.load(header.position), argumentBlock, begin, end);
}

/** A cell of `control` that other threads write too. */
function shared(f: FunctionBuilder, at: number): I32 {
  return i32Constant(f, 0).load(at, w.i32_atomic_load);
}

/** One atomic instruction on a cell of `control`, whose result nobody needs. */
function change(f: FunctionBuilder, code: number, at: number, operand: number): void {
  f.i32(0).i32(operand).memory(code, at).op(w.drop);
}

/** Leaves the function with a number as its result. */
function answer(f: FunctionBuilder, result: number): void {
  f.i32(result).op(w.return_);
}

/**
 * `run(first, last)` → 0, or 1 when a worker failed. It stops behind a kernel that met an index outside its axis: what follows
 * may write over values that the failed run has to leave as they are.
 */
function runFunction(module: ModuleBuilder, type: number, piece: Callable | null, stalled: Callable): void {
  const f = module.function('run', [w.i32, w.i32], [w.i32]);
  const [argumentBlock, last] = i32Parameters(f);
  const [units, pieces, threads] = i32s(f, 3);
  const alone = () => callKernel(f, type, argumentBlock, 0, units);
  if (piece) threads.set(shared(f, control.ready).add(1));
  const fault = i32Constant(f, 0).load(control.fault);
  f.while(argumentBlock.ltU(last).and(fault.isZero()), () => {
    units.set(argumentBlock.load(header.units));
    if (!piece) alone();
    else {
      const grain = argumentBlock.load(header.grain);
      f.block((done) => {
        const worthSharing = threads.gtU(1).and(units.geU(grain.shl(1)));
        worthSharing.if(() => {
          // pieces = min(units / grain, threads · pieces for each)
          pieces.set(units.divU(grain));
          units.set(argumentBlock.load(header.pieces).mul(threads));
          pieces.set(pieces.minU(units));
          call(f, shareFunction(module, piece, stalled), argumentBlock, pieces).if(() => answer(f, 1));
          f.branch(done);
        });
        alone();
      });
    }
    argumentBlock.increase(argumentBlock.load(header.bytes));
  });
  f.i32(0);
}

/** `share(argumentBlock, pieces)` → 0 or 1 as `run`: publishes a job, takes part in it and waits for its end. */
function shareFunction(module: ModuleBuilder, piece: Callable, stalled: Callable): Callable {
  return sharedFunction(module, 'share', [w.i32], (f, argumentBlock, pieces) => {
    const waited = i32(f);
    const cells = i32Constant(f, 0);
    cells.store(argumentBlock, control.jobArguments);
    cells.store(pieces, control.jobPieces);
    cells.store(0, control.done, w.i32_atomic_store);
    // The next job's number above, its pieces below.
    f.i32(0);
    f.i32(0).memory(w.i64_atomic_load, control.ticket).i64(32).op(w.i64_shr_u).i64(1).op(w.i64_add);
    f.i64(32).op(w.i64_shl).get(pieces.local).op(w.i64_extend_i32_u).op(w.i64_or);
    f.memory(w.i64_atomic_store, control.ticket);
    shared(f, control.sleepers).if(() => {
      change(f, w.i32_atomic_rmw_add, control.wake, 1);
      change(f, w.memory_atomic_notify, control.wake, 64);
    });
    f.while(call(f, piece, -1), () => undefined);
    f.while(shared(f, control.done).ne(pieces), () => {
      shared(f, control.failed).if(() => answer(f, 1));
      waited.increase(1);
      const often = waited.and(0xfffff).isZero();
      often.if(() => call(f, stalled).if(() => answer(f, 1)));
    });
    f.i32(0);
  });
}

/** `piece(loaded)`: claims a piece and computes it. 0 when there is none, or none that this thread has code for. */
function pieceFunction(module: ModuleBuilder, type: number): Callable {
  return sharedFunction(module, 'piece', [w.i32], (f, loaded) => {
    const ticket = f.local(w.i64);
    const argumentBlock = i32(f);
    /** units · (left − offset) / pieces, where left is the claimed number */
    const boundary = (offset: number) =>
      new I32(f, () => {
        argumentBlock.load(header.units).write();
        f.op(w.i64_extend_i32_u);
        f.get(ticket).op(w.i32_wrap_i64).i32(offset).op(w.i32_sub).op(w.i64_extend_i32_u).op(w.i64_mul);
        i32Constant(f, 0).load(control.jobPieces).write();
        f.op(w.i64_extend_i32_u).op(w.i64_div_u).op(w.i32_wrap_i64);
      });
    f.loop((again) => {
      f.i32(0).memory(w.i64_atomic_load, control.ticket).tee(ticket).op(w.i32_wrap_i64).op(w.i32_eqz);
      f.if(() => answer(f, 0));
      // Modules are published before the jobs that need them: read in this order, none can be missing.
      const lacks = loaded.geS(0).and(loaded.ne(shared(f, control.published)));
      lacks.if(() => answer(f, 0));
      f.i32(0).get(ticket).get(ticket).i64(1).op(w.i64_sub);
      f.memory(w.i64_atomic_rmw_cmpxchg, control.ticket).get(ticket).op(w.i64_ne).branchIf(again);
    });
    argumentBlock.set(i32Constant(f, 0).load(control.jobArguments));
    callKernel(f, type, argumentBlock, boundary(1), boundary(0));
    change(f, w.i32_atomic_rmw_add, control.done, 1);
    f.i32(1);
  });
}

/** `work(loaded)`: a worker's life between modules. Returns when there is one to load, or when it shall end. */
function workFunction(module: ModuleBuilder, piece: Callable): void {
  const f = module.function('work', [w.i32], []);
  const [loaded] = i32Parameters(f);
  const left = i32(f);
  const seen = i32(f);
  const interrupted = shared(f, control.quit).or(shared(f, control.published).ne(loaded));
  left.set(spins);
  f.loop((again) => {
    interrupted.if(() => f.op(w.return_));
    call(f, piece, loaded).if(() => {
      left.set(spins);
      f.branch(again);
    });
    left.countDown(again);
    left.set(spins);
    seen.set(shared(f, control.wake));
    change(f, w.i32_atomic_rmw_add, control.sleepers, 1);
    const job = new I32(f, () => f.i32(0).memory(w.i64_atomic_load, control.ticket).op(w.i32_wrap_i64));
    const idle = interrupted.or(job).isZero();
    idle.if(() => f.i32(0).get(seen.local).i64(-1).memory(w.memory_atomic_wait32, control.wake).op(w.drop));
    change(f, w.i32_atomic_rmw_sub, control.sleepers, 1);
    f.branch(again);
  });
}
