/** Gradient-flow lab: why deep networks were hard to train, and what keeps the gradient alive. */
import { ComputingNote } from '../../components/computingNote.tsx';
import { Checkbox, Choice, NumberField, RunButtons } from '../../components/controls.tsx';
import { Alarm, Code, Explanation, Problem, Status } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import type { Run } from '../../service/page/run.ts';
import { say, type Text } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { Charts, Distributions } from './charts.tsx';
import { codeFor } from './code.ts';
import type { AlarmKind, FlowRequest, FlowUpdate } from './flow.ts';
import { activationNames, alarmTexts, initializerNames, presets, texts } from './texts.ts';
import { useGradients } from './useGradients.ts';
import './page.css';

export default function Gradients() {
  const { request, update, problem, computing, run } = useGradients();
  const status =
    update && !run.running && update.step > 0
      ? texts.status(update.step, update.losses.at(-1)!.toPrecision(4))
      : null;
  return (
    <>
      <Explanation text={texts.explanation} />
      <Settings request={request} run={run} />
      <Status text={status} />
      <Problem message={problem} />
      {update && (
        <>
          <Findings update={update} />
          <Charts update={update} />
          <Distributions update={update} />
        </>
      )}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(update || problem !== null) && (
        <>
          <ComputingNote computing={computing} />
          <Code code={codeFor(request)} />
        </>
      )}
    </>
  );
}

function Settings({ request, run }: { readonly request: FlowRequest; readonly run: Run }) {
  return (
    <div class="card">
      <div class="row" style={{ marginBottom: '0.8rem' }}>
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
        <Checkbox
          label={texts.residual}
          testId="residual"
          checked={request.residual}
          onChange={(residual) => setParameters({ residual })}
        />
        <RunButtons run={run} stepLabel={common.aFewSteps} />
      </div>
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
      <p class="number" data-testid="ratio">
        {say(texts.ratio)}
        <strong>{Number.isFinite(update.ratio) ? update.ratio.toPrecision(3) : '—'}</strong>
        {` · ${say(texts.step)} ${update.step}`}
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
