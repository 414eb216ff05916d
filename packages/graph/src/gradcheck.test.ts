import * as api from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { gradientCases, runGradientCase, withoutGradient } from './testing/index.ts';

const operations = [...new Set(gradientCases.map(({ operation }) => operation))];

describe('gradient cases', () => {
  for (const operation of operations) {
    it(operation, () => {
      const failed = gradientCases
        .filter((one) => one.operation === operation)
        .map((one) => runGradientCase(one))
        .filter(({ passed }) => !passed);
      expect(failed.map(({ variant, message }) => `${variant}: ${message}`)).toEqual([]);
    });
  }
});

describe('the table is complete', () => {
  // What @ag/tensor exports besides operations on tensors.
  const notOperations = new Set(
    (
      'apply arange atRun activeTrace backend bernoulli broadcastFloatType broadcastShapes broadcastType builder bytesPerElement ' +
      'categorical checkTensor commitAssignments commitUpdates defineOp evaluate evaluationWatch ExpressionBuilder eye formatShape full ' +
      'exponential isFloat isForgotten isTypedArray kernelKey key keyTensor linspace listenToCreation liveScalar manualSeed map nextMark normal ones onesLike ' +
      'permutation placeholderLeaf PreparedGraph promote randint randomState recordTrace reference restoreRandomState scalar ' +
      'setEvaluationWatch setFusion sizeOf splitKey stats sumGradients sumToShape Tensor tensor tie truncatedNormal uniform use Variable view ' +
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
});
