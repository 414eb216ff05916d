import { describe, expect, it } from 'vitest';
import { cosineOfTurn, naturalLogarithm, sineOfTurn } from './deterministicMath.ts';
import { DataError } from './errors.ts';
import { permutationOf, philox, randomStream } from './random.ts';

describe('philox', () => {
  // Known answers of Philox4x32-10 from the authors' Random123 distribution (kat_vectors).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published answer for counter %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out);
    expect([...out]).toEqual(expected);
  });
});

describe('deterministic mathematics', () => {
  it('agrees with Math to 1e-13', () => {
    for (let i = -500; i <= 500; i++) {
      const turn = i / 97;
      expect(Math.abs(cosineOfTurn(turn) - Math.cos(2 * Math.PI * turn))).toBeLessThan(1e-13);
      expect(Math.abs(sineOfTurn(turn) - Math.sin(2 * Math.PI * turn))).toBeLessThan(1e-13);
      const x = 2 ** (i / 20) * 1.37;
      expect(Math.abs(naturalLogarithm(x) - Math.log(x))).toBeLessThan(1e-13);
    }
    expect(naturalLogarithm(1)).toBe(0);
    expect(cosineOfTurn(0)).toBe(1);
  });
});

describe('randomStream', () => {
  it('repeats itself and differs by seed and by path', () => {
    const first = (...key: [number, number?, number?, number?]) => randomStream(...key).bits();
    expect(first(1, 2, 3, 4)).toBe(first(1, 2, 3, 4));
    const all = [first(0), first(1), first(2 ** 32), first(0, 1), first(0, 0, 1), first(0, 0, 0, 1)];
    expect(new Set(all).size).toBe(all.length);
  });

  it('has the moments of its distributions', () => {
    const random = randomStream(7);
    const count = 100_000;
    let uniform = 0;
    let normal = 0;
    let square = 0;
    let fourth = 0;
    for (let i = 0; i < count; i++) {
      uniform += random.uniform(-1, 3);
      const z = random.normal();
      normal += z;
      square += z * z;
      fourth += z ** 4;
    }
    // Four standard errors: 4·1.155/√n, 4/√n, 4·√2/√n, 4·√96/√n.
    expect(Math.abs(uniform / count - 1)).toBeLessThan(0.0147);
    expect(Math.abs(normal / count)).toBeLessThan(0.0127);
    expect(Math.abs(square / count - 1)).toBeLessThan(0.018);
    expect(Math.abs(fourth / count - 3)).toBeLessThan(0.124);
  });

  it('draws integers evenly', () => {
    const random = randomStream(3);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
    // Chi-squared with 6 degrees of freedom: 22.46 is its 99.9th percentile.
    const chi = counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
    expect(chi).toBeLessThan(22.46);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53])('refuses the seed %s', (seed) => {
    expect(() => randomStream(seed)).toThrow(DataError);
  });
});

describe('permutationOf', () => {
  it('holds every number once, in an order that depends on seed and epoch', () => {
    const order = permutationOf(1000, 5, 0, 1);
    expect([...order].sort((p, q) => p - q)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...permutationOf(1000, 5, 0, 1)]).toEqual([...order]);
    expect([...permutationOf(1000, 5, 0, 2)]).not.toEqual([...order]);
    expect([...permutationOf(1000, 6, 0, 1)]).not.toEqual([...order]);
    expect([...permutationOf(0, 5)]).toEqual([]);
  });
});
