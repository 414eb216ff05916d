/**
 * Which contractions are a matrix times a vector.
 *
 * A tile multiplies whole strips of columns: with one column seven of eight lanes would be for nothing, with one row
 * every sum would wait for the last. Said as a reduction, each element of the matrix is read once, in vectors
 * along the sums or along the results, whichever lie side by side.
 */
import type { ContractKernel, Launch } from '@ag/tensor';
import { contractRoles, count, type Group, hasRuns } from '@ag/tensor/engine';
import { sizesOf } from './sizes.ts';

/** Elements side by side in memory that make vectors worth it. */
const minRun = 16;
/** Most float64 products that a reduction adds up in a few long chains: see `totals.ts` for what those lose. */
const maxDoubles = 4096;

/** Whether a launch of a contraction is better said as a reduction. */
export function isVectorProduct(launch: Launch): boolean {
  const { dtype } = launch.kernel as ContractKernel;
  const sizes = sizesOf(launch);
  const [m, n] = [count(sizes.m), count(sizes.n)];
  if (m !== 1 && n !== 1) return false;
  const { a, b } = contractRoles(launch);
  const k = a.columns;
  if (k.count < minRun || (dtype === 'float64' && k.count > maxDoubles)) return false;
  if (m === 1 && n === 1) return runs(a.columns) && runs(b.rows);
  const [sums, results, vector] = m === 1 ? [b.rows, b.columns, a.columns] : [a.columns, a.rows, b.rows];
  return (runs(sums) && runs(vector)) || runs(results);
}

function runs(group: Group): boolean {
  return hasRuns(group) && group.axes[0][0] >= minRun;
}
