/** The report of a run as one HTML file: curves, errors, gradients, profile, settings. */
import type { MemoryDataset } from '@ag/datasets';
import type { Module } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { type ProfileRow, predict, type TrainingEvent, totalLoss, type Validation } from '@ag/train';
import {
  confusion,
  decisionBoundary,
  type GridImage,
  gradientFlow,
  graphView,
  histogram,
  imageGrid,
  lineChart,
  surface,
} from '@ag/viz';
import { kernelName } from '../inspection/profileTables.ts';
import { bytes, count, duration, formatMetric, formatMetrics, formatNumber, words } from '../numbers.ts';
import { isStructured, tensorsByPath } from '../recipes/structured.ts';
import type { RunConfig } from '../runs/folder.ts';
import { type Prepared, testLoaderOf } from '../training/assemble.ts';
import {
  type ClassAnswer,
  type ClassAnswers,
  evaluateAnswers,
  type NumberAnswers,
  targetsOf,
} from './evaluation.ts';
import { headSections } from './heads.ts';
import { columns, escapeText, facts, page, pictures, type Section, widePicture } from './page.ts';
import { numberAxes, preprocessingSection } from './preprocessing.ts';

/** Pictures of examples in one grid. */
const shown = 30;

/** What a report is about. */
export interface ReportParts {
  readonly config: RunConfig;
  readonly prepared: Prepared;
  readonly model: Module<[Tensor], Tensor>;
  readonly events: readonly TrainingEvent[];
  /** How the run ended. */
  readonly status: string;
  /** Wall-clock seconds of the training. */
  readonly seconds: number;
  /** How good the weights are on the test data. */
  readonly result: Validation;
}

/** The HTML of a report. */
export async function renderReport(parts: ReportParts): Promise<string> {
  const { config, prepared, model, events, status, seconds, result: last } = parts;
  const answers = isStructured(prepared.test) ? null : await evaluateAnswers(prepared, model);
  const lead =
    `${status} after ${duration(seconds)}` +
    `; on the test data: ${formatMetrics({ loss: last.loss, ...last.metrics })}${
      prepared.target.isScaled
        ? '. The loss is of the scaled target; all else is in the unit of the data'
        : ''
    }`;
  const sections: Section[] = [
    ...baselineSection(prepared),
    { title: 'Training', body: curves(events, config, prepared.validation ? 'validation' : 'test') },
    ...(answers === null
      ? await headSections(prepared, model, {
          classes: (own, view, id) => classSections(own, view.test, id),
          numbers: (own, view, id) => numberSections(own, view, model, id),
        })
      : answers.kind === 'classification'
        ? classSections(answers, prepared.test)
        : await numberSections(answers, prepared, model)),
    ...gradientSection(events),
    ...profileSection(events),
    ...preprocessingSection(prepared),
    { title: 'Model', body: `${modelTable(model)}${await lossGraph(prepared, model)}` },
    { title: 'Settings', body: settingsTable(config, prepared) },
    { title: 'Reproduce', body: howToRepeat(config) },
  ];
  return page(`${config.recipe}: ${prepared.recipe.summary}`, lead, sections);
}

/** What the same answer for every row would reach. */
function baselineSection({ task: { baseline } }: Prepared): Section[] {
  if (!baseline) return [];
  const rows = Object.entries(baseline.metrics).map(
    ([name, value]) =>
      [`${words(name)} of a baseline`, `${formatMetric(name, value)}: ${baseline.answer}`] as const,
  );
  return [{ title: 'Compared', body: facts(rows) }];
}

function curves(events: readonly TrainingEvent[], config: RunConfig, judged: string): string {
  const epochs = events.filter((event) => event.type === 'epoch');
  const validations = events.filter((event) => event.type === 'validation');
  const steps = events.filter((event) => event.type === 'step');
  const series = (read: (event: { loss: number; metrics: Readonly<Record<string, number>> }) => number) => [
    { name: 'training', x: epochs.map((event) => event.epoch), y: epochs.map(read) },
    ...(validations.length > 0
      ? [{ name: judged, x: validations.map((event) => event.epoch), y: validations.map(read) }]
      : []),
  ];
  const losses = [...epochs, ...validations].map((event) => event.loss).filter((value) => value > 0);
  const wide = losses.length > 0 && Math.max(...losses) / Math.min(...losses) > 30;
  const names = Object.keys(epochs[0]?.metrics ?? {});
  return pictures(
    lineChart(
      series((event) => event.loss),
      {
        title: 'Loss',
        id: 'loss',
        xLabel: 'epoch',
        yScale: wide ? 'log' : 'linear',
      },
    ),
    ...names.map((name) =>
      lineChart(
        series((event) => event.metrics[name] ?? Number.NaN),
        {
          title: capital(words(name)),
          id: `metric-${name.replace(/[^\w-]/g, '-')}`,
          xLabel: 'epoch',
          ...(/(^|\/)accuracy$/.test(name) && { yFormat: 'percent' as const }),
        },
      ),
    ),
    lineChart(
      [
        {
          name: 'loss of each batch',
          x: steps.map((event) => event.step),
          y: steps.map((event) => event.loss),
        },
      ],
      {
        title: 'Loss by step',
        id: 'loss-by-step',
        xLabel: 'step',
        smoothing: 0.9,
        yScale: wide ? 'log' : 'linear',
      },
    ),
    ...(config.settings.schedule === 'constant'
      ? []
      : [
          lineChart(
            [
              {
                name: 'rate',
                x: steps.map((event) => event.step),
                y: steps.map((event) => event.learningRate),
              },
            ],
            {
              title: 'Learning rate',
              id: 'learning-rate',
              xLabel: 'step',
            },
          ),
        ]),
  );
}

function classSections(answers: ClassAnswers, test: MemoryDataset, prefix = ''): Section[] {
  const { confusion: counts, classes, examples } = answers;
  const wrong = examples.filter((one) => one.actual !== one.predicted);
  const worst = [...wrong].sort((a, b) => a.truth - b.truth).slice(0, shown);
  const evenly = Array.from(
    { length: Math.min(shown, examples.length) },
    (_, i) => examples[Math.floor((i * examples.length) / shown)],
  );
  const draw = imageDrawer(test);
  const caption = (one: ClassAnswer): string =>
    one.actual === one.predicted
      ? `${classes[one.predicted]} ${Math.round(100 * one.confidence)} %`
      : `${classes[one.actual]}, not ${classes[one.predicted]}`;
  const grid = (list: readonly ClassAnswer[], title: string, id: string): string =>
    imageGrid(
      list.map((one) => ({
        ...draw!(one.index),
        caption: caption(one),
        mark: one.actual === one.predicted ? ('right' as const) : ('wrong' as const),
      })),
      { title, id: `${prefix}${id}` },
    );
  return [
    {
      title: 'Test data',
      body: pictures(
        confusion(counts, { labels: classes, title: 'Confusion matrix', id: `${prefix}confusion` }),
        ...(draw ? [grid(evenly, 'Samples with predictions', 'samples')] : []),
      ),
    },
    {
      title: 'Largest errors',
      body:
        worst.length === 0
          ? '<p>There are none.</p>'
          : `<p>${count(wrong.length)} of ${count(examples.length)} examples are misclassified; those with the lowest probability of the true class first.</p>${
              draw
                ? pictures(grid(worst, 'Most confident errors', 'mistakes'))
                : mistakesTable(worst, classes)
            }`,
    },
  ];
}

function mistakesTable(worst: readonly ClassAnswer[], classes: readonly string[]): string {
  return facts(
    worst.map((one) => [
      `example ${one.index}`,
      `${classes[one.actual]} predicted as ${classes[one.predicted]} (${Math.round(100 * one.confidence)} %)`,
    ]),
  );
}

/** Draws examples, if they are images. */
function imageDrawer(data: MemoryDataset): ((index: number) => GridImage) | null {
  const { data: pixels, shape } = data.columns.x;
  if (shape.length !== 3 || (shape[0] !== 1 && shape[0] !== 3)) return null;
  const [channels, height, width] = shape as [number, number, number];
  const area = height * width;
  return (index) => {
    const own = pixels.subarray(index * channels * area, (index + 1) * channels * area);
    const mixed =
      channels === 1
        ? own
        : Uint8Array.from({ length: own.length }, (_, i) => own[(i % 3) * area + Math.floor(i / 3)]);
    return { pixels: mixed, width, height, channels: channels as 1 | 3 };
  };
}

async function numberSections(
  { answers, targets, kind }: NumberAnswers,
  prepared: Prepared,
  model: Module<[Tensor], Tensor>,
  prefix = '',
): Promise<Section[]> {
  const drawings: string[] = [];
  if (kind === 'regression') {
    drawings.push(
      histogram(
        Float32Array.from(answers, (answer, i) => answer - targets[i]),
        { title: 'Errors', id: `${prefix}errors`, xLabel: `prediction − target${inUnit(prepared)}` },
      ),
    );
  }
  const plane = await drawPlane(prepared, model, kind);
  if (plane) drawings.push(plane);
  const order = Array.from(answers, (_, i) => i).sort(
    (a, b) => Math.abs(answers[b] - targets[b]) - Math.abs(answers[a] - targets[a]),
  );
  const rows = order
    .slice(0, 12)
    .map(
      (i) =>
        [
          `example ${i}`,
          `prediction ${formatNumber(answers[i])}, target ${formatNumber(targets[i])}`,
        ] as const,
    );
  return [
    { title: 'Test data', body: drawings.length > 0 ? pictures(...drawings) : '<p>See the table below.</p>' },
    { title: `Largest errors${inUnit(prepared)}`, body: facts(rows) },
  ];
}

/** ` (1000 dollars)`, where the unit of the target is known. */
function inUnit({ target }: Prepared): string {
  return target.unit === undefined ? '' : ` (${target.unit})`;
}

/** The answers over the plane, for models of two inputs. */
async function drawPlane(
  prepared: Prepared,
  model: Module<[Tensor], Tensor>,
  kind: 'regression' | 'binary',
): Promise<string | null> {
  const { test } = prepared;
  if (test.features !== 2 || test.columns.x.shape.length !== 1 || test.columns.y.data.length !== test.length)
    return null;
  const inputs = test.columns.x.data;
  const targets = targetsOf(prepared);
  const cells = 33;
  const ends = [0, 1].map((axis) => {
    const values = Array.from({ length: test.length }, (_, i) => inputs[2 * i + axis]);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const margin = kind === 'binary' ? (high - low) * 0.2 : 0;
    return [low - margin, high + margin] as const;
  });
  const points = new Float32Array(2 * cells * cells);
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const at = 2 * (row * cells + column);
      points[at] = ends[0][0] + ((ends[0][1] - ends[0][0]) * column) / (cells - 1);
      points[at + 1] = ends[1][0] + ((ends[1][1] - ends[1][0]) * row) / (cells - 1);
    }
  }
  const { memoryDataset } = await import('@ag/datasets');
  const plane = memoryDataset({
    x: { data: points, shape: [2] },
    y: { data: new Float32Array(cells * cells), shape: [1] },
  });
  const outputs = await (await predict(model, testLoaderOf(prepared, plane))).data();
  const values = Array.from(prepared.target.inverse(outputs));
  // Inputs that were scaled are drawn as the table has them.
  const axes = prepared.task.preprocessing ? numberAxes(prepared.task.preprocessing) : null;
  if (prepared.task.preprocessing && axes === null) return null;
  const own = (axis: number, value: number): number => (axes === null ? value : axes[axis](value));
  const range = (axis: number) => [own(axis, ends[axis][0]), own(axis, ends[axis][1])] as const;
  const grid = { x: range(0), y: range(1), columns: cells, rows: cells, values };
  const [xLabel = 'x', yLabel = 'y'] = test.featureNames ?? [];
  if (kind === 'binary') {
    const data = Array.from(targets, (target, i) => ({
      x: own(0, inputs[2 * i]),
      y: own(1, inputs[2 * i + 1]),
      target,
    }));
    return decisionBoundary(grid, data, { title: 'Decision boundary', id: 'boundary', xLabel, yLabel });
  }
  const data = Array.from(
    targets,
    (target, i) => [own(0, inputs[2 * i]), own(1, inputs[2 * i + 1]), target] as const,
  );
  return surface(grid, {
    title: 'Fitted surface',
    id: 'surface',
    points: data,
    xLabel,
    yLabel,
    zLabel: `${test.info.targetName ?? 'target'}${inUnit(prepared)}`,
  });
}

function gradientSection(events: readonly TrainingEvent[]): Section[] {
  const measured = events.filter((event) => event.type === 'step' && event.gradientNorms !== undefined);
  const first = measured[0];
  if (first?.type !== 'step') return [];
  const layers = Object.keys(first.gradientNorms!).map((name) => ({
    name,
    norm: measured.map((event) =>
      event.type === 'step' ? (event.gradientNorms?.[name] ?? Number.NaN) : Number.NaN,
    ),
  }));
  const steps = measured.map((event) => (event.type === 'step' ? event.step : 0));
  return [
    {
      title: 'Gradients',
      body: pictures(gradientFlow(layers, { title: 'Gradient norms by step', id: 'gradients', steps })),
    },
  ];
}

/** Where the time went, of a run that was profiled. */
function profileSection(events: readonly TrainingEvent[]): Section[] {
  const profile = events.findLast((event) => event.type === 'profile');
  if (!profile) return [];
  const { data, host, kernels } = profile.milliseconds;
  const ms = (value: number): string => `${value.toFixed(3)} ms`;
  const rows = (list: readonly ProfileRow[]): string[][] =>
    list
      .slice(0, 12)
      .map((row) => [row.name, ms(row.milliseconds), `${(100 * row.share).toFixed(1)} %`, bytes(row.bytes)]);
  const headings = (what: string): string[] => [what, 'time', 'share', 'memory traffic'];
  const named = profile.kernels.map((row) => ({ ...row, name: kernelName(row) }));
  return [
    {
      title: 'Profile',
      body:
        `<p>Mean of ${count(profile.steps)} steps: ${ms(data)} data loading, ${ms(host)} graph building and ` +
        `reading results, ${ms(kernels)} in kernels. The slowest:</p>` +
        columns(headings('module'), rows(profile.modules)) +
        columns(headings('operation'), rows(profile.operations)) +
        columns(headings('kernel'), rows(named)),
    },
  ];
}

function modelTable(model: Module<[Tensor], Tensor>): string {
  const parameters = [...model.namedParameters()];
  const total = parameters.reduce((sum, [, variable]) => sum + variable.size, 0);
  return facts([
    ...parameters.map(
      ([name, variable]) => [name, `[${variable.shape.join(', ')}] ${variable.dtype}`] as const,
    ),
    ['total', `${count(total)} parameters`],
  ]);
}

/** The computational graph of the loss on two examples. */
async function lossGraph(prepared: Prepared, model: Module<[Tensor], Tensor>): Promise<string> {
  const { captureCreation, inspect } = await import('@ag/graph');
  const { subset } = await import('@ag/datasets');
  const { task, test } = prepared;
  const few = subset(test, [0, Math.min(1, test.length - 1)]);
  const restore = [...model.namedModules().values()].map((module) => [module, module.training] as const);
  model.eval();
  try {
    for await (const { x, y } of testLoaderOf(prepared, few)) {
      const loss = captureCreation(() => totalLoss(task.loss, model.forward(x), y), { sites: false, model });
      const names = Object.fromEntries([...tensorsByPath(x, 'x'), ...tensorsByPath(y, 'y')]);
      const graph = inspect(loss, { names }).toJSON();
      return widePicture(
        graphView(graph, {
          title: 'Computational graph of the loss on two examples',
          id: 'graph',
          values: false,
          gradients: false,
        }),
      );
    }
    return '';
  } finally {
    for (const [module, training] of restore) module.training = training;
  }
}

function settingsTable(config: RunConfig, { train, test }: Prepared): string {
  const text = (value: unknown): string =>
    value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
  return facts([
    ['training data', `${train.info.name ?? 'data'}, ${count(train.length)} examples`],
    ['test data', `${count(test.length)} examples${test === train ? ', the same' : ''}`],
    ...(train.info.source ? [['source', train.info.source] as const] : []),
    ...Object.entries(config.settings).map(([name, value]) => [words(name), text(value)] as const),
    ...Object.entries(config.parameters).map(([name, value]) => [name, text(value)] as const),
  ]);
}

function howToRepeat(config: RunConfig): string {
  return `<pre><code>${escapeText(config.command)}</code></pre>${facts([
    ...(config.resumed ?? []).map(
      ({ step, command }) => [`resumed at step ${count(step)}`, command] as const,
    ),
    ...Object.entries(config.environment),
    ['started', config.created],
  ])}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
