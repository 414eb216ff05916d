/**
 * Progress of a run on a terminal: a redrawn line, a line per epoch, the curve of the loss. Where nothing can be
 * redrawn only the lines of epochs are written.
 */
import type { EpochEvent, TrainingEvent, ValidationEvent } from '@ag/train';
import { count, duration, formatMetrics, formatNumber } from '../numbers.ts';
import type { Colors, Terminal } from '../terminal.ts';

/** Lines of epochs that are written at most; of long runs every so many. */
const mostLines = 25;
/** Milliseconds between two drawings of the line. */
const pace = 100;

/** Hears events. */
export interface Display {
  show(event: TrainingEvent): void;
  /** Removes the line that is redrawn. */
  clear(): void;
}

/**
 * @param epochs of the whole run
 * @param judged which data validations are on
 */
export async function openDisplay(
  terminal: Terminal,
  epochs: number,
  judged: 'test' | 'validation' = 'test',
): Promise<Display> {
  const redrawn = await terminal.redrawn();
  const every = epochs <= 2 * mostLines ? 1 : Math.ceil(epochs / mostLines);
  let batches: number | null = null;
  let first = 0;
  let drawn = Number.NEGATIVE_INFINITY;
  let validation: ValidationEvent | null = null;

  const clear = (): void => redrawn?.clear();
  const line = (text: string): void => {
    clear();
    terminal.progress(text);
  };
  return {
    clear,
    show(event) {
      switch (event.type) {
        case 'start':
          batches = event.batches;
          first = event.step;
          break;
        case 'step': {
          if (!redrawn || performance.now() - drawn < pace) break;
          drawn = performance.now();
          const total = batches === null ? null : batches * epochs;
          redrawn.update(progressLine(terminal, event, epochs, total, first));
          break;
        }
        case 'validation':
          validation = event;
          break;
        case 'epoch':
          if (event.epoch % every === 0 || event.epoch === epochs || event.epoch === 1) {
            line(
              epochLine(
                event,
                validation?.epoch === event.epoch ? validation : null,
                epochs,
                terminal,
                judged,
              ),
            );
          }
          validation = null;
          break;
        case 'warning':
        case 'anomaly':
          clear();
          terminal.note(terminal.err.yellow(`${event.type}: ${event.message}`));
          break;
        case 'checkpoint':
          break;
        case 'end':
          clear();
      }
    },
  };
}

function progressLine(
  terminal: Terminal,
  event: Extract<TrainingEvent, { type: 'step' }>,
  epochs: number,
  total: number | null,
  first: number,
): string {
  const { err, columns } = terminal;
  const left = total === null ? null : (event.seconds / (event.step - first)) * (total - event.step);
  const head = `epoch ${event.epoch}/${epochs} `;
  const tail = [
    ` ${formatMetrics({ loss: event.loss, ...event.metrics }, '  ')}`,
    `rate ${formatNumber(event.learningRate)}`,
    ...(left === null ? [] : [`${duration(left)} left`]),
  ].join('  ');
  const room = columns - 1 - head.length - tail.length;
  if (room < 8) return `${head}${tail}`.slice(0, columns - 1);
  const width = Math.min(30, room);
  const share = total === null ? event.batch / (event.batches ?? event.batch) : event.step / total;
  const filled = Math.round(share * width);
  return `${head}${err.cyan('█'.repeat(filled))}${err.dim('░'.repeat(width - filled))}${tail}`;
}

function epochLine(
  event: EpochEvent,
  validation: ValidationEvent | null,
  epochs: number,
  { out }: Terminal,
  judged: string,
): string {
  const metricsOf = ({ loss, metrics }: EpochEvent | ValidationEvent): string =>
    formatMetrics({ loss, ...metrics }, '  ');
  const number = String(event.epoch).padStart(String(epochs).length);
  const parts = [
    `${out.bold(`epoch ${number}/${epochs}`)}  ${metricsOf(event)}`,
    ...(validation ? [`${out.dim('|')} ${judged} ${metricsOf(validation)}`] : []),
    out.dim(`${duration(event.epochSeconds)}, ${count(event.examplesPerSecond)} examples/s`),
  ];
  return parts.join('  ');
}

/** The curve of the training loss by epoch. */
export async function lossPlot(
  losses: readonly number[],
  columns: number,
  colors: Colors,
): Promise<string[]> {
  const { drawCurves } = await import('../drawing/curves.ts');
  const curve = { name: 'loss', x: losses.map((_, i) => i + 1), y: losses };
  const width = Math.min(80, columns - 1);
  return drawCurves([curve], { title: 'training loss', xLabel: 'epoch', width, height: 8, colors });
}
