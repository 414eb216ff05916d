/** How far off each price is: the residual of every house over what is predicted for it. */
import { useMemo } from 'preact/hooks';
import { formatNumber } from '../../components/numbers.ts';
import { Caption } from '../../components/parts.tsx';
import { language, say } from '../../shell/language.ts';
import type { HousesUpdate } from './houses.ts';
import { texts } from './texts.ts';

const [width, height] = [420, 250];
const box = { left: 46, right: width - 8, top: 24, bottom: height - 34 };

export function Residuals({ update }: { readonly update: HousesUpdate }) {
  const picture = useMemo(() => drawing(update), [update, language.value]);
  return (
    <>
      {picture}
      <Caption text={texts.residualCaption(update.learned < update.houses)} />
    </>
  );
}

/** Price minus prediction. */
export function residualsOf({ points, predictions }: HousesUpdate): number[] {
  return points.map(([, , price], i) => price - predictions[i]);
}

function drawing(update: HousesUpdate) {
  const { predictions, points, learned } = update;
  const residuals = residualsOf(update);
  const finite = (values: readonly number[]) => values.filter(Number.isFinite);
  const reach = Math.max(1, ...finite(residuals).map(Math.abs));
  const [least, most] = [Math.min(0, ...finite(predictions)), Math.max(1, ...finite(predictions))];
  const across = (price: number) => box.left + ((box.right - box.left) * (price - least)) / (most - least);
  const up = (residual: number) =>
    (box.top + box.bottom) / 2 - (((box.bottom - box.top) / 2) * residual) / reach;
  return (
    <svg
      class="residuals"
      data-testid="residuals"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={say(texts.residuals)}
    >
      <text x={2} y={14}>
        {say(texts.residuals)}
      </text>
      <text x={box.right} y={height - 4} text-anchor="end">
        {say(texts.predicted)}
      </text>
      {[-reach, 0, reach].map((value) => (
        <g key={value}>
          <path d={`M${box.left} ${up(value)}H${box.right}`} />
          <text x={box.left - 5} y={up(value) + 4} text-anchor="end">
            {formatNumber(Number(value.toPrecision(2)))}
          </text>
        </g>
      ))}
      {[least, most].map((value, i) => (
        <text key={i} x={across(value)} y={box.bottom + 16} text-anchor={i === 0 ? 'start' : 'end'}>
          {formatNumber(Number(value.toPrecision(3)))}
        </text>
      ))}
      {residuals.map((residual, i) => {
        if (!Number.isFinite(residual)) return null;
        const [rooms, status, price] = points[i];
        const [x, y] = [Math.round(across(predictions[i]) * 10) / 10, Math.round(up(residual) * 10) / 10];
        return (
          <path
            key={i}
            class={i < learned ? 'residual' : 'residual held-out'}
            d={
              i < learned
                ? `M${x - 2.5} ${y}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`
                : `M${x} ${y - 4}l4 4l-4 4l-4 -4Z`
            }
          >
            <title>
              {say(
                texts.house(
                  formatNumber(rooms),
                  formatNumber(status),
                  formatNumber(price),
                  formatNumber(predictions[i]),
                ),
              )}
            </title>
          </path>
        );
      })}
    </svg>
  );
}
