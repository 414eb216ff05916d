/** How a network for digits does: numbers and curves of its training, and the results of its last test. */
import { confusion, imageGrid, lineChart } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { percent } from '../../components/numbers.ts';
import { Caption, Figures, Picture } from '../../components/parts.tsx';
import { language, say } from '../../shell/language.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import type { Snapshot } from './snapshot.ts';
import { texts } from './texts.ts';

/** How far it is, and the curves of all epochs. */
export function Progress({ snapshot }: { readonly snapshot: Snapshot }) {
  const { epochs, session } = snapshot;
  const steps = useMemo(() => stepCurve(snapshot), [snapshot, theme.value, language.value]);
  const [accuracy, loss] = useMemo(
    () => [epochCurves(snapshot, 'accuracy', 'testAccuracy'), epochCurves(snapshot, 'loss', 'testLoss')],
    [epochs.length, session, theme.value, language.value],
  );
  const last = epochs.at(-1);
  return (
    <div class="card">
      <Figures
        rows={[
          [texts.step, String(snapshot.step)],
          [texts.completeEpochs, String(snapshot.epoch)],
          [texts.batch, `${snapshot.batch} / ${snapshot.batches}`],
          [texts.batchLoss, snapshot.loss === null ? '—' : snapshot.loss.toPrecision(4)],
          [texts.trainingAccuracy, percent(last?.accuracy, 2)],
          [texts.testAccuracy, percent(last?.testAccuracy, 2)],
          [texts.epochSeconds, last ? last.seconds.toFixed(2) : '—'],
          [texts.parameters, String(snapshot.parameters)],
        ]}
      />
      <div class="columns">
        <div>
          <Picture svg={steps} label="steps" />
          <Caption text={texts.batchLossCaption} />
        </div>
        {epochs.length > 0 && (
          <>
            <Picture svg={accuracy} />
            <Picture svg={loss} />
          </>
        )}
      </div>
    </div>
  );
}

const chartSize = { width: 360, height: 240 };

function stepCurve({ stepLosses }: Snapshot): string {
  return lineChart([{ name: say(texts.batchLoss), ...stepLosses }], {
    ...chartSize,
    theme: theme.value,
    id: 'steps',
    smoothing: 0.8,
    points: false,
    xLabel: say(texts.step),
    yLabel: say(texts.batchLoss),
  });
}

/** Training and test of one metric over the epochs. */
function epochCurves<Train extends 'accuracy' | 'loss', Test extends 'testAccuracy' | 'testLoss'>(
  { epochs }: Snapshot,
  train: Train,
  test: Test,
): string {
  const x = epochs.map((each) => each.epoch);
  return lineChart(
    [
      { name: say(texts.training), x, y: epochs.map((each) => each[train]) },
      { name: say(texts.test), x, y: epochs.map((each) => each[test]) },
    ],
    {
      ...chartSize,
      theme: theme.value,
      id: train,
      xLabel: say(texts.epoch),
      yLabel: say(texts[train]),
      yFormat: train === 'accuracy' ? 'percent' : 'number',
    },
  );
}

/** What the last test showed: who is taken for whom, and the worst mistakes. */
export function TestResults({ snapshot }: { readonly snapshot: Snapshot }) {
  const [matrix, worst] = useMemo(
    () => [matrixOf(snapshot), mistakesOf(snapshot)],
    [snapshot.confusion, snapshot.mistakes, theme.value, language.value],
  );
  return (
    <div class="columns">
      <div class="card">
        <h2>{say(texts.testResults)}</h2>
        <Picture svg={matrix} label="confusion" />
        <Caption text={texts.confusionCaption} />
      </div>
      <div class="card">
        <h2>{say(texts.mistakes)}</h2>
        <Picture svg={worst} label="mistakes" />
        <Caption text={texts.mistakesCaption} />
      </div>
    </div>
  );
}

function matrixOf(snapshot: Snapshot): string {
  return confusion(snapshot.confusion!, {
    theme: theme.value,
    id: 'confusion',
    width: isNarrow() ? 340 : 540,
    subtitle: say(texts.correct(percent(snapshot.epochs.at(-1)?.testAccuracy, 2))),
    rowLabel: say(texts.trueDigit),
    columnLabel: say(texts.predictedDigit),
  });
}

function mistakesOf({ mistakes }: Snapshot): string {
  return imageGrid(
    mistakes.map(({ pixels, label, answer, probability }) => ({
      pixels,
      width: 28,
      height: 28,
      caption: `${label} → ${answer}, ${Math.round(100 * probability)} %`,
    })),
    { theme: theme.value, id: 'mistakes', imageSize: 68, columns: isNarrow() ? 4 : 6 },
  );
}
