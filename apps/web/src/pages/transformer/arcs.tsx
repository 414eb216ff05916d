/** The text in a line, and arcs from one character to what it looks at. */
import { say, type Text } from '../../shell/language.ts';
import { isNarrow } from '../../shell/screen.ts';
import type { LookAnswer } from './session.ts';
import { texts } from './texts.ts';

/** Arcs thinner than this share of the attention are left out. */
const least = 0.03;

/** A head, or all of them. */
export type Shown = { readonly layer: number; readonly head: number } | null;

/** A space that is seen. */
export function visible(character: string): string {
  return character === ' ' ? '␣' : character === '\n' ? '↵' : character;
}

export function Arcs({
  look: { characters, attention },
  at,
  shown,
  title,
  onPoint,
  onChoose,
}: {
  readonly look: LookAnswer;
  readonly at: number;
  readonly shown: Shown;
  readonly title: Text;
  /** A character that is pointed at; null when none is any more. */
  readonly onPoint: (at: number | null) => void;
  readonly onChoose: (at: number) => void;
}) {
  const count = characters.length;
  const [cell, size, height] = isNarrow() ? [Math.min(12, 356 / count), 12, 130] : [20, 19, 210];
  const width = Math.max(1, count) * cell;
  const middle = (i: number) => (i + 0.5) * cell;
  const base = height - 2.1 * size;
  const arcs = attention.flatMap((heads, layer) =>
    heads.flatMap((map, head) =>
      shown === null || (shown.layer === layer && shown.head === head)
        ? Array.from({ length: at + 1 }, (_, j) => ({ layer, head, j, weight: map[at * count + j] ?? 0 }))
        : [],
    ),
  );
  const most = Math.max(...characters.map((_, j) => total(arcs, j)), 1e-9);
  const seen = characters
    .map((character, j) => ({ character, share: total(arcs, j) / Math.max(1, total(arcs)) }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 3)
    .map(({ character, share }) => `“${visible(character)}” ${Math.round(100 * share)} %`)
    .join(', ');
  const label = texts.attention(visible(characters[at] ?? ''), title, seen);
  return (
    <div class="transformer-line">
      <svg
        data-testid="arcs"
        role="img"
        aria-label={say(label)}
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        onPointerLeave={() => onPoint(null)}
      >
        {arcs.map(({ layer, head, j, weight }) => {
          if (weight < least) return null;
          const [from, to] = [middle(at), middle(j)];
          const rise = Math.min(
            base - 8,
            14 + (0.55 * Math.abs(from - to) * (base - 20)) / (0.5 * width + 1),
          );
          const path =
            j === at
              ? `M ${from - 3} ${base} a 4 6 0 1 1 6 0`
              : `M ${from} ${base} C ${from} ${base - 1.3 * rise}, ${to} ${base - 1.3 * rise}, ${to} ${base}`;
          return (
            <path
              key={`${layer} ${head} ${j}`}
              class={`transformer-arc head-${head % 8}`}
              d={path}
              stroke-width={1 + 5 * weight}
              stroke-opacity={0.25 + 0.75 * weight}
            />
          );
        })}
        {characters.map((character, i) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: a slider below does the same by keys
          <g
            key={i}
            class={i === at ? 'transformer-cell chosen' : 'transformer-cell'}
            onPointerEnter={() => onPoint(i)}
            onClick={() => onChoose(i)}
          >
            <rect
              x={i * cell}
              y={base + 2}
              width={cell}
              height={1.8 * size}
              fill-opacity={i <= at ? (0.6 * total(arcs, i)) / most : 0}
            />
            <text x={middle(i)} y={base + 1.35 * size} font-size={size} text-anchor="middle">
              {visible(character)}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** The weight of all arcs, or of those to one character. */
function total(arcs: readonly { readonly j: number; readonly weight: number }[], to?: number): number {
  return arcs.reduce((sum, { j, weight }) => (to === undefined || j === to ? sum + weight : sum), 0);
}
