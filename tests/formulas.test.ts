/** Formulas know every elementwise function that is no method. */
import { expect, it } from 'vitest';
import { formulaFunctions } from '../packages/graph/src/formulaFunctions.ts';
import * as elementwiseFunctions from '../packages/tensor/src/functions/elementwise/index.ts';

it('has them all in its list', () => {
  expect(Object.keys(formulaFunctions).sort()).toEqual(Object.keys(elementwiseFunctions).sort());
});
