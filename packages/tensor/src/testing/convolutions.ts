/**
 * Convolutions with enough channels for methods that multiply less (Winograd): values and both gradients.
 *
 * Such methods spread roundings over tiles, so differences are measured in the largest element, not in each. The right values are
 * those of float64.
 */
import { conv2d } from '../functions/convolution.ts';
import { tensor } from '../functions/create.ts';
import type { Shape } from '../shape.ts';
import { expectCloseData, seededRandom } from './compare.ts';
import type { Differentiation } from './gradientCase.ts';

const cases: readonly (readonly [image: Shape, weight: Shape, padding: number])[] = [
  [[2, 16, 12, 12], [24, 16, 3, 3], 1],
  [[5, 35, 10, 14], [26, 35, 3, 3], 0],
  [[2, 24, 10, 13], [25, 24, 5, 5], 2],
];

/** What is allowed, relative to the largest element: float32 and some amplification. */
const relative = 1e-5;

/** Makes the tests; `test` runs a body on the backend. */
export function convolutions(
  test: (name: string, body: () => Promise<void>) => void,
  graph?: Differentiation,
): void {
  for (const [image, weight, padding] of cases) {
    const name = `${image.join('×')} by ${weight.join('×')}`;
    test(name, async () => {
      const random = seededRandom(image[1]);
      const numbers = (shape: Shape) =>
        Float32Array.from({ length: shape.reduce((n, size) => n * size, 1) }, () => 2 * random() - 1);
      const data = [numbers(image), numbers(weight)];
      const results = await Promise.all(
        (['float32', 'float64'] as const).map(async (dtype) => {
          const x = tensor(data[0], { dtype }).reshape([...image]);
          const w = tensor(data[1], { dtype }).reshape([...weight]);
          const y = conv2d(x, w, { padding });
          const all = graph ? [y, ...graph.gradients(y.square().sum(), [x, w])] : [y];
          return Promise.all(all.map((t) => t.data()));
        }),
      );
      results[1].forEach((expected, i) => {
        const largest = (expected as Float64Array).reduce(
          (most, value) => Math.max(most, Math.abs(value)),
          0,
        );
        expectCloseData(results[0][i], expected, { relative: 0, absolute: relative * largest }, name);
      });
    });
  }
}
