/**
 * Graph microscope: a formula as a graph of small computations, forward and backward one node at a time.
 */
import { graphView } from '@ag/viz';
import type { Remote } from 'comlink';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { within } from '../../components/controls.tsx';
import { download } from '../../components/download.ts';
import { Alarm, Button, Code, Entry, Explanation, Field, Picture, quoted } from '../../components/parts.tsx';
import { useService } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { numberParameter, parameter, route, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { Presets } from './choice.tsx';
import { Network } from './network.tsx';
import { presets } from './presets.ts';
import { reveal, stepNode } from './reveal.ts';
import { StepText } from './step.tsx';
import type { Study } from './study.ts';
import type { MicroscopeService } from './worker.ts';

const first = presets[0];

export default function Microscope() {
  const { remote, failure } = useService<MicroscopeService>(
    () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
  );
  return (
    <>
      <Explanation
        text={{
          en: 'A formula is a graph: every round node is one small computation. Step forward to see values appear, then backward to see how the gradient of the result flows to every input by the chain rule.',
          zh: '公式就是一张图：每个圆形节点是一个小计算。向前单步，看数值逐个出现；再向后单步，看结果的梯度如何按链式法则流向每个输入。',
        }}
      />
      {failure !== null && <Alarm testId="problem">{failure}</Alarm>}
      {parameter('network', '') === '' ? <Formula remote={remote} /> : <Network remote={remote} />}
    </>
  );
}

/** A formula, node by node. */
function Formula({ remote }: { readonly remote: Remote<MicroscopeService> }) {
  const expression = parameter('expression', first.expression);
  const values = valuesFromAddress(expression);
  const valuesKey = JSON.stringify([...values]);
  const [current, setCurrent] = useState<Study | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    let wanted = true;
    remote.study(expression, new Map(JSON.parse(valuesKey) as [string, string][])).then(
      (result) => {
        if (!wanted) return;
        setCurrent(result);
        setProblem(null);
      },
      (error: unknown) => {
        if (wanted) setProblem(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      wanted = false;
    };
  }, [expression, valuesKey]);

  const forward = current?.forward ?? [];
  const last = 2 * forward.length;
  const step = within(numberParameter('step', 0), 0, last);
  const shown = useMemo(() => (current ? reveal(current, step) : null), [current, step]);
  const highlighted = current ? stepNode(current, step) : null;
  const svg = shown
    ? graphView(shown, {
        theme: theme.value,
        id: 'microscope',
        // A narrow screen has room downwards.
        orientation: innerWidth < 640 ? 'vertical' : 'horizontal',
        ...(highlighted !== null && { highlight: [shown.nodes[highlighted].id] }),
      })
    : '';

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

  const go = (to: number) => setParameters({ step: Math.max(0, Math.min(last, to)) }, 'steps');
  const setValue = (name: string, text: string) => setParameters({ [`v.${name}`]: text });
  const setExpression = (text: string) => setParameters({ expression: text, step: 0 });
  return (
    <>
      <div class="card row">
        <Field label={{ en: 'Formula', zh: '公式' }}>
          <Entry
            class="code"
            data-testid="expression"
            size={34}
            spellcheck={false}
            value={expression}
            onCommit={(text) => setExpression(text)}
          />
        </Field>
        <Presets />
        {(current?.names ?? [...values.keys()]).map((name) => (
          // biome-ignore lint/a11y/noLabelWithoutControl: the entry is the control
          <label class="field" key={name}>
            <span>{name} =</span>
            <Entry
              class="code"
              data-testid={`value-${name}`}
              size={Math.min(40, Math.max(5, (values.get(name) ?? '1').length))}
              value={values.get(name) ?? '1'}
              onCommit={(text) => setValue(name, text)}
            />
          </label>
        ))}
      </div>
      {problem !== null && <Alarm testId="problem">{problem}</Alarm>}
      <div class="card row">
        <Button data-testid="start" onClick={() => go(0)} disabled={step === 0}>
          ⟲ {say({ en: 'Start', zh: '起点' })}
        </Button>
        <Button data-testid="back" onClick={() => go(step - 1)} disabled={step === 0}>
          ◀ {say({ en: 'Step back', zh: '退一步' })}
        </Button>
        <Button class="primary" data-testid="next" onClick={() => go(step + 1)} disabled={step === last}>
          {say({ en: 'Step', zh: '单步' })} ▶
        </Button>
        <Button data-testid="forward" onClick={() => go(forward.length)} disabled={step >= forward.length}>
          {say({ en: 'All forward', zh: '完成前向' })}
        </Button>
        <Button data-testid="backward" onClick={() => go(last)} disabled={step === last}>
          {say({ en: 'All backward', zh: '完成反向' })}
        </Button>
        <input
          type="range"
          data-testid="slider"
          aria-label={say({ en: 'Step', zh: '步' })}
          min={0}
          max={last}
          value={step}
          onInput={(event) => go(Number(event.currentTarget.value))}
        />
        <span class="number soft">
          {step} / {last}
        </span>
        <button
          type="button"
          data-testid="export"
          onClick={() => download('graph.svg', 'image/svg+xml', svg)}
        >
          {say({ en: 'Save as SVG', zh: '导出 SVG' })}
        </button>
      </div>
      <div class="card graph" style={{ '--natural': /\bwidth="(\d+)"/.exec(svg)?.[1] ?? '300' }}>
        <Picture svg={svg} label="graph" />
      </div>
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(current || problem !== null) && (
        <>
          <div role="status">{current && <StepText study={current} step={step} />}</div>
          <Code code={codeFor(expression, values, current)} />
        </>
      )}
    </>
  );
}

function valuesFromAddress(expression: string): ReadonlyMap<string, string> {
  const known = presets.find((preset) => preset.expression === expression)?.values ?? {};
  const values = new Map(Object.entries(known));
  for (const [key, value] of route.value.parameters)
    if (key.startsWith('v.')) values.set(key.slice(2), value);
  return values;
}

/** A value as code. What is no number and no array of numbers never gets into a program that somebody will run. */
function numbersIn(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (_, item) => {
      if (typeof item === 'number' || Array.isArray(item)) return item;
      throw new TypeError('neither a number nor an array of numbers');
    });
  } catch {
    return '1';
  }
}

/** A name in an object literal, where `__proto__` would be none. */
function keyOf(name: string): string {
  return /^[a-z_]\w*$/i.test(name) && name !== '__proto__' ? name : `[${quoted(name)}]`;
}

function codeFor(expression: string, values: ReadonlyMap<string, string>, current: Study | null): string {
  const lines = (current?.names ?? []).map(
    (name) => `  ${keyOf(name)}: tensor(${numbersIn(values.get(name) ?? '1')}),`,
  );
  return `import { formula, gradients } from '@ag/graph';
import { tensor } from '@ag/tensor';

const values = {
${lines.join('\n')}
};
const result = formula(${quoted(expression)}).evaluate(values).sum();
const slopes = gradients(result, Object.values(values));
console.log(await result.item());
for (const [i, name] of Object.keys(values).entries()) console.log(name, await slopes[i].toArray());
`;
}
