/**
 * A network that invents digits (Kingma and Welling 2014). The encoder says where in a small space an image lies, and how
 * sure it is of that; the decoder draws from a place there. The loss asks for a good copy and for places that look like
 * draws from N(0, 1), so that any such draw can be decoded. Noise enters as mean + σ·ε, and gradients pass through it.
 *
 *     npm run ts -- examples/16-variational-autoencoder.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { dataLoader, digits } from '@ag/datasets';
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { bceWithLogits, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { chunk, manualSeed, normal, type Tensor, use } from '@ag/tensor';
import { imageGrid } from '@ag/viz';

use(await wasm());
manualSeed(16);
const [size, latent] = [14, 8];
const pixels = size * size;
const [epochs, count] = process.env.AG_EXAMPLE === 'full' ? [60, 10_000] : [30, 3000];

const encoder = sequential(linear(pixels, 128), relu(), linear(128, 2 * latent));
const decoder = sequential(linear(latent, 128), relu(), linear(128, pixels));

/** The two parts of the loss, per image: how bad the copy is, and how far the places are from N(0, 1). */
function parts(images: Tensor): { copy: Tensor; distance: Tensor } {
  const code = encoder.forward(images);
  const [mean, logVariance] = chunk(code, 2, 1) as [Tensor, Tensor];
  const place = mean.add(logVariance.mul(0.5).exp().mul(normal(mean.shape)));
  const copy = bceWithLogits(decoder.forward(place), images, { reduction: 'sum' }).div(images.shape[0]);
  // KL(N(mean, σ²) ‖ N(0, 1)) = ½ Σ (mean² + σ² − 1 − log σ²)
  const distance = mean.square().add(logVariance.exp()).sub(1).sub(logVariance).sum(1).mean().mul(0.5);
  return { copy, distance };
}

const optimizer = adam([...encoder.parameters(), ...decoder.parameters()], { learningRate: 5e-3 });
const step = compile((x: Tensor) => {
  const { copy, distance } = parts(x.reshape([x.shape[0], pixels]));
  backward(copy.add(distance));
  optimizer.step();
  return { copy, distance };
});

const train = dataLoader(digits({ count, size }), { batchSize: 50, shuffle: true, seed: 16 });
for (let epoch = 1; epoch <= epochs; epoch++) {
  let [copies, distances] = [0, 0];
  for await (const { x } of train) {
    const { copy, distance } = step(x);
    copies += (await copy.item()) / train.length;
    distances += (await distance.item()) / train.length;
  }
  if (epoch % 5 > 0 && epoch > 1) continue;
  const sum = (copies + distances).toFixed(2);
  console.log(
    `epoch ${epoch}: copy ${copies.toFixed(2)} + distance ${distances.toFixed(2)} = ${sum} nats an image`,
  );
}

const drawn = decoder.forward(normal([40, latent])).sigmoid();
const invented = await drawn.data();
const ink = await drawn.mean().item();
const decided = invented.filter((p) => p < 0.1 || p > 0.9).length / invented.length;
console.log(
  `40 invented digits: mean ink ${ink.toFixed(3)}, ${(100 * decided).toFixed(0)} % of pixels decided`,
);

if (process.argv[2]) {
  const image = (i: number) => ({
    pixels: invented.subarray(pixels * i, pixels * (i + 1)),
    width: size,
    height: size,
  });
  const pictures = Array.from({ length: 40 }, (_, i) => image(i));
  writeFileSync(process.argv[2], imageGrid(pictures, { title: 'Invented digits' }));
}
