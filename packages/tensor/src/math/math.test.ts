/**
 * The functions against 250-bit arithmetic (fixtures/functions.py), their limits and special values against C's Annex F, and
 * the bits of many results against a number that was committed: an engine whose arithmetic differed would show it.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { powerOfTwo, scaleByPowerOfTwo } from './bits.ts';
import * as all from './index.ts';

const { constants: _, exponentOf, ...math } = all;
type Name = keyof typeof math;
const names = (Object.keys(math) as Name[]).sort();
const of = (name: Name, x: readonly number[]): number => (math[name] as (...x: number[]) => number)(...x);
const table: Record<string, readonly (readonly number[])[]> = JSON.parse(
  readFileSync(new URL('../../fixtures/functions.json', import.meta.url), 'utf8'),
);

/** Distance to the next float64. */
const unit = (x: number): number => 2 ** Math.max(-1074, exponentOf(x) - 52);

describe('errors in units in the last place', () => {
  it('has values for every function', () => expect(Object.keys(table).sort()).toEqual([...names].sort()));

  for (const name of names) {
    const bound = name === 'sin' || name === 'cos' || name === 'tan' ? 0.8 : 0.6;
    it(`${name}: below ${bound}`, () => {
      expect(table[name].length).toBeGreaterThan(100);
      for (const row of table[name]) {
        const [near, lacks] = row.slice(-2) as [number, number];
        const x = row.slice(0, -2);
        const error = Math.abs(of(name, x) - near - lacks) / unit(near);
        // Results below the normal numbers are rounded twice.
        const allowed = Math.abs(near) < 2 ** -1022 ? 1 : bound;
        expect(error, `${name}(${x}) = ${of(name, x)}, right ${near}`).toBeLessThan(allowed);
      }
    });
  }
});

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const pi = Math.PI;
const smallest = 5e-324;
const largest = Number.MAX_VALUE;

describe('special values', () => {
  // biome-ignore format: a table
  const rows: readonly [Name, readonly number[], number][] = [
    ['exp', [0], 1], ['exp', [-0], 1], ['exp', [inf], inf], ['exp', [-inf], 0], ['exp', [nan], nan], ['exp', [709.782712893384], 1.7976931348622732e308],
    ['exp', [709.7827128933841], inf], ['exp', [-745.1332191019411], smallest], ['exp', [-745.14], 0], ['exp', [smallest], 1], ['exp', [largest], inf], ['exp', [1], Math.E],
    ['expm1', [0], 0], ['expm1', [-0], -0], ['expm1', [inf], inf], ['expm1', [-inf], -1], ['expm1', [nan], nan], ['expm1', [smallest], smallest], ['expm1', [-largest], -1], ['expm1', [-50], -1], ['expm1', [710], inf],
    ['log', [0], -inf], ['log', [-0], -inf], ['log', [inf], inf], ['log', [-1], nan], ['log', [-smallest], nan], ['log', [nan], nan], ['log', [1], 0],
    ['log', [smallest], -744.4400719213812], ['log', [largest], 709.782712893384], ['log', [2 ** -1022], -708.3964185322641], ['log', [Math.E], 1],
    ['log1p', [0], 0], ['log1p', [-0], -0], ['log1p', [-1], -inf], ['log1p', [-2], nan], ['log1p', [inf], inf], ['log1p', [nan], nan], ['log1p', [smallest], smallest], ['log1p', [largest], 709.782712893384], ['log1p', [-1 + 2 ** -53], -36.7368005696771],
    ['sinh', [0], 0], ['sinh', [-0], -0], ['sinh', [inf], inf], ['sinh', [-inf], -inf], ['sinh', [nan], nan], ['sinh', [smallest], smallest], ['sinh', [710.4758600739439], 1.7976931348621744e308], ['sinh', [710.4758600739440], inf], ['sinh', [-711], -inf],
    ['cosh', [0], 1], ['cosh', [-0], 1], ['cosh', [inf], inf], ['cosh', [-inf], inf], ['cosh', [nan], nan], ['cosh', [smallest], 1], ['cosh', [-710.4758600739439], 1.7976931348621744e308],
    ['tanh', [0], 0], ['tanh', [-0], -0], ['tanh', [inf], 1], ['tanh', [-inf], -1], ['tanh', [nan], nan], ['tanh', [smallest], smallest], ['tanh', [-1000], -1],
    ['sin', [0], 0], ['sin', [-0], -0], ['sin', [inf], nan], ['sin', [-inf], nan], ['sin', [nan], nan], ['sin', [smallest], smallest], ['sin', [-smallest], -smallest],
    ['cos', [0], 1], ['cos', [-0], 1], ['cos', [inf], nan], ['cos', [nan], nan], ['cos', [smallest], 1],
    ['tan', [0], 0], ['tan', [-0], -0], ['tan', [-inf], nan], ['tan', [nan], nan], ['tan', [-smallest], -smallest],
    ['asin', [0], 0], ['asin', [-0], -0], ['asin', [1], pi / 2], ['asin', [-1], -pi / 2], ['asin', [1 + 2 ** -52], nan], ['asin', [nan], nan], ['asin', [inf], nan], ['asin', [smallest], smallest],
    ['acos', [1], 0], ['acos', [-1], pi], ['acos', [0], pi / 2], ['acos', [-0], pi / 2], ['acos', [1 + 2 ** -52], nan], ['acos', [nan], nan], ['acos', [-inf], nan],
    ['atan', [0], 0], ['atan', [-0], -0], ['atan', [inf], pi / 2], ['atan', [-inf], -pi / 2], ['atan', [nan], nan], ['atan', [1], pi / 4], ['atan', [smallest], smallest], ['atan', [largest], pi / 2],
    ['atan2', [0, 0], 0], ['atan2', [-0, 0], -0], ['atan2', [0, -0], pi], ['atan2', [-0, -0], -pi], ['atan2', [0, -1], pi], ['atan2', [-0, -1], -pi], ['atan2', [1, 0], pi / 2], ['atan2', [-1, -0], -pi / 2],
    ['atan2', [inf, inf], pi / 4], ['atan2', [inf, -inf], 2.356194490192345], ['atan2', [-inf, inf], -pi / 4], ['atan2', [-inf, -inf], -2.356194490192345],
    ['atan2', [1, inf], 0], ['atan2', [-1, inf], -0], ['atan2', [1, -inf], pi], ['atan2', [inf, 1], pi / 2], ['atan2', [nan, 1], nan], ['atan2', [1, nan], nan], ['atan2', [nan, inf], nan],
    ['atan2', [smallest, largest], 0], ['atan2', [largest, smallest], pi / 2], ['atan2', [smallest, smallest], pi / 4], ['atan2', [largest, largest], pi / 4], ['atan2', [smallest, 1], smallest], ['atan2', [smallest, -largest], pi],
    ['pow', [0, 0], 1], ['pow', [nan, 0], 1], ['pow', [nan, -0], 1], ['pow', [1, nan], 1], ['pow', [1, inf], 1], ['pow', [-1, inf], 1], ['pow', [-1, -inf], 1], ['pow', [nan, 1], nan], ['pow', [2, nan], nan],
    ['pow', [2, inf], inf], ['pow', [2, -inf], 0], ['pow', [0.5, inf], 0], ['pow', [0.5, -inf], inf], ['pow', [-0.5, -inf], inf], ['pow', [-2, inf], inf],
    ['pow', [0, 1], 0], ['pow', [-0, 1], -0], ['pow', [-0, 3], -0], ['pow', [-0, 2], 0], ['pow', [0, -1], inf], ['pow', [-0, -1], -inf], ['pow', [-0, -2], inf], ['pow', [-0, 0.5], 0], ['pow', [-0, -0.5], inf],
    ['pow', [inf, 2], inf], ['pow', [inf, -2], 0], ['pow', [-inf, 3], -inf], ['pow', [-inf, 2], inf], ['pow', [-inf, -3], -0], ['pow', [-inf, -2], 0], ['pow', [-inf, 0.5], inf], ['pow', [-inf, -0.5], 0],
    ['pow', [-8, 1 / 3], nan], ['pow', [-2, 3], -8], ['pow', [-2, 4], 16], ['pow', [-1, 2 ** 53], 1], ['pow', [-1, 2 ** 53 - 1], -1], ['pow', [2, 1023], 2 ** 1023], ['pow', [2, 1024], inf], ['pow', [2, -1074], smallest], ['pow', [2, -1075], 0],
    ['pow', [3, 33], 5559060566555523], ['pow', [10, 15], 1e15], ['pow', [10, 22], 1e22], ['pow', [smallest, -1], inf], ['pow', [largest, 2], inf], ['pow', [1 + 2 ** -52, largest], inf], ['pow', [1 - 2 ** -53, largest], 0], ['pow', [7, smallest], 1], ['pow', [largest, -1], 1 / largest], ['pow', [smallest, 1], smallest],
  ];
  it.each(rows.map((row) => [`${row[0]}(${row[1]})`, row] as const))('%s', (_, [name, x, expected]) => {
    expect(of(name, x)).toBe(expected);
  });

  it('powers of two and whole powers are exact', () => {
    for (let n = -1074; n <= 1023; n++) expect(math.pow(2, n)).toBe(scaleByPowerOfTwo(1, n));
    for (let base = 2; base <= 20; base++) {
      let power = 1;
      for (let n = 0; power <= Number.MAX_SAFE_INTEGER; n++, power *= base)
        expect(math.pow(base, n)).toBe(power);
    }
  });

  it('symmetry holds to the last bit', () => {
    for (let i = 1; i < 200; i++) {
      const x = i / 17;
      for (const name of ['sinh', 'tanh', 'sin', 'tan', 'atan'] as const)
        expect(of(name, [-x])).toBe(-of(name, [x]));
      for (const name of ['cosh', 'cos'] as const) expect(of(name, [-x])).toBe(of(name, [x]));
      expect(math.asin(-x / 12)).toBe(-math.asin(x / 12));
    }
  });
});

describe('bits', () => {
  it('of exponents and powers of two', () => {
    for (let n = -1022; n <= 1023; n++) expect(powerOfTwo(n)).toBe(2 ** n);
    for (const [x, n] of [
      [1, 0],
      [0.75, -1],
      [-3, 1],
      [smallest, -1074],
      [largest, 1023],
      [2 ** -1022, -1022],
      [3 * smallest, -1073],
    ] as const)
      expect(exponentOf(x)).toBe(n);
    expect(scaleByPowerOfTwo(1.5, -1074)).toBe(2 * smallest);
    expect(scaleByPowerOfTwo(2 ** 1023, -2000)).toBe(2 ** -977);
    expect(scaleByPowerOfTwo(smallest, 2097)).toBe(2 ** 1023);
    expect(scaleByPowerOfTwo(1, 5000)).toBe(inf);
    expect(scaleByPowerOfTwo(-1, -5000)).toBe(-0);
    // Once, not twice: 1 + 2⁻⁵² + 2⁻⁵³ halves of the last subnormal place.
    expect(scaleByPowerOfTwo(1.5 - 2 ** -52, -1074)).toBe(smallest);
  });

  it('of 75,000 results are what they were when this was written', () => {
    const bytes = new DataView(new ArrayBuffer(8));
    let seed = 1;
    // A linear congruence: exact in float64 on every engine.
    const draw = (): number => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    let hash = 0x811c9dc5;
    const add = (value: number): void => {
      bytes.setFloat64(0, Number.isNaN(value) ? 0.5 : value);
      for (let i = 0; i < 8; i++) hash = Math.imul(hash ^ bytes.getUint8(i), 0x01000193) >>> 0;
    };
    for (let i = 0; i < 5000; i++) {
      const x = (draw() - 0.5) * powerOfTwo(Math.floor(draw() * 40) - 20);
      const y = draw() * 6 - 3;
      for (const name of names)
        add(of(name, name === 'pow' ? [Math.abs(x), y] : name === 'atan2' ? [x, y] : [x]));
      add(math.sin(x * 2 ** 200));
    }
    expect(hash.toString(16)).toBe('de4fd96');
  });
});
