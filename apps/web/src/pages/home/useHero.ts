/**
 * A neuron that computes and learns by itself.
 *
 * It sends its gradient back again and again, until somebody takes it over.
 * Nothing runs while it is out of sight; whoever wants less motion starts it by hand.
 */
import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { neuron } from '../../living/neuron.ts';
import { reveal, stepNode } from '../../living/reveal.ts';
import type { Study } from '../../living/study.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useLatest } from '../../service/page/useLatest.ts';
import { useService } from '../../service/page/useService.ts';
import type { HeroService } from './worker.ts';

/** Milliseconds of a step through the graph, of an update, and of rest before it begins anew. */
const stepPace = 420;
const updatePace = 380;
const rest = 2500;
/** Updates before it begins anew. */
const most = 12;

type Values = Readonly<Record<string, string>>;

export function useHero(frame: RefObject<HTMLElement | null>) {
  const { remote, failure } = useService<HeroService>(() => pageWorker('home'));
  const [values, setValues] = useState<Values>(neuron.values);
  const [step, setStep] = useState(0);
  const [study, setStudy] = useState<Study | null>(null);
  const [losses, setLosses] = useState<readonly number[]>([]);
  const [running, setRunning] = useState(!matchMedia('(prefers-reduced-motion: reduce)').matches);
  const [isTaken, setTaken] = useState(false);
  const isSeen = useSeen(frame);
  const [problem, setProblem] = useState<string | null>(null);
  useLatest(
    JSON.stringify(values),
    () => remote.study(neuron.expression, new Map(Object.entries(values)), false),
    setStudy,
    setProblem,
  );

  const last = 2 * (study?.forward.length ?? 0);
  const loss = study ? Number(study.graph.nodes.at(-1)!.value) : null;
  const shown = useMemo(() => (study ? reveal(study, step) : null), [study, step]);

  const busy = useRef(false);
  const learn = async () => {
    if (busy.current) return;
    busy.current = true;
    try {
      const given = new Map(Object.entries(values));
      const [before, after] = await remote.descend(neuron.expression, given, neuron.learned, neuron.rate, 1);
      setLosses((known) => [...(known.length > 0 ? known : [before.loss]), after.loss]);
      setValues(after.values);
      setStep(last);
    } catch (error) {
      setProblem(String(error));
    }
    busy.current = false;
  };
  const restart = () => {
    setValues(neuron.values);
    setLosses([]);
    setStep(0);
  };

  useEffect(() => {
    if (!running || !isSeen || study === null) return;
    const [wait, act] =
      step < last
        ? [stepPace, () => setStep(step + 1)]
        : isTaken || losses.length <= most
          ? [updatePace, () => void learn()]
          : [rest, restart];
    const timer = setTimeout(act, wait);
    return () => clearTimeout(timer);
  }, [running, isSeen, study, step, losses.length, isTaken]);

  return {
    values,
    losses,
    loss,
    study,
    step,
    last,
    shown,
    problem: problem ?? failure,
    /** The node of this step, and which way things flow. */
    current: study ? stepNode(study, step) : null,
    flow: step === 0 ? null : step * 2 <= last ? ('forward' as const) : ('backward' as const),
    running,
    isTaken,
    toggle: () => setRunning(!running),
    restart,
    learn,
    /** Somebody takes it over: it stands still, and everything is shown. */
    set: (name: string, value: string) => {
      setTaken(true);
      setRunning(false);
      setLosses([]);
      setStep(last);
      setValues({ ...values, [name]: value });
    },
  };
}

export type HeroState = ReturnType<typeof useHero>;

/** Whether any of it is in the window. */
function useSeen(frame: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(true);
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => setSeen(entry.isIntersecting));
    watch.observe(frame.current!);
    return () => watch.disconnect();
  }, []);
  return seen;
}
