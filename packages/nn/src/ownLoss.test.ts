/**
 * Follows docs/adding-a-loss.md: a loss defined outside of the library reduces, checks its shapes and differentiates like a built-in one.
 * The page and this file must say the same. And what an addition to the library touches: one file, and one row each.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { backward, checkGradients } from '@ag/graph';
import { sgd } from '@ag/optim';
import { type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { type LossOptions, linear } from './index.ts';

// The page begins here.
/**
 * log cosh (prediction − target): ½d² near 0, |d| − log 2 far away, smooth everywhere.
 *
 * @param prediction any shape
 * @param target the same shape
 * @throws RangeError when the shapes differ
 */
function logCoshLoss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  if (prediction.shape.join() !== target.shape.join()) {
    throw new RangeError(`logCoshLoss: prediction [${prediction.shape}] and target [${target.shape}] differ`);
  }
  const distance = prediction.sub(target).abs();
  // |d| + log(1 + e^(−2|d|)) − log 2, which never overflows.
  const losses = distance.add(distance.mul(-2).exp().log1p()).sub(Math.LN2);
  const { reduction = 'mean' } = options;
  return reduction === 'none' ? losses : reduction === 'sum' ? losses.sum() : losses.mean();
}
// The page ends here.

const a = tensor(
  [
    [0.5, -2],
    [3, 0.1],
  ],
  { dtype: 'float64' },
);
const b = tensor(
  [
    [0, 1],
    [1, 0.4],
  ],
  { dtype: 'float64' },
);

describe('the loss of docs/adding-a-loss.md', () => {
  it('is the one on the page', () => {
    const page = readFileSync(new URL('../../../docs/adding-a-loss.md', import.meta.url), 'utf8');
    const own = readFileSync(new URL(import.meta.url), 'utf8');
    const code = own.slice(own.indexOf('/**\n * log cosh'), own.indexOf('// The page ends here.')).trim();
    expect(page).toContain(code);
  });

  it('has the values of its definition, finite far away', () => {
    const expected = [0.5, -3, 2, -0.3].map((d) => Math.log(Math.cosh(d)));
    const found = logCoshLoss(a, b, { reduction: 'none' }).dataSync();
    expected.forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 12);
    });
    const sum = expected.reduce((x, y) => x + y);
    expect(logCoshLoss(a, b, { reduction: 'sum' }).itemSync()).toBeCloseTo(sum, 12);
    expect(logCoshLoss(a, b).itemSync()).toBeCloseTo(sum / 4, 12);
    expect(logCoshLoss(tensor([1000]), tensor([0])).itemSync()).toBeCloseTo(1000 - Math.LN2, 3);
    expect(() => logCoshLoss(a, tensor([1]))).toThrow('prediction [2,2] and target [1] differ');
  });

  it('has derivatives to the second order, and trains', () => {
    checkGradients(([x, y]) => logCoshLoss(x, y), [a, b]);
    const model = linear(1, 1);
    const optimizer = sgd(model.parameters(), { learningRate: 0.3 });
    const [x, y] = [tensor([[0], [1], [2]]), tensor([[1], [3], [5]])];
    for (let i = 0; i < 200; i++) {
      backward(logCoshLoss(model.forward(x), y));
      optimizer.step();
    }
    expect(logCoshLoss(model.forward(x), y).itemSync()).toBeLessThan(1e-3);
  });
});

/** Sources that are no tests, by name. */
function sources(folder: URL): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|^testing\//.test(name));
  return new Map(files.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
}

/** Which of them say a word, in code or in words. */
const naming = (files: ReadonlyMap<string, string>, word: string): string[] =>
  [...files].filter(([, text]) => new RegExp(`\\b${word}\\b`).test(text)).map(([name]) => name);

describe('an addition to the library touches one file and one row', () => {
  const own = sources(new URL('./', import.meta.url));
  const tensors = sources(new URL('../../tensor/src/', import.meta.url));

  const lists = new Set(['layers.ts', 'index.ts']);
  const defining = (name: string): string[] => naming(own, name).filter((file) => !lists.has(file));

  it.each([
    ['pixelShuffle', 'resample.ts'],
    ['instanceNorm', 'instanceNorm.ts'],
    ['spectralNorm', 'reparameterize.ts'],
    ['gruCell', 'recurrentCells.ts'],
  ])('a layer: %s', (name, file) => {
    expect(defining(name)).toEqual([file]);
    expect(own.get('layers.ts')).toContain(`export * from './${file}';`);
  });

  it.each([
    ['wingLoss', 'losses/robust.ts'],
    ['tripletLoss', 'losses/pairs.ts'],
    ['diceLoss', 'losses/focal.ts'],
  ])('a loss: %s', (name, file) => {
    expect(defining(name)).toEqual([file]);
    expect(own.get('index.ts')).toContain(`export * from './${file}';`);
  });

  // Its method and the line of its free function; the row of its tests lies in testing/.
  it.each(['logSigmoid', 'hardSwish'])('an operation: %s', (name) => {
    expect(naming(tensors, name).sort()).toEqual(['functions/free.ts', 'tensor.ts']);
    const rows = readFileSync(new URL('../../tensor/src/testing/elementwise.ts', import.meta.url), 'utf8');
    expect(rows.match(new RegExp(`'${name}'`, 'g'))).toHaveLength(1);
  });
});
