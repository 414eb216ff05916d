/** Digits: a network learns to read digits, shows its mistakes, and reads what is drawn. */
import { ComputingNote } from '../../components/computingNote.tsx';
import { Field, NumberField, RunButtons } from '../../components/controls.tsx';
import { percent } from '../../components/numbers.ts';
import { Alarm, Code, Explanation, Problem, Status } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { Board } from './board.tsx';
import { codeFor } from './code.ts';
import { Probabilities, Stages } from './reading.tsx';
import { Progress, TestResults } from './results.tsx';
import { DropZone, Settings } from './settings.tsx';
import { texts } from './texts.ts';
import { type DigitsState, useDigits } from './useDigits.ts';
import './page.css';

export default function Digits() {
  const state = useDigits();
  const { config, current, problem } = state;
  return (
    <>
      <Explanation text={texts.explanation} />
      <Settings config={config} />
      {config.data === 'files' && <DropZone onFiles={state.loadFiles} files={state.files} />}
      <Controls state={state} />
      <Status text={statusOf(state)} />
      <Problem message={problem} />
      {current !== null && current.alert !== null && (
        <Alarm testId="anomaly">
          <strong>{say(texts.stopped)}</strong> <span lang="en">{current.alert}.</span>
        </Alarm>
      )}
      {current && <Progress snapshot={current} />}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(state.arrived || problem !== null) && (
        <>
          <Drawing state={state} />
          {current?.confusion && <TestResults snapshot={current} />}
          <p class="soft hash">
            {say(texts.hash)}
            <span data-testid="hash">{current?.hash ?? (current?.running ? say(texts.changing) : '—')}</span>
          </p>
          <ComputingNote computing={state.computing} />
          <Code code={codeFor(config)} />
        </>
      )}
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
    <div class="card row">
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
function Drawing({ state: { board, current } }: { readonly state: DigitsState }) {
  const { reading } = board;
  return (
    <div class="card">
      <h2>{say(texts.draw)}</h2>
      <div class="drawing">
        <Board onDraw={board.draw} />
        <Probabilities reading={reading} />
        {reading && <Stages reading={reading} />}
      </div>
      {current !== null && current.epoch === 0 && <p class="soft">{say(texts.untrained)}</p>}
    </div>
  );
}
