/** The plane with the network's answers and the points, to look at or to paint on. */
import { decisionBoundary } from '@ag/viz';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Picture } from '../../components/parts.tsx';
import { language, say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import { type PaintedPoint, resolution } from './config.ts';
import { curve } from './curve.ts';
import type { Snapshot } from './snapshot.ts';
import { texts } from './texts.ts';

interface Properties {
  readonly snapshot: Snapshot;
  readonly testing: boolean;
  readonly probe: readonly [number, number] | null;
  /** Painted points, shown instead of the snapshot's own while they are more recent. */
  readonly points: readonly PaintedPoint[] | null;
  /** Answers whether a point was painted there. */
  readonly onTouch: (x: number, y: number, first: boolean) => boolean;
  /** How many strokes have ended. */
  readonly strokes: number;
  /** Whether a finger paints. Where it only looks at a place, a drag of it moves the page, as everywhere. */
  readonly paintable: boolean;
}

export function Plane({ snapshot, testing, probe, points, onTouch, strokes, paintable }: Properties) {
  const box = useRef<HTMLDivElement>(null);
  const ink = useRef<HTMLCanvasElement>(null);
  const marker = useRef<HTMLSpanElement>(null);
  const { domain } = snapshot;
  const svg = useMemo(() => {
    const { kind, answers, classes } = snapshot;
    const cells = resolution ** 2;
    let values: ArrayLike<number> = answers;
    let confidence: Float32Array | undefined;
    if (kind === 'classes') {
      // The class with the largest probability, and that probability.
      const best = new Float32Array(cells);
      confidence = new Float32Array(cells);
      for (let i = 0; i < cells; i++) {
        for (let c = 0; c < classes; c++) {
          if (answers[i * classes + c] > confidence[i]) {
            confidence[i] = answers[i * classes + c];
            best[i] = c;
          }
        }
      }
      values = best;
    }
    const shown = points ?? (testing ? snapshot.testPoints : snapshot.trainPoints);
    if (snapshot.line) return curve(snapshot, shown, say(texts.curveLabel));
    return decisionBoundary(
      { x: [...domain.x], y: [...domain.y], columns: resolution, rows: resolution, values },
      shown.map(({ x, y, target }) => ({ x, y, target })),
      {
        kind: kind === 'binary' ? 'probability' : kind === 'classes' ? 'class' : 'value',
        ...(confidence && { confidence }),
        ...(kind !== 'value' && {
          labels: Array.from({ length: classes }, (_, i) => say(texts.classNumber(i))),
        }),
        width: 340,
        height: 350,
        theme: theme.value,
        id: 'plane',
        xLabel: 'x₁',
        yLabel: 'x₂',
      },
    );
  }, [snapshot, testing, points, theme.value, language.value]);

  // The marker lies over the picture, in parts of its size.
  useEffect(() => {
    const drawing = box.current?.querySelector('svg')?.getBoundingClientRect();
    const area = areaIn(box.current);
    const mark = marker.current;
    if (!drawing || !area || !mark || !probe) return;
    const share = (value: number, [low, high]: readonly [number, number]) => (value - low) / (high - low);
    const x = area.left + share(probe[0], domain.x) * area.width - drawing.left;
    const y = area.bottom - share(probe[1], domain.y) * area.height - drawing.top;
    mark.style.left = `${(100 * x) / drawing.width}%`;
    mark.style.top = `${(100 * y) / drawing.height}%`;
  }, [svg, probe?.[0], probe?.[1]]);

  const at = (event: PointerEvent, first: boolean): void => {
    const area = areaIn(box.current);
    if (!area) return;
    const across = (event.clientX - area.left) / area.width;
    const up = 1 - (event.clientY - area.top) / area.height;
    if (across < 0 || across > 1 || up < 0 || up > 1) return;
    const along = ([low, high]: readonly [number, number], share: number) => low + share * (high - low);
    if (onTouch(along(domain.x, across), along(domain.y, up), first)) dot(event);
  };

  /** Shows at once what is painted: the picture, which takes longer, follows when the stroke ends. */
  const dot = ({ clientX, clientY }: PointerEvent): void => {
    const canvas = ink.current!;
    const context = canvas.getContext('2d')!;
    const place = box.current!.getBoundingClientRect();
    if (canvas.width !== Math.round(place.width)) {
      canvas.width = Math.round(place.width);
      canvas.height = Math.round(place.height);
    }
    context.fillStyle = getComputedStyle(canvas).color;
    context.beginPath();
    context.arc(clientX - place.left, clientY - place.top, 3, 0, 2 * Math.PI);
    context.fill();
  };
  useEffect(() => {
    const canvas = ink.current!;
    canvas.getContext('2d')!.clearRect(0, 0, canvas.width, canvas.height);
  }, [strokes]);

  return (
    <div
      class={paintable ? 'plane paintable' : 'plane'}
      ref={box}
      onPointerDown={(event) => (paintable || event.pointerType === 'mouse') && at(event, true)}
      onPointerMove={(event) => event.buttons === 1 && at(event, false)}
      onPointerUp={(event) => !paintable && event.pointerType !== 'mouse' && at(event, true)}
    >
      <Picture svg={svg} label="plane" />
      <canvas class="ink" ref={ink} width={1} height={1} />
      {probe && <span class="probe" ref={marker} aria-hidden="true" />}
    </div>
  );
}

/** Where on the screen the plane is drawn. */
function areaIn(box: HTMLElement | null): DOMRect | undefined {
  return box?.querySelector('svg clipPath + rect')?.getBoundingClientRect();
}
