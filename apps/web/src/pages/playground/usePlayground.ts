/** The state of the playground: the address, the worker's snapshots, and what the reader does. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { download } from '../../components/download.ts';
import { nextFrame } from '../../service/page/nextFrame.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useTrainer } from '../../service/page/useTrainer.ts';
import { useInspection } from '../../shell/inspection.ts';
import { parameter, route, setParameters } from '../../shell/route.ts';
import { configFrom, maxPoints, type PaintedPoint, type PlaygroundConfig, writePoints } from './config.ts';
import { emptySnapshot, type Neuron, neuronIn, type Parameter, type Snapshot } from './snapshot.ts';
import type { Trainer } from './trainer.ts';

/** Milliseconds between steps. */
const delays = { full: 0, fast: 5, medium: 50, slow: 500 } as const;
export type Speed = keyof typeof delays;

/** What a run goes on with when it is changed. */
const changeable = [
  ...(['data', 'count', 'noise', 'classes', 'test', 'regression', 'line', 'points'] as const),
  ...(['learningRate', 'batchSize', 'l1', 'l2'] as const),
];

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
    undefined,
    { keys: changeable, tell: (worker, next, number) => worker.change(next, number) },
  );
  useEffect(() => ask(remote.setDelay(delays[speed])), [remote, speed]);

  const current = isCurrent(snapshot) && !waiting ? snapshot : null;
  const shown = current ?? (waiting ? emptySnapshot : snapshot);
  const running = current?.running === true;
  const chosen = neuronIn(current, neuron);
  const { x: across, y: up } = (shown ?? emptySnapshot).domain;
  // Other data are elsewhere.
  useEffect(() => setProbe(null), [current?.session, ...across, ...up]);

  /** Numbers that are dragged come faster than they are drawn: the last one counts. */
  const wanted = useRef<{ at: Parameter; value: number } | null>(null);
  const telling = useRef(false);
  const setParameter = async (at: Parameter, value: number): Promise<void> => {
    wanted.current = { at, value };
    if (telling.current) return;
    telling.current = true;
    try {
      while (wanted.current) {
        const next: { at: Parameter; value: number } = wanted.current;
        wanted.current = null;
        await remote.setParameter(next.at, next.value);
      }
    } finally {
      telling.current = false;
    }
  };
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
    lossNow: current?.lossNow ?? null,
    rate: current?.rate ?? null,
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
    setParameter: (at: Parameter, value: number) => ask(setParameter(at, value)),
    rewind: (step: number) => ask(remote.rewind(Math.max(0, step))),
    restartWith: (learningRate: number) => {
      setParameters({ learningRate });
      restart();
    },
    probe,
    lookAt: (x: number, y: number): false => {
      setProbe([x, y]);
      ask(remote.probe(x, y));
      return false;
    },
    parsePoints: (text: string) => remote.parsePoints(text, config.regression, config.line),
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
  const stroke = useRef<PaintedPoint[]>([]);
  /** Counts the strokes that have ended. */
  const [strokes, setStrokes] = useState(0);
  useEffect(() => {
    const commit = () => {
      if (stroke.current.length === 0) return;
      const painted = [...points, ...stroke.current].slice(0, maxPoints);
      stroke.current = [];
      setStrokes((before) => before + 1);
      setParameters({ points: writePoints(painted) });
    };
    addEventListener('pointerup', commit);
    return () => removeEventListener('pointerup', commit);
  }, [points]);
  return {
    target,
    setTarget,
    strokes,
    /** Adds a point where the pointer is, unless the last one is as near as `apart`; answers whether it did. */
    paint(x: number, y: number, first: boolean, apart: number): boolean {
      const last = stroke.current.at(-1);
      if (!first && last && Math.hypot(last.x - x, last.y - y) <= apart) return false;
      stroke.current.push({ x, y, target });
      return true;
    },
  };
}

export type Brush = ReturnType<typeof useBrush>;
