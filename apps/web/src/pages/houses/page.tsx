/** House prices: a surface over two properties is fitted to 506 houses. */
import { lineChart } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { Choice, Field, NumberField, RunButtons } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Alarm, Code, Explanation, Figures, Picture, Problem, Status } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { Workspace } from '../../components/workspace.tsx';
import { language, say, type Text } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { codeFor } from './code.ts';
import type { HousesRequest, HousesUpdate } from './houses.ts';
import { Orbit } from './orbit.tsx';
import { Residuals } from './residuals.tsx';
import { lessonLoss, optimizerTitles, texts } from './texts.ts';
import { type HousesState, useHouses } from './useHouses.ts';
import './page.css';

export default function Houses() {
  const state = useHouses();
  const { request, update, run, problem } = state;
  const status =
    update && !run.running && update.epoch > 0
      ? texts.status(update.epoch, formatNumber(lossOf(update)))
      : null;
  return (
    <Workspace
      picture={
        <div class="market">
          <div class="row">
            <RunButtons run={run} stepLabel={common.aFewSteps} />
            {update && <Source update={update} file={request.file?.name ?? ''} />}
          </div>
          <Status text={status} />
          <Problem message={problem} />
          {update?.failure && <Alarm testId="failure">{update.failure}</Alarm>}
          {update && (
            <div class="fit">
              <div>
                <Orbit update={update} view={state.view} moving={run.running} onTurn={state.setView} />
              </div>
              <div>
                <Losses update={update} />
                <Residuals update={update} />
              </div>
            </div>
          )}
        </div>
      }
      controls={<Settings state={state} />}
      below={
        (update || state.broken) && (
          <>
            <Explanation text={texts.explanation} />
            <Explanation text={texts.curveNote} />
            <ComputingNote computing={state.computing} />
            {update && <Code code={codeFor(request, update.houses, update.learned)} />}
          </>
        )
      }
    />
  );
}

function Settings({ state: { request, loadFile, forgetFile } }: { readonly state: HousesState }) {
  return (
    <fieldset
      class="data"
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
          onChange={(event) => void loadFile(event.currentTarget.files)}
        />
      </Field>
      {request.file && (
        <button type="button" data-testid="forget" onClick={forgetFile}>
          {say(texts.forget)}
        </button>
      )}
      <NumberField name="test" label={texts.heldOutShare} value={request.test} min={0} max={0.8} step={0.1} />
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
    </fieldset>
  );
}

/** Where the houses come from. */
function Source({ update, file }: { readonly update: HousesUpdate; readonly file: string }) {
  return (
    <p data-testid="source" style={{ margin: 0, flex: '1 1 20rem' }}>
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
          ...(update.measured.heldOut.length > 0
            ? ([[texts.heldOutSquaredError, formatNumber(update.measured.heldOut.at(-1)!)]] as const)
            : []),
          [texts.meanAbsoluteError, say(texts.thousandDollars(formatNumber(update.error)))],
          ...(update.heldOutError === null
            ? []
            : ([
                [texts.heldOutError, say(texts.thousandDollars(formatNumber(update.heldOutError)))],
              ] as const)),
        ]}
      />
      <Picture svg={svg} label="curve" />
    </>
  );
}

/** The last measured error over the houses that are learned from. */
function lossOf({ measured }: HousesUpdate): number {
  return measured.losses.at(-1)!;
}

function curve({ source, houses, learned, losses, measured }: HousesUpdate): string {
  return lineChart(
    [
      { name: say(texts.batches), y: losses, x: losses.map((_, i) => i + 1) },
      { name: say(texts.learnedHouses), y: measured.losses, x: measured.epochs },
      ...(measured.heldOut.length > 0
        ? [{ name: say(texts.heldOut), y: measured.heldOut, x: measured.epochs }]
        : []),
    ],
    {
      theme: theme.value,
      id: 'houses-loss',
      width: isNarrow() ? 360 : 420,
      height: 250,
      points: false,
      yScale: 'log',
      title: say(texts.curve),
      xLabel: say(texts.epoch),
      ...(source === 'file' &&
        learned === houses && { referenceLines: [{ y: lessonLoss, label: say(texts.lesson) }] }),
    },
  );
}
