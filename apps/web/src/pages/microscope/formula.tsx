/** A formula under the microscope, node by node. */
import { graphView } from '@ag/viz';
import type { Remote } from 'comlink';
import { Button, Checkbox, Entry, Field } from '../../components/controls.tsx';
import { download } from '../../components/download.ts';
import { Caption, Code, Problem } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { codeFor } from './code.ts';
import { GraphPicture } from './graphPicture.tsx';
import { PresetField } from './presetField.tsx';
import { StepCard } from './stepCard.tsx';
import { texts } from './texts.ts';
import { type FormulaState, useFormula } from './useFormula.ts';
import type { MicroscopeService } from './worker.ts';

export function Formula({ remote }: { readonly remote: Remote<MicroscopeService> }) {
  const state = useFormula(remote);
  const { study, problem, step } = state;
  const svg = draw(state);
  return (
    <>
      <Inputs state={state} />
      <Problem message={problem} />
      <Steps state={state} svg={svg} />
      <div class="card graph">
        <GraphPicture svg={svg} node={nodeOf(state)} />
        {svg !== '' && <Caption text={texts.graphCaption} />}
      </div>
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(study || problem !== null) && (
        <>
          <div role="status">{study && <StepCard study={study} step={step} />}</div>
          <Code code={codeFor(state.expression, state.values, study?.names ?? [])} />
        </>
      )}
    </>
  );
}

/** The formula and the values of its variables. */
function Inputs({ state: { expression, setExpression, names, values } }: { readonly state: FormulaState }) {
  return (
    <div class="card row">
      <Field label={texts.formula}>
        <Entry
          class="code"
          data-testid="expression"
          size={34}
          spellcheck={false}
          value={expression}
          onCommit={setExpression}
        />
      </Field>
      <PresetField />
      {names.map((name) => {
        const value = values.get(name) ?? '1';
        return (
          // biome-ignore lint/a11y/noLabelWithoutControl: the entry is the control
          <label class="field" key={name}>
            <span>{name} =</span>
            <Entry
              class="code"
              data-testid={`value-${name}`}
              size={Math.min(40, Math.max(5, value.length))}
              value={value}
              onCommit={(text) => setParameters({ [`v.${name}`]: text })}
            />
          </label>
        );
      })}
    </div>
  );
}

/** The buttons that walk through the graph. */
function Steps({ state, svg }: { readonly state: FormulaState; readonly svg: string }) {
  const { study, showViews, step, middle, last, go } = state;
  return (
    <div class="card row">
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
      <button type="button" data-testid="export" onClick={() => download('graph.svg', 'image/svg+xml', svg)}>
        {say(texts.saveSvg)}
      </button>
      {study !== null && study.views > 0 && (
        <Checkbox
          label={texts.showViews}
          testId="views"
          checked={showViews}
          onChange={(views) => setParameters({ views: views || null, step: 0 })}
        />
      )}
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
    ...(node !== null && { highlight: [node] }),
  });
}
