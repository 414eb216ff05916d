/**
 * How a network for digits does: numbers and curves of its training, and what its last examination showed.
 */
import { confusion, imageGrid, lineChart } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { Picture } from '../../components/parts.tsx';
import { language, say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import type { Snapshot } from './snapshot.ts';

export const percent = (share: number | undefined): string =>
  share === undefined ? '—' : `${(100 * share).toFixed(2)} %`;

/** How far it is, and the curves of all epochs. */
export function Progress({ snapshot }: { readonly snapshot: Snapshot }) {
  const { step, epoch, batch, batches, loss, epochs, stepLosses } = snapshot;
  const last = epochs.at(-1);
  const charts = useMemo(() => {
    const training = say({ en: 'training', zh: '训练' });
    const test = say({ en: 'test', zh: '测试' });
    const x = epochs.map((each) => each.epoch);
    const common = { theme: theme.value, width: 480, height: 270 } as const;
    return [
      lineChart(
        [
          { name: training, x, y: epochs.map((each) => each.accuracy) },
          { name: test, x, y: epochs.map((each) => each.testAccuracy) },
        ],
        {
          ...common,
          id: 'accuracy',
          xLabel: say({ en: 'epoch', zh: '轮' }),
          yLabel: say({ en: 'share of right answers', zh: '正确率' }),
          yFormat: 'percent',
        },
      ),
      lineChart(
        [
          { name: training, x, y: epochs.map((each) => each.loss) },
          { name: test, x, y: epochs.map((each) => each.testLoss) },
        ],
        {
          ...common,
          id: 'loss',
          xLabel: say({ en: 'epoch', zh: '轮' }),
          yLabel: say({ en: 'loss', zh: '损失' }),
        },
      ),
    ];
  }, [epochs.length, snapshot.session, theme.value, language.value]);
  const steps = useMemo(
    () =>
      lineChart([{ name: say({ en: 'loss of the batch', zh: '本批损失' }), ...stepLosses }], {
        theme: theme.value,
        id: 'steps',
        width: 480,
        height: 270,
        smoothing: 0.8,
        points: false,
        xLabel: say({ en: 'step', zh: '步' }),
        yLabel: say({ en: 'loss of the batch', zh: '本批损失' }),
      }),
    [snapshot, theme.value],
  );
  const rows: readonly (readonly [string, string])[] = [
    [say({ en: 'step', zh: '步' }), String(step)],
    [say({ en: 'whole epochs', zh: '完整轮数' }), String(epoch)],
    [say({ en: 'batch', zh: '批' }), `${batch} / ${batches}`],
    [say({ en: 'loss of the batch', zh: '本批损失' }), loss === null ? '—' : loss.toPrecision(4)],
    [say({ en: 'training accuracy', zh: '训练准确率' }), percent(last?.accuracy)],
    [say({ en: 'test accuracy', zh: '测试准确率' }), percent(last?.testAccuracy)],
    [say({ en: 'seconds for the last epoch', zh: '上一轮用时（秒）' }), last ? last.seconds.toFixed(2) : '—'],
    [say({ en: 'parameters', zh: '参数' }), String(snapshot.parameters)],
  ];
  return (
    <div class="card">
      <dl class="figures" data-testid="figures">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div class="columns">
        <Picture svg={steps} label="steps" />
        {epochs.length > 0 &&
          charts.map((svg, i) => <Picture key={i === 0 ? 'accuracy' : 'loss'} svg={svg} />)}
      </div>
    </div>
  );
}

/** What the last examination showed. */
export function TestResults({ snapshot }: { readonly snapshot: Snapshot }) {
  const [matrix, worst] = useMemo(
    () => [
      confusion(snapshot.confusion!, {
        theme: theme.value,
        id: 'confusion',
        width: 540,
        subtitle: say({
          en: `${percent(snapshot.epochs.at(-1)?.testAccuracy)} right`,
          zh: `正确率 ${percent(snapshot.epochs.at(-1)?.testAccuracy)}`,
        }),
        rowLabel: say({ en: 'digit', zh: '真实数字' }),
        columnLabel: say({ en: 'taken for', zh: '识别为' }),
      }),
      imageGrid(
        snapshot.mistakes.map(({ pixels, label, answer, probability }) => ({
          pixels,
          width: 28,
          height: 28,
          caption: `${label} → ${answer}, ${Math.round(100 * probability)} %`,
        })),
        { theme: theme.value, id: 'mistakes', imageSize: 68, columns: 6 },
      ),
    ],
    [snapshot.confusion, snapshot.mistakes, theme.value, language.value],
  );
  return (
    <div class="columns">
      <div class="card">
        <h2>{say({ en: 'On the test images', zh: '测试图像上的结果' })}</h2>
        <Picture svg={matrix} label="confusion" />
      </div>
      <div class="card">
        <h2>{say({ en: 'The worst mistakes', zh: '最严重的错误' })}</h2>
        <p class="soft">
          {say({
            en: 'Each image with its digit, what it was taken for, and how sure the network was.',
            zh: '每张图像：真实数字 → 识别结果，及网络的把握。',
          })}
        </p>
        <Picture svg={worst} label="mistakes" />
      </div>
    </div>
  );
}
