/**
 * How far a training of the playground has come: numbers, curves, and answers where there are few points.
 */
import { lineChart } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { short } from '../../components/numbers.ts';
import { Picture } from '../../components/parts.tsx';
import { language, say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import type { Snapshot } from './snapshot.ts';

/** Losses and accuracies, as numbers and as curves. */
export function Progress({ snapshot, chart }: { readonly snapshot: Snapshot; readonly chart: Snapshot }) {
  const { step, epoch, loss, train, test } = snapshot;
  const { trainCurve, testCurve } = chart;
  const svg = useMemo(
    () =>
      lineChart(
        [
          { name: say({ en: 'training', zh: '训练' }), ...trainCurve },
          ...(testCurve.x.length > 0 ? [{ name: say({ en: 'test', zh: '测试' }), ...testCurve }] : []),
        ],
        {
          theme: theme.value,
          id: 'losses',
          width: 480,
          height: 260,
          xLabel: say({ en: 'step', zh: '步' }),
          yLabel: say({ en: 'loss', zh: '损失' }),
          yScale: 'log',
          points: false,
        },
      ),
    [chart, theme.value, language.value],
  );
  const share = (accuracy: number | null | undefined) =>
    accuracy === null || accuracy === undefined ? '—' : `${(100 * accuracy).toFixed(1)} %`;
  const rows: readonly (readonly [string, string])[] = [
    [say({ en: 'step', zh: '步' }), String(step)],
    [say({ en: 'epoch', zh: '轮' }), String(epoch)],
    [say({ en: 'loss of the batch', zh: '本批损失' }), loss === null ? '—' : short(loss)],
    [say({ en: 'training loss', zh: '训练损失' }), train ? short(train.loss) : '—'],
    [say({ en: 'test loss', zh: '测试损失' }), test ? short(test.loss) : '—'],
    ...(snapshot.kind === 'value'
      ? []
      : ([
          [say({ en: 'training accuracy', zh: '训练准确率' }), share(train?.accuracy)],
          [say({ en: 'test accuracy', zh: '测试准确率' }), share(test?.accuracy)],
        ] as const)),
  ];
  return (
    <>
      <dl class="figures" data-testid="figures">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Picture svg={svg} label="losses" />
    </>
  );
}

/** What the network says of each training point, where they are few. */
export function Answers({ snapshot }: { readonly snapshot: Snapshot }) {
  return (
    <div class="card">
      <h2>{say({ en: 'The training points', zh: '训练点' })}</h2>
      <div class="scroll">
        <table data-testid="answers">
          <thead>
            <tr>
              <th scope="col">x₁</th>
              <th scope="col">x₂</th>
              <th scope="col">{say({ en: 'should be', zh: '应为' })}</th>
              <th scope="col">{say({ en: 'network says', zh: '网络输出' })}</th>
            </tr>
          </thead>
          <tbody>
            {snapshot.trainPoints.map(({ x, y, target }, i) => (
              <tr key={i}>
                <td class="number">{short(x)}</td>
                <td class="number">{short(y)}</td>
                <td class="number">{short(target)}</td>
                <td class="number">{snapshot.pointAnswers[i].map((value) => value.toFixed(3)).join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
