/** The state of a formula under the microscope: its text and values, its study, and the step. */
import type { Remote } from 'comlink';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { clampInteger } from '../../components/numbers.ts';
import { messageOf } from '../../service/messageOf.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, parameter, route, setParameters } from '../../shell/route.ts';
import { presets } from './presets.ts';
import { reveal, stepNode } from './reveal.ts';
import type { Study } from './study.ts';
import type { MicroscopeService } from './worker.ts';

export function useFormula(remote: Remote<MicroscopeService>) {
  const expression = parameter('expression', presets[0].expression);
  const values = valuesFromAddress(expression);
  const valuesKey = JSON.stringify([...values]);
  const showViews = parameter('views', 'false') === 'true';
  const [study, setStudy] = useState<Study | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    let wanted = true;
    remote.study(expression, new Map(JSON.parse(valuesKey) as [string, string][]), showViews).then(
      (result) => {
        if (!wanted) return;
        setStudy(result);
        setProblem(null);
      },
      (error: unknown) => wanted && setProblem(messageOf(error)),
    );
    return () => {
      wanted = false;
    };
  }, [expression, valuesKey, showViews]);

  const middle = study?.forward.length ?? 0;
  const last = 2 * middle;
  const step = clampInteger(numberParameter('step', 0), 0, last);
  const shown = useMemo(() => (study ? reveal(study, step) : null), [study, step]);

  useInspection(() => ({
    page: 'microscope',
    expression,
    values: Object.fromEntries(values),
    step,
    steps: last,
    problem,
    nodes: shown?.nodes ?? [],
    edges: shown?.edges ?? [],
  }));

  return {
    expression,
    setExpression: (text: string) => setParameters({ expression: text, step: 0 }),
    /** The formula's variables, also while nothing is known of it. */
    names: study?.names ?? [...values.keys()],
    values,
    showViews,
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
  };
}

export type FormulaState = ReturnType<typeof useFormula>;

function valuesFromAddress(expression: string): ReadonlyMap<string, string> {
  const known = presets.find((preset) => preset.expression === expression)?.values ?? {};
  const values = new Map(Object.entries(known));
  for (const [key, value] of route.value.parameters)
    if (key.startsWith('v.')) values.set(key.slice(2), value);
  return values;
}
