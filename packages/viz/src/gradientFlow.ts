/**
 * The size of gradients, layer by layer. One moment is shown as marks on a logarithmic axis, over time as curves, with the
 * layers where they vanish, explode or are missing named.
 */

import { createAxis, drawXAxis, extentOf } from './axes.ts';
import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame } from './frame.ts';
import { lineChart } from './lineChart.ts';
import { checkOptions } from './options.ts';
import { element, type Markup } from './svg.ts';
import { fit, formatNumber, formatPercent, label, textWidth } from './text.ts';

/** One layer, first to last as in the network. */
export interface GradientFlowLayer {
  name: string;
  /** Size of its gradient (a norm or a mean of absolute values): one number, or one per step. */
  norm: number | ArrayLike<number>;
  /** Share of its units that never answer, 0 … 1; noted beside the mark. */
  dead?: number;
}

/** Options of `gradientFlow`. */
export interface GradientFlowOptions extends ChartOptions {
  /** Norms below this are called vanishing. Default 1e-5; what is small depends on the network. */
  vanishing?: number;
  /** Norms above this are called exploding. Default 1e2. */
  exploding?: number;
  /** Steps at which the norms were taken. Default 0, 1, 2, … */
  steps?: ArrayLike<number>;
  /** Name of what is measured. Default `gradient norm`. */
  valueLabel?: string;
  /** Name of the steps. Default `step`. */
  stepLabel?: string;
  /** The words for what is wrong, in another language. */
  words?: Partial<GradientFlowWords>;
}

/** What the chart says about a layer. */
export interface GradientFlowWords {
  vanishing: string;
  exploding: string;
  zero: string;
  notFinite: string;
  dead: string;
}

/**
 * Draws the flow of gradients through a network.
 *
 * @example
 * gradientFlow([{ name: 'layer 1', norm: 3e-8 }, { name: 'layer 2', norm: 0.2 }])
 */
export function gradientFlow(
  layers: readonly GradientFlowLayer[],
  options: GradientFlowOptions = {},
): string {
  checkOptions(
    'gradientFlow',
    options,
    'vanishing exploding steps valueLabel stepLabel words width height title description theme id background',
  );
  const {
    vanishing = 1e-5,
    exploding = 1e2,
    valueLabel = 'gradient norm',
    steps,
    stepLabel = 'step',
    words: given,
    ...drawing
  } = options;
  const words: GradientFlowWords = {
    vanishing: 'vanishing',
    exploding: 'exploding',
    zero: 'zero',
    notFinite: 'not finite',
    dead: 'dead',
    ...given,
  };
  if (!(vanishing > 0 && exploding > vanishing)) {
    throw valueError(
      `gradientFlow: vanishing is ${vanishing} and exploding ${exploding}; give 0 < vanishing < exploding`,
    );
  }
  if (layers.some((layer) => typeof layer.norm !== 'number')) {
    return lineChart(
      layers.map((layer) => {
        const y = typeof layer.norm === 'number' ? [layer.norm] : layer.norm;
        return { name: layer.name, y, x: steps };
      }),
      {
        ...drawing,
        yScale: 'log',
        yLabel: valueLabel,
        xLabel: stepLabel,
        colors: 'ordered',
        legend: true,
        points: false,
        referenceLines: [
          { y: vanishing, label: `${words.vanishing} < ${formatNumber(vanishing)}` },
          { y: exploding, label: `${words.exploding} > ${formatNumber(exploding)}` },
        ],
      },
    );
  }
  const rows = layers.map((layer) => {
    const norm = layer.norm as number;
    const wrong = alarm(norm, vanishing, exploding);
    const notes = wrong === undefined ? [] : [words[wrong]];
    if (layer.dead !== undefined && layer.dead > 0) notes.push(`${formatPercent(layer.dead)} ${words.dead}`);
    return { name: layer.name, norm, wrong: wrong !== undefined, note: notes.join(', ') };
  });
  const wrong = rows.filter((row) => row.note !== '');
  return chart(options, {
    kind: 'Gradient flow',
    width: 560,
    height: { content: rows.length === 0 ? 80 : Math.min(900, rows.length * 24) + 72 },
    summary:
      rows.length === 0
        ? 'Gradient flow without layers.'
        : `Size of the gradient in ${rows.length} layers: ${rows
            .slice(0, 12)
            .map((row) => `${row.name} ${formatNumber(row.norm, 2)}`)
            .join(', ')}. ${
            wrong.length === 0
              ? 'None raises an alarm'
              : wrong
                  .slice(0, 12)
                  .map((row) => `${row.name}: ${row.note}`)
                  .join('; ')
          }.`,
    draw: (frame) =>
      rows.length === 0
        ? emptyNotice(frame)
        : drawRows(frame, rows, { vanishing, exploding, valueLabel, words }),
  });
}

function alarm(norm: number, vanishing: number, exploding: number): keyof GradientFlowWords | undefined {
  if (!Number.isFinite(norm)) return 'notFinite';
  if (norm === 0) return 'zero';
  return norm < vanishing ? 'vanishing' : norm > exploding ? 'exploding' : undefined;
}

function drawRows(
  frame: Frame,
  rows: { name: string; norm: number; wrong: boolean; note: string }[],
  {
    vanishing,
    exploding,
    valueLabel,
    words,
  }: { vanishing: number; exploding: number; valueLabel: string; words: GradientFlowWords },
): Markup[] {
  const { paint } = frame;
  const names = Math.min(160, Math.max(...rows.map((row) => textWidth(row.name))));
  const notes = Math.min(150, Math.max(0, ...rows.map((row) => textWidth(row.note, 11))));
  const left = frame.left + names + 12;
  const right = frame.right - notes - 14;
  const top = frame.top + 24;
  const bottom = frame.bottom - 38;
  const extent = extentOf([rows.map((row) => row.norm), [vanishing / 10, exploding * 10]], 'log') ?? [
    vanishing,
    exploding,
  ];
  const axis = createAxis(extent, [left, right], {
    kind: 'log',
    count: Math.max(2, Math.round((right - left) / 70)),
  });
  const [low, high] = [axis.position(vanishing), axis.position(exploding)];
  const accent = paint.role('accent');
  const zone = { y: top, height: bottom - top, fill: accent, 'fill-opacity': 0.1 };
  const name = { fill: accent, size: 11 } as const;
  const out: Markup[] = [
    element('rect', { x: left, width: low - left, ...zone }),
    element('rect', { x: high, width: right - high, ...zone }),
    label(words.vanishing, low - 4, top - 9, { ...name, anchor: 'end' }),
    label(words.exploding, high + 4, top - 9, name),
  ];
  for (const x of [low, high]) {
    out.push(
      element('line', { x1: x, x2: x, y1: top - 14, y2: bottom, stroke: accent, 'stroke-dasharray': '5 4' }),
    );
  }
  const step = (bottom - top) / rows.length;
  const every = Math.max(1, Math.ceil(13 / step));
  for (const [i, row] of rows.entries()) {
    const y = top + (i + 0.5) * step;
    const color = row.wrong ? accent : paint.series(0);
    const marks: Markup[] = [];
    if (i % every === 0) {
      marks.push(label(fit(row.name, names + 1), left - 10, y, { fill: paint.role('ink'), anchor: 'end' }));
    }
    if (axis.shows(row.norm)) {
      const x = axis.position(row.norm);
      marks.push(
        element('line', {
          x1: left,
          x2: x,
          y1: y,
          y2: y,
          stroke: color,
          'stroke-width': Math.min(3, step / 2),
        }),
        element('circle', { cx: x, cy: y, r: Math.min(5, step / 2), fill: color }),
      );
    }
    if (row.note !== '')
      marks.push(label(fit(row.note, notes + 1, 11), right + 10, y, { fill: accent, size: 11 }));
    out.push(element('g', { class: 'ag-layer', 'data-layer': row.name }, marks));
  }
  return [...out, ...drawXAxis(axis, left, right, bottom, paint, valueLabel)];
}
