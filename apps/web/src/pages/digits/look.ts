/** What a network makes of one image: its layers, what the answer hangs on, and images like it. */
import type { MemoryDataset } from '@ag/datasets';
import { grad } from '@ag/graph';
import type { Sequential } from '@ag/nn';
import { evaluate, type Tensor, tensor, unfold, type Variable } from '@ag/tensor';
import { stagesOf } from './network.ts';
import type { Neighbor, Reading } from './snapshot.ts';

const side = 28;
const pixels = side * side;
/** Training images that a drawing is compared with, and those that are shown. */
const compared = 2000;
const shown = 6;

/**
 * @param network in evaluation mode
 * @param image `[1, 28, 28]`
 * @param channel of the first convolution, whose window is wanted
 * @param images `[n, 784]`, the beginning of what was trained on
 */
export async function look(
  network: Sequential,
  image: Tensor,
  channel: number,
  train: MemoryDataset,
  images: Tensor,
): Promise<Reading> {
  const x = image.unsqueeze(0);
  const stages = stagesOf(network, x);
  const probabilities = stages.at(-1)!.value.softmax(-1);
  // The largest score is that of the answer.
  const saliency = grad((of: Tensor) => network.forward(of).max())(x);
  const distances = images
    .sub(image.reshape([1, pixels]))
    .square()
    .sum(1)
    .sqrt();
  const window = windowOf(network, x, channel);
  const wanted = [
    image,
    probabilities,
    saliency,
    distances,
    ...(window ? [window.kernel, window.bias, window.patches, window.products, window.sums] : []),
    ...stages.map(({ value }) => value),
  ];
  evaluate(wanted);
  // Asked for all together, so that no step comes in between.
  const read = await Promise.all(wanted.map((each) => each.data()));
  const [ink, shares, slopes, away] = read as Float32Array[];
  const values = read.slice(-stages.length) as Float32Array[];
  const [kernel, bias, patches, products, sums] = read.slice(4) as Float32Array[];
  return {
    image: ink,
    probabilities: Array.from(shares),
    saliency: slopes,
    neighbors: nearest(away, train),
    window: window && {
      channel: window.channel,
      channels: window.channels,
      kernel,
      bias: bias[0],
      patches,
      products,
      sums,
    },
    stages: stages.map(({ name, value }, i) => ({ name, shape: value.shape.slice(1), values: values[i] })),
  };
}

/** The first training images as `[n, 784]`, to be compared with. */
export function comparedImages(train: MemoryDataset): Tensor {
  const count = Math.min(compared, train.length);
  const { data, scale = 1 } = train.columns.x;
  return tensor(
    Float32Array.from(data.subarray(0, count * pixels) as Uint8Array, (value) => value * scale),
    { shape: [count, pixels], copy: false },
  );
}

function nearest(distances: Float32Array, train: MemoryDataset): Neighbor[] {
  const { x, y } = train.columns;
  return Array.from(distances, (distance, i) => ({ distance, i }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, shown)
    .map(({ distance, i }) => ({
      distance,
      label: y.data[i],
      pixels: Uint8Array.from(x.data.subarray(i * pixels, (i + 1) * pixels)),
    }));
}

/** The window of the first layer at all places, where that is a convolution. */
function windowOf(network: Sequential, x: Tensor, wanted: number) {
  const { weight, bias } = network.layers[0] as { readonly weight?: Variable; readonly bias?: Variable };
  if (!weight || !bias || weight.shape.length !== 4) return null;
  const [channels, , height, width] = weight.shape;
  const channel = Math.max(0, Math.min(channels - 1, wanted));
  const kernel = weight.value.slice(channel, channel + 1).reshape([1, height * width]);
  const added = bias.value.slice(channel, channel + 1);
  // A row for each place.
  const patches = unfold(x, [height, width], { padding: (height - 1) / 2 })
    .reshape([height * width, pixels])
    .transpose();
  const products = patches.mul(kernel);
  return { channel, channels, kernel, bias: added, patches, products, sums: products.sum(1).add(added) };
}
