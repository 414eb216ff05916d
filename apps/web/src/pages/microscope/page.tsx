/**
 * Graph microscope: a formula as a graph of small computations, forward and backward one node at a time.
 */
import type { NestedArray } from '@ag/tensor';
import { graphView } from '@ag/viz';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { Alarm, Code, Explanation, Field, Picture } from '../../components/parts.tsx';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { numberParameter, parameter, route, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { presets } from './presets.ts';
import { type Study, study } from './study.ts';
import { wordsFor } from './words.ts';

const first = presets[0]!;

export default function Microscope() {
  const expression = parameter('expression', first.expression);
  const values = valuesFromAddress(expression);
  const valuesKey = JSON.stringify(values);
  const [current, setCurrent] = useState<Study | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    let wanted = true;
    study(expression, JSON.parse(valuesKey) as Record<string, string>).then(
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
  const step = Math.max(0, Math.min(last, numberParameter('step', 0)));
  const shown = useMemo(() => (current ? reveal(current, step) : null), [current, step]);
  const highlighted = current ? stepNode(current, step) : null;
  const svg = shown
    ? graphView(shown, {
        theme: theme.value,
        id: 'microscope',
        title: expression,
        // A narrow screen has room downwards.
        orientation: innerWidth < 640 ? 'vertical' : 'horizontal',
        ...(highlighted !== null && { highlight: [shown.nodes[highlighted]!.id] }),
      })
    : '';

  useInspection(() => ({
    page: 'microscope',
    expression,
    values,
    step,
    steps: last,
    problem,
    nodes: shown?.nodes ?? [],
    edges: shown?.edges ?? [],
  }));

  const go = (to: number) => setParameters({ step: Math.max(0, Math.min(last, to)) });
  const setValue = (name: string, text: string) => setParameters({ [`v.${name}`]: text });
  const setExpression = (text: string) => setParameters({ expression: text, step: 0 });
  const choose = (id: string) => {
    const preset = presets.find((each) => each.id === id);
    if (!preset) return;
    const clear = Object.fromEntries([...route.peek().parameters.keys()].map((key) => [key, null]));
    const next = Object.fromEntries(
      Object.entries(preset.values).map(([name, value]) => [`v.${name}`, value]),
    );
    setParameters({ ...clear, expression: preset.expression, ...next, step: 0 });
  };

  return (
    <>
      <Explanation
        text={{
          en: 'A formula is a graph: every round node is one small computation. Step forward to see values appear, then backward to see how the gradient of the result flows to every input by the chain rule.',
          zh: '公式就是一张图：每个圆形节点是一个小计算。向前单步，看数值逐个出现；再向后单步，看结果的梯度如何按链式法则流向每个输入。',
        }}
      />
      <div class="card row">
        <Field label={{ en: 'Formula', zh: '公式' }}>
          <input
            class="code"
            data-testid="expression"
            size={34}
            spellcheck={false}
            value={expression}
            onChange={(event) => setExpression(event.currentTarget.value)}
          />
        </Field>
        <Field label={{ en: 'Or choose one', zh: '或选择示例' }}>
          <select data-testid="preset" onChange={(event) => choose(event.currentTarget.value)}>
            {!presets.some((preset) => preset.expression === expression) && <option value="">—</option>}
            {presets.map((preset) => (
              <option key={preset.id} value={preset.id} selected={preset.expression === expression}>
                {say(preset.title)}
              </option>
            ))}
          </select>
        </Field>
        {(current?.names ?? []).map((name) => (
          <label class="field" key={name}>
            <span>{name} =</span>
            <input
              class="code"
              data-testid={`value-${name}`}
              size={Math.max(5, (values[name] ?? '1').length)}
              value={values[name] ?? '1'}
              onChange={(event) => setValue(name, event.currentTarget.value)}
            />
          </label>
        ))}
      </div>
      {problem !== null && <Alarm testId="problem">{problem}</Alarm>}
      <div class="card row">
        <button type="button" data-testid="start" onClick={() => go(0)} disabled={step === 0}>
          ⟲ {say({ en: 'Start', zh: '起点' })}
        </button>
        <button type="button" data-testid="back" onClick={() => go(step - 1)} disabled={step === 0}>
          ◀ {say({ en: 'Step back', zh: '退一步' })}
        </button>
        <button
          type="button"
          class="primary"
          data-testid="next"
          onClick={() => go(step + 1)}
          disabled={step === last}
        >
          {say({ en: 'Step', zh: '单步' })} ▶
        </button>
        <button
          type="button"
          data-testid="forward"
          onClick={() => go(forward.length)}
          disabled={step >= forward.length}
        >
          {say({ en: 'All forward', zh: '完成前向' })}
        </button>
        <button type="button" data-testid="backward" onClick={() => go(last)} disabled={step === last}>
          {say({ en: 'All backward', zh: '完成反向' })}
        </button>
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
        <button type="button" data-testid="export" onClick={() => download(svg)}>
          {say({ en: 'Save as SVG', zh: '导出 SVG' })}
        </button>
      </div>
      <div class="card">
        <Picture svg={svg} label="graph" />
      </div>
      {current && <StepText study={current} step={step} />}
      <Code code={codeFor(expression, values, current)} />
    </>
  );
}

/** What the present step computes, written out. */
function StepText({
  study: { graph, links, forward },
  step,
}: {
  readonly study: Study;
  readonly step: number;
}) {
  const position = stepNode({ graph, links, forward, names: [] }, step);
  if (position === null) {
    return (
      <p class="card" data-testid="step-text">
        {say({
          en: 'The inputs have their values. Press Step to compute the first node.',
          zh: '输入已有数值。点击“单步”计算第一个节点。',
        })}
      </p>
    );
  }
  const node = graph.nodes[position]!;
  const operands = graph.edges.filter((edge) => edge.to === node.id).sort((a, b) => a.index - b.index);
  const nameOf = (id: string) => graph.nodes.find((each) => each.id === id)!;
  if (step <= forward.length) {
    return (
      <div class="card" data-testid="step-text">
        <h2>{say({ en: `Forward: ${node.op}`, zh: `前向：${node.op}` })}</h2>
        <p class="number">
          {node.op}({operands.map((edge) => numbers(nameOf(edge.from).value as NestedArray)).join(', ')}) ={' '}
          <strong>{numbers(node.value as NestedArray)}</strong>
        </p>
      </div>
    );
  }
  return (
    <div class="card" data-testid="step-text">
      <h2>{say({ en: `Backward: ${node.op}`, zh: `反向：${node.op}` })}</h2>
      <p>{say(wordsFor(node.op ?? ''))}</p>
      <p class="number">
        {say({ en: 'Gradient that arrives: ', zh: '到达的梯度：' })}
        <strong>{numbers(node.gradient as NestedArray)}</strong>
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{say({ en: 'operand', zh: '操作数' })}</th>
            <th scope="col">{say({ en: 'local derivative', zh: '局部导数' })}</th>
            <th scope="col">{say({ en: 'chain rule: local × arriving', zh: '链式法则：局部 × 到达' })}</th>
          </tr>
        </thead>
        <tbody>
          {links[position]!.map((link, i) => (
            <tr key={i}>
              <td>{link.label}</td>
              <td class="number">{numbers(link.local)}</td>
              <td class="number">
                {typeof link.local === 'number'
                  ? `${numbers(link.local)} × ${numbers(node.gradient as NestedArray)} = `
                  : ''}
                <strong>{numbers(link.contribution)}</strong>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The node that the present step computes: forward in order, then backward in reverse. */
function stepNode({ forward }: Study, step: number): number | null {
  if (step === 0) return null;
  return step <= forward.length ? forward[step - 1]! : forward[2 * forward.length - step]!;
}

/** The graph as it is known after `step` steps: what has not been computed has no value and no gradient yet. */
function reveal({ graph, forward }: Study, step: number) {
  const done = new Set(forward.slice(0, Math.min(step, forward.length)).map((i) => graph.nodes[i]!.id));
  const passed = new Set(forward.slice(2 * forward.length - step).map((i) => graph.nodes[i]!.id));
  const reached = new Set<string>();
  if (step > forward.length) reached.add(graph.nodes[graph.nodes.length - 1]!.id);
  const edges = graph.edges.map((edge) => {
    const known = step > forward.length && passed.has(edge.to);
    if (known) reached.add(edge.from);
    return { ...edge, gradient: known ? edge.gradient : null };
  });
  const nodes = graph.nodes.map((node) => {
    const complete =
      reached.has(node.id) && graph.edges.every((edge) => edge.from !== node.id || passed.has(edge.to));
    return {
      ...node,
      value: node.op === undefined || done.has(node.id) ? node.value : null,
      gradient: complete ? node.gradient : null,
    };
  });
  return { nodes, edges };
}

function numbers(value: NestedArray | null): string {
  if (value === null) return '—';
  if (Array.isArray(value)) return `[${value.map(numbers).join(', ')}]`;
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : String(value);
}

function valuesFromAddress(expression: string): Record<string, string> {
  const values: Record<string, string> = {
    ...presets.find((preset) => preset.expression === expression)?.values,
  };
  for (const [key, value] of route.value.parameters) if (key.startsWith('v.')) values[key.slice(2)] = value;
  return values;
}

function download(svg: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  link.download = 'graph.svg';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function codeFor(
  expression: string,
  values: Readonly<Record<string, string>>,
  current: Study | null,
): string {
  const names = current?.names ?? Object.keys(values);
  const lines = names.map((name) => `  ${name}: tensor(${values[name] ?? 1}),`);
  return `import { formula, gradients } from '@ag/graph';
import { tensor } from '@ag/tensor';

const values = {
${lines.join('\n')}
};
const result = formula('${expression}').evaluate(values).sum();
const slopes = gradients(result, Object.values(values));
console.log(await result.item());
for (const [i, name] of Object.keys(values).entries()) console.log(name, await slopes[i].toArray());
`;
}
