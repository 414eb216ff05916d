/**
 * Files that are damaged in every way give an error with a code, never a crash or a hang. `test:full` tries 10,000.
 */
import { silenceWarnings, tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import { loadOnnx, type OnnxModel } from '../import/model.ts';
import { inspectOnnx } from '../inspect.ts';
import { modelOf, perceptron } from '../testing/build.ts';
import { nodeTests } from '../testing/nodeTests.node.ts';

const count = process.env.AG_TEST === 'full' ? 10_000 : 600;

/** A generator of whole numbers below a limit, by seed (Steele, Lea & Flood 2014). */
function generator(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) % limit;
  };
}

function mutated(bytes: Uint8Array, draw: (limit: number) => number): Uint8Array {
  const list = [...bytes];
  for (let n = 1 + draw(4); n > 0; n--) {
    const at = draw(list.length);
    switch (draw(6)) {
      case 0:
        list[at] ^= 1 << draw(8);
        break;
      case 1:
        list[at] = draw(256);
        break;
      case 2:
        list.splice(at, 1 + draw(8));
        break;
      case 3:
        list.splice(at, 0, ...Array.from({ length: 1 + draw(8) }, () => draw(256)));
        break;
      case 4:
        // The largest length or size there is.
        list.splice(at, 1, ...new Array<number>(9).fill(0xff), 1);
        break;
      default:
        list.length = Math.max(1, at);
    }
    if (list.length === 0) list.push(0);
  }
  return Uint8Array.from(list);
}

/** Whether it failed. @throws Error for an error without a code */
function fails(what: string, of: () => unknown): boolean {
  try {
    of();
    return false;
  } catch (error) {
    if (/^AG_/.test(String((error as { code?: unknown }).code)) && error instanceof Error) return true;
    throw new Error(`${what} threw an error without a code`, { cause: error });
  }
}

/** Runs it on zeros, where the sizes allow that. */
function run(model: OnnxModel): void {
  const inputs = model.inputs.map(({ type, shape }) => {
    const sizes = (shape ?? [1]).map((size) => (typeof size === 'number' ? size : 1));
    if (sizes.reduce((a, b) => a * b, 1) > 10_000) return null;
    const dtype =
      type === 'int64' ? 'int32' : type === 'bool' ? 'bool' : type?.startsWith('int') ? 'int32' : 'float32';
    return tensor(0, { dtype }).broadcastTo(sizes);
  });
  if (inputs.some((input) => input === null)) return;
  for (const y of model.forward(...(inputs as NonNullable<(typeof inputs)[number]>[]))) {
    if (y.size <= 10_000) y.dataSync();
  }
}

it(`${count} of them`, () => {
  silenceWarnings('AG_CHANGING_PLANS');
  const tests = nodeTests();
  // Small graphs of all kinds; what makes loops of any length is left to its own tests.
  const bases = [
    modelOf(perceptron),
    ...tests.cases
      .filter(
        ({ name }) =>
          !/loop|range|random|bernoulli|constantofshape|expand|tile|large|window|eyelike/i.test(name),
      )
      .filter((_, i) => i % 37 === 0)
      .map(({ model }) => tests.bytes(model)),
  ];
  let failed = 0;
  for (let seed = 0; seed < count; seed++) {
    const draw = generator(seed);
    const bytes = mutated(bases[draw(bases.length)], draw);
    fails(`inspectOnnx, seed ${seed}`, () => inspectOnnx(bytes));
    if (fails(`loadOnnx, seed ${seed}`, () => run(loadOnnx(bytes)))) failed++;
  }
  // Most damage is noticed; what hits a number or a name that nobody reads is not.
  expect(failed).toBeGreaterThan(count / 2);
});
