/**
 * Trains a deep network of equal layers and measures activations and gradients in each.
 *
 * What is wrong with them becomes an alarm. Every number comes out of tensor operations.
 */
import { blobs, dataLoader, transforms } from '@ag/datasets';
import { gradients } from '@ag/graph';
import * as nn from '@ag/nn';
import { sgd } from '@ag/optim';
import { concat, evaluate, linspace, manualSeed, stack, type Tensor, zeros } from '@ag/tensor';
import { fit, TrainingError } from '@ag/train';
import type { Bins } from '@ag/viz';
import { LastingRun } from '../../service/worker/lastingRun.ts';
import type { Session } from '../../service/worker/serve.ts';
import { limits } from './limits.ts';

export const activations = {
  sigmoid: nn.sigmoid,
  tanh: nn.tanh,
  relu: nn.relu,
  leakyRelu: nn.leakyRelu,
  elu: nn.elu,
  selu: nn.selu,
  gelu: nn.gelu,
  identity: nn.identity,
} satisfies Record<string, () => nn.Module>;

export const initializers = {
  normal: (std) => (shape, options) => nn.init.normal(shape, { ...options, std }),
  xavier: () => nn.init.xavierNormal,
  he: () => nn.init.heNormal,
  lecun: () => nn.init.lecunNormal,
  orthogonal: () => nn.init.orthogonal,
} satisfies Record<string, (std: number) => nn.Initializer>;

/** What stands between a linear layer and its activation. */
export const normalizations = {
  none: null,
  batch: (width: number) => nn.batchNorm1d(width),
  layer: (width: number) => nn.layerNorm(width),
} satisfies Record<string, ((width: number) => nn.Module) | null>;

export interface FlowRequest {
  readonly depth: number;
  readonly width: number;
  readonly activation: keyof typeof activations;
  readonly initializer: keyof typeof initializers;
  /** Standard deviation of the initializer `normal`. */
  readonly std: number;
  readonly normalization: keyof typeof normalizations;
  readonly residual: boolean;
  readonly learningRate: number;
  readonly seed: number;
  /** Where the training ends. */
  readonly steps: number;
}

/**
 * Gradients vanish on the way back (the first layer's is small beside the last one's), or everywhere (all are small
 * beside the loss they come from).
 */
export type AlarmKind = 'vanishing' | 'tiny' | 'exploding' | 'dead' | 'notFinite';

/** One layer at the time of the update. */
export interface LayerFlow {
  /** Norm of the weights' gradient. */
  readonly norm: number;
  /** Standard deviation of the block's outputs over all examples and units: the signal on its way forward. */
  readonly signal: number;
  /** Share of units that answer 0 to every example. */
  readonly dead: number;
  readonly activations: Bins;
  /** Of the decimal logarithm of the gradients' absolute values; gradients that are 0 are in no bin. */
  readonly gradients: Bins;
}

export interface FlowUpdate {
  readonly step: number;
  /** Loss of each step's batch. */
  readonly losses: readonly number[];
  readonly accuracy: number | null;
  readonly layers: readonly LayerFlow[];
  /** Norm of the first layer's gradient over that of the last. */
  readonly ratio: number;
  /** The largest and the smallest of the layers' norms, and the loss that they come from. */
  readonly sizes: { readonly largest: number; readonly smallest: number; readonly loss: number };
  /** Steps of the measurements, and at each the norms of all layers. */
  readonly history: { readonly steps: readonly number[]; readonly norms: readonly (readonly number[])[] };
  /** Below this a layer's gradient has vanished: by itself, or beside the last one's. */
  readonly vanishing: number;
  readonly alarms: readonly AlarmKind[];
  /** What ended the training early, or null. */
  readonly failure: string | null;
  readonly done: boolean;
}

const bins = 24;
const classes = 4;
const examples = 512;
const batchSize = 64;
/** Measurements that are kept for the picture over time. */
const remembered = 300;

/** @throws RangeError for sizes and rates out of range */
export async function openFlow(request: FlowRequest): Promise<Session<FlowUpdate>> {
  const { width, seed, steps } = request;
  let rate = request.learningRate;
  manualSeed(seed);
  const network = build(request);
  const data = blobs({ count: examples, features: width, centers: classes, deviation: 3, seed });
  const transform = transforms.standardize(data);
  const loaded = (size: number) =>
    dataLoader(data, { batchSize: size, shuffle: true, dropLast: true, seed, transform });
  const probe = await first(loaded(2 * batchSize));
  const { model } = network;
  const optimizer = sgd(model.parameters(), { learningRate: () => rate });
  const run = new LastingRun(
    (keeper, resume) =>
      fit({
        model,
        optimizer,
        loss: nn.crossEntropy,
        metrics: { accuracy: nn.accuracy },
        train: loaded(batchSize),
        epochs: Math.ceil((steps * batchSize) / examples),
        compile: true,
        callbacks: [keeper],
        ...(resume && { resume }),
      }),
    [model, optimizer],
  );
  await run.start();
  const losses: number[] = [];
  const history = { steps: [] as number[], norms: [] as number[][] };
  let accuracy: number | null = null;
  let failure: string | null = null;

  const train = async (end: number): Promise<void> => {
    try {
      while (losses.length < steps && performance.now() < end) {
        const { value: event, done } = await run.next();
        if (done) return;
        if (event.type === 'step') losses.push(event.loss);
        if (event.type === 'step') accuracy = event.metrics.accuracy ?? null;
      }
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
      failure = error.message;
    }
  };

  return {
    setLearningRate(learningRate) {
      rate = learningRate;
    },
    recover: (error) => run.recover(error),
    async advance(patience) {
      await train(performance.now() + patience);
      const { layers, ratio, loss } = await measure(network, probe);
      if (history.steps.length >= remembered) thin(history);
      if (history.steps.at(-1) !== losses.length) {
        history.steps.push(losses.length);
        history.norms.push(layers.map((layer) => layer.norm));
      }
      return {
        step: losses.length,
        losses: [...losses],
        accuracy,
        layers,
        ratio,
        sizes: {
          largest: Math.max(...layers.map(({ norm }) => norm)),
          smallest: Math.min(...layers.map(({ norm }) => norm)),
          loss,
        },
        history,
        vanishing: Math.max(limits.tiny * loss, limits.vanishing * layers.at(-1)!.norm),
        alarms: alarmsOf(layers, ratio, loss, failure),
        failure,
        done: failure !== null || losses.length >= steps,
      };
    },
  };
}

interface Network {
  readonly model: nn.Module<[Tensor], Tensor>;
  readonly linears: readonly nn.Linear[];
  /** Linear layer, normalization and activation. */
  readonly steps: readonly nn.Module[];
  /** The same, with its shortcut if it has one. */
  readonly blocks: readonly nn.Module[];
}

function build({
  depth,
  width,
  activation,
  initializer,
  std,
  normalization,
  residual,
}: FlowRequest): Network {
  const linears = Array.from({ length: depth }, () =>
    nn.linear(width, width, { weightInit: initializers[initializer](std), biasInit: nn.init.zeros }),
  );
  const between = normalizations[normalization];
  const steps = linears.map((layer) =>
    between
      ? nn.sequential(layer, between(width), activations[activation]())
      : nn.sequential(layer, activations[activation]()),
  );
  const blocks = steps.map((step) => (residual ? nn.residual(step) : step));
  return { model: nn.sequential(...blocks, nn.linear(width, classes)), linears, steps, blocks };
}

/** Looks at every layer while the network answers the same examples. */
async function measure(
  { model, linears, steps, blocks }: Network,
  { x, y }: { readonly x: Tensor; readonly y: Tensor },
): Promise<{ layers: LayerFlow[]; ratio: number; loss: number }> {
  const answers: Tensor[] = [];
  const outputs: Tensor[] = [];
  const hooks = [
    ...steps.map((step) => step.onForward((output) => void answers.push(output))),
    ...blocks.map((block) => block.onForward((output) => void outputs.push(output))),
  ];
  const loss = nn.crossEntropy(model.forward(x), y);
  for (const unhook of hooks) unhook();
  const slopes = gradients(
    loss,
    linears.map((layer) => layer.weight),
  );
  evaluate([...answers, ...outputs, ...slopes]);

  // Squares of small float32 numbers are 0; of float64 numbers they are not.
  const norms = slopes.map((slope) => slope.cast('float64').square().sum().sqrt());
  const signals = outputs.map((output) => output.cast('float64').std());
  const dead = answers.map((answer) => answer.abs().max(0).equal(0).cast('float32').mean());
  const sizes = slopes.map((slope) => slope.abs().log().div(Math.LN10).flatten());
  const [shown, logarithms] = await Promise.all([
    histograms(outputs.map((output) => output.flatten())),
    histograms(sizes),
  ]);
  const normValues = Array.from(await stack(norms).data());
  const signalValues = Array.from(await stack(signals).data());
  const deadValues = Array.from(await stack(dead).data());
  const ratio = await norms[0].div(norms.at(-1)!).item();
  const layers = linears.map((_, i) => ({
    norm: normValues[i],
    signal: signalValues[i],
    dead: deadValues[i],
    activations: shown[i],
    gradients: logarithms[i],
  }));
  return { layers, ratio, loss: await loss.item() };
}

/** Histograms over a common range of all finite values. */
async function histograms(rows: readonly Tensor[]): Promise<Bins[]> {
  const all = concat([...rows]);
  const finite = all.isFinite();
  const low = await finite.where(all, Number.POSITIVE_INFINITY).min().item();
  const high = await finite.where(all, Number.NEGATIVE_INFINITY).max().item();
  if (!(low <= high)) return rows.map(() => ({ edges: [], counts: [] }));
  const room = high > low ? 0 : Math.max(1e-6, Math.abs(high) / 100);
  const edges = linspace(low - room, high + room, bins + 1);
  const counts = rows.map((row) => {
    // How many values reach each edge; from one edge to the next the difference is a bin, the last keeps all it has.
    const reached = row.unsqueeze(1).greaterEqual(edges.slice(0, bins)).cast('float32').sum(0);
    return reached.sub(concat([reached.slice(1, bins), zeros([1])]));
  });
  const edgeValues = Array.from(await edges.data());
  return Promise.all(
    counts.map(async (count) => ({ edges: edgeValues, counts: Array.from(await count.data()) })),
  );
}

function alarmsOf(
  layers: readonly LayerFlow[],
  ratio: number,
  loss: number,
  failure: string | null,
): AlarmKind[] {
  const found: AlarmKind[] = [];
  if (failure !== null || layers.some((layer) => !Number.isFinite(layer.norm))) found.push('notFinite');
  if (layers.every((layer) => layer.norm < limits.tiny * loss)) found.push('tiny');
  else if (ratio < limits.vanishing) found.push('vanishing');
  if (layers.some((layer) => layer.norm > limits.exploding)) found.push('exploding');
  if (layers.some((layer) => layer.dead > limits.dead)) found.push('dead');
  return found;
}

/** Keeps every second measurement. */
function thin(history: { steps: number[]; norms: number[][] }): void {
  history.steps = history.steps.filter((_, i) => i % 2 === 0);
  history.norms = history.norms.filter((_, i) => i % 2 === 0);
}

async function first<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error('first: there is nothing');
}
