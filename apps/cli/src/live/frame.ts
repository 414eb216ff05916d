/**
 * Draws the full-screen view of a run, as lines for a terminal of any size. Knows nothing of terminals; view.ts puts
 * it on one.
 */
import type { TrainingEvent } from '@ag/train';
import { type Curve, drawCurves } from '../drawing/curves.ts';
import { count, duration, formatMetrics, formatNumber, isShare, words } from '../numbers.ts';
import type { Colors } from '../terminal.ts';

/** What is shown beside the events. */
export interface Surroundings {
  readonly columns: number;
  readonly rows: number;
  readonly colors: Colors;
  readonly paused: boolean;
  readonly rateFactor: number;
  /** Seconds of the run in which nothing was computed, up to the last step. */
  readonly pausedSeconds: number;
  /** What was asked for last, such as `writing a checkpoint`. */
  readonly note: string;
}

/** Hears a run and draws it. */
export interface Frame {
  hear(event: TrainingEvent): void;
  /** As many lines as there are rows, or fewer. */
  draw(around: Surroundings): string[];
}

/** Keys and what they do, in the order in which they are shown. */
export const keys = [
  ['p', 'pause'],
  ['s', 'step'],
  ['r', 'halve the rate'],
  ['c', 'checkpoint'],
  ['q', 'quit'],
] as const;

/** The least terminal in which plots make sense. */
const leastColumns = 40;
const leastRows = 12;
/** Seconds over which the speed is measured. */
const recent = 5;
/** Measurements of a gradient that are shown. */
const history = 24;
const bars = '▁▂▃▄▅▆▇█';

/** @param name what is trained; @param epochs of the whole run */
export function createFrame(name: string, epochs: number): Frame {
  const training = new Map<string, { x: number[]; y: number[] }>();
  const test = new Map<string, { x: number[]; y: number[] }>();
  const gradients = new Map<string, number[]>();
  const messages: string[] = [];
  let start: Extract<TrainingEvent, { type: 'start' }> | null = null;
  let last: Extract<TrainingEvent, { type: 'step' }> | null = null;
  let examplesPerSecond: number | null = null;
  /** Steps and the seconds when they were done, the recent ones. */
  let times: { step: number; seconds: number }[] = [];
  let pausedBefore = 0;

  const add = (to: Map<string, { x: number[]; y: number[] }>, event: Measured): void => {
    for (const [name, value] of Object.entries({ loss: event.loss, ...event.metrics })) {
      const series = to.get(name) ?? { x: [], y: [] };
      series.x.push(event.step);
      series.y.push(value);
      to.set(name, series);
    }
  };
  return {
    hear(event) {
      switch (event.type) {
        case 'start':
          start = event;
          times = [{ step: event.step, seconds: event.seconds }];
          break;
        case 'step':
          // A step before a pause is heard twice.
          if (last && event.step <= last.step) break;
          last = event;
          add(training, event);
          times.push({ step: event.step, seconds: event.seconds });
          for (const [parameter, norm] of Object.entries(event.gradientNorms ?? {})) {
            gradients.set(parameter, [...(gradients.get(parameter) ?? []), norm].slice(-history));
          }
          break;
        case 'validation':
          add(test, event);
          break;
        case 'epoch':
          examplesPerSecond = event.examplesPerSecond;
          break;
        case 'warning':
        case 'anomaly':
          messages.push(`${event.type}: ${event.message}`);
          break;
        case 'checkpoint':
          messages.push(`checkpoint: ${event.path}`);
      }
    },
    draw(around) {
      const { columns, rows, colors, paused, pausedSeconds, note } = around;
      if (pausedSeconds !== pausedBefore) {
        // What was measured before a pause says nothing about the speed after it.
        pausedBefore = pausedSeconds;
        times = times.slice(-1);
      }
      const head = [headline(), progress(columns, colors, pausedSeconds), metricsLine(around)];
      const keyLine = keys
        .map(([key, does]) => `${colors.bold(key)} ${key === 'p' && paused ? 'resume' : does}`)
        .join('  ');
      const foot = [
        colors.yellow(note || messages.at(-1) || ''),
        paused ? `${colors.inverse(' paused ')}  ${keyLine}` : keyLine,
      ];
      const room = rows - head.length - foot.length;
      if (columns < leastColumns || rows < leastRows) return [...head, ...foot].slice(0, Math.max(0, rows));
      return [...head, ...fill(middle(columns, room, colors), room), ...foot];
    },
  };

  function headline(): string {
    const size = start ? `  ${count(start.parameters)} parameters, ${start.backend}` : '';
    const epoch = last ? `  epoch ${last.epoch}/${epochs}  step ${last.step}` : '  preparing';
    return `${name}${epoch}${size}`;
  }

  function progress(columns: number, colors: Colors, pausedSeconds: number): string {
    const total = start?.batches ? start.batches * epochs : null;
    if (!last || total === null) return '';
    const share = Math.min(1, last.step / total);
    const speed = stepsPerSecond();
    const spent = `${duration(last.seconds - pausedSeconds)} elapsed`;
    const left = speed > 0 ? `, ${duration((total - last.step) / speed)} left` : '';
    const text = ` ${Math.floor(100 * share)} %  ${spent}${left}`;
    const width = Math.max(4, Math.min(60, columns - text.length - 1));
    const filled = Math.round(share * width);
    return `${colors.cyan('█'.repeat(filled))}${colors.dim('░'.repeat(width - filled))}${text}`;
  }

  function stepsPerSecond(): number {
    const newest = times.at(-1);
    times = times.filter(({ seconds }, i) => i === times.length - 1 || newest!.seconds - seconds <= recent);
    const oldest = times[0];
    if (!newest || !oldest || newest.seconds <= oldest.seconds) return 0;
    return (newest.step - oldest.step) / (newest.seconds - oldest.seconds);
  }

  function metricsLine({ rateFactor, colors }: Surroundings): string {
    if (!last) return '';
    const tested = Object.fromEntries([...test].map(([key, { y }]) => [key, y.at(-1)!]));
    const speed = stepsPerSecond();
    return [
      formatMetrics({ loss: last.loss, ...last.metrics }, '  '),
      ...(test.size === 0 ? [] : [colors.dim(`test ${formatMetrics(tested, '  ')}`)]),
      `rate ${formatNumber(last.learningRate)}${rateFactor === 1 ? '' : ` (× ${rateFactor})`}`,
      ...(speed > 0 ? [`${formatNumber(Number(speed.toPrecision(3)))} steps/s`] : []),
      ...(examplesPerSecond === null ? [] : [`${count(examplesPerSecond)} examples/s`]),
    ].join('  ');
  }

  /** Plots of the loss and of the metrics, side by side where they fit, then the gradients. */
  function middle(columns: number, rows: number, colors: Colors): string[] {
    const names = [...training.keys()];
    const beside = Math.max(1, Math.min(names.length, Math.floor(columns / leastColumns)));
    const norms = [...gradients].slice(0, Math.max(0, Math.min(8, rows - 12)));
    const gradientLines = norms.length === 0 ? 0 : norms.length + 1;
    // Title, key and axis of a plot take five lines.
    const height = rows - gradientLines - 6;
    if (height < 2) return [];
    const width = Math.floor(columns / beside) - 1;
    const plots = names.slice(0, beside).map((key) => {
      const drawn = drawCurves(curves(key, width), {
        title: words(key),
        xLabel: 'step',
        width,
        height,
        colors,
        key: true,
        ...(isShare(key) && { format: (value: number) => `${formatNumber(100 * value)} %` }),
      });
      return { drawn, width };
    });
    const lines = Math.max(0, ...plots.map(({ drawn }) => drawn.length));
    const together = Array.from({ length: lines }, (_, i) =>
      plots
        .map(({ drawn, width }) => padded(drawn[i] ?? '', width))
        .join(' ')
        .trimEnd(),
    );
    if (gradientLines === 0) return together;
    const label = Math.max(...norms.map(([parameter]) => parameter.length));
    return [
      ...together,
      'gradients (logarithmic)',
      ...norms.map(([parameter, values]) => {
        const text = Number.isFinite(values.at(-1)!) ? formatNumber(values.at(-1)!) : 'not finite';
        return `${parameter.padEnd(label)} ${text.padStart(10)} ${colors.cyan(spark(values))}`;
      }),
    ];
  }

  function curves(key: string, width: number): Curve[] {
    const seen = training.get(key) ?? { x: [], y: [] };
    const judged = test.get(key);
    return [
      { name: 'training', ...means(seen, 2 * width) },
      ...(judged ? [{ name: 'test', ...judged }] : []),
    ];
  }
}

interface Measured {
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Means of neighbors when there are more values than dots. */
function means({ x, y }: { x: number[]; y: number[] }, most: number): { x: number[]; y: number[] } {
  const together = Math.ceil(y.length / most);
  if (together <= 1) return { x, y };
  const mean = (values: readonly number[], i: number): number => {
    const part = values.slice(i * together, (i + 1) * together);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  };
  const parts = Array.from({ length: Math.ceil(y.length / together) }, (_, i) => i);
  return { x: parts.map((i) => mean(x, i)), y: parts.map((i) => mean(y, i)) };
}

/** The course of positive numbers by their powers of ten, at least two of them from bottom to top. */
function spark(values: readonly number[]): string {
  const powers = values.map((value) =>
    value > 0 && Number.isFinite(value) ? Math.log10(value) : Number.NaN,
  );
  const known = powers.filter((power) => !Number.isNaN(power));
  const low = Math.min(...known);
  const high = Math.max(low + 2, ...known);
  return powers
    .map((power) =>
      Number.isNaN(power) ? '·' : bars[Math.round(((power - low) / (high - low)) * (bars.length - 1))],
    )
    .join('');
}

/** As wide as it is to be, colors not counted. */
function padded(text: string, width: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colors are control characters
  const length = text.replace(/\u001b\[[\d;]*m/g, '').length;
  return text + ' '.repeat(Math.max(0, width - length));
}

/** So many lines, the rest empty. */
function fill(lines: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, i) => lines[i] ?? '');
}
