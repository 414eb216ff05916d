/** Playground: a small network learns points of the plane, and every neuron can be looked into. */
import { useState } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { Checkbox, Choice, Entry, RunButtons } from '../../components/controls.tsx';
import { Exports } from '../../components/exports.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Alarm, Caption, Code, Explanation, Problem, Status } from '../../components/parts.tsx';
import { Workspace } from '../../components/workspace.tsx';
import { say } from '../../shell/language.ts';
import { route, setParameters } from '../../shell/route.ts';
import { codeFor } from './code.ts';
import { maxPoints, writePoints } from './config.ts';
import { Diagram } from './diagram.tsx';
import { NeuronFormula } from './formula.tsx';
import { Brushes, Painting } from './painting.tsx';
import { Plane } from './plane.tsx';
import { Answers, Curves, Now } from './progress.tsx';
import { openPreset, Settings } from './settings.tsx';
import type { Alert, Snapshot } from './snapshot.ts';
import { alarmText, speedTitles, texts } from './texts.ts';
import { type Brush, type PlaygroundState, useBrush, usePlayground } from './usePlayground.ts';
import './page.css';

export default function Playground() {
  const state = usePlayground();
  const { config, current, shown, painted } = state;
  const brush = useBrush(config.points);
  const below = (
    <>
      <Explanation text={texts.explanation} />
      {current && current.pointAnswers.length > 0 && <Answers snapshot={current} />}
      <Explanation text={texts.gradientNote} />
      <Explanation text={texts.penaltyNote} />
      <ComputingNote computing={state.computing} />
      {!state.waiting && <Code code={codeFor(config)} />}
    </>
  );
  return (
    <Workspace
      picture={
        <div class={painted ? 'playground painted' : 'playground'}>
          <Controls state={state} />
          <div class="now">{current && <Now snapshot={current} rate={config.learningRate} />}</div>
          <Status text={statusOf(state)} />
          {shown ? (
            <div class="stage">
              <div class="net">
                <Network state={state} shown={shown} />
                {current && (
                  <NeuronFormula snapshot={current} chosen={state.chosen} onChange={state.setParameter} />
                )}
              </div>
              <div class="canvas">
                <Canvas state={state} shown={shown} brush={brush} />
                <Problem message={state.problem} />
                {current?.alerts.map((alert) => (
                  <AlertCard key={`${alert.kind}${alert.step}`} alert={alert} state={state} />
                ))}
                {/* The room of the curves is kept while there are none: the plane does not move under a brush. */}
                <div class="course">{current && <Curves chart={state.chart!} />}</div>
              </div>
            </div>
          ) : (
            <Problem message={state.problem} />
          )}
        </div>
      }
      controls={
        <>
          {painted && <Painting config={config} parse={state.parsePoints} />}
          <Settings config={config} />
          <Downloads state={state} />
        </>
      }
      below={(shown || state.problem !== null) && below}
    />
  );
}

/** Not while it runs: nobody could listen to every step. */
function statusOf({ current, run }: PlaygroundState) {
  if (!current || run.running || current.step === 0) return null;
  return texts.status(current.step, current.loss === null ? null : formatNumber(current.loss));
}

function Controls({ state: { current, run, speed, setSpeed, rewind } }: { readonly state: PlaygroundState }) {
  const step = current?.step ?? 0;
  const furthest = current?.furthest ?? 0;
  return (
    <div class="row run">
      <RunButtons run={run} testId="train" />
      <Choice label={texts.speed} testId="speed" value={speed} options={speedTitles} onChange={setSpeed} />
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the entry is the control */}
      <label class="field" style={{ flex: '1 1 12rem' }}>
        <span>
          {say(texts.rewind)} <span class="number">{step}</span>
        </span>
        <Entry
          type="range"
          data-testid="rewind"
          min={0}
          max={Math.max(1, furthest)}
          value={step}
          disabled={furthest === 0}
          onCommit={(text) => rewind(Number(text))}
        />
      </label>
    </div>
  );
}

function AlertCard({ alert, state }: { readonly alert: Alert; readonly state: PlaygroundState }) {
  const slower = Number((state.config.learningRate / 10).toPrecision(6));
  return (
    <Alarm testId="anomaly">
      <strong>
        {say(texts.atStep(alert.step))}
        {say(alarmText(alert.kind))}
      </strong>{' '}
      <span lang="en">{alert.message}.</span>
      <p class="row">
        <button type="button" data-testid="slower" onClick={() => state.restartWith(slower)}>
          {say(texts.slower(formatNumber(slower)))}
        </button>
        <button type="button" onClick={() => state.rewind(alert.step - 10)}>
          {say(texts.goBack)}
        </button>
      </p>
    </Alarm>
  );
}

/** The network, and what its lines show. */
function Network({ state, shown }: { readonly state: PlaygroundState; readonly shown: Snapshot }) {
  const { edges, chosen, setNeuron, setParameter } = state;
  if (shown.layers.length === 0) return <p class="soft">{say(texts.noNetwork)}</p>;
  return (
    <>
      <Diagram snapshot={shown} edges={edges} chosen={chosen} onChoose={setNeuron} onChange={setParameter} />
      <div class="row legend">
        <Choice
          label={texts.linesShow}
          testId="edges"
          value={edges}
          options={[
            ['value', texts.weights],
            ['gradient', texts.gradients],
          ]}
          onChange={(id) => setParameters({ edges: id })}
        />
        <span class="soft">{say(texts.parameters(shown.parameters))}</span>
      </div>
      <Caption text={texts.diagramCaption(shown.kind)} />
    </>
  );
}

/** The plane: looked at, or painted on. */
function Canvas({
  state: { config, painted, waiting, plane, probe, lookAt },
  shown,
  brush,
}: {
  readonly state: PlaygroundState;
  readonly shown: Snapshot;
  readonly brush: Brush;
}) {
  const [testing, setTesting] = useState(false);
  const { x: across, y: up } = shown.domain;
  const middle = [(across[0] + across[1]) / 2, (up[0] + up[1]) / 2] as const;
  const all = [...shown.trainPoints, ...shown.testPoints];
  // Until the network knows of them.
  const own = painted && (waiting || all.length !== config.points.length);
  return (
    <>
      <Plane
        paintable={painted}
        snapshot={plane!}
        testing={testing}
        probe={painted ? null : (probe ?? middle)}
        points={own ? config.points : null}
        strokes={brush.strokes}
        onTouch={(x, y, first) =>
          painted ? brush.paint(x, y, first, (across[1] - across[0]) / 60) : lookAt(x, y)
        }
      />
      {painted && <Brushes config={config} brush={brush} />}
      <Caption text={painted ? texts.paint : texts.planeCaption[shown.line ? 'line' : shown.kind]} />
      <div class="row">
        {shown.testPoints.length > 0 && (
          <Checkbox label={texts.showTest} testId="testing" checked={testing} onChange={setTesting} />
        )}
        {!painted && all.length <= maxPoints && (
          <button
            type="button"
            data-testid="edit-points"
            onClick={() =>
              openPreset({
                ...Object.fromEntries(route.peek().parameters),
                data: 'points',
                regression: String(shown.kind === 'value'),
                line: String(shown.line),
                points: writePoints(all),
              })
            }
          >
            {say(texts.paintOnThese)}
          </button>
        )}
      </div>
    </>
  );
}

/** The plane as it is shown. */
function planeNow(): string | null {
  return document.querySelector('[data-testid=plane] svg')?.outerHTML ?? null;
}

function Downloads({ state }: { readonly state: PlaygroundState }) {
  const disabled = state.current === null;
  return (
    <div class="row">
      <button
        type="button"
        data-testid="save-safetensors"
        disabled={disabled}
        onClick={state.saveSafetensors}
      >
        {say(texts.saveSafetensors)}
      </button>
      <button type="button" data-testid="save-json" disabled={disabled} onClick={state.saveJson}>
        {say(texts.saveJson)}
      </button>
      {/* A curve is drawn with the colors of the page. */}
      <Exports name="playground" {...(!state.shown?.line && { svg: planeNow })} />
    </div>
  );
}
