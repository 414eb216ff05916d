/** A formula that learns: which variables move, how fast, and every moment since, to go back to. */
import type { Remote } from 'comlink';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Moment } from '../../living/descend.ts';
import { messageOf } from '../../service/messageOf.ts';
import { numberParameter, parameter, setParameters } from '../../shell/route.ts';
import { presets } from './presets.ts';
import type { FormulaState } from './useFormula.ts';
import type { MicroscopeService } from './worker.ts';

/** Time between updates that are shown. */
const pace = 120;

export function useLearning(remote: Remote<MicroscopeService>, { expression, names, values }: FormulaState) {
  const preset = presets.find((each) => each.expression === expression);
  const chosen = parameter('learn', preset?.learn ?? names.join(',')).split(',');
  const learned = names.filter((name) => chosen.includes(name));
  const rate = numberParameter('rate', preset?.rate ?? 0.1);
  const [trace, setTrace] = useState<readonly Moment[]>([]);
  const [at, setAt] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const timer = useRef(0);
  const stop = () => clearTimeout(timer.current);

  useEffect(() => {
    setTrace([]);
    setAt(0);
    setProblem(null);
    return stop;
  }, [expression]);

  const show = (moments: readonly Moment[], position: number, by: 'change' | 'steps') => {
    setAt(position);
    const texts = Object.entries(moments[position].values);
    setParameters(Object.fromEntries(texts.map(([name, text]) => [`v.${name}`, text])), by);
  };
  const walk = (moments: readonly Moment[], from: number) => {
    stop();
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const next = still ? moments.length - 1 : from + 1;
    show(moments, next, from === at ? 'change' : 'steps');
    if (next < moments.length - 1) timer.current = window.setTimeout(() => walk(moments, next), pace);
  };
  const update = async (count: number) => {
    stop();
    setProblem(null);
    try {
      const moments = await remote.descend(expression, values, learned, rate, count);
      // It goes on from a moment of before, or begins anew where a value was changed by hand.
      const goesOn = trace.length > 0 && sameValues(trace[at].values, moments[0].values);
      const whole = [...(goesOn ? trace.slice(0, at) : []), ...moments];
      const start = goesOn ? at : 0;
      setTrace(whole);
      setAt(start);
      if (moments.length > 1) walk(whole, start);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return {
    learned,
    rate,
    trace,
    at,
    problem,
    update,
    toggle: (name: string) =>
      setParameters({
        learn: names.filter((each) => learned.includes(each) !== (each === name)).join(','),
      }),
    replay: () => trace.length > 1 && walk(trace, 0),
    goTo: (position: number) => {
      stop();
      show(trace, position, 'steps');
    },
  };
}

export type LearningState = ReturnType<typeof useLearning>;

function sameValues(a: Moment['values'], b: Moment['values']): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
