/**
 * The playground's worker side: trains with `fit`, remembers the way back, and makes snapshots of how things stand.
 */
import { dataLoader } from '@ag/datasets';
import { gradients } from '@ag/graph';
import { Linear, type Sequential, saveSafetensors } from '@ag/nn';
import { evaluate, manualSeed, type NestedArray, stats, type Tensor } from '@ag/tensor';
import { type Checkpoint, fit, gradientAlarms, type TrainingEvent } from '@ag/train';
import { type Computing, startComputing } from '../../service/worker/computing.ts';
import { Curve, History } from '../../service/worker/history.ts';
import { type Publisher, publisher } from '../../service/worker/publisher.ts';
import { Runner } from '../../service/worker/runner.ts';
import { type PaintedPoint, type PlaygroundConfig, resolution } from './config.ts';
import { type Domain, makeData, type PlaygroundData, pointsFromText } from './data.ts';
import { makeNetwork, makeOptimizer, type Objective, objectives } from './network.ts';
import type { Alert, LayerSnapshot, Metrics, Snapshot } from './snapshot.ts';
import { watch } from './watch.ts';

/** Answers of training points are told one by one up to this many. */
const maxPointAnswers = 8;

class Session {
  readonly #number: number;
  readonly #data: PlaygroundData;
  readonly #objective: Objective;
  readonly #network: Sequential;
  readonly #optimizer;
  readonly #loader;
  readonly #history = new History();
  readonly #grid: Float32Array;
  readonly #publisher: Publisher;
  #runner: Runner;
  #probe: readonly [number, number];
  #wanted = false;
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
    this.#publisher = publisher(() => this.#snapshot(), send);
    this.#runner = this.#begin();
  }

  #begin(resume?: Checkpoint): Runner {
    const { test } = this.#data;
    return new Runner(
      () =>
        fit({
          model: this.#network,
          optimizer: this.#optimizer,
          loss: this.#objective.loss,
          metrics: this.#objective.metrics,
          train: this.#loader,
          epochs: Number.MAX_SAFE_INTEGER,
          compile: true,
          gradientNorms: 1,
          callbacks: [gradientAlarms({ vanishing: 0, exploding: 1e4, patience: 1 }), watch(), this.#history],
          ...(test && { validation: dataLoader(test, { batchSize: test.length }) }),
          ...(resume && { resume }),
        }),
      (event) => this.#onEvent(event),
    );
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
        this.#alarm(event.type === 'anomaly' ? event.kind : event.code, event.message);
        break;
      default:
        return;
    }
    if (!this.#wanted) return;
    await this.#publisher.offer();
    if (event.type === 'step' && this.#delay > 0) {
      await new Promise((resolve) => setTimeout(resolve, this.#delay));
    }
  }

  play(): void {
    if (this.#failed) return;
    this.#wanted = true;
    void this.#drive(() => this.#runner.play());
    void this.#publisher.flush();
  }

  async pause(): Promise<void> {
    this.#wanted = false;
    await this.#runner.pause();
    await this.#publisher.flush();
  }

  async step(): Promise<void> {
    await this.pause();
    await this.#drive(() => this.#runner.play((event) => event.type === 'step'));
  }

  /** Back to how things were after `step` steps, by way of a checkpoint before. */
  async rewind(step: number): Promise<void> {
    this.#wanted = false;
    await this.#runner.close();
    const checkpoint = this.#history.backTo(Math.max(0, Math.min(step, this.#furthest)));
    const from = checkpoint.progress.step;
    this.#failed = false;
    this.#alerts = this.#alerts.filter((alert) => alert.step <= from);
    this.#losses.length = Math.min(this.#losses.length, from);
    this.#trainCurve.cut(from - 1);
    this.#testCurve.cut(from - 1);
    this.#step = from;
    this.#epoch = checkpoint.progress.epoch;
    this.#loss = null;
    if (from === 0) this.#train = this.#test = null;
    this.#runner = this.#begin(checkpoint);
    // The state is restored with the first event.
    await this.#drive(() =>
      this.#runner.play((event) =>
        step <= from ? event.type === 'start' : event.type === 'step' && event.step >= step,
      ),
    );
  }

  async setDelay(milliseconds: number): Promise<void> {
    this.#delay = milliseconds;
  }

  /** The rate of the steps to come. */
  async setLearningRate(learningRate: number): Promise<void> {
    this.#rate = learningRate;
  }

  async look(x: number, y: number): Promise<void> {
    this.#probe = [x, y];
    await this.#publisher.flush();
  }

  async show(): Promise<void> {
    await this.#publisher.flush();
  }

  close(): Promise<void> {
    this.#wanted = false;
    return this.#runner.close();
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

  /** The first of its kind is shown; what says the same again is not. */
  #alarm(kind: string, message: string): void {
    if (this.#alerts.some((alert) => alert.kind === kind || alert.message === message)) return;
    this.#alerts.push({ kind, step: this.#step, message });
  }

  /** An error of the run is shown as an alert: the page goes on. */
  async #drive(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#failed = true;
      this.#alarm('error', error instanceof Error ? error.message : String(error));
    }
    if (!this.#runner.playing) this.#wanted = false;
    await this.#publisher.flush();
  }

  /** Reads at once, so that no step comes in between. */
  #snapshot(): Snapshot {
    const { train, kind, classes, inputs, domain, trainPoints, testPoints } = this.#data;
    const everything = Array.from({ length: train.length }, (_, i) => i);
    const { x, y } = train.batch(everything);
    const few = train.length <= maxPointAnswers;
    const plane = inputs(this.#grid).batch(Array.from({ length: resolution ** 2 }, (_, i) => i)).x;
    const probe = inputs(Float32Array.from(this.#probe)).batch([0]).x;

    const linears = this.#network.layers.filter((layer) => layer instanceof Linear);
    const parameters = linears.flatMap((layer) => [layer.weight.value, layer.bias!.value]);
    this.#network.eval();
    const overPlane = this.#pass(plane);
    const atProbe = this.#pass(probe);
    const output = this.#network.forward(x);
    const slopes = gradients(this.#objective.loss(output, y), parameters);
    const pointAnswers = few ? this.#objective.answer(output) : null;
    this.#network.train();
    evaluate([
      plane,
      probe,
      ...overPlane.flatMap((layer) => layer.values),
      ...atProbe.flatMap((layer) => [layer.sums, layer.values]),
      ...slopes,
      ...(pointAnswers ? [pointAnswers] : []),
    ]);

    const layers: LayerSnapshot[] = [];
    for (const [i, layer] of linears.entries()) {
      layers.push({
        units: layer.outFeatures,
        outputs: overPlane[i].values.dataSync() as Float32Array,
        weights: rowsOf(parameters[2 * i]),
        bias: numbersOf(parameters[2 * i + 1]),
        weightGradients: rowsOf(slopes[2 * i]),
        biasGradients: numbersOf(slopes[2 * i + 1]),
        sums: numbersOf(atProbe[i].sums),
        values: numbersOf(atProbe[i].values),
      });
    }
    return {
      session: this.#number,
      kind,
      classes,
      running: this.#wanted,
      parameters: parameters.reduce((sum, parameter) => sum + parameter.size, 0),
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
      inputs: plane.dataSync() as Float32Array,
      probe: numbersOf(probe),
      layers,
      answers: layers.at(-1)!.outputs,
      pointAnswers: pointAnswers ? rowsOf(pointAnswers) : [],
    };
  }

  /** Weighted sums and outputs of each layer; the last one's output is what the network says. */
  #pass(x: Tensor): { sums: Tensor; values: Tensor }[] {
    const passed: { sums: Tensor; values: Tensor }[] = [];
    let value = x;
    for (const layer of this.#network.layers) {
      value = typeof layer === 'function' ? layer(value) : layer.forward(value);
      if (layer instanceof Linear) passed.push({ sums: value, values: value });
      else passed[passed.length - 1] = { sums: passed.at(-1)!.sums, values: value };
    }
    const last = passed.at(-1)!;
    passed[passed.length - 1] = { sums: last.sums, values: this.#objective.answer(last.values) };
    return passed;
  }
}

const numbersOf = (x: Tensor): number[] => Array.from(x.dataSync());

function rowsOf(x: Tensor): number[][] {
  const numbers = numbersOf(x);
  const columns = x.shape[1];
  return Array.from({ length: x.shape[0] }, (_, i) => numbers.slice(i * columns, (i + 1) * columns));
}

function metricsOf(event: {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}): Metrics {
  return { loss: event.loss, accuracy: event.metrics.accuracy ?? null };
}

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

/** What the page calls. One configuration at a time; the calls are served one after the other. */
export class Trainer {
  #session: Session | null = null;
  #send: (snapshot: Snapshot) => unknown = () => undefined;
  #delay = 0;
  #turn: Promise<unknown> = Promise.resolve();

  computing(): Promise<Computing> {
    return startComputing();
  }

  /** Where snapshots go; a promise holds the next one back. */
  listen(send: (snapshot: Snapshot) => unknown): void {
    this.#send = send;
  }

  /** Begins anew. @throws Error for a configuration that cannot be */
  configure(config: PlaygroundConfig, number: number): Promise<void> {
    return this.#inTurn(async () => {
      await startComputing();
      await this.#session?.close();
      this.#session = null;
      this.#session = new Session(config, number, (snapshot) => this.#send(snapshot));
      await this.#session.setDelay(this.#delay);
      await this.#session.show();
    });
  }

  play(): Promise<void> {
    return this.#inTurn(async () => this.#session?.play());
  }

  pause(): Promise<void> {
    return this.#inTurn(async () => this.#session?.pause());
  }

  step(): Promise<void> {
    return this.#inTurn(async () => this.#session?.step());
  }

  rewind(step: number): Promise<void> {
    return this.#inTurn(async () => this.#session?.rewind(step));
  }

  /** Waits so many milliseconds after each step. */
  setDelay(milliseconds: number): Promise<void> {
    this.#delay = milliseconds;
    return this.#inTurn(async () => this.#session?.setDelay(milliseconds));
  }

  /** Goes on with another learning rate. */
  setLearningRate(learningRate: number): Promise<void> {
    return this.#inTurn(async () => this.#session?.setLearningRate(learningRate));
  }

  /** The point that is looked at. */
  look(x: number, y: number): Promise<void> {
    return this.#inTurn(async () => this.#session?.look(x, y));
  }

  safetensors(): Promise<Uint8Array | undefined> {
    return this.#inTurn(async () => this.#session?.safetensors());
  }

  json(): Promise<string | undefined> {
    return this.#inTurn(async () => this.#session?.json());
  }

  read(text: string, regression: boolean): Promise<{ points: PaintedPoint[]; classes: string[] }> {
    return pointsFromText(text, regression);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
