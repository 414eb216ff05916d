/** The map of the race: contours, paths, and a start that is dragged or tapped. */
import { contourPath } from '@ag/viz';
import { useEffect, useRef } from 'preact/hooks';
import { Caption, Picture } from '../../components/parts.tsx';
import { setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import type { RaceResult } from './race.ts';
import type { Surface } from './surfaces.ts';
import { texts } from './texts.ts';

interface Properties {
  /** What was raced on. */
  readonly surface: Surface;
  readonly result: RaceResult | null;
  /** Where the handle is. */
  readonly start: readonly [number, number];
}

/** A finger that moves over the map moves the page, as everywhere; a tap sets the start, and its handle is dragged. */
export function RaceMap({ surface, result, start }: Properties) {
  const picture = useRef<HTMLDivElement>(null);
  const handle = useRef<HTMLSpanElement>(null);
  const { domain } = surface;
  const svg = result ? draw(surface, result) : '';

  // The handle lies over the start, in parts of the picture's size.
  useEffect(() => {
    const area = areaIn(picture.current)?.getBoundingClientRect();
    const whole = handle.current?.parentElement?.getBoundingClientRect();
    if (!area || !whole || !handle.current) return;
    const share = (value: number, [low, high]: readonly [number, number]) =>
      Math.min(1, Math.max(0, (value - low) / (high - low)));
    const x = area.left + share(start[0], domain.x) * area.width - whole.left;
    const y = area.bottom - share(start[1], domain.y) * area.height - whole.top;
    handle.current.style.left = `${(100 * x) / whole.width}%`;
    handle.current.style.top = `${(100 * y) / whole.height}%`;
  }, [svg, start[0], start[1]]);

  /** Positions on the picture are read from its plotting area. */
  const moveStart = (event: PointerEvent) => {
    const box = areaIn(picture.current)?.getBoundingClientRect();
    if (!box) return;
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    if (across < 0 || across > 1 || up < 0 || up > 1) return;
    const at = ([low, high]: readonly [number, number], share: number) =>
      Number((low + share * (high - low)).toPrecision(3));
    setParameters({ x: at(domain.x, across), y: at(domain.y, up) });
  };

  return (
    <div
      class="card"
      ref={picture}
      style={{ cursor: 'crosshair' }}
      onPointerDown={(event) => event.pointerType === 'mouse' && moveStart(event)}
      onPointerMove={(event) => event.pointerType === 'mouse' && event.buttons === 1 && moveStart(event)}
      onPointerUp={(event) => event.pointerType !== 'mouse' && moveStart(event)}
    >
      <div style={{ position: 'relative' }}>
        <Picture svg={svg} label="map" />
        <span
          ref={handle}
          data-testid="start-handle"
          class="start-handle"
          aria-hidden="true"
          onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
          onPointerMove={(event) => event.buttons === 1 && moveStart(event)}
        />
      </div>
      {result && <Caption text={texts.mapCaption(surface.minima.length > 0)} />}
    </div>
  );
}

function draw({ domain, minima }: Surface, { grid, paths }: RaceResult): string {
  const [width, height] = isNarrow() ? [340, 320] : [640, 480];
  return contourPath(
    { ...grid, ...domain },
    paths.map(({ name, points }) => ({ name, points })),
    { theme: theme.value, id: 'race', width, height, minima, xLabel: 'x', yLabel: 'y' },
  );
}

/** Where on the screen the plane is drawn. */
function areaIn(box: HTMLElement | null): Element | null {
  return box?.querySelector('svg clipPath + rect') ?? null;
}
