/** One training on digits: runs `fit`, tests after every epoch, and reads drawings. */
import {
  centerDigit,
  dataLoader,
  digits,
  type ImageDataLike,
  type MemoryDataset,
  subset,
} from '@ag/datasets';
import { accuracy, crossEntropy, type Sequential, saveSafetensors } from '@ag/nn';
import { adam, type Optimizer } from '@ag/optim';
import { manualSeed, stats, type Tensor } from '@ag/tensor';
import {
  type Callback,
  type CallbackContext,
  type Checkpoint,
  encodeCheckpoint,
  fit,
  type TrainingEvent,
} from '@ag/train';
import { Curve } from '../../service/worker/history.ts';
import { type Publisher, publisher } from '../../service/worker/publisher.ts';
import type { PauseGate } from '../../service/worker/runner.ts';
import type { TrainingSession } from '../../service/worker/trainerHost.ts';
import { TrainingRun } from '../../service/worker/trainingRun.ts';
import { type DigitsConfig, writeConfig } from './config.ts';
import type { DigitFiles } from './files.ts';
import { learn } from './learn.ts';
import { comparedImages, look } from './look.ts';
import { makeNetwork } from './network.ts';
import type { EpochMetrics, Learned, Reading, Snapshot } from './snapshot.ts';
import { type TestResults, testNetwork } from './testNetwork.ts';
import { loadTrained } from './trained.ts';

export class Session implements TrainingSession {
  readonly #number: number;
  readonly #config: DigitsConfig;
  readonly #train: MemoryDataset;
  readonly #test: MemoryDataset;
  readonly #network: Sequential;
  readonly #optimizer: Optimizer;
  readonly #publisher: Publisher;
  readonly #run: TrainingRun;
  #gate: PauseGate = (batches) => batches;
  #rate: number;
  /** The run as callbacks see it, from its start on. */
  #context: CallbackContext | null = null;
  /** The epoch after which the run rests by itself. */
  #rest = 0;
  #step = 0;
  #epoch = 0;
  #batch = 0;
  #loss: number | null = null;
  readonly #stepLosses = new Curve(300);
  #epochs: EpochMetrics[] = [];
  #tested: { loss: number; accuracy: number } | null = null;
  #results: TestResults = { confusion: null, mistakes: [] };
  #alert: string | null = null;
  /** The first training images, once a drawing is compared with them. */
  #images: Tensor | null = null;

  constructor(
    config: DigitsConfig,
    number: number,
    files: DigitFiles | null,
    send: (snapshot: Snapshot) => unknown,
    resume?: Checkpoint,
  ) {
    this.#config = config;
    this.#rate = config.learningRate;
    this.#number = number;
    const data = makeData(config, files);
    this.#train = data.train;
    this.#test = data.test;
    manualSeed(config.seed);
    this.#network = makeNetwork(config);
    this.#optimizer = adam(this.#network.parameters(), { learningRate: () => this.#rate });
    this.#publisher = publisher(() => this.safely(() => this.#snapshot()), send, 150);
    this.#run = new TrainingRun(
      {
        begin: (gate, keeper, checkpoint) => {
          this.#gate = gate;
          return this.#fit(keeper, checkpoint);
        },
        holders: [this.#network, this.#optimizer],
        onEvent: (event) => this.#onEvent(event),
        onError: (message) => {
          this.#alert = message;
        },
        publisher: this.#publisher,
      },
      resume,
    );
  }

  #fit(keeper: Callback, resume?: Checkpoint) {
    return fit({
      model: this.#network,
      optimizer: this.#optimizer,
      loss: (output, y) => crossEntropy(output, y),
      metrics: { accuracy },
      train: dataLoader(this.#train, {
        batchSize: Math.min(this.#config.batchSize, this.#train.length),
        shuffle: true,
        seed: this.#config.seed,
      }),
      validation: this.#gate(this.#testBatches()),
      epochs: Number.MAX_SAFE_INTEGER,
      compile: true,
      callbacks: [this.#memory(), keeper],
      config: writeConfig(this.#config),
      ...(resume && { resume }),
    });
  }

  /** Metrics of past epochs belong to the run: they are saved and restored with it. */
  #memory(): Callback {
    return {
      name: 'figures',
      on: (_, context) => {
        this.#context = context;
      },
      state: () => ({ data: { epochs: this.#epochs } }),
      loadState: ({ data }) => {
        const { epochs } = data as { epochs: EpochMetrics[] };
        // A run that goes on after the loss of its device knows more than its last copy.
        if (epochs.length > this.#epochs.length) this.#epochs = epochs;
      },
    };
  }

  #testBatches() {
    return dataLoader(this.#test, { batchSize: Math.min(250, this.#test.length) });
  }

  /** Takes the run to its start, where a resumed one has its weights again. */
  async begin(): Promise<void> {
    if (this.#config.model === 'trained') await loadTrained(this.#network);
    await this.#run.start();
    if (this.#epochs.length > 0) this.#results = await this.#testWith(this.#testBatches());
    await this.#publisher.flush();
  }

  async #onEvent(event: TrainingEvent): Promise<void> {
    switch (event.type) {
      case 'start':
        this.#step = event.step;
        this.#epoch = event.epoch;
        return;
      case 'step':
        this.#step = event.step;
        this.#batch = event.batch;
        this.#loss = event.loss;
        this.#stepLosses.add(event.step, event.loss);
        break;
      case 'validation':
        this.#tested = { loss: event.loss, accuracy: event.metrics.accuracy };
        break;
      case 'epoch':
        this.#epoch = event.epoch;
        this.#epochs.push({
          epoch: event.epoch,
          loss: event.loss,
          accuracy: event.metrics.accuracy,
          testLoss: this.#tested!.loss,
          testAccuracy: this.#tested!.accuracy,
          seconds: event.epochSeconds,
        });
        this.#results = await this.safely(() => this.#testWith(this.#gate(this.#testBatches())));
        if (event.epoch >= this.#rest) this.#run.rest();
        break;
      case 'anomaly':
        this.#alert = event.message;
        break;
      default:
        return;
    }
    await this.#publisher.offer();
  }

  #testWith(batches: Parameters<typeof testNetwork>[1]): Promise<TestResults> {
    const { data } = this.#test.columns.x;
    return testNetwork((x) => this.#inEvaluation(() => this.#network.forward(x)), batches, data);
  }

  /** Goes on for so many more epochs, or to the end of those it was paused in. */
  play(epochs: number): void {
    if (this.#alert !== null) return;
    if (this.#epoch >= this.#rest) this.#rest = this.#epoch + epochs;
    this.#run.play();
  }

  pause(): Promise<void> {
    return this.#run.pause();
  }

  setLearningRate(learningRate: number): void {
    this.#rate = learningRate;
  }

  close(): Promise<void> {
    return this.#run.close();
  }

  safely<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#run.safely(work);
  }

  /** Everything that is needed to go on, as a file. */
  async save(): Promise<Uint8Array> {
    await this.pause();
    const config = writeConfig({ ...this.#config, learningRate: this.#rate });
    return encodeCheckpoint({ ...(await this.#context!.checkpoint()), config });
  }

  weights(): Promise<Uint8Array> {
    return saveSafetensors(this.#network.stateDict());
  }

  /** Reads a drawing, and looks through the window of one channel of the first convolution. */
  read(drawing: ImageDataLike, channel: number): Promise<Reading> {
    this.#images ??= comparedImages(this.#train);
    const images = this.#images;
    return this.#inEvaluation(() => look(this.#network, centerDigit(drawing), channel, this.#train, images));
  }

  /** Learns what a drawing is. Training rests meanwhile and afterwards. */
  async learn(drawing: ImageDataLike, digit: number): Promise<Learned> {
    await this.pause();
    this.#images ??= comparedImages(this.#train);
    const image = centerDigit(drawing);
    const learned = await learn(this.#network, this.#optimizer, image, digit, this.#train, this.#images);
    await this.#publisher.flush();
    return learned;
  }

  #inEvaluation<T>(work: () => T): T {
    const { training } = this.#network;
    this.#network.eval();
    try {
      return work();
    } finally {
      this.#network.train(training);
    }
  }

  async #snapshot(): Promise<Snapshot> {
    const running = this.#run.playing;
    return {
      session: this.#number,
      running,
      parameters: this.#network.parameters().reduce((sum, parameter) => sum + parameter.size, 0),
      trainImages: this.#train.length,
      testImages: this.#test.length,
      step: this.#step,
      epoch: this.#epoch,
      batch: this.#batch,
      batches: Math.ceil(this.#train.length / Math.min(this.#config.batchSize, this.#train.length)),
      loss: this.#loss,
      stepLosses: this.#stepLosses.points(),
      epochs: this.#epochs.slice(),
      ...this.#results,
      alert: this.#alert,
      deviceBytes: stats().bytes,
      hash: running ? null : await hashOf(this.#network.stateDict()),
    };
  }
}

function makeData(config: DigitsConfig, files: DigitFiles | null): DigitFiles {
  const { data, count, testCount, seed } = config;
  if (data === 'generated') {
    return {
      train: digits({ count, seed }),
      test: digits({ count: testCount, seed, split: 'test' }),
    };
  }
  if (!files) throw new Error('the files of MNIST are not there yet: drop them on the page, then go on');
  const first = (set: MemoryDataset, most: number): MemoryDataset =>
    most === 0 || most >= set.length
      ? set
      : subset(
          set,
          Int32Array.from({ length: most }, (_, i) => i),
        );
  return { train: first(files.train, count), test: first(files.test, testCount) };
}

/** SHA-256 of weights in the order of their names; null where the page is not served securely. */
async function hashOf(weights: Readonly<Record<string, Tensor>>): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = (await saveSafetensors(weights)) as Uint8Array<ArrayBuffer>;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
