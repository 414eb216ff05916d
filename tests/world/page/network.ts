/** The network of the page's tests, which the page and its workers load: two convolutions and two dense layers. */

import { wasm } from '@ag/native-wasm';
import { accuracy, conv2d, crossEntropy, flatten, linear, maxPool2d, relu, sequential } from '@ag/nn';
import { manualSeed, use } from '@ag/tensor';
import { serveWorker } from '@ag/train';

use(await wasm({ threads: 1 }));

export const build = () => {
  manualSeed(1);
  return sequential(
    conv2d(1, 16, 5, { padding: 2 }),
    relu(),
    maxPool2d(2),
    conv2d(16, 32, 5, { padding: 2 }),
    relu(),
    maxPool2d(2),
    flatten(),
    linear(1568, 10),
  );
};
export const loss = crossEntropy;
export const metrics = { accuracy };
serveWorker({ model: build(), loss, metrics });
