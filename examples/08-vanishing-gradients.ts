/**
 * Why deep networks were hard to train: a sigmoid's derivative is at most 1/4, so ten of them one after the other, with
 * small weights, leave next to nothing of the gradient for the first layer. Three remedies, seen in numbers: activations
 * that do not saturate, initial weights of the right size (He et al. 2015), and shortcuts around layers (He et al. 2016).
 *
 *     npm run ts -- examples/08-vanishing-gradients.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward } from '@ag/graph';
import {
  type Initializer,
  init,
  type Linear,
  leakyRelu,
  linear,
  type Module,
  mseLoss,
  residual,
  sequential,
  sigmoid,
} from '@ag/nn';
import { manualSeed, normal, stack } from '@ag/tensor';
import { gradientFlow } from '@ag/viz';

const depth = 10;
const units = 100;

interface Network {
  readonly weights: Initializer;
  readonly activation: () => Module;
  readonly shortcuts?: boolean;
}

/** Norms of the gradients of the ten layers' weights, at the start of training. */
async function gradientNorms({ weights, activation, shortcuts = false }: Network): Promise<number[]> {
  manualSeed(8);
  const x = normal([32, units]);
  const y = normal([32, units]);
  const layers: Linear[] = Array.from({ length: depth }, () => linear(units, units, { weightInit: weights }));
  const blocks = layers.map((layer) => {
    const block = sequential(layer, activation());
    return shortcuts ? residual(block) : block;
  });
  backward(mseLoss(sequential(...blocks).forward(x), y));
  const norms = layers.map((layer) => layer.weight.grad!.square().sum().sqrt());
  return [...(await stack(norms).data())];
}

const small: Initializer = (shape, options) => init.normal(shape, { ...options, std: 0.01 });
const he: Initializer = (shape, options) => init.heNormal(shape, options);
const xavier: Initializer = (shape, options) => init.xavierNormal(shape, options);
const networks: Record<string, Network> = {
  'sigmoid, N(0, 0.01²)': { weights: small, activation: sigmoid },
  'leaky relu, He': { weights: he, activation: () => leakyRelu(0.01) },
  'sigmoid with shortcuts, Xavier': { weights: xavier, activation: sigmoid, shortcuts: true },
};

const flow: { name: string; norms: number[] }[] = [];
for (const [name, network] of Object.entries(networks)) {
  const norms = await gradientNorms(network);
  flow.push({ name, norms });
  console.log(`${name}: ${norms.map((norm) => norm.toExponential(0)).join(' ')}`);
  console.log(`  first/last layer: ${(norms[0] / norms.at(-1)!).toExponential(2)}`);
}

if (process.argv[2]) {
  const rows = flow.map(({ name, norms }) => ({ name, norm: norms }));
  const steps = Array.from({ length: depth }, (_, i) => i + 1);
  writeFileSync(
    process.argv[2],
    gradientFlow(rows, { title: 'Gradients by layer', steps, stepLabel: 'layer' }),
  );
}
