/**
 * The network as a river: the signal flows forward through the layers, the gradient back.
 *
 * How wide it is says how large they are, by powers of ten. Where nothing is left the bed is dry. What moves are dashes
 * along the stream; they rest where motion is unwanted, and while nobody can see them.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatNumber } from '../../components/numbers.ts';
import { language, say } from '../../shell/language.ts';
import { isNarrow } from '../../shell/screen.ts';
import type { FlowUpdate, LayerFlow } from './flow.ts';
import { texts } from './texts.ts';

/** Powers of ten between which a stream grows from nothing to its full width. */
const scale = { low: -14, high: 2 };
/** Where the streams run, as shares of their width. */
const lanes = [-0.66, -0.22, 0.22, 0.66];

interface Stream {
  readonly kind: 'signal' | 'gradient';
  readonly value: (layer: LayerFlow) => number;
}
const streams: readonly Stream[] = [
  { kind: 'signal', value: ({ signal }) => signal },
  { kind: 'gradient', value: ({ norm }) => norm },
];

/** Half of the width of a stream, in parts of the greatest; 0 where it is dry. */
export function widthOf(value: number): number {
  if (!(value > 0)) return 0;
  if (value === Number.POSITIVE_INFINITY) return 1;
  return Math.min(1, Math.max(0.012, (Math.log10(value) - scale.low) / (scale.high - scale.low)));
}

export function River({
  update,
  chosen,
  onChoose,
}: {
  readonly update: FlowUpdate;
  readonly chosen: number;
  readonly onChoose: (layer: number) => void;
}) {
  const box = useRef<SVGSVGElement>(null);
  const [seen, setSeen] = useState(true);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setSeen(entry.isIntersecting));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const { layers } = update;
  const narrow = isNarrow();
  const width = narrow ? 360 : 1000;
  const height = narrow ? 300 : 330;
  const [left, right] = [18, width - 18];
  const half = height * 0.19;
  const middles = { signal: height * 0.27, gradient: height * 0.72 };
  const across = (i: number) =>
    layers.length === 1 ? (left + right) / 2 : left + ((right - left) * (i + 0.5)) / layers.length;
  const every = Math.ceil(layers.length / (narrow ? 8 : 25));
  const water = useMemo(
    () =>
      streams.map(({ kind, value }) => {
        const middle = middles[kind];
        const widths = layers.map((layer) => half * widthOf(value(layer)));
        // The banks go on to the ends, as the signal comes from the data and the gradient from the loss.
        const xs = [left, ...layers.map((_, i) => across(i)), right];
        const ws = [widths[0], ...widths, widths.at(-1)!];
        const at = (share: number) => xs.map((x, i) => [x, middle + share * ws[i]] as const);
        return (
          <g key={kind} class={kind} data-testid={`stream-${kind}`}>
            <path class="bed" d={`M${left} ${middle}H${right}`} />
            <path class="water" d={`${smooth(at(-1), 'M')}${smooth(at(1).toReversed(), 'L')}Z`} />
            {lanes.map((lane) => (
              <path key={lane} class="current" d={smooth(at(lane), 'M')} />
            ))}
          </g>
        );
      }),
    [layers, width],
  );
  return (
    <svg
      ref={box}
      class="river"
      data-testid="river"
      data-moving={seen}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={say(texts.river)}
      key={language.value}
    >
      {water}
      <text x={left} y={16}>
        {say(texts.signalFlows)}
      </text>
      <text x={right} y={height - 24 - height * 0.39} text-anchor="end">
        {say(texts.gradientFlows)}
      </text>
      {layers.map((layer, i) => {
        const room = (right - left) / layers.length;
        const words = say(
          texts.layerNumbers(
            i + 1,
            formatNumber(layer.signal),
            formatNumber(layer.norm),
            Math.round(100 * layer.dead),
          ),
        );
        return (
          // Layers are chosen by the keyboard with the slider below.
          // biome-ignore lint/a11y/noStaticElementInteractions: see above
          <g key={i} class={i === chosen ? 'layer chosen' : 'layer'} onClick={() => onChoose(i)}>
            <title>{words}</title>
            <rect x={across(i) - room / 2} y={22} width={room} height={height - 44} />
            <path d={`M${across(i)} 24V${height - 22}`} />
            {i % every === 0 && (
              <text x={across(i)} y={height - 6} text-anchor="middle">
                {i + 1}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** A curve through points that are in order from left to right, or from right to left. */
function smooth(points: readonly (readonly [number, number])[], begin: 'M' | 'L'): string {
  return points
    .map(([x, y], i) => {
      if (i === 0) return `${begin}${short(x)} ${short(y)}`;
      const [before, height] = points[i - 1];
      const middle = short((before + x) / 2);
      return `C${middle} ${short(height)} ${middle} ${short(y)} ${short(x)} ${short(y)}`;
    })
    .join('');
}

const short = (value: number): number => Math.round(value * 10) / 10;
