import type { Backend, BinaryOperation, Instruction, Program, UnaryOperation } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../index.ts';

/** A program that applies one operation to contiguous float32 inputs. */
function program(length: number, inputs: number, last: Instruction): Program {
  const loads = Array.from(
    { length: inputs },
    (_, operand): Instruction => ({ op: 'load', operand, dtype: 'float32' }),
  );
  return {
    slots: [],
    bindingCount: inputs + 1,
    scalarCount: 0,
    buffers: Array.from({ length: inputs + 1 }, (_, binding) => ({
      kind: 'bound',
      binding,
      dtype: 'float32',
      length,
    })),
    launches: [
      {
        kernel: {
          form: 'map',
          rank: 1,
          inputs: loads.map(() => 'float32'),
          outputs: [{ dtype: 'float32', accumulate: false }],
          expression: { instructions: [...loads, last], results: [inputs] },
        },
        dims: [length],
        operands: Array.from({ length: inputs + 1 }, (_, buffer) => ({
          buffer,
          offset: 0,
          dynamic: [],
          strides: [1],
        })),
        literals: [],
        label: last.op,
      },
    ],
  };
}

function apply(backend: Backend, last: Instruction, ...inputs: Float32Array[]): Float32Array {
  const executable = backend.prepare(program(inputs[0].length, inputs.length, last));
  const out = backend.allocate(inputs[0].byteLength);
  backend.run(executable, [...inputs, out], new Float64Array(0));
  const result = backend.readSync!(out, 'float32', inputs[0].length) as Float32Array;
  backend.release(out);
  backend.dispose(executable);
  return result;
}

const bits = new DataView(new ArrayBuffer(4));

/** Distance of two float32 neighbors at x. */
function unitInLastPlace(x: number): number {
  bits.setFloat32(0, Math.abs(Math.fround(x)));
  const exponent = Math.max(1, bits.getUint32(0) >>> 23);
  return 2 ** (exponent - 150);
}

/** Largest error in units in the last place, where the exact result is finite in float32. */
function largestError(result: Float32Array, exact: (i: number) => number): { error: number; at: number } {
  let error = 0;
  let at = -1;
  result.forEach((y, i) => {
    const wanted = exact(i);
    if (Object.is(Math.fround(wanted), y)) return;
    const e = Math.abs(y - wanted) / unitInLastPlace(wanted);
    if (!(e <= error)) {
      error = e;
      at = i;
    }
  });
  return { error, at };
}

/** Evenly spread, with as many again spread evenly over exponents, both signs where the range has them. */
function samples(low: number, high: number, n = 40_000): Float32Array {
  const x: number[] = [];
  for (let i = 0; i < n; i++) x.push(low + ((high - low) * (i + 0.37)) / n);
  const largest = Math.log2(Math.max(Math.abs(low), Math.abs(high)));
  for (let i = 0; i < n; i++) {
    const size = 2 ** (-126 + ((largest + 126) * i) / n);
    if (size <= high) x.push(size);
    if (-size >= low) x.push(-size);
  }
  return new Float32Array(x).filter((value) => value >= low && value <= high);
}

/** erf by its Maclaurin series up to 2.5, and by the continued fraction of erfc beyond (Abramowitz & Stegun 7.1). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 100; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 100; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}
const sigmoid = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

// Name, exact function, domain, largest error allowed in units in the last place (measured: see README).
const unary: [UnaryOperation, (x: number) => number, number, number, number][] = [
  ['exp', Math.exp, -103, 88.72, 1.5],
  ['expm1', Math.expm1, -100, 88.72, 2.5],
  ['log', Math.log, 2 ** -149, 3e38, 1.5],
  ['log1p', Math.log1p, -0.9999999, 3e38, 2],
  ['sigmoid', sigmoid, -87, 100, 2.5],
  ['tanh', Math.tanh, -100, 100, 3],
  ['erf', erf, -6, 6, 2],
  ['sin', Math.sin, -1e6, 1e6, 2],
  ['cos', Math.cos, -1e6, 1e6, 2],
  ['tan', Math.tan, -1e6, 1e6, 3.5],
  ['sin', Math.sin, -3e38, 3e38, 2],
  ['asin', Math.asin, -1, 1, 3],
  ['acos', Math.acos, -1, 1, 3],
  ['atan', Math.atan, -3e38, 3e38, 3],
  ['sinh', Math.sinh, -89.4, 89.4, 3],
  ['cosh', Math.cosh, -89.4, 89.4, 3],
]; // biome-ignore format: a table

// Special values: input, result.
const special: Partial<Record<UnaryOperation, [number, number][]>> = {
  exp: [[-Infinity, 0], [Infinity, Infinity], [0, 1], [100, Infinity], [-200, 0], [-103, Math.exp(-103)]],
  expm1: [[-Infinity, -1], [Infinity, Infinity], [0, 0], [-0, -0], [100, Infinity]],
  log: [[0, -Infinity], [-0, -Infinity], [-1, NaN], [Infinity, Infinity], [-Infinity, NaN], [1, 0]],
  log1p: [[0, 0], [-0, -0], [-1, -Infinity], [-2, NaN], [Infinity, Infinity]],
  sigmoid: [[-Infinity, 0], [Infinity, 1], [0, 0.5], [-1000, 0], [1000, 1]],
  tanh: [[-Infinity, -1], [Infinity, 1], [0, 0], [-0, -0]],
  erf: [[-Infinity, -1], [Infinity, 1], [0, 0], [-0, -0]],
  sin: [[0, 0], [-0, -0], [Infinity, NaN], [-Infinity, NaN]],
  cos: [[0, 1], [-0, 1], [Infinity, NaN]],
  tan: [[0, 0], [-0, -0], [Infinity, NaN]],
  asin: [[0, 0], [-0, -0], [1.5, NaN], [-1, -Math.PI / 2], [1, Math.PI / 2]],
  acos: [[1, 0], [0, Math.PI / 2], [-1, Math.PI], [-1.5, NaN]],
  atan: [[0, 0], [-0, -0], [Infinity, Math.PI / 2], [-Infinity, -Math.PI / 2]],
  sinh: [[0, 0], [-0, -0], [Infinity, Infinity], [-Infinity, -Infinity], [100, Infinity]],
  cosh: [[0, 1], [Infinity, Infinity], [-Infinity, Infinity], [-100, Infinity]],
  sqrt: [[0, 0], [-0, -0], [-1, NaN], [Infinity, Infinity], [4, 2]],
  abs: [[-0, 0], [-Infinity, Infinity]],
  neg: [[0, -0], [-Infinity, Infinity]],
  sign: [[0, 0], [-0, -0], [-Infinity, -1], [3, 1], [-1e-45, -1]],
  floor: [[-0.5, -1], [Infinity, Infinity], [2.5, 2]],
  ceil: [[-0.5, -0], [2.5, 3]],
  round: [[0.5, 0], [1.5, 2], [2.5, 2], [-0.5, -0], [-1.5, -2], [8388609, 8388609]],
}; // biome-ignore format: a table

for (const relaxedSimd of [false, true]) {
  let backend: Backend & { close(): void };
  try {
    backend = await wasm({ threads: 1, relaxedSimd });
  } catch {
    continue;
  }
  describe(`float32 functions, ${relaxedSimd ? 'fused' : 'separate'} multiply and add`, () => {
    afterAll(() => backend.close());

    it.each(unary)('%s', (op, exact, low, high, limit) => {
      const x = samples(low, high);
      const y = apply(backend, { op, a: 0, dtype: 'float32' }, x);
      const { error, at } = largestError(y, (i) => exact(x[i]));
      if (process.env.AG_ULP)
        console.log(`${relaxedSimd ? 'fma' : 'mul+add'} ${op} ${error.toFixed(2)} ulp at ${x[at]}`);
      expect(error, `at ${x[at]}: ${y[at]} for ${exact(x[at])}`).toBeLessThan(limit);
    });

    it.each(Object.entries(special))('%s at its limits', (op, pairs) => {
      const x = new Float32Array([...pairs.map(([a]) => a), NaN]);
      const y = apply(backend, { op: op as UnaryOperation, a: 0, dtype: 'float32' }, x);
      pairs.forEach(([a, wanted], i) => {
        if (Number.isFinite(wanted) && wanted !== 0)
          expect(y[i] / Math.fround(wanted), `${op}(${a})`).toBeCloseTo(1, 6);
        else expect(y[i], `${op}(${a})`).toBe(wanted);
      });
      expect(y[pairs.length], `${op}(NaN)`).toBeNaN();
    });

    it('exp has the same bits whatever stands beside it', () => {
      // Vectors with an element beyond ±87 go another way: every fourth, so that all of them do.
      const near = Float32Array.from({ length: 30_000 }, (_, i) => (i / 29_999) * 174 - 87);
      const mixed = new Float32Array(4 * 10_000);
      const far = [-104.5, -90, 88.5, 100, -Infinity, Infinity, NaN];
      for (let i = 0; i < 10_000; i++) {
        mixed.set(near.subarray(3 * i, 3 * i + 3), 4 * i);
        mixed[4 * i + 3] = far[i % far.length];
      }
      const exp: Instruction = { op: 'exp', a: 0, dtype: 'float32' };
      const together = apply(backend, exp, mixed).filter((_, i) => i % 4 < 3);
      expect(together).toEqual(apply(backend, exp, near));
    });

    it('pow', () => {
      const a: number[] = [];
      const b: number[] = [];
      for (let i = 0; i < 40_000; i++) {
        const x = Math.fround(2 ** (((i * 7919) % 2000) / 10 - 100));
        // Results spread over the whole range of exponents.
        a.push(x);
        b.push(Math.fround(((((i * 104729) % 30011) / 30011) * 290 - 145) / (Math.log2(x) || 1)));
      }
      for (let i = -20; i <= 20; i++) {
        for (let k = -9; k <= 9; k++) {
          a.push(Math.fround(i / 7));
          b.push(k);
        }
      }
      const x = new Float32Array(a);
      const y = new Float32Array(b);
      const z = apply(backend, { op: 'pow', a: 0, b: 1, dtype: 'float32' }, x, y);
      const { error, at } = largestError(z, (i) => x[i] ** y[i]);
      if (process.env.AG_ULP) console.log(`${relaxedSimd ? 'fma' : 'mul+add'} pow ${error.toFixed(3)} ulp`);
      expect(error, `${x[at]} ** ${y[at]} = ${x[at] ** y[at]}, got ${z[at]}`).toBeLessThan(0.52);
    });

    // IEC 60559 (C11 Annex F.10): operation, a, b, result.
    it.each([
      ['pow', 0, 0, 1], ['pow', NaN, 0, 1], ['pow', 1, NaN, 1], ['pow', -1, Infinity, 1], ['pow', -1, -Infinity, 1],
      ['pow', 0, -1, Infinity], ['pow', -0, -1, -Infinity], ['pow', -0, -2, Infinity], ['pow', -0, 3, -0],
      ['pow', -0, 2, 0], ['pow', 0, 5.5, 0], ['pow', -8, 1 / 3, NaN], ['pow', -2, 3, -8], ['pow', -2, 4, 16],
      ['pow', 2, Infinity, Infinity], ['pow', 0.5, Infinity, 0], ['pow', 2, -Infinity, 0], ['pow', 0.5, -Infinity, Infinity],
      ['pow', Infinity, 2, Infinity], ['pow', Infinity, -2, 0], ['pow', -Infinity, 3, -Infinity], ['pow', -Infinity, 2, Infinity],
      ['pow', -Infinity, -3, -0], ['pow', -Infinity, 0.5, Infinity], ['pow', NaN, 1, NaN], ['pow', 2, NaN, NaN],
      ['pow', 2, 200, Infinity], ['pow', 2, -200, 0], ['pow', 2, -149, 2 ** -149], ['pow', 10, 2, 100],
      ['atan2', 0, 1, 0], ['atan2', -0, 1, -0], ['atan2', 0, -1, Math.PI], ['atan2', -0, -1, -Math.PI],
      ['atan2', 0, 0, 0], ['atan2', -0, 0, -0], ['atan2', 0, -0, Math.PI], ['atan2', -0, -0, -Math.PI],
      ['atan2', 1, 0, Math.PI / 2], ['atan2', -1, 0, -Math.PI / 2], ['atan2', Infinity, Infinity, Math.PI / 4],
      ['atan2', Infinity, -Infinity, 3 * Math.PI / 4], ['atan2', 1, Infinity, 0], ['atan2', 1, -Infinity, Math.PI],
      ['atan2', Infinity, 1, Math.PI / 2], ['atan2', NaN, 1, NaN], ['atan2', 1, NaN, NaN],
      ['mod', 5, 3, 2], ['mod', -5, 3, 1], ['mod', 5, -3, -1], ['mod', -5, -3, -2], ['mod', 6, 3, 0], ['mod', -6, 3, 0],
      ['mod', 6, -3, -0], ['mod', 1, 0, NaN], ['mod', 2 ** 100, 3, 1], ['mod', Infinity, 3, NaN], ['mod', 2, Infinity, 2],
      ['max', NaN, 1, NaN], ['max', 1, NaN, NaN], ['max', 1, 2, 2], ['max', -Infinity, 2, 2],
      ['min', NaN, 1, NaN], ['min', 1, NaN, NaN], ['min', 1, 2, 1], ['min', Infinity, 2, 2],
      ['div', 1, 0, Infinity], ['div', -1, 0, -Infinity], ['div', 0, 0, NaN],
    ] as [BinaryOperation, number, number, number][])('%s(%d, %d) = %d', (op, a, b, wanted) => {
      const wide = (x: number) => new Float32Array(7).fill(x);
      const result = apply(backend, { op, a: 0, b: 1, dtype: 'float32' }, wide(a), wide(b));
      // Whole vectors and the rest of a row alike.
      for (const y of [result[0], result[6]]) {
        if (Number.isFinite(wanted) && wanted !== 0) expect(y / Math.fround(wanted)).toBeCloseTo(1, 6);
        else expect(y).toBe(wanted);
      }
    }); // biome-ignore format: a table

    it('atan2 all around', () => {
      const n = 20_000;
      const y = new Float32Array(n).map((_, i) => Math.sin(i) * 2 ** ((i % 40) - 20));
      const x = new Float32Array(n).map((_, i) => Math.cos(i) * 2 ** ((i % 23) - 11));
      const z = apply(backend, { op: 'atan2', a: 0, b: 1, dtype: 'float32' }, y, x);
      const { error } = largestError(z, (i) => Math.atan2(y[i], x[i]));
      if (process.env.AG_ULP) console.log(`${relaxedSimd ? 'fma' : 'mul+add'} atan2 ${error.toFixed(2)} ulp`);
      expect(error).toBeLessThan(3);
    });
  });
}
