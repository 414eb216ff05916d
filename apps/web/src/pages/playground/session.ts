/** One training of the playground: runs `fit`, keeps the way back, and makes snapshots. */
import { dataLoader } from '@ag/datasets';
import { Linear, type Sequential, saveSafetensors } from '@ag/nn';
import { manualSeed, type NestedArray, scalar, stats, type Tensor, tensor } from '@ag/tensor';
import { type Callback, type Checkpoint, fit, gradientAlarms, type TrainingEvent } from '@ag/train';
import { Curve, History } from '../../service/worker/history.ts';
import { type Publisher, publisher } from '../../service/worker/publisher.ts';
import type { TrainingSession } from '../../service/worker/trainerHost.ts';
import { TrainingRun } from '../../service/worker/trainingRun.ts';
import { batchSizeOf, outputsOf, type PlaygroundConfig, resolution, taskOf } from './config.ts';
import { type Domain, makeData, type PlaygroundData } from './data.ts';
import { lookInside } from './inside.ts';
import { Journal } from './journal.ts';
import { makeNetwork, makeOptimizer, type Objective, objectiveOf, Penalty } from './network.ts';
import type { Alert, Metrics, Parameter, Snapshot } from './snapshot.ts';
import { Supply } from './supply.ts';
import { watch } from './watch.ts';

/** What can be changed while the network learns. */
interface Settings {
  readonly config: PlaygroundConfig;
  readonly data: PlaygroundData;
}

export class Session implements TrainingSession {
  readonly #number: number;
  readonly #objective: Objective;
  readonly #network: Sequential;
  readonly #penalty: Penalty;
  readonly #optimizer;
  readonly #supply: Supply;
  readonly #history = new History();
  readonly #journal = new Journal<Settings>();
  readonly #publisher: Publisher;
  readonly #run: TrainingRun;
  #settings: Settings;
  #grid: Float32Array;
  /** Whether it plays and rests between two steps. */
  #between = false;
  /** Changes that wait for the step under way. */
  #waiting: (() => void)[] = [];
  #probe: readonly [number, number];
  /** Milliseconds between steps. */
  #delay = 0;
  #step = 0;
  #epoch = 0;
  #furthest = 0;
  #loss: number | null = null;
  #train: Metrics | null = null;
  #test: Metrics | null = null;
  #losses: number[] = [];
  readonly #trainCurve = new Curve(400);
  readonly #testCurve = new Curve(400);
  #alerts: Alert[] = [];
  #failed = false;

  /** @throws Error for a configuration that cannot be */
  static async create(
    config: PlaygroundConfig,
    number: number,
    send: (snapshot: Snapshot) => unknown,
  ): Promise<Session> {
    return new Session({ config, data: await makeData(config) }, number, send);
  }

  private constructor(settings: Settings, number: number, send: (snapshot: Snapshot) => unknown) {
    const { config, data } = settings;
    const { kind, domain } = data;
    this.#number = number;
    this.#settings = settings;
    this.#objective = objectiveOf(kind, config.loss);
    manualSeed(config.seed);
    this.#network = makeNetwork(config, outputsOf(data));
    this.#penalty = new Penalty(this.#network);
    this.#penalty.set(config);
    this.#optimizer = makeOptimizer(
      config,
      this.#network.parameters(),
      () => this.#settings.config.learningRate,
    );
    this.#supply = new Supply(loaderOf(settings));
    this.#grid = gridOf(domain);
    this.#probe = middleOf(domain);
    this.#journal.add({ step: -1, what: 'settings', settings, apply: () => undefined });
    this.#publisher = publisher(() => this.safely(() => this.#snapshot()), send);
    this.#run = new TrainingRun({
      begin: (_, keeper, resume) => this.#fit(keeper, resume),
      holders: [this.#network, this.#optimizer, this.#penalty],
      onEvent: (event) => this.#onEvent(event),
      onError: (message) => {
        this.#failed = true;
        this.#raise('error', message);
      },
      publisher: this.#publisher,
    });
  }

  #fit(keeper: Callback, resume?: Checkpoint) {
    const { loss, metrics } = this.#objective;
    // A checkpoint holds the network and the optimizer; where a device was lost, so were these two numbers.
    this.#penalty.set(this.#settings.config);
    const options = {
      model: this.#network,
      optimizer: this.#optimizer,
      loss: (output: Tensor, y: Tensor) => this.#penalty.addTo(loss(output, y)),
      // What the answers cost, without the weights: to be held against the loss over test points.
      metrics: { ...metrics, data: loss },
      train: this.#supply,
      epochs: Number.MAX_SAFE_INTEGER,
      compile: true,
      gradientNorms: 1,
      callbacks: [
        gradientAlarms({ vanishing: 0, exploding: 1e4, patience: 1 }),
        watch(),
        this.#history,
        keeper,
      ],
      ...(resume && { resume }),
    };
    if (!this.#settings.data.test) return fit(options);
    const testData = () => {
      const { test } = this.#settings.data;
      return dataLoader(test!, { batchSize: test!.length });
    };
    const validation = { [Symbol.asyncIterator]: () => testData()[Symbol.asyncIterator]() };
    return fit({ ...options, validation });
  }

  async #onEvent(event: TrainingEvent): Promise<void> {
    switch (event.type) {
      case 'step':
        this.#step = event.step;
        this.#epoch = event.epoch;
        this.#furthest = Math.max(this.#furthest, event.step);
        this.#loss = event.loss;
        if (event.step <= 100) this.#losses[event.step - 1] = event.loss;
        // Those of a run that has gone back are met again.
        for (const { apply } of this.#journal.at(event.step)) apply();
        this.#changeNow();
        break;
      case 'epoch':
        this.#train = metricsOf(event);
        this.#trainCurve.add(event.step, this.#train.loss, event.epoch);
        break;
      case 'validation':
        this.#test = metricsOf(event);
        this.#testCurve.add(event.step, event.loss, event.epoch);
        break;
      case 'anomaly':
      case 'warning':
        this.#step = event.step;
        this.#raise(event.type === 'anomaly' ? event.kind : event.code, event.message);
        break;
      default:
        return;
    }
    if (!this.#run.playing) return;
    this.#between = event.type === 'step';
    await this.#publisher.offer();
    if (this.#between && this.#delay > 0) await new Promise((resolve) => setTimeout(resolve, this.#delay));
    this.#between = false;
  }

  /** Shows an alarm. The first of its kind is shown; what says the same again is not. */
  #raise(kind: string, message: string): void {
    if (this.#alerts.some((alert) => alert.kind === kind || alert.message === message)) return;
    this.#alerts.push({ kind, step: this.#step, message });
  }

  /** Takes it to its start. */
  async begin(): Promise<void> {
    await this.#run.start();
    await this.publish();
  }

  safely<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#run.safely(work);
  }

  play(): void {
    if (!this.#failed) this.#run.play();
  }

  pause(): Promise<void> {
    return this.#run.pause();
  }

  async step(): Promise<void> {
    await this.pause();
    await this.#run.playUntil((event) => event.type === 'step');
  }

  /** Whether a configuration differs only in what can change while the network learns. */
  canBecome(config: PlaygroundConfig): boolean {
    const fixed = (of: PlaygroundConfig) => {
      const { kind, classes } = taskOf(of);
      const { features, layers, normalization, dropout, loss, optimizer, seed, standardize } = of;
      const network = { features, layers, normalization, dropout, loss, optimizer, seed, standardize };
      return JSON.stringify({ kind, classes, ...network, tested: of.test > 0 && of.data !== 'xor' });
    };
    return !this.#failed && fixed(this.#settings.config) === fixed(config);
  }

  /** Goes on with other data, another rate or another penalty. @throws Error for data that cannot be learned from */
  async become(config: PlaygroundConfig): Promise<void> {
    const { config: before, data } = this.#settings;
    const settings = { config, data: sameData(before, config) ? data : await makeData(config) };
    this.#change('settings', settings, () => this.#use(settings));
    await this.publish();
  }

  /** Gives a weight or a bias another value. */
  async setParameter({ layer, unit, input }: Parameter, value: number): Promise<void> {
    const linear = this.#network.layers.filter((each) => each instanceof Linear)[layer];
    const variable = input === null ? linear?.bias : linear?.weight;
    if (!variable || !Number.isFinite(value)) return;
    const at = input === null ? unit : unit * linear.inFeatures + input;
    const chosen = new Float32Array(variable.size);
    chosen[at] = 1;
    const mask = tensor(chosen, { shape: variable.shape }).greater(0);
    this.#change(`parameter ${layer} ${unit} ${input}`, null, () =>
      variable.assign(mask.where(scalar(value), variable.value)),
    );
    await this.publish();
  }

  /** Between two steps: at once where the run rests, else after the one under way. */
  #change(what: string, settings: Settings | null, apply: () => void): void {
    this.#waiting.push(() => {
      this.#journal.add({ step: this.#step, what, settings, apply });
      this.#furthest = this.#step;
      apply();
    });
    if (!this.#run.playing || this.#between) this.#changeNow();
  }

  #changeNow(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const change of waiting) change();
  }

  #use(settings: Settings): void {
    const { domain } = settings.data;
    const before = this.#settings;
    if (settings.data !== before.data) {
      this.#grid = gridOf(domain);
      this.#probe = middleOf(domain);
      this.#train = this.#test = null;
    }
    if (settings.data !== before.data || settings.config.batchSize !== before.config.batchSize)
      this.#supply.replace(loaderOf(settings));
    this.#settings = settings;
    this.#penalty.set(settings.config);
  }

  /** Back to how things were after `step` steps, by way of a checkpoint before. */
  async rewind(step: number): Promise<void> {
    await this.#run.close();
    const checkpoint = this.#history.backTo(Math.max(0, Math.min(step, this.#furthest)));
    this.#forgetAfter(checkpoint);
    const from = checkpoint.progress.step;
    const { settings } = this.#journal.before(from)!;
    this.#use(settings!);
    this.#supply.reset(loaderOf(settings!));
    this.#run.resume(checkpoint);
    // The state is restored with the first event.
    await this.#run.playUntil((event) => event.type === 'start');
    for (const { apply } of this.#journal.at(from)) apply();
    if (step > from) await this.#run.playUntil((event) => event.type === 'step' && event.step >= step);
    else await this.publish();
  }

  #forgetAfter({ progress: { step, epoch } }: Checkpoint): void {
    this.#failed = false;
    this.#alerts = this.#alerts.filter((alert) => alert.step <= step);
    this.#losses.length = Math.min(this.#losses.length, step);
    this.#trainCurve.cut(step - 1);
    this.#testCurve.cut(step - 1);
    this.#step = step;
    this.#epoch = epoch;
    this.#loss = null;
    if (step === 0) this.#train = this.#test = null;
  }

  setDelay(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  async setLearningRate(learningRate: number): Promise<void> {
    await this.become({ ...this.#settings.config, learningRate });
  }

  probe(x: number, y: number): Promise<void> {
    this.#probe = [x, y];
    return this.publish();
  }

  publish(): Promise<void> {
    return this.#publisher.flush();
  }

  close(): Promise<void> {
    return this.#run.close();
  }

  safetensors(): Promise<Uint8Array> {
    return saveSafetensors(this.#network.stateDict());
  }

  async json(): Promise<string> {
    const weights: Record<string, NestedArray> = {};
    for (const [name, value] of Object.entries(this.#network.stateDict()))
      weights[name] = await value.toArray();
    return JSON.stringify({ network: this.#network.toJSON(), weights });
  }

  async #snapshot(): Promise<Snapshot> {
    const { config, data } = this.#settings;
    const { kind, classes, line, domain, trainPoints, testPoints } = data;
    return {
      session: this.#number,
      kind,
      classes,
      line,
      made: {
        features: config.features,
        standardize: config.standardize,
        layers: config.layers,
        normalization: config.normalization,
      },
      rate: config.learningRate,
      running: this.#run.playing,
      step: this.#step,
      epoch: this.#epoch,
      furthest: this.#furthest,
      loss: this.#loss,
      train: this.#train,
      test: this.#test,
      losses: this.#losses.slice(),
      trainCurve: this.#trainCurve.points(),
      testCurve: this.#testCurve.points(),
      alerts: this.#alerts.slice(),
      failed: this.#failed,
      deviceBytes: stats().bytes,
      domain,
      trainPoints,
      testPoints,
      ...(await lookInside(this.#network, this.#objective, data, this.#grid, this.#probe)),
    };
  }
}

function metricsOf(event: {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}): Metrics {
  return { loss: event.metrics.data, accuracy: event.metrics.accuracy ?? null };
}

/** Whether two configurations have the same points. */
function sameData(a: PlaygroundConfig, b: PlaygroundConfig): boolean {
  const pointsOf = ({ data, count, noise, classes, test, regression, line, points }: PlaygroundConfig) =>
    JSON.stringify([data, count, noise, classes, test, regression, line, points]);
  return pointsOf(a) === pointsOf(b);
}

function loaderOf({ config, data: { train } }: Settings) {
  const batchSize = batchSizeOf(config, train.length);
  // One example alone has no variance to be normalized by.
  const dropLast = config.normalization === 'batch' && train.length % batchSize === 1;
  return dataLoader(train, { batchSize, shuffle: true, seed: config.seed, dropLast });
}

function middleOf({ x, y }: Domain): [number, number] {
  return [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2];
}

/** The points of the plane for which outputs are drawn, row by row from the lowest y. */
function gridOf({ x, y }: Domain): Float32Array {
  const at = ([low, high]: readonly [number, number], i: number) =>
    low + ((high - low) * i) / (resolution - 1);
  const points = new Float32Array(2 * resolution ** 2);
  for (let row = 0; row < resolution; row++) {
    for (let column = 0; column < resolution; column++) {
      points.set([at(x, column), at(y, row)], 2 * (row * resolution + column));
    }
  }
  return points;
}
