/**
 * The float64 functions of kernels against those of @ag/tensor/math: the same bits, element by element, for arguments of
 * every size and for the special ones. That those are right, their own tests say (packages/tensor/src/math).
 */
import { tensor, use } from '@ag/tensor';
import * as math from '@ag/tensor/math';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../index.ts';

const backend = await wasm({ threads: 1 });
use(backend);
afterAll(() => backend.close());

/** A linear congruence: the same arguments at every run. */
let seed = 7;
const draw = (): number => {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
};
const anywhere = (low: number, high: number): number =>
  (draw() < 0.5 ? -1 : 1) * (1 + draw()) * 2 ** Math.floor(low + draw() * (high - low));
const special = [
  0, -0, Number.NaN, Infinity, -Infinity, 1, -1, 5e-324, -5e-324, 2 ** -1022, -(2 ** -1022), Number.MAX_VALUE, -Number.MAX_VALUE, 0.5, -0.5, 2, -2,
  3, -3, 1e6, 1e6 + 2 ** -30, Math.PI, Math.PI / 2, 709.78, 709.79, -745.1, -745.2, 710.4, -710.4, 6381956970095103 * 2 ** 797, 2 ** -960, 2 ** -54,
]; // biome-ignore format: a list
const argumentsOf = (size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) =>
    i < special.length
      ? special[i]
      : i % 4 === 0
        ? anywhere(-1074, 1023)
        : i % 4 === 1
          ? anywhere(-30, 12)
          : i % 4 === 2
            ? draw() * 2 - 1
            : draw() * 40 - 20,
  );

function expectSame(
  name: string,
  found: ArrayLike<number>,
  expected: (i: number) => number,
  what: (i: number) => unknown,
): void {
  for (let i = 0; i < found.length; i++) {
    if (!Object.is(found[i], expected(i)))
      expect.fail(`${name}(${what(i)}) is ${found[i]}, in JavaScript ${expected(i)}`);
  }
}

describe('bits of @ag/tensor/math', () => {
  const unary = 'exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh'.split(' ') as 'exp'[];
  it.each(unary)('%s', (name) => {
    // An odd number: the last vector is half full.
    const x = argumentsOf(20_001);
    expectSame(
      name,
      tensor(x)[name]().dataSync(),
      (i) => math[name](x[i]),
      (i) => x[i],
    );
  });

  it.each(['pow', 'atan2'] as const)('%s', (name) => {
    const pairs = special.flatMap((a) => special.map((b) => [a, b]));
    const other = argumentsOf(20_000);
    const a = Float64Array.from([...pairs.map(([first]) => first), ...argumentsOf(20_000)]);
    const b = Float64Array.from([
      ...pairs.map(([, second]) => second),
      ...other.map((x, i) => (i % 3 === 0 ? Math.round(x) : x)),
    ]);
    expectSame(
      name,
      tensor(a)[name](tensor(b)).dataSync(),
      (i) => math[name](a[i], b[i]),
      (i) => `${a[i]}, ${b[i]}`,
    );
  });

  it('for angles of float32 too large for its own reduction', () => {
    const x = Float32Array.from({ length: 1000 }, () => anywhere(20, 127));
    for (const name of ['sin', 'cos', 'tan'] as const)
      expectSame(
        name,
        tensor(x)[name]().dataSync(),
        (i) => Math.fround(math[name](x[i])),
        (i) => x[i],
      );
  });

  it('on every thread', async () => {
    const many = await wasm({ threads: 2 });
    use(many);
    const x = argumentsOf(200_000);
    expectSame(
      'exp',
      tensor(x).exp().dataSync(),
      (i) => math.exp(x[i]),
      (i) => x[i],
    );
    expectSame(
      'sin',
      tensor(x).sin().dataSync(),
      (i) => math.sin(x[i]),
      (i) => x[i],
    );
    use(backend);
    many.close();
  });
});
