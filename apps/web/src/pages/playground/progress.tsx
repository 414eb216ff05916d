/** How far a training of the playground has come: numbers, curves, and predictions. */
import { lineChart } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { formatNumber, percent } from '../../components/numbers.ts';
import { Figures, Picture } from '../../components/parts.tsx';
import { language, say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import type { Snapshot } from './snapshot.ts';
import { texts } from './texts.ts';

/** Losses and accuracies as numbers. @param rate the learning rate that is set */
export function Now({ snapshot, rate }: { readonly snapshot: Snapshot; readonly rate: number }) {
  const { step, epoch, loss, lossNow, train, test, kind } = snapshot;
  const number = (value: number | null | undefined) => (value == null ? '—' : formatNumber(value));
  return (
    <Figures
      rows={[
        [texts.step, String(step)],
        [texts.epoch, String(epoch)],
        ...(snapshot.rate === rate ? [] : ([[texts.rateNow, formatNumber(snapshot.rate)]] as const)),
        [texts.lossNow, number(lossNow)],
        [texts.batchLoss, number(loss)],
        [texts.trainingLoss, number(train?.loss)],
        [texts.testLoss, number(test?.loss)],
        ...(kind === 'value'
          ? []
          : ([
              [texts.trainingAccuracy, percent(train?.accuracy)],
              [texts.testAccuracy, percent(test?.accuracy)],
            ] as const)),
      ]}
    />
  );
}

/** The losses as curves. */
export function Curves({ chart }: { readonly chart: Snapshot }) {
  const svg = useMemo(() => curves(chart), [chart, theme.value, language.value]);
  return chart.trainCurve.x.length > 0 ? (
    <Picture svg={svg} label="losses" />
  ) : (
    <p class="soft no-curve">{say(texts.noCurve)}</p>
  );
}

function curves({ trainCurve, testCurve }: Snapshot): string {
  return lineChart(
    [
      { name: say(texts.training), ...trainCurve },
      ...(testCurve.x.length > 0 ? [{ name: say(texts.test), ...testCurve }] : []),
    ],
    {
      theme: theme.value,
      id: 'losses',
      width: 384,
      height: 165,
      xLabel: say(texts.step),
      yLabel: say(texts.loss),
      yScale: 'log',
      points: false,
    },
  );
}

/** The prediction for each training point, where they are few. */
export function Answers({ snapshot }: { readonly snapshot: Snapshot }) {
  return (
    <div class="card">
      <h2>{say(texts.trainingPoints)}</h2>
      <div class="scroll">
        <table data-testid="answers">
          <thead>
            <tr>
              <th scope="col">x₁</th>
              <th scope="col">x₂</th>
              <th scope="col">{say(texts.target)}</th>
              <th scope="col">{say(texts.prediction)}</th>
            </tr>
          </thead>
          <tbody>
            {snapshot.trainPoints.map(({ x, y, target }, i) => (
              <tr key={i}>
                <td class="number">{formatNumber(x)}</td>
                <td class="number">{formatNumber(y)}</td>
                <td class="number">{formatNumber(target)}</td>
                <td class="number">{snapshot.pointAnswers[i].map((value) => value.toFixed(3)).join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
