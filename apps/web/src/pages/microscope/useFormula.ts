/** The state of a formula under the microscope: its text and values, its study, and the step. */
import type { Remote } from 'comlink';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { clampInteger } from '../../components/numbers.ts';
import type { Look, Unknown } from '../../living/look.ts';
import { reveal, stepNode } from '../../living/reveal.ts';
import { useLatest } from '../../service/page/useLatest.ts';
import { numberParameter, parameter, route, setParameters } from '../../shell/route.ts';
import { presets } from './presets.ts';
import type { MicroscopeService } from './worker.ts';

export function useFormula(remote: Remote<MicroscopeService>) {
  const expression = parameter('expression', presets[0].expression);
  const values = valuesFromAddress(expression);
  const showViews = parameter('views', 'false') === 'true';
  const of = parameter('of', '');
  const [found, setFound] = useState<Look | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useLatest(
    JSON.stringify([expression, [...values], showViews, of]),
    () => remote.look({ text: expression, values, showViews, of }),
    (look) => {
      // What was there stays until there is something else.
      setFound((before) => (look.study ? look : { ...look, study: before?.study ?? null }));
      setProblem(null);
    },
    setProblem,
  );
  const typing = useTyping(remote, expression, values);

  const study = found?.study ?? null;
  const middle = study?.forward.length ?? 0;
  const last = 2 * middle;
  const step = parameter('step', '0') === 'all' ? last : clampInteger(numberParameter('step', 0), 0, last);
  const shown = useMemo(() => (study ? reveal(study, step) : null), [study, step]);
  const play = usePlay(step, last);

  return {
    expression,
    typing,
    /** The formula's variables, also while nothing is known of it. */
    names: study?.names ?? [...values.keys()],
    values,
    setValue: (name: string, text: string | number) => setParameters({ [`v.${name}`]: String(text) }),
    unknown: found?.unknown ?? [],
    showViews,
    of,
    study,
    problem,
    /** The graph as far as it is known at this step. */
    shown,
    /** The node that this step computes. */
    current: study ? stepNode(study, step) : null,
    step,
    /** The last step of the forward pass, and of all. */
    middle,
    last,
    go: (to: number) => setParameters({ step: clampInteger(to, 0, last) }, 'steps'),
    play,
  };
}

export type FormulaState = ReturnType<typeof useFormula>;

/** A formula takes effect while it is typed, from letter to letter that makes sense. */
function useTyping(
  remote: Remote<MicroscopeService>,
  expression: string,
  values: ReadonlyMap<string, string>,
) {
  const [draft, setDraft] = useState<string | null>(null);
  const [hint, setHint] = useState<{ readonly message: string; readonly unknown: readonly Unknown[] } | null>(
    null,
  );
  const set = (text: string) => setParameters({ expression: text, of: null, step: 'all' });
  useLatest(
    JSON.stringify([draft, [...values]]),
    async () => (draft === null ? null : remote.look({ text: draft, values })),
    (look) => {
      setHint(look && look.unknown.length > 0 ? { message: '', unknown: look.unknown } : null);
      if (look?.study && draft !== null && draft !== expression) set(draft);
    },
    (message) => setHint({ message, unknown: [] }),
  );
  return {
    draft,
    /** What keeps a draft from taking effect. */
    hint,
    type: setDraft,
    /** Takes it as it stands. */
    commit: (text: string) => {
      setDraft(null);
      set(text);
    },
  };
}

/** Time between the steps of a walk through the graph. */
const pace = 900;

function usePlay(step: number, last: number) {
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    if (step >= last) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => setParameters({ step: step + 1 }, 'steps'), pace);
    return () => clearTimeout(timer);
  }, [playing, step, last]);
  return {
    playing,
    toggle: () => {
      if (!playing && step >= last) setParameters({ step: 0 }, 'steps');
      setPlaying(!playing);
    },
  };
}

function valuesFromAddress(expression: string): ReadonlyMap<string, string> {
  const known = presets.find((preset) => preset.expression === expression)?.values ?? {};
  const values = new Map(Object.entries(known));
  for (const [key, value] of route.value.parameters)
    if (key.startsWith('v.')) values.set(key.slice(2), value);
  return values;
}
