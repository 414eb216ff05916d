/**
 * The code that takes the steps of a loop: it moves the addresses in the argument blocks of the body and calls its kernels.
 *
 * There are two ways. The driver runs the kernels of a step one after another and shares the large ones, as those of any program. Or the
 * rows of the body have nothing to do with one another (`loopRows.ts`), as the examples of a batch: then threads share the rows. Each takes
 * all steps for its own, with its own copy of the argument blocks, and nobody waits for anybody before the end.
 */
import { kernelParameters, type Target } from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { I32, i32, i32Constant, i32Parameters, i32s, performIndirect } from '../assembler/values.ts';
import * as control from '../control.ts';
import * as header from '../header.ts';
import { driverPosition } from './kernelCache.ts';
import * as loopFields from './loopFields.ts';

/** One function for all loops: everything about them is in the argument block. */
export function emitLoopSteps(target: Target): FunctionBuilder {
  const { module } = target;
  const kernel = module.type(kernelParameters, []);
  const driver = module.type([w.i32, w.i32], [w.i32]);
  const f = module.function(null, kernelParameters, []);
  const [own, begin, end] = i32Parameters(f);
  const field = (at: number) => own.load(at);
  const [limit, row, done, at, left] = i32s(f, 5);
  const copies = field(loopFields.copies).let();
  const records = field(loopFields.records).let();
  const lists = own.add(loopFields.lists).let();
  const words = lists.add(field(loopFields.values).mul(loopFields.valueBytes)).let();
  const kernels = words.add(field(loopFields.words).mul(loopFields.wordBytes)).let();
  const values = kernels.add(field(loopFields.kernels).mul(loopFields.kernelBytes)).let();
  copies.if(() => {
    const thread = new I32(f, () => f.globalGet(target.thread));
    values.set(copies.add(thread.mul(field(loopFields.copyBytes))));
    values.add(field(loopFields.values).mul(4).add(15).and(-16)).write();
    records.write();
    field(loopFields.recordBytes).write();
    f.memoryCopy();
    records.set(values.add(field(loopFields.values).mul(4).add(15).and(-16)));
  });
  limit.set(field(loopFields.limit));
  row.set(field(loopFields.row));
  const fault = i32Constant(f, 0).load(control.fault);
  const drive = (first: I32, last: I32) =>
    new I32(f, () => performIndirect(f, driver, i32Constant(f, driverPosition), first, last));
  const recordsEnd = records.add(field(loopFields.recordBytes));
  f.while(done.ltS(limit), (exit) => {
    move();
    field(loopFields.test).if(() => {
      drive(field(loopFields.test), field(loopFields.testEnd)).if(() => fail());
      fault.or(field(loopFields.answer).load(0, w.i32_load8_u).isZero()).branchIf(exit);
    });
    copies.if(callKernels, () => drive(records, recordsEnd).if(() => fail()));
    fault.or(field(loopFields.failed)).branchIf(exit);
    row.increase(field(loopFields.direction));
    done.increase(1);
  });
  own.store(done, loopFields.done);
  return f;

  function fail(): void {
    own.store(1, loopFields.failed);
  }

  /** Writes what is different at this step. */
  function move(): void {
    const to = i32(f);
    at.set(lists);
    to.set(values);
    left.set(field(loopFields.values));
    f.while(left, () => {
      const between = done
        .and(1)
        .select(at.load(12), at.load(8))
        .add(row.mul(at.load(16)));
      const value = done.add(1).eq(limit).select(at.load(4), between);
      to.store(done.isZero().select(at.load(), value));
      to.increase(4);
      at.increase(loopFields.valueBytes);
      left.increase(-1);
    });
    left.set(field(loopFields.words));
    f.while(left, () => {
      records.add(at.load()).store(values.add(at.load(4)).load().add(at.load(8)));
      at.increase(loopFields.wordBytes);
      left.increase(-1);
    });
  }

  /** Calls the kernels for the rows of this thread. */
  function callKernels(): void {
    const [called, section, from] = i32s(f, 3);
    at.set(kernels);
    called.set(records);
    left.set(field(loopFields.kernels));
    f.while(left, () => {
      const units = at.load();
      section.set(at.load(4));
      from.set(begin.mul(units));
      f.loop((again) => {
        const last = from.add(end.sub(begin).mul(units));
        performIndirect(f, kernel, called.load(header.position), called, from, last);
        from.increase(field(loopFields.rows).mul(units));
        section.countDown(again);
      });
      called.increase(called.load(header.bytes));
      at.increase(loopFields.kernelBytes);
      left.increase(-1);
    });
  }
}
