/**
 * Small programs whose plans and kernels are kept as text: between them they meet every form of the kernel language and
 * what training needs most. A change that moves code leaves their texts as they are; one that changes what the compiler
 * makes shows how.
 */
import { backward, checkpoint } from '@ag/graph';
import * as nn from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import {
  argsort,
  backend,
  concat,
  einsum,
  evaluate,
  key,
  manualSeed,
  type Program,
  qr,
  type Tensor,
  tensor,
  uniform,
  use,
} from '@ag/tensor';
import { nullBackend } from '@ag/tensor/testing';

/** Elements that the host holds: nothing is drawn, so a plan has what the graph says and nothing else. */
function given(shape: readonly number[], dtype: 'float32' | 'int32' | 'uint8' = 'float32'): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const Elements = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }[dtype];
  return tensor(new Elements(count), { shape });
}

/** One step of training on `loss`. */
function train(model: nn.Module<[Tensor]>, x: Tensor, y: Tensor, make: typeof sgd | typeof adam = sgd): void {
  const optimizer = make(model.parameters(), { learningRate: 0.1 });
  backward(nn.crossEntropy(model.forward(x), y));
  optimizer.step();
}

const labels = (): Tensor => given([8], 'int32');

/** What each program computes. */
const programs: Readonly<Record<string, () => void>> = {
  perceptron: () =>
    train(nn.sequential(nn.linear(20, 12), nn.sigmoid(), nn.linear(12, 10)), given([8, 20]), labels()),
  adam: () => train(nn.linear(20, 10), given([8, 20]), labels(), adam),
  softmax: () => evaluate([given([32, 100]).softmax(-1)]),
  lstm: () => {
    const layer = nn.lstm(6, 8);
    backward(
      layer
        .forward(given([4, 3, 6]))
        .square()
        .mean(),
    );
    sgd(layer.parameters(), { learningRate: 0.1 }).step();
  },
  convolution: () =>
    train(
      nn.sequential(
        nn.conv2d(2, 4, 3, { stride: 2, padding: 1 }),
        nn.relu(),
        nn.conv2d(4, 4, 3),
        nn.flatten(),
        nn.linear(36, 10),
      ),
      given([8, 2, 10, 10]),
      labels(),
    ),
  /** As many channels as tiles are worth, in filters of 3×3 and 5×5, and a filter for each channel. */
  manyChannels: () =>
    train(
      nn.sequential(
        nn.conv2d(16, 16, 3, { padding: 1 }),
        nn.conv2d(16, 24, 5, { padding: 2 }),
        nn.conv2d(24, 24, 3, { padding: 1, groups: 24 }),
        nn.relu(),
        nn.flatten(),
        nn.linear(24 * 144, 10),
      ),
      given([8, 16, 12, 12]),
      labels(),
    ),
  pooling: () =>
    train(
      nn.sequential(nn.conv2d(1, 4, 3), nn.maxPool2d(2), nn.avgPool2d(2), nn.flatten(), nn.linear(36, 10)),
      given([8, 1, 14, 14]),
      labels(),
    ),
  batchNorm: () =>
    train(
      nn.sequential(nn.conv2d(1, 4, 3), nn.batchNorm2d(4), nn.relu(), nn.flatten(), nn.linear(64, 10)),
      given([8, 1, 6, 6]),
      labels(),
    ),
  dropout: () =>
    train(nn.sequential(nn.linear(20, 12), nn.dropout(0.5), nn.linear(12, 10)), given([8, 20]), labels()),
  attention: () => {
    const block = nn.sequential(nn.layerNorm(16), nn.multiHeadAttention(16, 2));
    backward(
      block
        .forward(given([2, 5, 16]))
        .square()
        .mean(),
    );
    sgd(block.parameters(), { learningRate: 0.1 }).step();
  },
  indexing: () => {
    const table = nn.embedding(30, 6);
    const rows = table.forward(given([2, 4], 'int32'));
    backward(
      concat([rows.slice(1, 3, { axis: 1 }), rows.flip(1)], 1)
        .square()
        .sum(),
    );
    sgd(table.parameters(), { learningRate: 0.1 }).step();
  },
  sorting: () =>
    evaluate([
      argsort(given([4, 50])),
      given([4, 50]).cumsum(-1),
      given([4, 50]).argmax(-1),
      given([3, 4, 5]).std([0, 2]),
    ]),
  bytes: () =>
    evaluate([
      given([4, 50], 'uint8').argmax(-1),
      given([50, 4], 'uint8').argmin(0),
      given([4, 50], 'uint8').max(0),
      given([4, 50], 'uint8').sum(),
      given([3, 70], 'uint8').cumsum(),
      argsort(given([3, 20], 'uint8')),
      given([4, 50]).greater(0).any(1),
    ]),
  products: () =>
    evaluate([
      einsum('bij,bkj->bik', given([2, 3, 4]), given([2, 5, 4])).transpose(0, 1),
      given([6, 4])
        .matmul(given([5, 4]).transpose())
        .add(given([5]))
        .tanh(),
      given([4, 4])
        .cast('float64')
        .matmul(given([4, 4]).cast('float64')),
    ]),
  host: () => evaluate([qr(given([4, 3]).mul(2)).r.sum(0)]),
  random: () =>
    evaluate([
      uniform([3, 5], { key: key(1) })
        .add(given([5]))
        .greater(0.5),
    ]),
  checkpoint: () => {
    const [first, second] = [nn.linear(6, 6), nn.linear(6, 6)];
    backward(
      second
        .forward(checkpoint((x: Tensor) => first.forward(x).tanh())(given([3, 6])))
        .square()
        .sum(),
    );
    sgd([...first.parameters(), ...second.parameters()], { learningRate: 0.1 }).step();
  },
};

export const graphNames = Object.keys(programs);

/** What a backend is given for a graph: its program; those of the variables' first values come after it. */
export function programOf(name: string): Program {
  const seen: Program[] = [];
  const before = backend();
  const device = nullBackend();
  manualSeed(1);
  use({
    ...device,
    prepare: (program) => {
      seen.push(program);
      return device.prepare(program);
    },
  });
  try {
    programs[name]();
  } finally {
    use(before);
  }
  return seen[0];
}
