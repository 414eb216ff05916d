/**
 * Gradient-flow lab: why deep stacks were hard to train, and what keeps the gradient alive.
 */
import { gradientFlow, histogram, lineChart } from '@ag/viz';
import { ComputingNote } from '../../components/computingNote.tsx';
import { NumberField, RunButtons, within } from '../../components/controls.tsx';
import { Alarm, Choice, Code, Explanation, Picture, Status } from '../../components/parts.tsx';
import { useLive } from '../../service/page/useLive.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say, type Text } from '../../shell/language.ts';
import { numberParameter, oneOf, parameter, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import type { AlarmKind, FlowRequest, FlowUpdate } from './flow.ts';
import { limits } from './limits.ts';
import { activationNames, alarmTexts, explanation, initializerNames, presets } from './texts.ts';

const createWorker = () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

export default function Gradients() {
  const request: FlowRequest = {
    depth: within(numberParameter('depth', 10), 1, 30),
    width: within(numberParameter('width', 100), 2, 256),
    activation: oneOf(Object.keys(activationNames) as FlowRequest['activation'][], 'activation', 'sigmoid'),
    initializer: oneOf(Object.keys(initializerNames) as FlowRequest['initializer'][], 'init', 'normal'),
    std: Math.max(0, numberParameter('std', 0.01)),
    residual: parameter('residual', 'false') === 'true',
    learningRate: Math.max(1e-6, numberParameter('rate', 0.1)),
    seed: within(numberParameter('seed', 1), 0, 1e6),
    steps: within(numberParameter('steps', 400), 0, 10000),
  };
  const live = useLive<FlowRequest, FlowUpdate>(createWorker, request, false);
  const { update } = live;
  useInspection(() => ({
    page: 'gradients',
    ...request,
    ...update,
    running: live.running,
    problem: live.problem,
  }));

  return (
    <>
      <Explanation text={explanation} />
      <div class="card">
        <div class="row" style={{ marginBottom: '0.8rem' }}>
          {presets.map((preset) => (
            <button
              type="button"
              key={preset.id}
              data-testid={`preset-${preset.id}`}
              onClick={() => setParameters(preset.parameters)}
            >
              {say(preset.title)}
            </button>
          ))}
        </div>
        <div class="row">
          <NumberField name="depth" label={{ en: 'Layers', zh: '层数' }} value={request.depth} />
          <NumberField name="width" label={{ en: 'Units in each', zh: '每层单元数' }} value={request.width} />
          <Choice
            label={{ en: 'Activation', zh: '激活函数' }}
            testId="activation"
            value={request.activation}
            options={entries(activationNames)}
            onChange={(activation) => setParameters({ activation })}
          />
          <Choice
            label={{ en: 'Initializer', zh: '初始化' }}
            testId="init"
            value={request.initializer}
            options={entries(initializerNames)}
            onChange={(init) => setParameters({ init })}
          />
          {request.initializer === 'normal' && (
            <NumberField name="std" label={{ en: 'Deviation', zh: '标准差' }} value={request.std} />
          )}
          <NumberField
            name="rate"
            label={{ en: 'Learning rate', zh: '学习率' }}
            value={request.learningRate}
          />
          <NumberField name="seed" label={{ en: 'Seed', zh: '随机种子' }} value={request.seed} />
          <label>
            <input
              type="checkbox"
              data-testid="residual"
              checked={request.residual}
              onChange={(event) => setParameters({ residual: event.currentTarget.checked })}
            />{' '}
            {say({ en: 'shortcuts (residual)', zh: '残差连接' })}
          </label>
          <RunButtons live={live} done={update?.done === true} />
        </div>
      </div>
      <Status>
        {update && !live.running && update.step > 0
          ? say({
              en: `Step ${update.step}, loss ${update.losses.at(-1)!.toPrecision(4)}.`,
              zh: `第 ${update.step} 步，损失 ${update.losses.at(-1)!.toPrecision(4)}。`,
            })
          : ''}
      </Status>
      {live.problem !== null && <Alarm testId="problem">{live.problem}</Alarm>}
      {update && (
        <>
          <div role="status">
            {update.alarms.length === 0 ? (
              <p class="card" data-testid="calm">
                <strong>{say({ en: 'No alarm.', zh: '没有警报。' })}</strong>{' '}
                {say({
                  en: 'Every layer gets a gradient of a useful size.',
                  zh: '每一层都得到大小合适的梯度。',
                })}
              </p>
            ) : (
              update.alarms.map((kind) => <FlowAlarm key={kind} kind={kind} update={update} />)
            )}
          </div>
          <p class="number" data-testid="ratio">
            {say({
              en: 'Gradient of the first layer over that of the last: ',
              zh: '第一层与最后一层的梯度之比：',
            })}
            <strong>{Number.isFinite(update.ratio) ? update.ratio.toPrecision(3) : '—'}</strong>
            {' · '}
            {say({ en: 'step', zh: '步' })} {update.step}
            {update.losses.length > 0 &&
              ` · ${say({ en: 'loss', zh: '损失' })} ${update.losses.at(-1)!.toPrecision(4)}`}
            {update.accuracy !== null &&
              ` · ${say({ en: 'right in this batch', zh: '本批正确率' })} ${Math.round(100 * update.accuracy)} %`}
          </p>
          <Charts update={update} />
          <Distributions update={update} />
        </>
      )}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(update || live.problem !== null) && (
        <>
          <ComputingNote computing={live.computing} />
          <Code code={codeFor(request)} />
        </>
      )}
    </>
  );
}

function FlowAlarm({ kind, update }: { readonly kind: AlarmKind; readonly update: FlowUpdate }) {
  return (
    <Alarm testId={`alarm-${kind}`}>
      <strong>{say(alarmTexts[kind].title)}</strong> {say(alarmTexts[kind].advice)}
      {kind === 'notFinite' && update.failure !== null && (
        <>
          <br />
          <span class="soft">{update.failure}</span>
        </>
      )}
    </Alarm>
  );
}

function Charts({ update }: { readonly update: FlowUpdate }) {
  const narrow = innerWidth < 640;
  const options = {
    theme: theme.value,
    width: narrow ? 360 : 540,
    valueLabel: say({ en: 'norm of the gradient', zh: '梯度范数' }),
    stepLabel: say({ en: 'step', zh: '步' }),
    words: {
      vanishing: say({ en: 'vanishing', zh: '消失' }),
      exploding: say({ en: 'exploding', zh: '爆炸' }),
      zero: say({ en: 'zero', zh: '为零' }),
      notFinite: say({ en: 'not finite', zh: '非有限' }),
      dead: say({ en: 'dead', zh: '死亡' }),
    },
    vanishing: update.vanishing > 0 ? Math.min(1, update.vanishing) : limits.tiny,
    exploding: 100,
  };
  const now = gradientFlow(
    update.layers.map(({ norm, dead }, i) => ({ name: layerName(i), norm, dead })),
    { ...options, id: 'flow', title: say({ en: 'Gradients by layer, now', zh: '当前各层梯度' }) },
  );
  const time = gradientFlow(
    update.layers.map((_, i) => ({ name: layerName(i), norm: update.history.norms.map((row) => row[i]) })),
    {
      ...options,
      id: 'flow-time',
      height: narrow ? 360 : 320,
      steps: update.history.steps,
      title: say({ en: 'Gradients by layer, over time', zh: '各层梯度随时间的变化' }),
    },
  );
  const loss = lineChart([{ name: say({ en: 'loss', zh: '损失' }), y: update.losses }], {
    theme: theme.value,
    id: 'flow-loss',
    width: options.width,
    height: 240,
    yScale: 'log',
    points: false,
    smoothing: update.losses.length > 20 ? 0.8 : 0,
    title: say({ en: 'Loss of each step', zh: '每步损失' }),
    xLabel: options.stepLabel,
  });
  return (
    <div class="columns">
      <div class="card">
        <Picture svg={now} label="flow" />
      </div>
      <div class="card">
        {update.step === 0 ? (
          <p class="soft">
            {say({
              en: 'Nothing has been trained yet: this is the network as it was initialized.',
              zh: '尚未训练：这是刚初始化的网络。',
            })}
          </p>
        ) : (
          <>
            <Picture svg={time} label="flow-time" />
            <Picture svg={loss} label="loss" />
          </>
        )}
      </div>
    </div>
  );
}

function Distributions({ update }: { readonly update: FlowUpdate }) {
  const parts = [
    { kind: 'activations', title: { en: 'Activations', zh: '激活值' }, note: null },
    {
      kind: 'gradients',
      title: { en: 'Gradients of the weights', zh: '权重梯度' },
      note: { en: 'decimal logarithm of the absolute value', zh: '绝对值的常用对数' },
    },
  ] as const satisfies readonly { kind: string; title: Text; note: Text | null }[];
  return (
    <>
      {parts.map(({ kind, title, note }) => (
        <section class="card" key={kind}>
          <h2>
            {say(title)}
            {note && <span class="soft"> — {say(note)}</span>}
          </h2>
          <div
            style={{
              display: 'grid',
              gap: '0.5rem',
              gridTemplateColumns: 'repeat(auto-fill, minmax(min(11.5rem, 45%), 1fr))',
            }}
          >
            {update.layers.map((layer, i) => (
              <Picture
                key={i}
                label={`${kind}-${i}`}
                svg={histogram(layer[kind], {
                  theme: theme.value,
                  id: `${kind}-${i}`,
                  width: 230,
                  height: 150,
                  title: layerName(i),
                  yLabel: '',
                })}
              />
            ))}
          </div>
        </section>
      ))}
    </>
  );
}

function layerName(i: number): string {
  return say({ en: `layer ${i + 1}`, zh: `第 ${i + 1} 层` });
}

function entries<Name extends string>(names: Readonly<Record<Name, Text | string>>) {
  return Object.entries(names) as [Name, Text | string][];
}

function codeFor({
  depth,
  width,
  activation,
  initializer,
  std,
  residual,
  learningRate,
  seed,
}: FlowRequest): string {
  const init = {
    normal: `(shape) => nn.init.normal(shape, { std: ${std} })`,
    xavier: 'nn.init.xavierNormal',
    he: 'nn.init.heNormal',
    lecun: 'nn.init.lecunNormal',
    orthogonal: 'nn.init.orthogonal',
  }[initializer];
  const block = `nn.sequential(layer, nn.${activation}())`;
  return `import { blobs, dataLoader, transforms } from '@ag/datasets';
import * as nn from '@ag/nn';
import { sgd } from '@ag/optim';
import { manualSeed } from '@ag/tensor';
import { fit } from '@ag/train';

manualSeed(${seed});
const linears = Array.from({ length: ${depth} }, () =>
  nn.linear(${width}, ${width}, { weightInit: ${init}, biasInit: nn.init.zeros }));
const model = nn.sequential(
  ...linears.map((layer) => ${residual ? `nn.residual(${block})` : block}),
  nn.linear(${width}, 4),
);
const data = blobs({ count: 512, features: ${width}, centers: 4, deviation: 3, seed: ${seed} });
const train = dataLoader(data, {
  batchSize: 64, shuffle: true, seed: ${seed}, transform: transforms.standardize(data),
});
const optimizer = sgd(model.parameters(), { learningRate: ${learningRate} });
const run = fit({ model, optimizer, loss: nn.crossEntropy, train, epochs: 5, gradientNorms: 8 });
for await (const event of run) {
  if (event.type === 'step' && event.gradientNorms) console.log(event.step, event.loss, event.gradientNorms);
}
`;
}
