/** The map: contours, everybody's way so far, and a start that is dragged or tapped. */

import { contourPath } from '@ag/viz';
import { useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Picture } from '../../components/parts.tsx';
import { setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { basinColor, seriesColor } from './paint.ts';
import { placeAt, type Scenery, swarmPlace } from './scenery.ts';
import type { Timeline } from './timeline.tsx';

interface Properties {
  readonly scenery: Scenery | null;
  readonly timeline: Timeline;
  /** Where the handle is; null where there is nothing to start. */
  readonly start: readonly [number, number] | null;
}

/** A finger that moves over the map moves the page, as everywhere; a tap sets the start, and its handle is dragged. */
export function RaceMap({ scenery, timeline, start }: Properties) {
  const frame = useRef<HTMLDivElement>(null);
  const handle = useRef<HTMLSpanElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size | null>(null);
  const svg = useMemo(
    () => (scenery && size ? draw(scenery, size) : ''),
    [scenery?.key, theme.value, size?.width, size?.height],
  );

  /** Lays canvas and handle over the plane, and draws what moves. */
  const lay = () => {
    const area = areaIn(frame.current)?.getBoundingClientRect();
    const whole = frame.current?.getBoundingClientRect();
    if (!area || !whole || !scenery || !canvas.current) return;
    const { style } = canvas.current;
    style.left = `${area.left - whole.left}px`;
    style.top = `${area.top - whole.top}px`;
    style.visibility = 'visible';
    paintWays(canvas.current, area.width, area.height, scenery, timeline.time.peek());
    if (!start || !handle.current) return;
    const share = (value: number, [low, high]: readonly [number, number]) =>
      Math.min(1, Math.max(0, (value - low) / (high - low)));
    const { x, y } = scenery.domain;
    handle.current.style.left = `${area.left + share(start[0], x) * area.width - whole.left}px`;
    handle.current.style.top = `${area.bottom - share(start[1], y) * area.height - whole.top}px`;
  };
  const latest = useRef(lay);
  latest.current = lay;
  useEffect(lay);
  useSignalEffect(() => {
    void timeline.time.value;
    latest.current();
  });
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => {
      // As large as there is room for, and not much higher than wide; in steps, so that it is not drawn all the time.
      const width = Math.max(280, Math.floor(contentRect.width / 20) * 20);
      const height = Math.max(240, Math.floor(Math.min(contentRect.height, 1.15 * width) / 20) * 20);
      setSize({ width, height });
      latest.current();
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);

  /** Positions on the picture are read from its plotting area. */
  const moveStart = (event: PointerEvent) => {
    const box = areaIn(frame.current)?.getBoundingClientRect();
    if (!box || !scenery || !start) return;
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    if (across < 0 || across > 1 || up < 0 || up > 1) return;
    timeline.seek(timeline.steps);
    setStart(scenery, [across, up]);
  };
  return (
    <div
      class={start ? 'map startable' : 'map'}
      ref={frame}
      onPointerDown={(event) => event.pointerType === 'mouse' && moveStart(event)}
      onPointerMove={(event) => event.pointerType === 'mouse' && event.buttons === 1 && moveStart(event)}
      onPointerUp={(event) => event.pointerType !== 'mouse' && moveStart(event)}
    >
      <Picture svg={svg} label="map" />
      <canvas ref={canvas} />
      {start && (
        <span
          ref={handle}
          data-testid="start-handle"
          class="start-handle"
          aria-hidden="true"
          onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
          onPointerMove={(event) => event.buttons === 1 && moveStart(event)}
        />
      )}
    </div>
  );
}

/** Writes a start into the address, from parts of the map's width and height. */
function setStart({ domain }: Scenery, [across, up]: readonly [number, number]): void {
  const at = ([low, high]: readonly [number, number], share: number) =>
    Number((low + share * (high - low)).toPrecision(3));
  setParameters({ x: at(domain.x, across), y: at(domain.y, up) });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** @param paths ways that are part of the picture; what moves is drawn over it */
function draw(scenery: Scenery, size: Size, paths: Scenery['paths'] = []): string {
  const { grid, domain, minima, xLabel, yLabel } = scenery;
  return contourPath({ ...grid, ...domain }, paths, {
    theme: theme.value,
    id: 'race',
    ...size,
    minima,
    xLabel,
    yLabel,
  });
}

/** The picture with the whole of every way, to be taken away. */
export function mapWithWays(scenery: Scenery): string {
  return draw(scenery, { width: 640, height: 480 }, scenery.paths);
}

function paintWays(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  { domain, paths, basins }: Scenery,
  time: number,
): void {
  const ratio = Math.min(2, devicePixelRatio);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    [canvas.width, canvas.height] = [w, h];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const at = ([x, y]: readonly [number, number]): [number, number] => [
    ((x - domain.x[0]) / (domain.x[1] - domain.x[0])) * width,
    height - ((y - domain.y[0]) / (domain.y[1] - domain.y[0])) * height,
  ];
  const dot = (place: readonly [number, number], radius: number) => {
    context.beginPath();
    context.arc(...at(place), radius, 0, 2 * Math.PI);
  };
  if (basins) {
    const { side, labels } = basins;
    const [cellWidth, cellHeight] = [width / (side - 1), height / (side - 1)];
    context.globalAlpha = 0.35;
    for (let i = 0; i < side * side; i++) {
      context.fillStyle = basinColor(labels[i]);
      const [column, row] = [i % side, Math.floor(i / side)];
      context.fillRect((column - 0.5) * cellWidth, height - (row + 0.5) * cellHeight, cellWidth, cellHeight);
    }
    context.globalAlpha = 1;
    for (let i = 0; i < side * side; i++) {
      context.fillStyle = basinColor(labels[i]);
      dot(swarmPlace(basins, i, time), 2.5);
      context.fill();
    }
  }
  context.lineJoin = 'round';
  for (const [i, { points }] of paths.entries()) {
    if (points.length === 0) continue;
    context.strokeStyle = context.fillStyle = seriesColor(i);
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(...at(points[0]));
    for (let step = 1; step < points.length && step <= time; step++) context.lineTo(...at(points[step]));
    context.lineTo(...at(placeAt(points, time)));
    context.stroke();
    dot(placeAt(points, time), 5);
    context.fill();
  }
  const [first] = paths;
  if (!first?.points.length) return;
  context.strokeStyle = theme.peek() === 'dark' ? '#ffffff' : '#1b1f24';
  context.lineWidth = 2;
  dot(first.points[0], 7);
  context.stroke();
}

/** Where on the screen the plane is drawn. */
function areaIn(box: HTMLElement | null): Element | null {
  return box?.querySelector('svg clipPath + rect') ?? null;
}
