/**
 * docs/operations.md says which dtype each operation gives and names every public operation: both are checked against
 * the code, so that the page cannot fall behind.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as convolution from './functions/convolution.ts';
import * as distributions from './functions/distributions.ts';
import * as notation from './functions/einsum.ts';
import * as functions from './functions/free.ts';
import * as sampling from './functions/gridSample.ts';
import * as linearAlgebra from './functions/linearAlgebra.ts';
import * as logProbabilities from './functions/logProbabilities.ts';
import * as matrixFunctions from './functions/matrixFunctions.ts';
import * as patches from './functions/patches.ts';
import * as pooling from './functions/pooling.ts';
import * as random from './functions/random.ts';
import * as resizing from './functions/resize.ts';
import * as shortTimeSpectra from './functions/shortTimeSpectra.ts';
import * as spaces from './functions/spaces.ts';
import * as spectra from './functions/spectra.ts';
import * as windows from './functions/windows.ts';
import type { DType, Tensor } from './index.ts';
import * as api from './index.ts';

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

/** Rows of the tables whose header names all dtypes: what stands in the first cell, then one cell for each dtype. */
const [promotions, results] = page
  .split(/\n\n/)
  .filter(
    (block) =>
      block.startsWith('|') && block.includes('| bool | uint8 | int32 | uint32 | float32 | float64 |'),
  )
  .map((block) =>
    block
      .split('\n')
      .slice(2)
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  );

const special: Record<string, (x: Tensor) => Tensor> = {
  where: (x) => x.equal(0).where(x, x),
  pad: (x) =>
    x.pad([
      [1, 0],
      [0, 1],
    ]),
  sort: (x) => api.sort(x),
  argsort: (x) => api.argsort(x),
  det: (x) => api.det(x),
  einsum: (x) => api.einsum('ij,ij->ij', x, x),
  conv1d: (x) => api.conv1d(x.reshape([1, 2, 2]), x.reshape([2, 2, 1])),
  maxPool2d: (x) => api.maxPool2d(x.reshape([1, 1, 2, 2]), 2),
  avgPool2d: (x) => api.avgPool2d(x.reshape([1, 1, 2, 2]), 2),
};

function resultOf(name: string, x: Tensor): Tensor {
  const own = special[name];
  if (own) return own(x);
  const method = x[name as 'sub'];
  // Methods of two operands get the tensor twice; the others do not look at an argument.
  return 'sub pow mod div maximum minimum equal less matmul'.split(' ').includes(name)
    ? method.call(x, x)
    : (method as () => Tensor).call(x);
}

describe('docs/operations.md', () => {
  it('has both tables of dtypes', () => {
    expect(promotions).toHaveLength(6);
    expect(results.length).toBeGreaterThan(4);
  });

  it('states how dtypes promote', () => {
    for (const [first, ...cells] of promotions) {
      cells.forEach((cell, i) => {
        expect(api.promote(first as DType, api.dtypes[i]), `${first} with ${api.dtypes[i]}`).toBe(cell);
      });
    }
    expect(promotions.map(([first]) => first)).toEqual([...api.dtypes]);
  });

  for (const [names, ...cells] of results ?? []) {
    for (const [, name] of names.matchAll(/`(\w+)`/g)) {
      it(`states the dtype that ${name} gives`, () => {
        api.dtypes.forEach((dtype, i) => {
          const y = resultOf(
            name,
            api.tensor(
              [
                [1, 0],
                [1, 1],
              ],
              { dtype },
            ),
          );
          expect(y.dtype, `${name} of ${dtype}`).toBe(cells[i]);
          expect(() => y.dataSync(), `${name} of ${dtype}`).not.toThrow();
        });
      });
    }
  }

  it('names every public operation', () => {
    const operations = new Set<unknown>(
      [
        functions,
        convolution,
        pooling,
        spaces,
        patches,
        resizing,
        sampling,
        notation,
        linearAlgebra,
        matrixFunctions,
        spectra,
        shortTimeSpectra,
        windows,
        random,
        distributions,
        logProbabilities,
      ].flatMap((module) => Object.values(module)),
    );
    const machinery = new Set(['randomState', 'restoreRandomState', 'withRunKeys']);
    const names = Object.entries(api).flatMap(([name, value]) =>
      operations.has(value) && !machinery.has(name) ? [name] : [],
    );
    expect(names.length).toBeGreaterThan(120);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
