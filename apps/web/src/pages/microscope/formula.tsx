/** A formula under the microscope, node by node. */
import { graphView } from '@ag/viz';
import type { Remote } from 'comlink';
import { useState } from 'preact/hooks';
import { Button, Checkbox, Choice } from '../../components/controls.tsx';
import { Exports } from '../../components/exports.tsx';
import { Caption, Code, Explanation, Problem } from '../../components/parts.tsx';
import { Workspace } from '../../components/workspace.tsx';
import { GraphPicture } from '../../living/graphPicture.tsx';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { codeFor } from './code.ts';
import { Direction } from './direction.tsx';
import { FormulaEntry } from './formulaEntry.tsx';
import { Inputs, Undefined } from './inputs.tsx';
import { Learn } from './learn.tsx';
import { NodeCard } from './nodeCard.tsx';
import { PresetField } from './presetField.tsx';
import { StepCard } from './stepCard.tsx';
import { texts } from './texts.ts';
import { useDirection } from './useDirection.ts';
import { type FormulaState, useFormula } from './useFormula.ts';
import { useLearning } from './useLearning.ts';
import type { MicroscopeService } from './worker.ts';

export function Formula({ remote }: { readonly remote: Remote<MicroscopeService> }) {
  const state = useFormula(remote);
  const learning = useLearning(remote, state);
  const direction = useDirection(remote, state);
  const { study, problem, step, shown } = state;
  const [opened, setOpened] = useState<string | null>(null);
  const open = study?.graph.nodes.findIndex(({ id }) => id === opened) ?? -1;
  useInspection(() => ({
    page: 'microscope',
    expression: state.expression,
    values: Object.fromEntries(state.values),
    step,
    steps: state.last,
    problem,
    unknown: state.typing.hint?.unknown ?? state.unknown,
    of: state.of,
    nodes: shown?.nodes ?? [],
    edges: shown?.edges ?? [],
    opened: open < 0 ? null : study!.graph.nodes[open].label,
    checks: study?.checks ?? [],
    losses: learning.trace.map(({ loss }) => loss),
    at: learning.at,
    learned: learning.learned,
    direction: direction.direction,
    slope: direction.slope,
  }));
  const svg = draw(state);
  return (
    <Workspace
      picture={
        <>
          <FormulaEntry state={state} />
          <Problem message={problem ?? learning.problem} />
          <Graph state={state} svg={svg} open={setOpened} />
          <Steps state={state} />
          <div class="words">
            {open >= 0 && <NodeCard study={study!} position={open} close={() => setOpened(null)} />}
            <div role="status" hidden={open >= 0}>
              {study && <StepCard study={study} step={step} />}
            </div>
          </div>
        </>
      }
      controls={
        <>
          <PresetField />
          <Inputs state={state} />
          <Undefined study={study} />
          <Learn state={learning} names={state.names} />
          <Direction state={direction} />
          <Choice
            label={texts.graphOf}
            testId="of"
            value={state.of}
            options={[['', 'f'], ...state.names.map((name) => [name, `∂f/∂${name}`] as const)]}
            onChange={(of) => setParameters({ of: of || null, step: 'all' })}
          />
          {study !== null && study.views > 0 && (
            <Checkbox
              label={texts.showViews}
              testId="views"
              checked={state.showViews}
              onChange={(views) => setParameters({ views: views || null, step: 0 })}
            />
          )}
          <Exports name="graph" svg={() => svg || null} />
        </>
      }
      below={
        <>
          <Explanation text={texts.explanation} />
          <Caption text={texts.graphCaption} />
          {(study || problem !== null) && (
            <Code code={codeFor(state.expression, state.values, study?.names ?? [])} />
          )}
        </>
      }
    />
  );
}

/** The picture: inputs are dragged in it, nodes opened. */
function Graph({
  state,
  svg,
  open,
}: {
  readonly state: FormulaState;
  readonly svg: string;
  readonly open: (id: string) => void;
}) {
  const { study, step, middle, names, values, setValue } = state;
  const nameOf = (id: string) => {
    const node = study?.graph.nodes.find((each) => each.id === id);
    return node && node.op === undefined && names.includes(node.label) ? node.label : null;
  };
  return (
    <div class="graph">
      <GraphPicture
        svg={svg}
        node={nodeOf(state)}
        flow={step === 0 ? null : step <= middle ? 'forward' : 'backward'}
        order={study?.forward.map((i) => study.graph.nodes[i].id) ?? []}
        numberOf={(id) => {
          const name = nameOf(id);
          const value = name === null ? Number.NaN : Number(values.get(name) ?? '1');
          return Number.isFinite(value) ? value : null;
        }}
        onChange={(id, value) => {
          const name = nameOf(id);
          if (name !== null) setValue(name, value);
        }}
        onOpen={open}
      />
    </div>
  );
}

/** The buttons that walk through the graph. */
function Steps({ state: { step, middle, last, go, play } }: { readonly state: FormulaState }) {
  return (
    <div class="row steps">
      <Button data-testid="play" onClick={play.toggle} disabled={last === 0}>
        {play.playing ? '❚❚' : '▶'} {say(play.playing ? texts.pause : texts.play)}
      </Button>
      <Button data-testid="start" onClick={() => go(0)} disabled={step === 0}>
        ⟲ {say(texts.start)}
      </Button>
      <Button data-testid="back" onClick={() => go(step - 1)} disabled={step === 0}>
        ◀ {say(texts.back)}
      </Button>
      <Button class="primary" data-testid="next" onClick={() => go(step + 1)} disabled={step === last}>
        {say(texts.next)} ▶
      </Button>
      <Button data-testid="forward" onClick={() => go(middle)} disabled={step >= middle}>
        {say(texts.allForward)}
      </Button>
      <Button data-testid="backward" onClick={() => go(last)} disabled={step === last}>
        {say(texts.allBackward)}
      </Button>
      <input
        type="range"
        data-testid="slider"
        aria-label={say(texts.step)}
        min={0}
        max={last}
        value={step}
        onInput={(event) => go(Number(event.currentTarget.value))}
      />
      <span class="number soft">
        {step} / {last}
      </span>
    </div>
  );
}

/** The node that the present step computes. */
function nodeOf({ shown, current }: FormulaState): string | null {
  return current === null ? null : (shown?.nodes[current]?.id ?? null);
}

/** A formula of more nodes is drawn in parts, each as one box. */
const mostNodes = 400;

function draw(state: FormulaState): string {
  const { shown } = state;
  if (!shown) return '';
  const node = nodeOf(state);
  return graphView(shown, {
    theme: theme.value,
    id: 'microscope',
    // A narrow screen has room downwards.
    orientation: isNarrow() ? 'vertical' : 'horizontal',
    maxNodes: mostNodes,
    background: false,
    ...(node !== null && { highlight: [node] }),
  });
}
