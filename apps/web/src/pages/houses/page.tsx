/**
 * House prices: a surface over two properties is fitted to 506 houses while one watches, and can be turned.
 */
import { lineChart, surface } from '@ag/viz';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { NumberField, RunButtons, within } from '../../components/controls.tsx';
import { short } from '../../components/numbers.ts';
import { Alarm, Choice, Code, Explanation, Field, Picture, Status } from '../../components/parts.tsx';
import { useLive } from '../../service/page/useLive.ts';
import { messageOf } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { language, say, type Text } from '../../shell/language.ts';
import { numberParameter, oneOf, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import type { HousesRequest, HousesUpdate } from './houses.ts';

const createWorker = () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

const optimizerNames: Readonly<Record<HousesRequest['optimizer'], string | Text>> = {
  sgd: { en: 'SGD, as in the lesson', zh: 'SGD（与原课程相同）' },
  momentum: { en: 'SGD with momentum', zh: '带动量的 SGD' },
  adam: 'Adam',
};

/** What the program of the original lesson reached on the real data. */
const lesson = 16.18;

/** Degrees for each pixel of a drag. */
const turning = { azimuth: 0.5, elevation: 0.3 };

export default function Houses() {
  const [file, setFile] = useState<HousesRequest['file']>(null);
  const [unreadable, setUnreadable] = useState<string | null>(null);
  const request: HousesRequest = {
    file,
    hidden: within(numberParameter('hidden', 10), 1, 100),
    optimizer: oneOf(Object.keys(optimizerNames) as HousesRequest['optimizer'][], 'optimizer', 'sgd'),
    learningRate: Math.max(1e-7, numberParameter('rate', 0.01)),
    seed: within(numberParameter('seed', 2), 0, 1e6),
    epochs: within(numberParameter('epochs', 3000), 1, 20000),
  };
  const live = useLive<HousesRequest, HousesUpdate>(createWorker, request, true);
  const { update } = live;
  // Not drawn anew while the surface is turned.
  const lossCurve = useMemo(() => (update ? curve(update) : ''), [update, theme.value, language.value]);
  const kept: View = {
    azimuth: numberParameter('azimuth', 215),
    elevation: numberParameter('elevation', 25),
  };
  const [view, setView] = useState(kept);
  // Back, too, turns the picture.
  useEffect(() => setView(kept), [kept.azimuth, kept.elevation]);
  const problem = unreadable ?? live.problem;
  useInspection(() => ({
    page: 'houses',
    ...request,
    file: file?.name ?? null,
    ...update,
    ...view,
    running: live.running,
    problem,
  }));

  const take = async (list: FileList | null | undefined) => {
    const first = list?.[0];
    if (!first) return;
    const { name } = first;
    try {
      const { decodeText } = await import('@ag/datasets');
      setFile({ name, text: await decodeText(new Uint8Array(await first.arrayBuffer()), { file: name }) });
      setUnreadable(null);
    } catch (error) {
      setUnreadable(messageOf(error));
    }
  };

  const forget = () => {
    setFile(null);
    setUnreadable(null);
  };

  return (
    <>
      <Explanation
        text={{
          en: 'What is a house worth, given the average number of rooms (RM) and the share of poorer neighbors in per cent (LSTAT)? A network with one hidden layer of ten sigmoids bends a sheet until it lies among the houses. Drag the picture to walk around it.',
          zh: '已知平均房间数（RM）和低收入居民百分比（LSTAT），房子值多少钱？一个只有十个 sigmoid 隐藏单元的网络把一张曲面弯折，直到它贴合这些房屋。拖动图片可以绕着看。',
        }}
      />
      <fieldset
        class="card row"
        style={{ margin: '0 0 1rem' }}
        aria-label={say({ en: 'Data and training', zh: '数据与训练' })}
        data-testid="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void take(event.dataTransfer?.files);
        }}
      >
        <Field
          label={{ en: 'BostonHousing.csv: choose or drop here', zh: 'BostonHousing.csv：选择或拖放到此处' }}
        >
          <input
            type="file"
            accept=".csv,text/csv"
            data-testid="file"
            style={{ width: '17rem' }}
            onChange={(event) => void take(event.currentTarget.files)}
          />
        </Field>
        {file && (
          <button type="button" data-testid="forget" onClick={forget}>
            {say({ en: 'Generated houses again', zh: '改回生成数据' })}
          </button>
        )}
        <NumberField name="hidden" label={{ en: 'Hidden units', zh: '隐藏单元' }} value={request.hidden} />
        <Choice
          label={{ en: 'Optimizer', zh: '优化器' }}
          testId="optimizer"
          value={request.optimizer}
          options={Object.entries(optimizerNames) as [HousesRequest['optimizer'], Text | string][]}
          onChange={(optimizer) => setParameters({ optimizer })}
        />
        <NumberField name="rate" label={{ en: 'Learning rate', zh: '学习率' }} value={request.learningRate} />
        <NumberField name="epochs" label={{ en: 'Epochs', zh: '轮数' }} value={request.epochs} />
        <NumberField name="seed" label={{ en: 'Seed', zh: '随机种子' }} value={request.seed} />
        <RunButtons live={live} done={update?.done === true} />
      </fieldset>
      <Status>
        {update && !live.running && update.epoch > 0
          ? say({
              en: `Epoch ${update.epoch}, mean squared error ${short(update.measured.losses.at(-1)!)}.`,
              zh: `第 ${update.epoch} 轮，均方误差 ${short(update.measured.losses.at(-1)!)}。`,
            })
          : ''}
      </Status>
      {problem !== null && <Alarm testId="problem">{problem}</Alarm>}
      {update?.failure && <Alarm testId="failure">{update.failure}</Alarm>}
      {update && (
        <>
          <p data-testid="source">
            {update.source === 'generated' ? (
              <>
                <strong>{say({ en: 'Generated houses.', zh: '生成的数据。' })}</strong>{' '}
                {say({
                  en: `These ${update.houses} houses are invented, to look like the real ones; drop the file for those of Boston in the 1970s.`,
                  zh: `这 ${update.houses} 座房屋是仿照真实数据虚构的；拖入文件即可使用 20 世纪 70 年代波士顿的真实数据。`,
                })}
              </>
            ) : (
              say({
                en: `${update.houses} houses from ${file?.name ?? ''}.`,
                zh: `来自 ${file?.name ?? ''} 的 ${update.houses} 座房屋。`,
              })
            )}
          </p>
          <div class="columns">
            <div class="card">
              <Orbit update={update} view={view} moving={live.running} onTurn={setView} />
            </div>
            <div class="card">
              <p class="number" data-testid="figures" style={{ marginTop: 0, minHeight: '3rem' }}>
                {say({ en: 'epoch', zh: '轮' })} <strong>{update.epoch}</strong> ·{' '}
                {say({ en: 'mean squared error over all houses', zh: '全部房屋的均方误差' })}{' '}
                <strong data-testid="loss">{short(update.measured.losses.at(-1)!)}</strong>
                <br />
                {say({ en: 'off by', zh: '平均偏差' })} <strong>{short(update.error)}</strong>{' '}
                {say({ en: 'thousand dollars on average', zh: '千美元' })}
              </p>
              <Picture svg={lossCurve} label="curve" />
            </div>
          </div>
        </>
      )}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(update || live.problem !== null) && (
        <>
          <Explanation
            text={{
              en: 'The line that jumps is the loss of each epoch on the batches that were drawn, with replacement, as in the lesson: every epoch sees other houses. The error over all houses is the calm number to compare.',
              zh: '跳动的线是每轮在随机抽取（有放回，与原课程相同）的小批量上的损失；每轮看到的房屋不同。全部房屋的误差才是适合比较的平稳数字。',
            }}
          />
          <ComputingNote computing={live.computing} />
          <Code code={codeFor(request)} />
        </>
      )}
    </>
  );
}

interface View {
  readonly azimuth: number;
  readonly elevation: number;
}

/** The surface, turned by dragging or by the sliders below. */
function Orbit({
  update,
  view,
  moving,
  onTurn,
}: {
  readonly update: HousesUpdate;
  readonly view: View;
  /** While it moves the sheet is drawn more coarsely, so that the page stays quick. */
  readonly moving: boolean;
  readonly onTurn: (view: View) => void;
}) {
  const grip = useRef<{ x: number; y: number; view: View } | null>(null);
  const [held, setHeld] = useState(false);
  const coarse = moving || held;
  const svg = surface(update.grid, {
    theme: theme.value,
    id: 'houses',
    width: innerWidth < 640 ? 360 : 560,
    height: innerWidth < 640 ? 340 : 460,
    title: say({ en: 'Price by rooms and status', zh: '房价与房间数、LSTAT 的关系' }),
    points: update.points,
    azimuth: view.azimuth,
    elevation: view.elevation,
    xLabel: 'RM',
    yLabel: 'LSTAT',
    zLabel: say({ en: 'price, $1000', zh: '价格（千美元）' }),
    zDomain: [0, 55],
    resolution: coarse ? 15 : 25,
  });
  const keep = (changed: View) => setParameters({ ...changed });
  return (
    <>
      <div
        data-testid="orbit"
        style={{ touchAction: 'pan-y', cursor: 'grab' }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setHeld(true);
          grip.current = { x: event.clientX, y: event.clientY, view };
        }}
        onPointerMove={(event) => {
          const from = grip.current;
          if (!from) return;
          onTurn({
            azimuth: turned(from.view.azimuth + (from.x - event.clientX) * turning.azimuth),
            elevation: within(from.view.elevation + (event.clientY - from.y) * turning.elevation, 0, 90),
          });
        }}
        onPointerUp={() => {
          grip.current = null;
          setHeld(false);
          keep(view);
        }}
        onPointerCancel={() => {
          grip.current = null;
          setHeld(false);
        }}
      >
        <Picture svg={svg} label="surface" />
      </div>
      <div class="row">
        {(['azimuth', 'elevation'] as const).map((axis) => (
          <Field
            key={axis}
            label={
              axis === 'azimuth' ? { en: 'Turn', zh: '旋转' } : { en: 'Look from above', zh: '俯视角度' }
            }
          >
            <input
              type="range"
              min={0}
              max={axis === 'azimuth' ? 359 : 90}
              value={view[axis]}
              data-testid={axis}
              onInput={(event) => onTurn({ ...view, [axis]: Number(event.currentTarget.value) })}
              onChange={() => keep(view)}
            />
          </Field>
        ))}
      </div>
    </>
  );
}

function curve({ source, losses, measured }: HousesUpdate): string {
  const narrow = innerWidth < 640;
  return lineChart(
    [
      {
        name: say({ en: 'each epoch', zh: '每轮' }),
        y: losses,
        x: losses.map((_, i) => i + 1),
      },
      { name: say({ en: 'all houses', zh: '全部房屋' }), y: measured.losses, x: measured.epochs },
    ],
    {
      theme: theme.value,
      id: 'houses-loss',
      width: narrow ? 360 : 540,
      height: 360,
      points: false,
      yScale: 'log',
      title: say({ en: 'Mean squared error', zh: '均方误差' }),
      xLabel: say({ en: 'epoch', zh: '轮' }),
      ...(source === 'file' && {
        referenceLines: [{ y: lesson, label: say({ en: `the lesson: ${lesson}`, zh: `原课程：${lesson}` }) }],
      }),
    },
  );
}

function turned(degrees: number): number {
  return ((Math.round(degrees) % 360) + 360) % 360;
}

function codeFor({ hidden, optimizer, learningRate, seed, epochs }: HousesRequest): string {
  const make = {
    sgd: `sgd(model.parameters(), { learningRate: ${learningRate} })`,
    momentum: `sgd(model.parameters(), { learningRate: ${learningRate}, momentum: 0.9 })`,
    adam: `adam(model.parameters(), { learningRate: ${learningRate} })`,
  }[optimizer];
  return `// The file is looked for in the folder AG_DATA_DIR, else downloaded.
import { bostonHousing, dataLoader, transforms } from '@ag/datasets';
import { init, linear, mseLoss, sequential, sigmoid } from '@ag/nn';
import { ${optimizer === 'adam' ? 'adam' : 'sgd'} } from '@ag/optim';
import { manualSeed } from '@ag/tensor';
import { fit } from '@ag/train';

const data = await bostonHousing({ columns: ['rm', 'lstat'] });
manualSeed(${seed});
const model = sequential(
  linear(2, ${hidden}, { weightInit: init.xavierUniform }),
  sigmoid(),
  linear(${hidden}, 1, { weightInit: init.xavierUniform }),
);
const train = dataLoader(data, {
  batchSize: 16, replacement: true, dropLast: true, seed: ${seed}, transform: transforms.standardize(data),
});
const optimizer = ${make};
const run = fit({ model, optimizer, loss: mseLoss, train, epochs: ${epochs}, compile: true, reportEvery: 0 });
for await (const event of run) {
  if (event.type === 'epoch' && event.epoch % 100 === 0) console.log(event.epoch, event.loss);
}
`;
}
