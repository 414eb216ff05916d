/** An arrow that is turned in the plane of two variables, and how the formula changes along it. */
import { Choice } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { stepsOfKey } from '../../components/scrub.ts';
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';
import type { DirectionState } from './useDirection.ts';

/** Half of the dial's width, and the length of its arrow. */
const half = 80;
const reach = 58;

export function Direction({ state }: { readonly state: DirectionState }) {
  const { scalars, plane, direction, slope, turn, choose } = state;
  if (plane.length < 2) return null;
  const [a, b] = plane;
  const [u, v] = unit(direction);
  const others = (other: string) =>
    scalars.filter((name) => name !== other).map((name) => [name, name] as const);
  return (
    <section class="direction" aria-label={say(texts.direction)}>
      <h2>{say(texts.direction)}</h2>
      {scalars.length > 2 && (
        <div class="row">
          <Choice
            label={texts.across}
            testId="plane-a"
            value={a}
            options={others(b)}
            onChange={(name) => choose(name, b)}
          />
          <Choice
            label={texts.upwards}
            testId="plane-b"
            value={b}
            options={others(a)}
            onChange={(name) => choose(a, name)}
          />
        </div>
      )}
      <div class="row">
        <Dial state={state} unit={[u, v]} turn={turn} />
        <dl class="slopes number">
          <dt>∂f/∂{a}</dt>
          <dd>{slope ? formatNumber(slope.partials[0]) : '—'}</dd>
          <dt>∂f/∂{b}</dt>
          <dd>{slope ? formatNumber(slope.partials[1]) : '—'}</dd>
          <dt>
            {say(texts.along)} ({formatNumber(u)}, {formatNumber(v)})
          </dt>
          <dd data-testid="along">{slope ? formatNumber(slope.along) : '—'}</dd>
        </dl>
      </div>
    </section>
  );
}

function Dial({
  state: { plane, slope },
  unit: [u, v],
  turn,
}: {
  readonly state: DirectionState;
  readonly unit: readonly [number, number];
  readonly turn: (direction: readonly [number, number]) => void;
}) {
  const follow = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - box.width / 2, box.top + box.height / 2 - event.clientY];
    if (x * x + y * y > 9) turn(unit([x, y]));
  };
  const steepest = slope && unit(slope.partials);
  return (
    <div
      class="dial"
      data-testid="dial"
      role="slider"
      tabIndex={0}
      aria-label={say(texts.direction)}
      aria-valuenow={Math.round(u * 100)}
      aria-valuemin={-100}
      aria-valuemax={100}
      aria-valuetext={`${plane[0]} ${formatNumber(u)}, ${plane[1]} ${formatNumber(v)}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        follow(event);
      }}
      onPointerMove={(event) => event.buttons > 0 && follow(event)}
      onKeyDown={(event) => {
        const steps = event.key === 'ArrowLeft' ? 1 : event.key === 'ArrowRight' ? -1 : stepsOfKey(event);
        if (steps === 0) return;
        event.preventDefault();
        // A turn by a small angle, made one of length 1 again.
        const by = 0.1 * steps;
        turn(unit([u - v * by, v + u * by]));
      }}
    >
      <svg
        width={2 * half}
        height={2 * half}
        viewBox={`${-half} ${-half} ${2 * half} ${2 * half}`}
        aria-hidden="true"
      >
        <circle r={reach + 8} class="dial-ring" />
        <line x1={-reach} x2={reach} class="dial-axis" />
        <line y1={-reach} y2={reach} class="dial-axis" />
        <text x={half - 2} y={-5} text-anchor="end">
          {plane[0]}
        </text>
        <text x={5} y={-half + 12}>
          {plane[1]}
        </text>
        {steepest && <line x2={steepest[0] * reach} y2={-steepest[1] * reach} class="dial-gradient" />}
        <line x2={u * reach} y2={-v * reach} class="dial-arrow" />
        <circle cx={u * reach} cy={-v * reach} r="7" class="dial-tip" />
      </svg>
    </div>
  );
}

/** The same direction with length 1. */
function unit([x, y]: readonly [number, number]): readonly [number, number] {
  const length = Math.sqrt(x * x + y * y);
  return Number.isFinite(length) && length > 0 ? [x / length, y / length] : [0, 0];
}
