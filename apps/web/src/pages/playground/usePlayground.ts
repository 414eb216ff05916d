/** The state of the playground: the address, the worker's snapshots, and what the reader does. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { download } from '../../components/download.ts';
import { nextFrame } from '../../service/page/nextFrame.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useTrainer } from '../../service/page/useTrainer.ts';
import { useInspection } from '../../shell/inspection.ts';
import { parameter, route, setParameters } from '../../shell/route.ts';
import { configFrom, maxPoints, type PaintedPoint, type PlaygroundConfig, writePoints } from './config.ts';
import { emptySnapshot, type Neuron, neuronIn, type Snapshot } from './snapshot.ts';
import type { Trainer } from './trainer.ts';

/** Milliseconds between steps. */
const delays = { full: 0, fast: 5, medium: 50, slow: 500 } as const;
export type Speed = keyof typeof delays;

export function usePlayground() {
  const address = route.value.parameters.toString();
  const config = useMemo(() => configFrom(new URLSearchParams(address)), [address]);
  const painted = config.data === 'points';
  const waiting = painted && config.points.length < 2;
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  /** The same, as the plane and the curves show it: a moment later. */
  const [plane, setPlane] = useState<Snapshot | null>(null);
  const [chart, setChart] = useState<Snapshot | null>(null);
  const [speed, setSpeed] = useState<Speed>('fast');
  const [neuron, setNeuron] = useState<Neuron | null>(null);
  const [probe, setProbe] = useState<readonly [number, number] | null>(null);

  const { remote, computing, problem, ask, restart, isCurrent } = useTrainer<
    PlaygroundConfig,
    Snapshot,
    Trainer
  >(
    () => pageWorker('playground'),
    waiting ? null : config,
    async (next) => {
      // One part a frame, so that none keeps the page from answering; the worker waits until all are on the screen.
      setSnapshot(next);
      await nextFrame();
      setPlane(next);
      await nextFrame();
      setChart(next);
      await nextFrame();
    },
  );
  useEffect(() => ask(remote.setDelay(delays[speed])), [remote, speed]);
  // Another configuration may have other inputs.
  useEffect(() => setProbe(null), [address]);

  const current = isCurrent(snapshot) && !waiting ? snapshot : null;
  const shown = current ?? (waiting ? emptySnapshot : snapshot);
  const running = current?.running === true;
  const chosen = neuronIn(current, neuron);
  const ofThisSession = (each: Snapshot | null): Snapshot | null =>
    each?.session === shown?.session ? each : shown;

  useInspection(() => ({
    page: 'playground',
    config,
    problem,
    computing,
    ready: current !== null,
    running,
    step: current?.step ?? 0,
    furthest: current?.furthest ?? 0,
    loss: current?.loss ?? null,
    losses: current?.losses ?? [],
    train: current?.train ?? null,
    test: current?.test ?? null,
    alerts: current?.alerts ?? [],
    failed: current?.failed ?? false,
    deviceBytes: current?.deviceBytes ?? 0,
    pointAnswers: current?.pointAnswers ?? [],
    layers: current?.layers.map(({ weights, bias }) => ({ weights, bias })) ?? [],
    chosen,
    probe,
  }));

  const save = async (name: string, type: string, content: Promise<Uint8Array | string | undefined>) => {
    const found = await content;
    if (found !== undefined) download(name, type, found);
  };

  return {
    config,
    painted,
    waiting,
    problem,
    computing,
    /** The snapshot of the present configuration; null until there is one. */
    current,
    /** What is on the screen: until then, that of the one before. */
    shown,
    plane: ofThisSession(plane),
    chart: ofThisSession(chart),
    /** What the lines between neurons show. */
    edges: parameter('edges', 'value') === 'gradient' ? ('gradient' as const) : ('value' as const),
    chosen,
    setNeuron,
    speed,
    setSpeed,
    run: {
      ready: current !== null,
      running,
      ended: current?.failed === true,
      play: () => ask(remote.play()),
      pause: () => ask(remote.pause()),
      step: () => ask(remote.step()),
      reset: restart,
    },
    rewind: (step: number) => ask(remote.rewind(Math.max(0, step))),
    restartWith: (learningRate: number) => {
      setParameters({ learningRate });
      restart();
    },
    probe,
    lookAt: (x: number, y: number) => {
      setProbe([x, y]);
      ask(remote.probe(x, y));
    },
    parsePoints: (text: string, regression: boolean) => remote.parsePoints(text, regression),
    saveSafetensors: () =>
      void save('playground.safetensors', 'application/octet-stream', remote.safetensors()),
    saveJson: () => void save('playground.json', 'application/json', remote.json()),
  };
}

export type PlaygroundState = ReturnType<typeof usePlayground>;

/** Points that are being painted: they are learned from when the stroke ends. */
export function useBrush(points: readonly PaintedPoint[]) {
  /** What is painted next: a class or a value. */
  const [target, setTarget] = useState(0);
  const [stroke, setStroke] = useState<readonly PaintedPoint[]>([]);
  useEffect(() => {
    if (stroke.length === 0) return;
    const commit = () => {
      setStroke([]);
      setParameters({ points: writePoints([...points, ...stroke].slice(0, maxPoints)) });
    };
    addEventListener('pointerup', commit, { once: true });
    return () => removeEventListener('pointerup', commit);
  }, [stroke]);
  return {
    target,
    setTarget,
    stroke,
    /** Adds a point where the pointer is, unless the last one is as near as `apart`. */
    paint(x: number, y: number, first: boolean, apart: number): void {
      const last = stroke.at(-1);
      if (first || !last || Math.hypot(last.x - x, last.y - y) > apart) {
        setStroke([...stroke, { x, y, target }]);
      }
    },
  };
}

export type Brush = ReturnType<typeof useBrush>;
