/**
 * How far two tensors of one shape are apart.
 */
import { formatShape, type Tensor } from '@ag/tensor';

/** The largest difference of two elements; NaN where one is NaN. @throws Error for other shapes */
export function difference(a: Tensor, b: Tensor): number {
  if (a.shape.join() !== b.shape.join())
    throw new Error(`${formatShape(a.shape)}, not ${formatShape(b.shape)}`);
  const [x, y] = [Array.from(a.dataSync()), b.dataSync()];
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i])), 0);
}
