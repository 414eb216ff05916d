/** One training of the playground: runs `fit`, keeps the way back, and makes snapshots. */
import { dataLoader } from '@ag/datasets';
import { type Sequential, saveSafetensors } from '@ag/nn';
import { manualSeed, type NestedArray, stats } from '@ag/tensor';
import { type Callback, type Checkpoint, fit, gradientAlarms, type TrainingEvent } from '@ag/train';
import { Curve, History } from '../../service/worker/history.ts';
import { type Publisher, publisher } from '../../service/worker/publisher.ts';
import type { TrainingSession } from '../../service/worker/trainerHost.ts';
import { TrainingRun } from '../../service/worker/trainingRun.ts';
import { type PlaygroundConfig, resolution } from './config.ts';
import { type Domain, makeData, type PlaygroundData } from './data.ts';
import { lookInside } from './inside.ts';
import { makeNetwork, makeOptimizer, type Objective, objectives } from './network.ts';
import type { Alert, Metrics, Snapshot } from './snapshot.ts';
import { watch } from './watch.ts';

export class Session implements TrainingSession {
  readonly #number: number;
  readonly #data: PlaygroundData;
  readonly #objective: Objective;
  readonly #network: Sequential;
  readonly #optimizer;
  readonly #loader;
  readonly #history = new History();
  readonly #grid: Float32Array;
  readonly #publisher: Publisher;
  readonly #run: TrainingRun;
  #probe: readonly [number, number];
  /** Milliseconds between steps. */
  #delay = 0;
  #rate: number;
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

  constructor(config: PlaygroundConfig, number: number, send: (snapshot: Snapshot) => unknown) {
    this.#number = number;
    this.#rate = config.learningRate;
    this.#data = makeData(config);
    const { kind, classes, domain, train } = this.#data;
    this.#objective = objectives[kind];
    manualSeed(config.seed);
    this.#network = makeNetwork(config, kind === 'classes' ? classes : 1);
    this.#optimizer = makeOptimizer(config, this.#network.parameters(), () => this.#rate);
    this.#loader = dataLoader(train, {
      batchSize: Math.min(config.batchSize, train.length),
      shuffle: true,
      seed: config.seed,
    });
    this.#grid = gridOf(domain);
    this.#probe = [(domain.x[0] + domain.x[1]) / 2, (domain.y[0] + domain.y[1]) / 2];
    this.#publisher = publisher(() => this.safely(() => this.#snapshot()), send);
    this.#run = new TrainingRun({
      begin: (_, keeper, resume) => this.#fit(keeper, resume),
      holders: [this.#network, this.#optimizer],
      onEvent: (event) => this.#onEvent(event),
      onError: (message) => {
        this.#failed = true;
        this.#raise('error', message);
      },
      publisher: this.#publisher,
    });
  }

  #fit(keeper: Callback, resume?: Checkpoint) {
    const { test } = this.#data;
    return fit({
      model: this.#network,
      optimizer: this.#optimizer,
      loss: this.#objective.loss,
      metrics: this.#objective.metrics,
      train: this.#loader,
      epochs: Number.MAX_SAFE_INTEGER,
      compile: true,
      gradientNorms: 1,
      callbacks: [
        gradientAlarms({ vanishing: 0, exploding: 1e4, patience: 1 }),
        watch(),
        this.#history,
        keeper,
      ],
      ...(test && { validation: dataLoader(test, { batchSize: test.length }) }),
      ...(resume && { resume }),
    });
  }

  async #onEvent(event: TrainingEvent): Promise<void> {
    switch (event.type) {
      case 'step':
        this.#step = event.step;
        this.#epoch = event.epoch;
        this.#furthest = Math.max(this.#furthest, event.step);
        this.#loss = event.loss;
        if (event.step <= 100) this.#losses[event.step - 1] = event.loss;
        break;
      case 'epoch':
        this.#train = metricsOf(event);
        this.#trainCurve.add(event.step, event.loss, event.epoch);
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
    await this.#publisher.offer();
    if (event.type === 'step' && this.#delay > 0) {
      await new Promise((resolve) => setTimeout(resolve, this.#delay));
    }
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

  /** Back to how things were after `step` steps, by way of a checkpoint before. */
  async rewind(step: number): Promise<void> {
    await this.#run.close();
    const checkpoint = this.#history.backTo(Math.max(0, Math.min(step, this.#furthest)));
    this.#forgetAfter(checkpoint);
    this.#run.resume(checkpoint);
    const from = checkpoint.progress.step;
    // The state is restored with the first event.
    await this.#run.playUntil((event) =>
      step <= from ? event.type === 'start' : event.type === 'step' && event.step >= step,
    );
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

  setLearningRate(learningRate: number): void {
    this.#rate = learningRate;
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
    const { kind, classes, domain, trainPoints, testPoints } = this.#data;
    return {
      session: this.#number,
      kind,
      classes,
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
      ...(await lookInside(this.#network, this.#objective, this.#data, this.#grid, this.#probe)),
    };
  }
}

function metricsOf(event: {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}): Metrics {
  return { loss: event.loss, accuracy: event.metrics.accuracy ?? null };
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
