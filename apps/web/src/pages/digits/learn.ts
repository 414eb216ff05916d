/**
 * Learns one drawing without forgetting the rest.
 *
 * A few steps on shifted copies of it among training images.
 */
import type { MemoryDataset } from '@ag/datasets';
import { backward } from '@ag/graph';
import { crossEntropy, type Sequential } from '@ag/nn';
import type { Optimizer } from '@ag/optim';
import { concat, stack, type Tensor, tensor } from '@ag/tensor';
import type { Learned } from './snapshot.ts';

/** By how many pixels the copies are moved. */
const shifts = [
  [0, 0],
  [0, 1],
  [1, 0],
  [0, -1],
  [-1, 0],
] as const;
const others = 35;
const mostSteps = 40;
const sure = 0.9;

/**
 * @param image `[1, 28, 28]`
 * @param digit what it is
 * @param train what the network learned from, `others` images of which are in each step
 * @param images the same as `[n, 784]`
 */
export async function learn(
  network: Sequential,
  optimizer: Optimizer,
  image: Tensor,
  digit: number,
  train: MemoryDataset,
  images: Tensor,
): Promise<Learned> {
  const copies = stack(
    shifts.map(([down, right]) => moved(image, down, right)),
    0,
  );
  const count = images.shape[0];
  const certainty = async () => {
    network.eval();
    const [share] = await network
      .forward(image.unsqueeze(0))
      .softmax(-1)
      .slice(digit, digit + 1, { axis: 1 })
      .data();
    network.train();
    return share;
  };
  const { training } = network;
  const before = await certainty();
  let after = before;
  let steps = 0;
  for (; steps < mostSteps && after < sure; steps++) {
    const rows = Array.from({ length: others }, (_, i) => (steps * others + i) % count);
    const labels = [...shifts.map(() => digit), ...rows.map((row) => train.columns.y.data[row])];
    const rehearsed = images.take(tensor(Int32Array.from(rows)), 0).reshape([others, 1, 28, 28]);
    const output = network.forward(concat([copies, rehearsed]));
    backward(crossEntropy(output, tensor(Int32Array.from(labels))));
    optimizer.step();
    after = await certainty();
  }
  network.train(training);
  return { digit, steps, before, after };
}

function moved(image: Tensor, down: number, right: number): Tensor {
  const around = image.pad([
    [0, 0],
    [1, 1],
    [1, 1],
  ]);
  return around.slice(1 - down, 29 - down, { axis: 1 }).slice(1 - right, 29 - right, { axis: 2 });
}
