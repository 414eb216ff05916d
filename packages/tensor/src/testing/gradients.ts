/**
 * Every differentiable operation as gradient cases, gathered from the tables beside this file.
 */
import { casesOfElementwise, elementwiseRows, furtherElementwiseCases, hasGradient } from './elementwise.ts';
import type { GradientCase } from './gradientCase.ts';
import { furtherIndexingCases, indexingRows } from './indexing.ts';
import { linearAlgebraCases } from './linearAlgebra.ts';
import { loopCases } from './loops.ts';
import { furtherMovementCases, movementRows } from './movement.ts';
import { furtherProductCases, productRows } from './products.ts';
import { casesOfReduction, furtherReductionCases, reductionRows } from './reductions.ts';
import { furtherScanCases, scanRows } from './scans.ts';
import { densityCases, matrixCases, spaceCases, spaceRows } from './spaces.ts';
import { casesOfStructural, type StructuralRow } from './structural.ts';

/** All rows that state their result by position. */
export const structuralRows: readonly StructuralRow[] = [
  ...movementRows,
  ...indexingRows,
  ...scanRows,
  ...productRows,
  ...spaceRows,
];

/** All gradient cases, by kind of operation. */
export const gradientGroups: Readonly<Record<string, readonly GradientCase[]>> = {
  Elementwise: [...elementwiseRows.flatMap(casesOfElementwise), ...furtherElementwiseCases],
  Reductions: [
    ...reductionRows.flatMap(casesOfReduction),
    ...furtherReductionCases,
    ...scanRows.flatMap(casesOfStructural),
    ...furtherScanCases,
  ],
  Movement: [...movementRows.flatMap(casesOfStructural), ...furtherMovementCases],
  Indexing: [...indexingRows.flatMap(casesOfStructural), ...furtherIndexingCases],
  'Products, convolution, pooling': [...productRows.flatMap(casesOfStructural), ...furtherProductCases],
  'Spaces, pictures, spectra': [...spaceRows.flatMap(casesOfStructural), ...spaceCases],
  'Linear algebra': [...linearAlgebraCases, ...matrixCases],
  Distributions: densityCases,
  Loops: loopCases,
};

/** All gradient cases in one list. */
export const gradientCases: readonly GradientCase[] = Object.values(gradientGroups).flat();

/** Public functions of tensors that have no gradient, with the reason. */
export const withoutGradient: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    elementwiseRows
      .filter((row) => !hasGradient(row))
      .map(({ name, whole }) => [name, whole ? 'bits' : 'true or false']),
  ),
  ...Object.fromEntries(
    reductionRows
      .filter(({ order }) => order === 0)
      .map(({ name, single }) => [name, single ? 'positions' : 'true or false']),
  ),
  argsort: 'positions',
  countNonzero: 'counts',
  bincount: 'counts, or sums of weights by position: see segmentSum',
  histogram: 'counts',
  searchSorted: 'positions',
  unique: 'evaluates itself',
  nonzero: 'positions',
  oneHot: 'takes positions',
  onesLike: 'constant',
  zerosLike: 'constant',
  bernoulli: 'random draws',
  categorical: 'random draws',
  gamma: 'random draws',
  beta: 'random draws',
  dirichlet: 'random draws',
  poisson: 'random draws',
  multinomial: 'random draws',
  eigvals: 'throws: see eigh',
  matrixRank: 'whole numbers',
  fromBits: 'constant',
};
