/** House prices: a surface over two properties is fitted to 506 houses. */
import { lineChart } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { Choice, Field, NumberField, RunButtons } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Alarm, Code, Explanation, Figures, Picture, Problem, Status } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { language, say, type Text } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { codeFor } from './code.ts';
import type { HousesRequest, HousesUpdate } from './houses.ts';
import { Orbit } from './orbit.tsx';
import { lessonLoss, optimizerTitles, texts } from './texts.ts';
import { type HousesState, useHouses } from './useHouses.ts';

export default function Houses() {
  const state = useHouses();
  const { request, update, run, problem } = state;
  const status =
    update && !run.running && update.epoch > 0
      ? texts.status(update.epoch, formatNumber(lossOf(update)))
      : null;
  return (
    <>
      <Explanation text={texts.explanation} />
      <Settings state={state} />
      <Status text={status} />
      <Problem message={problem} />
      {update?.failure && <Alarm testId="failure">{update.failure}</Alarm>}
      {update && (
        <>
          <Source update={update} file={request.file?.name ?? ''} />
          <div class="columns">
            <div class="card">
              <Orbit update={update} view={state.view} moving={run.running} onTurn={state.setView} />
            </div>
            <div class="card">
              <Losses update={update} />
            </div>
          </div>
        </>
      )}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(update || state.broken) && (
        <>
          <Explanation text={texts.curveNote} />
          <ComputingNote computing={state.computing} />
          <Code code={codeFor(request)} />
        </>
      )}
    </>
  );
}

function Settings({ state: { request, run, loadFile, forgetFile } }: { readonly state: HousesState }) {
  return (
    <fieldset
      class="card row"
      style={{ margin: '0 0 1rem' }}
      aria-label={say(texts.settings)}
      data-testid="drop"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void loadFile(event.dataTransfer?.files);
      }}
    >
      <Field label={texts.file}>
        <input
          type="file"
          accept=".csv,text/csv"
          data-testid="file"
          style={{ width: '17rem' }}
          onChange={(event) => void loadFile(event.currentTarget.files)}
        />
      </Field>
      {request.file && (
        <button type="button" data-testid="forget" onClick={forgetFile}>
          {say(texts.forget)}
        </button>
      )}
      <NumberField name="hidden" label={common.hiddenUnits} value={request.hidden} min={1} step={1} />
      <Choice
        label={common.optimizer}
        testId="optimizer"
        value={request.optimizer}
        options={Object.entries(optimizerTitles) as [HousesRequest['optimizer'], Text | string][]}
        onChange={(optimizer) => setParameters({ optimizer })}
      />
      <NumberField name="rate" label={common.learningRate} value={request.learningRate} min={0} />
      <NumberField name="epochs" label={texts.epochs} value={request.epochs} min={1} step={1} />
      <NumberField name="seed" label={common.seed} value={request.seed} min={0} step={1} />
      <RunButtons run={run} stepLabel={common.aFewSteps} />
    </fieldset>
  );
}

/** Where the houses come from. */
function Source({ update, file }: { readonly update: HousesUpdate; readonly file: string }) {
  return (
    <p data-testid="source">
      {update.source === 'generated' ? (
        <>
          <strong>{say(texts.generated)}</strong> {say(texts.generatedNote(update.houses))}
        </>
      ) : (
        say(texts.fromFile(update.houses, file))
      )}
    </p>
  );
}

function Losses({ update }: { readonly update: HousesUpdate }) {
  // Not drawn anew while the surface is turned.
  const svg = useMemo(() => curve(update), [update, theme.value, language.value]);
  return (
    <>
      <Figures
        rows={[
          [texts.epoch, String(update.epoch)],
          [texts.meanSquaredError, formatNumber(lossOf(update))],
          [texts.meanAbsoluteError, say(texts.thousandDollars(formatNumber(update.error)))],
        ]}
      />
      <Picture svg={svg} label="curve" />
    </>
  );
}

/** The last measured error over all houses. */
function lossOf({ measured }: HousesUpdate): number {
  return measured.losses.at(-1)!;
}

function curve({ source, losses, measured }: HousesUpdate): string {
  return lineChart(
    [
      { name: say(texts.batches), y: losses, x: losses.map((_, i) => i + 1) },
      { name: say(texts.allHouses), y: measured.losses, x: measured.epochs },
    ],
    {
      theme: theme.value,
      id: 'houses-loss',
      width: isNarrow() ? 360 : 540,
      height: 360,
      points: false,
      yScale: 'log',
      title: say(texts.curve),
      xLabel: say(texts.epoch),
      ...(source === 'file' && { referenceLines: [{ y: lessonLoss, label: say(texts.lesson) }] }),
    },
  );
}
