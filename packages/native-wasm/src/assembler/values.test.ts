import { expect, it } from 'vitest';
import type { FunctionBuilder } from './functionBuilder.ts';
import { ModuleBuilder } from './moduleBuilder.ts';
import * as w from './opcodes.ts';
import { i32, i32Parameters } from './values.ts';

/** A module of one function of two i32, with a memory. */
function moduleOf(build: (f: FunctionBuilder) => void): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', 1);
  build(module.function('f', [w.i32, w.i32], [w.i32]));
  return module.bytes();
}

const formula = moduleOf((f) => {
  const [a, b] = i32Parameters(f);
  const sum = i32(f);
  sum.set(a.add(b.mul(64)).minS(1000));
  a.store(sum, 8);
  f.loop((again) => {
    sum.increase(b);
    a.countDown(again);
  });
  b.ltS(0)
    .ifElse(
      () => sum.sub(1),
      () => 7,
    )
    .write();
});

it('writes out operands from left to right, as they would be pushed one by one', () => {
  const pushed = moduleOf((f) => {
    const [a, b, sum] = [0, 1, f.local(w.i32)] as const;
    const value = () => f.get(a).get(b).i32(64).op(w.i32_mul).op(w.i32_add);
    value().i32(1000);
    value().i32(1000).op(w.i32_lt_s).op(w.select).set(sum);
    f.get(a).get(sum).memory(w.i32_store, 8);
    f.loop((again) => {
      f.get(sum).get(b).op(w.i32_add).set(sum);
      f.get(a).i32(-1).op(w.i32_add).set(a).get(a).branchIf(again);
    });
    f.get(b).i32(0).op(w.i32_lt_s);
    f.if(
      () => f.get(sum).i32(1).op(w.i32_sub),
      () => f.i32(7),
      w.i32,
    );
  });
  expect(formula).toEqual(pushed);
});

it('computes what it says', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(formula), { env: { memory } });
  const f = instance.exports.f as (a: number, b: number) => number;
  expect(f(4, 2)).toBe(7);
  expect(new Int32Array(memory.buffer)[3]).toBe(4 + 2 * 64);
  expect(f(4, -1)).toBe(4 - 64 - 4 - 1);
});
