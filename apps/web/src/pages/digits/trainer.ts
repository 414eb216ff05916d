/**
 * The digits page's worker side: trains with `fit`, examines the network after every epoch, reads drawings, and saves
 * and restores everything as a checkpoint.
 */
import {
  type Batch,
  centerDigit,
  dataLoader,
  digits,
  type ImageDataLike,
  type MemoryDataset,
  subset,
} from '@ag/datasets';
import { accuracy, crossEntropy, type Sequential, saveSafetensors } from '@ag/nn';
import { adam } from '@ag/optim';
import { evaluate, manualSeed, stats, type Tensor } from '@ag/tensor';
import {
  type Callback,
  type CallbackContext,
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  fit,
  type TrainingEvent,
} from '@ag/train';
import { type Computing, startComputing } from '../../service/worker/computing.ts';
import { Curve } from '../../service/worker/history.ts';
import { type Publisher, publisher } from '../../service/worker/publisher.ts';
import { type PauseGate, Runner } from '../../service/worker/runner.ts';
import { configFrom, type DigitsConfig, writeConfig } from './config.ts';
import { type DigitFiles, type NamedBytes, readDigitFiles } from './files.ts';
import { makeNetwork, stagesOf } from './network.ts';
import type { EpochMetrics, Mistake, Reading, Snapshot } from './snapshot.ts';

const shownMistakes = 18;

class Session {
  readonly #number: number;
  readonly #config: DigitsConfig;
  readonly #train: MemoryDataset;
  readonly #test: MemoryDataset;
  readonly #network: Sequential;
  readonly #publisher: Publisher;
  readonly #runner: Runner;
  #gate: PauseGate = (batches) => batches;
  #rate: number;
  /** The run as callbacks see it, from its start on. */
  #context: CallbackContext | null = null;
  #wanted = false;
  /** The epoch after which the run rests by itself. */
  #rest = 0;
  #step = 0;
  #epoch = 0;
  #batch = 0;
  #loss: number | null = null;
  readonly #stepLosses = new Curve(300);
  #epochs: EpochMetrics[] = [];
  #tested: { loss: number; accuracy: number } | null = null;
  #confusion: number[][] | null = null;
  #mistakes: Mistake[] = [];
  #alert: string | null = null;

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
    const optimizer = adam(this.#network.parameters(), { learningRate: () => this.#rate });
    const loader = dataLoader(this.#train, {
      batchSize: Math.min(config.batchSize, this.#train.length),
      shuffle: true,
      seed: config.seed,
    });
    this.#publisher = publisher(() => this.#snapshot(), send, 150);
    this.#runner = new Runner(
      (gate) => {
        this.#gate = gate;
        return fit({
          model: this.#network,
          optimizer,
          loss: (output, y) => crossEntropy(output, y),
          metrics: { accuracy },
          train: loader,
          validation: gate(this.#testBatches()),
          epochs: Number.MAX_SAFE_INTEGER,
          compile: true,
          callbacks: [this.#memory()],
          config: writeConfig(config),
          ...(resume && { resume }),
        });
      },
      (event) => this.#onEvent(event),
    );
  }

  /** Takes the run to its start, where a resumed one has its weights again. */
  async begin(): Promise<void> {
    await this.#runner.play((event) => event.type === 'start');
    if (this.#epochs.length > 0) await this.#evaluate(this.#testBatches());
    await this.#publisher.flush();
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
        this.#epochs = (data as { epochs: EpochMetrics[] }).epochs;
      },
    };
  }

  #testBatches() {
    return dataLoader(this.#test, { batchSize: Math.min(250, this.#test.length) });
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
        await this.#evaluate(this.#gate(this.#testBatches()));
        if (event.epoch >= this.#rest) {
          this.#wanted = false;
          void this.#runner.pause();
        }
        break;
      case 'anomaly':
        this.#alert = event.message;
        break;
      default:
        return;
    }
    await this.#publisher.offer();
  }

  /** Goes through the test images: who is taken for whom, and which are the worst mistakes. */
  async #evaluate(batches: AsyncIterable<Batch>): Promise<void> {
    const confusion = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
    const wrong: { index: number; loss: number; label: number; answer: number; probability: number }[] = [];
    let index = 0;
    for await (const { x, y } of batches) {
      const output = this.#inEvaluation(() => this.#network.forward(x));
      const losses = crossEntropy(output, y, { reduction: 'none' });
      const answers = output.argmax(-1);
      const best = output.softmax(-1).max(-1);
      evaluate([losses, answers, best]);
      const [l, a, p, labels] = [losses, answers, best, y].map((each) => each.dataSync());
      for (let i = 0; i < labels.length; i++, index++) {
        confusion[labels[i]][a[i]]++;
        if (labels[i] !== a[i]) {
          wrong.push({ index, loss: l[i], label: labels[i], answer: a[i], probability: p[i] });
        }
      }
    }
    this.#confusion = confusion;
    const { data } = this.#test.columns.x;
    this.#mistakes = wrong
      .sort((a, b) => b.loss - a.loss)
      .slice(0, shownMistakes)
      .map(({ index: i, label, answer, probability }) => ({
        pixels: Uint8Array.from(data.subarray(784 * i, 784 * (i + 1))),
        label,
        answer,
        probability,
      }));
  }

  /** Goes on for so many more epochs, or to the end of those it was paused in. */
  play(epochs: number): void {
    if (this.#alert !== null) return;
    if (this.#epoch >= this.#rest) this.#rest = this.#epoch + epochs;
    this.#wanted = true;
    void this.#drive();
  }

  async #drive(): Promise<void> {
    try {
      await this.#runner.play();
    } catch (error) {
      this.#alert = error instanceof Error ? error.message : String(error);
    }
    if (!this.#runner.playing) this.#wanted = false;
    await this.#publisher.flush();
  }

  async pause(): Promise<void> {
    this.#wanted = false;
    await this.#runner.pause();
    await this.#publisher.flush();
  }

  /** The rate of the steps to come. */
  async setLearningRate(learningRate: number): Promise<void> {
    this.#rate = learningRate;
  }

  close(): Promise<void> {
    this.#wanted = false;
    return this.#runner.close();
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

  /** Reads a drawing. */
  read(drawing: ImageDataLike): Reading {
    const image = centerDigit(drawing);
    const stages = this.#inEvaluation(() => stagesOf(this.#network, image.unsqueeze(0)));
    const probabilities = stages.at(-1)!.value.softmax(-1);
    evaluate([image, probabilities, ...stages.map(({ value }) => value)]);
    return {
      image: image.dataSync() as Float32Array,
      probabilities: Array.from(probabilities.dataSync()),
      stages: stages.map(({ name, value }) => ({
        name,
        shape: value.shape.slice(1),
        values: value.dataSync() as Float32Array,
      })),
    };
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
    const hash = this.#wanted ? null : await hashOf(this.#network.stateDict());
    return {
      session: this.#number,
      running: this.#wanted,
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
      confusion: this.#confusion,
      mistakes: this.#mistakes,
      alert: this.#alert,
      deviceBytes: stats().bytes,
      hash,
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

/** What the page calls. */
export class Trainer {
  #session: Session | null = null;
  #files: DigitFiles | null = null;
  #send: (snapshot: Snapshot) => unknown = () => undefined;
  #turn: Promise<unknown> = Promise.resolve();

  computing(): Promise<Computing> {
    return startComputing();
  }

  listen(send: (snapshot: Snapshot) => unknown): void {
    this.#send = send;
  }

  /** Begins anew. @throws Error for a configuration that cannot be */
  configure(config: DigitsConfig, number: number): Promise<void> {
    return this.#inTurn(() => this.#open(config, number));
  }

  /** Takes the reader's files. @throws Error when they are not what they should be */
  files(files: readonly NamedBytes[]): Promise<{ train: number; test: number }> {
    return this.#inTurn(async () => {
      this.#files = await readDigitFiles(files);
      return { train: this.#files.train.length, test: this.#files.test.length };
    });
  }

  /**
   * Goes on from a saved run; answers with its configuration.
   * @throws Error when the file is none of this page
   */
  restore(bytes: Uint8Array, name: string, number: number): Promise<DigitsConfig> {
    return this.#inTurn(async () => {
      await startComputing();
      const checkpoint = decodeCheckpoint(bytes, name);
      if (typeof checkpoint.config !== 'object' || checkpoint.config === null) {
        throw new Error(`${name}: is a checkpoint, but not one of this page`);
      }
      const config = configFrom(new URLSearchParams(checkpoint.config as Record<string, string>));
      await this.#open(config, number, checkpoint);
      return config;
    });
  }

  play(epochs: number): Promise<void> {
    return this.#inTurn(async () => this.#session?.play(epochs));
  }

  /** Goes on with another learning rate. */
  setLearningRate(learningRate: number): Promise<void> {
    return this.#inTurn(async () => this.#session?.setLearningRate(learningRate));
  }

  pause(): Promise<void> {
    return this.#inTurn(async () => this.#session?.pause());
  }

  save(): Promise<Uint8Array | undefined> {
    return this.#inTurn(async () => this.#session?.save());
  }

  weights(): Promise<Uint8Array | undefined> {
    return this.#inTurn(async () => this.#session?.weights());
  }

  read(drawing: ImageDataLike): Promise<Reading | undefined> {
    return this.#inTurn(async () => this.#session?.read(drawing));
  }

  async #open(config: DigitsConfig, number: number, resume?: Checkpoint): Promise<void> {
    await startComputing();
    await this.#session?.close();
    this.#session = null;
    const session = new Session(config, number, this.#files, (snapshot) => this.#send(snapshot), resume);
    await session.begin();
    this.#session = session;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
