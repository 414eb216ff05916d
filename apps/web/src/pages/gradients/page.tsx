/** Gradient-flow lab: why deep networks were hard to train, and what keeps the gradient alive. */
import { useState } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { Checkbox, Choice, Field, NumberField, RunButtons } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Alarm, Caption, Code, Explanation, Problem, Status } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { Workspace } from '../../components/workspace.tsx';
import { say, type Text } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { Charts, Distributions, OneLayer } from './charts.tsx';
import { codeFor } from './code.ts';
import type { AlarmKind, FlowRequest, FlowUpdate } from './flow.ts';
import { River } from './river.tsx';
import {
  activationNames,
  alarmTexts,
  initializerNames,
  normalizationNames,
  presets,
  ratioVerdicts,
  sizeVerdicts,
  texts,
} from './texts.ts';
import { useGradients } from './useGradients.ts';
import { verdictsOf } from './verdicts.ts';
import './page.css';

export default function Gradients() {
  const { request, update, problem, computing, run } = useGradients();
  const [wanted, setChosen] = useState(0);
  const chosen = Math.min(wanted, (update?.layers.length ?? 1) - 1);
  const status =
    update && !run.running && update.step > 0
      ? texts.status(update.step, update.losses.at(-1)!.toPrecision(4))
      : null;
  return (
    <Workspace
      picture={
        <div class="lab">
          <div class="row">
            <RunButtons run={run} stepLabel={common.aFewSteps} />
            <Field label={texts.chosenLayer}>
              <input
                type="range"
                data-testid="layer"
                min={1}
                max={update?.layers.length ?? 1}
                value={chosen + 1}
                onInput={(event) => setChosen(Number(event.currentTarget.value) - 1)}
              />
            </Field>
            {update && (
              <span class="number" data-testid="layer-numbers">
                {say(numbersOf(update, chosen))}
              </span>
            )}
          </div>
          <Status text={status} />
          <Problem message={problem} />
          {update && (
            <>
              <Verdicts update={update} />
              <River update={update} chosen={chosen} onChoose={setChosen} />
              <OneLayer update={update} layer={chosen} />
            </>
          )}
        </div>
      }
      controls={<Settings request={request} />}
      below={
        (update || problem !== null) && (
          <>
            {update && <Findings update={update} />}
            <Explanation text={texts.explanation} />
            <Caption text={texts.riverCaption} />
            {update && <Charts update={update} />}
            {update && <EveryLayer update={update} />}
            <ComputingNote computing={computing} />
            <Code code={codeFor(request)} />
          </>
        )
      }
    />
  );
}

function numbersOf({ layers }: FlowUpdate, layer: number): Text {
  const { signal, norm, dead } = layers[layer];
  return texts.layerNumbers(layer + 1, formatNumber(signal), formatNumber(norm), Math.round(100 * dead));
}

/** Histograms of all layers, drawn only where they are asked for: there may be a hundred. */
function EveryLayer({ update }: { readonly update: FlowUpdate }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary data-testid="every-layer">{say(texts.allLayers)}</summary>
      {open && <Distributions update={update} />}
    </details>
  );
}

function Settings({ request }: { readonly request: FlowRequest }) {
  return (
    <>
      <div class="row">
        {presets.map(({ id, title, parameters }) => (
          <button
            type="button"
            key={id}
            data-testid={`preset-${id}`}
            onClick={() => setParameters(parameters)}
          >
            {say(title)}
          </button>
        ))}
      </div>
      <div class="row">
        <NumberField name="depth" label={texts.layers} value={request.depth} min={1} step={1} />
        <NumberField name="width" label={texts.width} value={request.width} min={2} step={1} />
        <Choice
          label={texts.activation}
          testId="activation"
          value={request.activation}
          options={entries(activationNames)}
          onChange={(activation) => setParameters({ activation })}
        />
        <Choice
          label={texts.initializer}
          testId="init"
          value={request.initializer}
          options={entries(initializerNames)}
          onChange={(init) => setParameters({ init })}
        />
        {request.initializer === 'normal' && (
          <NumberField name="std" label={texts.std} value={request.std} min={0} />
        )}
        <NumberField name="rate" label={common.learningRate} value={request.learningRate} min={0} />
        <NumberField name="seed" label={common.seed} value={request.seed} min={0} step={1} />
        <Choice
          label={texts.normalization}
          testId="normalization"
          value={request.normalization}
          options={entries(normalizationNames)}
          onChange={(normalization) => setParameters({ normalization })}
        />
        <Checkbox
          label={texts.residual}
          testId="residual"
          checked={request.residual}
          onChange={(residual) => setParameters({ residual })}
        />
      </div>
    </>
  );
}

/** What is to be said of the gradients' size, and of how they change on the way back; each by itself. */
function Verdicts({ update }: { readonly update: FlowUpdate }) {
  const { size, ratio } = verdictsOf(update);
  const { smallest, largest, loss } = update.sizes;
  return (
    <div class="verdicts" role="status">
      <p class={size === 'useful' ? 'good' : 'bad'} data-testid="verdict-size">
        {say(texts.size)}: <strong>{say(sizeVerdicts[size])}</strong>{' '}
        <span class="soft number">
          {say(texts.sizes(formatNumber(smallest), formatNumber(largest), formatNumber(loss)))}
        </span>
      </p>
      <p class={ratio === 'arriving' ? 'good' : 'bad'} data-testid="verdict-ratio">
        {say(texts.ratioTitle)}: <strong>{say(ratioVerdicts[ratio])}</strong>{' '}
        <span class="soft number" data-testid="ratio">
          {say(texts.ratio)}
          {Number.isFinite(update.ratio) ? formatNumber(update.ratio) : '—'}
        </span>
      </p>
    </div>
  );
}

/** What is wrong, and the numbers that say so. */
function Findings({ update }: { readonly update: FlowUpdate }) {
  const loss = update.losses.at(-1);
  return (
    <>
      <div role="status">
        {update.alarms.length === 0 ? (
          <p class="card" data-testid="calm">
            <strong>{say(texts.calm)}</strong> {say(texts.calmReason)}
          </p>
        ) : (
          update.alarms.map((kind) => <FlowAlarm key={kind} kind={kind} update={update} />)
        )}
      </div>
      <p class="number">
        {`${say(texts.step)} ${update.step}`}
        {loss !== undefined && ` · ${say(texts.loss)} ${loss.toPrecision(4)}`}
        {update.accuracy !== null && ` · ${say(texts.batchAccuracy)} ${Math.round(100 * update.accuracy)} %`}
      </p>
    </>
  );
}

function FlowAlarm({ kind, update }: { readonly kind: AlarmKind; readonly update: FlowUpdate }) {
  const { title, advice } = alarmTexts[kind];
  return (
    <Alarm testId={`alarm-${kind}`}>
      <strong>{say(title)}</strong> {say(advice)}
      {kind === 'notFinite' && update.failure !== null && (
        <>
          <br />
          <span class="soft">{update.failure}</span>
        </>
      )}
    </Alarm>
  );
}

function entries<Name extends string>(names: Readonly<Record<Name, Text | string>>) {
  return Object.entries(names) as [Name, Text | string][];
}
