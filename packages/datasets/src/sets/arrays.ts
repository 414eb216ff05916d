/** A data set from numbers the program already has. */
import { type NestedNumbers, Tensor, tensor } from '@ag/tensor';
import {
  type Column,
  type ColumnData,
  type DatasetInfo,
  type MemoryDataset,
  memoryDataset,
} from '../dataset.ts';
import { DataError } from '../errors.ts';

/**
 * A data set whose examples are the rows of two tensors or nested arrays: x `[n, …]`, y `[n, …]`. The values are
 * read once, at the call, synchronously, and copied; bool becomes uint8.
 *
 * @throws DataError when x and y have different numbers of rows, or one has no axis to count rows along
 *
 * @example
 * const data = tensorDataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]);
 * data.batch([1]); // x: [[0, 1]], y: [[1]]
 */
export function tensorDataset(
  x: Tensor | NestedNumbers,
  y: Tensor | NestedNumbers,
  info: DatasetInfo = {},
): MemoryDataset {
  return memoryDataset({ x: column(x, 'x'), y: column(y, 'y') }, { name: 'tensors', ...info });
}

function column(values: Tensor | NestedNumbers, name: string): Column {
  const rows = values instanceof Tensor ? values : tensor(values);
  if (rows.shape.length === 0) {
    throw new DataError(`tensorDataset: ${name}`, {
      code: 'option',
      expected: 'at least one axis, the first counting examples',
      found: 'a single number',
    });
  }
  return { data: rows.dataSync() as ColumnData, shape: rows.shape.slice(1) };
}
