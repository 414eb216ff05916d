// biome-ignore-all format: a line of instructions is a line of thought
/**
 * The code that runs plans: `run(first, last)` walks argument blocks and calls their kernels, sharing each that is large
 * enough with the workers, who sit in `work(loaded)`.
 *
 * Work is handed out in pieces. A ticket holds the number of the job and the pieces left; whoever lowers it owns the piece
 * whose number it removed. So nobody waits for a thread that is asleep, still loading or descheduled before it
 * claimed anything, and a thread that comes late finds an empty ticket. A claim succeeds only on the ticket that
 * was read, so the job it belongs to cannot have ended, and its description is stable.
 */
import { header, kernelParameters } from '../abi.ts';
import type { Callable, FunctionBuilder } from '../assembler/functionBuilder.ts';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { control } from '../control.ts';

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

/** Calls the kernel of the argument block with a range of units, as three i32 on the stack. */
function callKernel(f: FunctionBuilder, argumentBlock: number, type: number): void {
  f.load(w.i32_load, argumentBlock, header.function).callIndirect(type);
}

/**
 * `run(first, last)` → 0, or 1 when a worker failed. It stops behind a kernel that met an index outside its axis: what follows
 * may write over values that the failed run has to leave as they are.
 */
function runFunction(module: ModuleBuilder, type: number, piece: Callable | null, stalled: Callable): void {
  const f = module.function('run', [w.i32, w.i32], [w.i32]);
  const [argumentBlock, last] = f.parameters;
  const units = f.local(w.i32);
  const pieces = f.local(w.i32);
  const threads = f.local(w.i32);
  if (piece) f.i32(0).memory(w.i32_atomic_load, control.ready).i32(1).op(w.i32_add).set(threads);
  f.while(
    () => f.get(argumentBlock).get(last).op(w.i32_lt_u).i32(0).memory(w.i32_load, control.fault).op(w.i32_eqz).op(w.i32_and),
    () => {
      f.load(w.i32_load, argumentBlock, header.units).set(units);
      if (!piece) {
        f.get(argumentBlock).i32(0).get(units);
        callKernel(f, argumentBlock, type);
      } else {
        // pieces = min(units / grain, threads · pieces for each)
        f.block((done) => {
          f.get(threads).i32(1).op(w.i32_gt_u).get(units).load(w.i32_load, argumentBlock, header.grain).i32(1).op(w.i32_shl);
          f.op(w.i32_ge_u).op(w.i32_and);
          f.if(() => {
            f.get(units).load(w.i32_load, argumentBlock, header.grain).op(w.i32_div_u).set(pieces);
            f.load(w.i32_load, argumentBlock, header.pieces).get(threads).op(w.i32_mul).set(units);
            f.get(pieces).get(units).get(pieces).get(units).op(w.i32_lt_u).op(w.select).set(pieces);
            shareFunction(module, f, argumentBlock, pieces, piece, stalled);
            f.branch(done);
          });
          f.get(argumentBlock).i32(0).get(units);
          callKernel(f, argumentBlock, type);
        });
      }
      f.get(argumentBlock).load(w.i32_load, argumentBlock, header.bytes).op(w.i32_add).set(argumentBlock);
    },
  );
  f.i32(0);
}

/** Publishes a job, takes part in it and waits for its end. */
function shareFunction(
  module: ModuleBuilder,
  f: FunctionBuilder,
  argumentBlock: number,
  pieces: number,
  piece: Callable,
  stalled: Callable,
): void {
  const share = module.shared('share', [w.i32, w.i32], [w.i32], (f) => {
    const [argumentBlock, pieces] = f.parameters;
    const waited = f.local(w.i32);
    f.i32(0).get(argumentBlock).memory(w.i32_store, control.jobArguments);
    f.i32(0).get(pieces).memory(w.i32_store, control.jobPieces);
    f.i32(0).i32(0).memory(w.i32_atomic_store, control.done);
    // The next job's number above, its pieces below.
    f.i32(0);
    f.i32(0).memory(w.i64_atomic_load, control.ticket).i64(32).op(w.i64_shr_u).i64(1).op(w.i64_add);
    f.i64(32).op(w.i64_shl).get(pieces).op(w.i64_extend_i32_u).op(w.i64_or).memory(w.i64_atomic_store, control.ticket);
    f.i32(0).memory(w.i32_atomic_load, control.sleepers).if(() => {
      f.i32(0).i32(1).memory(w.i32_atomic_rmw_add, control.wake).op(w.drop);
      f.i32(0).i32(64).memory(w.memory_atomic_notify, control.wake).op(w.drop);
    });
    f.while(() => f.i32(-1).call(piece), () => undefined); // biome-ignore format: short
    f.while(
      () => f.i32(0).memory(w.i32_atomic_load, control.done).get(pieces).op(w.i32_ne),
      () => {
        f.i32(0).memory(w.i32_atomic_load, control.failed).if(() => f.i32(1).op(w.return_));
        f.increment(waited, 1).get(waited).i32(0xfffff).op(w.i32_and).op(w.i32_eqz);
        f.if(() => f.call(stalled).if(() => f.i32(1).op(w.return_)));
      },
    );
    f.i32(0);
  });
  f.get(argumentBlock).get(pieces).call(share).if(() => f.i32(1).op(w.return_));
}

/** `piece(loaded)`: claims a piece and computes it. 0 when there is none, or none that this thread has code for. */
function pieceFunction(module: ModuleBuilder, type: number): Callable {
  return module.shared('piece', [w.i32], [w.i32], (f) => {
    const [loaded] = f.parameters;
    const ticket = f.local(w.i64);
    const argumentBlock = f.local(w.i32);
    const boundary = (offset: number) => {
      // units · (left − offset) / pieces, where left is the claimed number
      f.load(w.i32_load, argumentBlock, header.units).op(w.i64_extend_i32_u);
      f.get(ticket).op(w.i32_wrap_i64).i32(offset).op(w.i32_sub).op(w.i64_extend_i32_u).op(w.i64_mul);
      f.i32(0).memory(w.i32_load, control.jobPieces).op(w.i64_extend_i32_u).op(w.i64_div_u).op(w.i32_wrap_i64);
    };
    f.loop((again) => {
      f.i32(0).memory(w.i64_atomic_load, control.ticket).tee(ticket).op(w.i32_wrap_i64).op(w.i32_eqz);
      f.if(() => f.i32(0).op(w.return_));
      // Modules are published before the jobs that need them: read in this order, none can be missing.
      f.get(loaded).i32(0).op(w.i32_ge_s).get(loaded).i32(0).memory(w.i32_atomic_load, control.published);
      f.op(w.i32_ne).op(w.i32_and).if(() => f.i32(0).op(w.return_));
      f.i32(0).get(ticket).get(ticket).i64(1).op(w.i64_sub).memory(w.i64_atomic_rmw_cmpxchg, control.ticket);
      f.get(ticket).op(w.i64_ne).branchIf(again);
    });
    f.i32(0).memory(w.i32_load, control.jobArguments).set(argumentBlock);
    f.get(argumentBlock);
    boundary(1);
    boundary(0);
    callKernel(f, argumentBlock, type);
    f.i32(0).i32(1).memory(w.i32_atomic_rmw_add, control.done).op(w.drop);
    f.i32(1);
  });
}

/** `work(loaded)`: a worker's life between modules. Returns when there is one to load, or when it shall end. */
function workFunction(module: ModuleBuilder, piece: Callable): void {
  const f = module.function('work', [w.i32], []);
  const [loaded] = f.parameters;
  const left = f.local(w.i32);
  const seen = f.local(w.i32);
  const interrupted = () => {
    f.i32(0).memory(w.i32_atomic_load, control.quit);
    f.i32(0).memory(w.i32_atomic_load, control.published).get(loaded).op(w.i32_ne).op(w.i32_or);
  };
  f.i32(spins).set(left);
  f.loop((again) => {
    interrupted();
    f.if(() => f.op(w.return_));
    f.get(loaded).call(piece).if(() => {
      f.i32(spins).set(left).branch(again);
    });
    f.increment(left, -1).get(left).branchIf(again);
    f.i32(spins).set(left);
    f.i32(0).memory(w.i32_atomic_load, control.wake).set(seen);
    f.i32(0).i32(1).memory(w.i32_atomic_rmw_add, control.sleepers).op(w.drop);
    interrupted();
    f.i32(0).memory(w.i64_atomic_load, control.ticket).op(w.i32_wrap_i64).op(w.i32_or).op(w.i32_eqz);
    f.if(() => f.i32(0).get(seen).i64(-1).memory(w.memory_atomic_wait32, control.wake).op(w.drop));
    f.i32(0).i32(1).memory(w.i32_atomic_rmw_sub, control.sleepers).op(w.drop);
    f.branch(again);
  });
}
