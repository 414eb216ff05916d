/**
 * Exports are those that onnx.checker, shape inference and onnxruntime have seen, and come back equal: a sample, all of them with
 * `AG_TEST=full`. scripts/check-onnx.ts runs them in onnxruntime-web.
 */
import { readFileSync } from 'node:fs';
import { loadOnnx } from '@ag/onnx';
import { Tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import { difference } from '../../packages/onnx/src/testing/difference.ts';
import { digestOf, fileOf, type LazyCase, layerCases, randomCases, recipeCases } from './cases.ts';

const { checked }: { readonly checked: { readonly [name: string]: string } } = JSON.parse(
  readFileSync(new URL('../../packages/onnx/fixtures/onnxruntime.json', import.meta.url), 'utf8'),
);

const full = process.env.AG_TEST === 'full';

async function check(cases: readonly LazyCase[], step: number): Promise<void> {
  for (let i = 0; i < cases.length; i += full ? 1 : step) {
    const one = await cases[i]();
    const file = await fileOf(one);
    expect(digestOf(file), `${one.name}: exported otherwise; run packages/onnx/scripts/exports.py`).toBe(
      checked[one.name],
    );
    const loaded = loadOnnx(file);
    one.model.eval();
    for (const input of one.inputs) {
      const expected = one.model.forward(input);
      if (!(expected instanceof Tensor)) throw new Error(`${one.name} gives no tensor`);
      const largest = Array.from(expected.dataSync()).reduce(
        (most, value) => Math.max(most, Math.abs(value)),
        1,
      );
      expect(difference(loaded.forward(input)[0], expected), one.name).toBeLessThanOrEqual(1e-6 * largest);
    }
  }
}

it('every layer, and several open sizes', () => check(layerCases(), 7), 120_000);
it('the networks of the recipes', () => check(recipeCases(), 3), 120_000);
it('networks drawn at random', () => check(randomCases(200), 41), 120_000);
