import { readFileSync } from 'node:fs';
import { wasm } from '@ag/native-wasm';
import * as api from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { gradientDocument } from './testing/document.ts';
import { gradientCases, runGradientCase, withoutGradient } from './testing/index.ts';

const operations = [...new Set(gradientCases.map(({ operation }) => operation))];

describe.each([
  ['reference', async () => api.reference()],
  ['wasm', async () => wasm({ threads: 1 })],
] as const)('gradients on %s', (_name, make) => {
  it.each(operations)('%s', async (operation) => {
    const before = api.backend();
    api.use(await make());
    try {
      const failed = gradientCases
        .filter((one) => one.operation === operation)
        .map((one) => runGradientCase(one))
        .filter(({ passed }) => !passed);
      expect(failed.map(({ variant, message }) => `${variant}: ${message}`)).toEqual([]);
    } finally {
      api.use(before);
    }
  });
});

describe('the table is complete', () => {
  // What @ag/tensor exports besides operations on tensors.
  const notOperations = new Set(
    (
      'apply arange asOneCall currentCall atRun activeTrace backend bernoulli broadcastFloatType broadcastShapes broadcastType builder bytesPerElement ' +
      'capturedNodes categorical checkFinite checkInteger checkNumber checkTensor commitAssignments commitUpdates defineOp describeValue dropGradients noteAssignments noteHolder noteHook readFlag synchronous writeFlag evaluate evaluationWatch ExpressionBuilder eye formatShape full indexError ' +
      'exponential isFloat isForgotten refusingAssignments setChainBound isSourceOfForgotten userLine withoutGrowth isTypedArray kernelKey key keyTensor launchTraffic linspace listenToCreation liveScalar manualSeed map nextMark nextSerial normal ones onesLike OutOfMemoryError ' +
      'permutation placeholderLeaf PreparedGraph promote randint randomState recordTrace reference restoreRandomState sameSignature scalar ' +
      'setEvaluationWatch setFusion setPlaceNames sizeOf splitKey stats sumGradients sumToShape Tensor tensor tie toDType traverse truncatedNormal uniform use Variable variableOf view ' +
      'watchCreation withRunKeys zeros zerosLike'
    ).split(' '),
  );

  it('has every function of @ag/tensor: with cases, or with the reason why it has no gradient', () => {
    const functions = Object.entries(api).flatMap(([name, value]) =>
      typeof value === 'function' ? [name] : [],
    );
    const missing = functions.filter(
      (name) => !notOperations.has(name) && !operations.includes(name) && !(name in withoutGradient),
    );
    expect(missing, 'add cases to packages/graph/src/testing, or a reason to withoutGradient').toEqual([]);
  });

  it('gives a reason only where there are no cases', () => {
    expect(Object.keys(withoutGradient).filter((name) => operations.includes(name))).toEqual([]);
  });

  it('checks every operation to order 2 or 3', () => {
    const shallow = operations.filter((operation) => {
      const own = gradientCases.filter((one) => one.operation === operation && !one.expected);
      return own.every(({ order }) => order < 2);
    });
    expect(shallow).toEqual([]);
  });

  it('stands in docs/gradients.md as it is', () => {
    const written = readFileSync(new URL('../../../docs/gradients.md', import.meta.url), 'utf8');
    expect(written, 'stale: npm run generate').toBe(gradientDocument());
  });
});
