/** Digits: a network reads what is drawn, shows how it comes to its answer, and learns. */
import { ComputingNote } from '../../components/computingNote.tsx';
import { Field, NumberField, RunButtons } from '../../components/controls.tsx';
import { percent } from '../../components/numbers.ts';
import { Alarm, Caption, Code, Explanation, Problem, Status } from '../../components/parts.tsx';
import { Workspace } from '../../components/workspace.tsx';
import { say } from '../../shell/language.ts';
import { Board } from './board.tsx';
import { codeFor } from './code.ts';
import { Neighbors, Saliency, Teach } from './insight.tsx';
import { Probabilities, Stages } from './reading.tsx';
import { Progress, TestResults } from './results.tsx';
import { DropZone, Settings } from './settings.tsx';
import { texts } from './texts.ts';
import { type DigitsState, useDigits } from './useDigits.ts';
import { WindowView } from './windowView.tsx';
import './page.css';

export default function Digits() {
  const state = useDigits();
  const { config, current, problem } = state;
  return (
    <>
      <Status text={statusOf(state)} />
      <Workspace
        picture={<Drawing state={state} />}
        controls={
          <>
            <Problem message={problem} />
            {current !== null && current.alert !== null && (
              <Alarm testId="anomaly">
                <strong>{say(texts.stopped)}</strong> <span lang="en">{current.alert}.</span>
              </Alarm>
            )}
            <Controls state={state} />
            <Settings config={config} />
            {config.data === 'files' && <DropZone onFiles={state.loadFiles} files={state.files} />}
          </>
        }
        below={
          <>
            <Explanation text={texts.explanation} />
            {current && <Progress snapshot={current} />}
            {current?.confusion && <TestResults snapshot={current} />}
            <p class="soft hash">
              {say(texts.hash)}
              <span data-testid="hash">
                {current?.hash ?? (current?.running ? say(texts.changing) : '—')}
              </span>
            </p>
            <ComputingNote computing={state.computing} />
            <Code code={codeFor(config)} />
          </>
        }
      />
    </>
  );
}

function statusOf({ current, run }: DigitsState) {
  if (!current || run.running || current.step === 0) return null;
  const accuracy = percent(current.epochs.at(-1)?.testAccuracy, 2);
  return texts.status(current.step, current.epoch, accuracy);
}

function Controls({ state }: { readonly state: DigitsState }) {
  const disabled = state.current === null;
  return (
    <div class="row">
      <RunButtons run={state.run} testId="train" />
      <NumberField name="epochs" label={texts.epochs} value={state.epochs} min={1} step={1} />
      <button type="button" data-testid="save" disabled={disabled} onClick={state.saveCheckpoint}>
        {say(texts.saveCheckpoint)}
      </button>
      <button type="button" data-testid="weights" disabled={disabled} onClick={state.saveWeights}>
        {say(texts.saveWeights)}
      </button>
      <Field label={texts.restore}>
        <input
          type="file"
          accept=".safetensors"
          data-testid="restore"
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? [];
            if (file) void state.restore(file);
            event.currentTarget.value = '';
          }}
        />
      </Field>
    </div>
  );
}

/** The board, and what the network makes of the drawing. */
function Drawing({ state }: { readonly state: DigitsState }) {
  const { board, current, config, learned, learning, teach, place, setPlace } = state;
  const { reading } = board;
  return (
    <div class="drawing">
      <div class="hand">
        <Board ready={current !== null} onDraw={board.draw} />
        <Teach disabled={reading === null || learning} learned={learned} onTeach={teach} />
      </div>
      <div class="answers">
        <Probabilities reading={reading} />
        {current !== null && current.epoch === 0 && config.model !== 'trained' && (
          <p class="soft">{say(texts.untrained)}</p>
        )}
        {reading && <Saliency reading={reading} />}
        {reading && <Neighbors reading={reading} />}
      </div>
      <div class="inside">
        {reading?.window && (
          <section>
            <h2>{say(texts.windowTitle)}</h2>
            <WindowView reading={reading} window={reading.window} place={place} onPlace={setPlace} />
          </section>
        )}
        {reading && (
          <section>
            <h2>{say(texts.layers)}</h2>
            <Stages reading={reading} />
            <Caption text={texts.layersCaption} />
          </section>
        )}
      </div>
    </div>
  );
}
