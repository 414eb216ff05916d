/** The surface in space, turned by pointer, touch and keys; a still picture without WebGL. */

import { pow } from '@ag/tensor/math';
import { surface as drawSurface } from '@ag/viz';
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatNumber } from '../../components/numbers.ts';
import { Picture } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { numberParameter, setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { drawnHeights, reliefOf, type Scenery } from './scenery.ts';
import type { Corner, Stage, Viewpoint } from './stage.ts';
import { texts } from './texts.ts';
import type { Timeline } from './timeline.tsx';

interface Properties {
  readonly scenery: Scenery | null;
  readonly timeline: Timeline;
  /** Called with the place of the map that was clicked. */
  readonly onPick?: (place: readonly [number, number]) => void;
}

/** Pixels that a pointer may move and still click. */
const clickTolerance = 5;

const viewpointOf = (): Viewpoint => ({
  azimuth: numberParameter('azimuth', 32) % 360,
  elevation: Math.min(89, Math.max(5, numberParameter('elevation', 36))),
  zoom: 1,
});

export function Space(properties: Properties) {
  const [missing, setMissing] = useState(false);
  return missing ? (
    <Still scenery={properties.scenery} />
  ) : (
    <Turned {...properties} onMissing={() => setMissing(true)} />
  );
}

function Turned({ scenery, timeline, onPick, onMissing }: Properties & { readonly onMissing: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const labels = useRef<HTMLDivElement>(null);
  const [stage, setStage] = useState<Stage | null>(null);
  const latest = useRef<Stage | null>(null);
  const view = useRef(viewpointOf());
  const grip = useRef<{ x: number; y: number; from: Viewpoint } | null>(null);

  useEffect(() => {
    let made: Stage | null = null;
    let gone = false;
    void import('./stage.ts').then(({ createStage }) => {
      if (gone) return;
      try {
        made = createStage(canvas.current!, (places) => labels.current && putLabels(labels.current, places));
        setStage(made);
      } catch {
        onMissing();
      }
    });
    return () => {
      gone = true;
      made?.dispose();
    };
  }, []);
  useEffect(() => {
    latest.current = stage;
    if (!stage) return;
    stage.setTime(timeline.time.peek());
    const box = canvas.current!.parentElement!;
    const fit = () => {
      const { clientWidth, clientHeight } = box;
      stage.resize(Math.max(1, clientWidth), Math.max(1, clientHeight));
      stage.look(view.current);
    };
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(box);
    return () => observer.disconnect();
  }, [stage]);
  useEffect(() => {
    if (scenery) stage?.show(scenery);
  }, [stage, scenery, theme.value]);
  useSignalEffect(() => {
    // Read before the stage is there, so that it is listened to.
    const time = timeline.time.value;
    latest.current?.setTime(time);
  });

  const look = (next: Viewpoint) => {
    view.current = {
      azimuth: ((next.azimuth % 360) + 360) % 360,
      elevation: Math.min(89, Math.max(5, next.elevation)),
      zoom: Math.min(4, Math.max(0.5, next.zoom)),
    };
    stage?.look(view.current);
  };
  const turn = (right: number, up: number) =>
    look({
      ...view.current,
      azimuth: view.current.azimuth + right,
      elevation: view.current.elevation + up,
    });
  const zoom = (factor: number) => look({ ...view.current, zoom: view.current.zoom * factor });
  const keep = () =>
    setParameters(
      { azimuth: Math.round(view.current.azimuth), elevation: Math.round(view.current.elevation) },
      'steps',
    );
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => turn(-6, 0),
    ArrowRight: () => turn(6, 0),
    ArrowUp: () => turn(0, 4),
    ArrowDown: () => turn(0, -4),
    '+': () => zoom(1.2),
    '-': () => zoom(1 / 1.2),
    0: () => look(viewpointOf()),
  };

  return (
    <section
      class="space"
      data-testid="space"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys turn it, as any region that is moved
      tabIndex={0}
      aria-label={say(texts.spaceLabel(scenery ? say(scenery.description) : ''))}
      onKeyDown={(event) => {
        const act = keys[event.key];
        if (!act) return;
        event.preventDefault();
        act();
        keep();
      }}
      onWheel={(event) => {
        // Without a key the wheel belongs to the page.
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        zoom(pow(1.0015, -event.deltaY));
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        grip.current = { x: event.clientX, y: event.clientY, from: view.current };
      }}
      onPointerMove={(event) => {
        if (!grip.current) return;
        const { x, y, from } = grip.current;
        look({
          ...from,
          azimuth: from.azimuth - 0.4 * (event.clientX - x),
          elevation: from.elevation + 0.3 * (event.clientY - y),
        });
      }}
      onPointerCancel={() => {
        grip.current = null;
      }}
      onPointerUp={(event) => {
        const held = grip.current;
        grip.current = null;
        if (!held) return;
        if ((event.clientX - held.x) ** 2 + (event.clientY - held.y) ** 2 >= clickTolerance ** 2)
          return keep();
        const box = event.currentTarget.getBoundingClientRect();
        const across = (2 * (event.clientX - box.left)) / box.width - 1;
        const up = 1 - (2 * (event.clientY - box.top)) / box.height;
        const place = stage?.pick(across, up);
        if (place) onPick?.(place);
      }}
    >
      <canvas ref={canvas} />
      <div ref={labels} class="space-labels" aria-hidden="true">
        {scenery && <Labels scenery={scenery} />}
      </div>
    </section>
  );
}

function Labels({ scenery }: { readonly scenery: Scenery }) {
  const { domain, xLabel, yLabel, heightLabel } = scenery;
  const [low, high] = reliefOf(scenery).range;
  const words: Readonly<Record<Corner, string>> = {
    xLow: formatNumber(domain.x[0]),
    x: xLabel,
    xHigh: formatNumber(domain.x[1]),
    yLow: formatNumber(domain.y[0]),
    y: yLabel,
    yHigh: formatNumber(domain.y[1]),
    heights: `${heightLabel}: ${formatNumber(low)} … ${formatNumber(high)}`,
  };
  return Object.entries(words).map(([corner, text]) => (
    <span key={corner} data-corner={corner}>
      {text}
    </span>
  ));
}

/** Writes each name where its corner is now. */
function putLabels(box: HTMLElement, places: Readonly<Record<Corner, readonly [number, number]>>): void {
  for (const label of box.querySelectorAll<HTMLElement>('[data-corner]')) {
    const [x, y] = places[label.dataset.corner as Corner];
    label.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
  }
}

/** Without WebGL: the same surface from the side that is chosen. */
function Still({ scenery }: { readonly scenery: Scenery | null }) {
  const { azimuth, elevation } = viewpointOf();
  if (!scenery) return <div class="space" />;
  const svg = drawSurface(
    { ...scenery.grid, ...scenery.domain, values: drawnHeights(scenery) },
    {
      theme: theme.value,
      id: 'relief',
      ...(isNarrow() ? { width: 340, height: 300 } : { width: 640 }),
      azimuth,
      elevation,
      xLabel: scenery.xLabel,
      yLabel: scenery.yLabel,
      zLabel: scenery.heightLabel,
    },
  );
  return (
    <div class="still">
      <p class="soft caption" data-testid="no-webgl">
        {say(texts.noWebGl)}
      </p>
      <Picture svg={svg} label="relief" />
      <input
        type="range"
        aria-label={say(texts.turn)}
        min={0}
        max={360}
        value={azimuth}
        onInput={(event) => setParameters({ azimuth: event.currentTarget.value })}
      />
    </div>
  );
}
