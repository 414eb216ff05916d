/** The fitted surface among the houses, turned by dragging or by sliders. */
import { surface } from '@ag/viz';
import { useRef, useState } from 'preact/hooks';
import { Field } from '../../components/controls.tsx';
import { clampInteger } from '../../components/numbers.ts';
import { Caption, Picture } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import type { HousesUpdate } from './houses.ts';
import { texts } from './texts.ts';
import type { View } from './useHouses.ts';

/** Degrees for each pixel of a drag. */
const turning = { azimuth: 0.5, elevation: 0.3 };

export function Orbit({
  update,
  view,
  moving,
  onTurn,
}: {
  readonly update: HousesUpdate;
  readonly view: View;
  /** While it moves the surface is drawn more coarsely, so that the page stays quick. */
  readonly moving: boolean;
  readonly onTurn: (view: View) => void;
}) {
  const grip = useRef<{ x: number; y: number; view: View } | null>(null);
  const [held, setHeld] = useState(false);
  const release = () => {
    grip.current = null;
    setHeld(false);
  };
  const keep = () => setParameters({ ...view });
  return (
    <>
      <div
        data-testid="orbit"
        style={{ touchAction: 'pan-y', cursor: 'grab' }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setHeld(true);
          grip.current = { x: event.clientX, y: event.clientY, view };
        }}
        onPointerMove={(event) => {
          const from = grip.current;
          if (!from) return;
          onTurn({
            azimuth: turned(from.view.azimuth + (from.x - event.clientX) * turning.azimuth),
            elevation: clampInteger(
              from.view.elevation + (event.clientY - from.y) * turning.elevation,
              0,
              90,
            ),
          });
        }}
        onPointerUp={() => {
          release();
          keep();
        }}
        onPointerCancel={release}
      >
        <Picture svg={draw(update, view, moving || held)} label="surface" />
      </div>
      <Caption text={texts.surfaceCaption} />
      <div class="row">
        {(['azimuth', 'elevation'] as const).map((axis) => (
          <Field key={axis} label={axis === 'azimuth' ? texts.turn : texts.tilt}>
            <input
              type="range"
              min={0}
              max={axis === 'azimuth' ? 359 : 90}
              value={view[axis]}
              data-testid={axis}
              onInput={(event) => onTurn({ ...view, [axis]: Number(event.currentTarget.value) })}
              onChange={keep}
            />
          </Field>
        ))}
      </div>
    </>
  );
}

function draw({ grid, points }: HousesUpdate, { azimuth, elevation }: View, coarse: boolean): string {
  const narrow = isNarrow();
  return surface(grid, {
    theme: theme.value,
    id: 'houses',
    width: narrow ? 360 : 600,
    height: narrow ? 340 : 520,
    title: say(texts.surface),
    points,
    azimuth,
    elevation,
    xLabel: 'RM',
    yLabel: 'LSTAT',
    zLabel: say(texts.price),
    zDomain: [0, 55],
    resolution: coarse ? 15 : 25,
  });
}

function turned(degrees: number): number {
  return ((Math.round(degrees) % 360) + 360) % 360;
}
