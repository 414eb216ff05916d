import { useEffect, useMemo, useState } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { download } from '../../components/download.ts';
import { short } from '../../components/numbers.ts';
import { Alarm, Button, Choice, Code, Entry, Explanation, Status } from '../../components/parts.tsx';
import { nextFrame } from '../../service/page/nextFrame.ts';
import { useTrainer } from '../../service/page/useTrainer.ts';
import { useInspection } from '../../shell/inspection.ts';
import { language, say } from '../../shell/language.ts';
import { parameter, route, setParameters } from '../../shell/route.ts';
import { codeFor } from './code.ts';
import {
  configFrom,
  maxPoints,
  type PaintedPoint,
  type PlaygroundConfig,
  paper,
  resolution,
  writePoints,
} from './config.ts';
import { openPreset, Settings } from './controls.tsx';
import { type Chosen, Diagram } from './diagram.tsx';
import { NeuronFormula } from './formula.tsx';
import './page.css';
import '../../components/figures.css';
import { Painting } from './painting.tsx';
import { Plane } from './plane.tsx';
import { Answers, Progress } from './progress.tsx';
import type { Alert, Snapshot } from './snapshot.ts';
import type { Trainer } from './trainer.ts';

/** Milliseconds between steps. */
const speeds = { full: 0, fast: 5, medium: 50, slow: 500 } as const;
type Speed = keyof typeof speeds;

export default function Playground() {
  const address = route.value.parameters.toString();
  const config = useMemo(() => configFrom(new URLSearchParams(address)), [address]);
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  /** The same, as the plane and the curves show it: a moment later. */
  const [plane, setPlane] = useState<Snapshot | null>(null);
  const [chart, setChart] = useState<Snapshot | null>(null);
  const [speed, setSpeed] = useState<Speed>('fast');
  const [testing, setTesting] = useState(false);
  const [brush, setBrush] = useState(0);
  const [draft, setDraft] = useState<readonly PaintedPoint[]>([]);
  const [neuron, setNeuron] = useState<Chosen | null>(null);
  const [probe, setProbe] = useState<readonly [number, number] | null>(null);
  const edges = parameter('edges', 'value') === 'gradient' ? 'gradient' : 'value';
  const painted = config.data === 'points';
  const waiting = painted && config.points.length < 2;

  const { remote, computing, problem, ask, restart, isCurrent } = useTrainer<
    PlaygroundConfig,
    Snapshot,
    Trainer
  >(
    () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
    waiting ? null : config,
    async (next) => {
      // One part a frame, so that none keeps the page from answering; the worker waits until all are on the screen.
      setSnapshot(next);
      await nextFrame();
      setPlane(next);
      await nextFrame();
      setChart(next);
      await nextFrame();
    },
  );
  useEffect(() => ask(remote.setDelay(speeds[speed])), [remote, speed]);
  // Another configuration may have other inputs.
  useEffect(() => setProbe(null), [address]);

  // What is painted in one stroke is learnt from when the stroke ends.
  useEffect(() => {
    if (draft.length === 0) return;
    const commit = () => {
      setDraft([]);
      setParameters({ points: writePoints([...config.points, ...draft].slice(0, maxPoints)) });
    };
    addEventListener('pointerup', commit, { once: true });
    return () => removeEventListener('pointerup', commit);
  }, [draft]);

  const current = isCurrent(snapshot) && !waiting ? snapshot : null;
  const shown = current ?? (waiting ? emptySnapshot : snapshot);
  const running = current?.running === true;
  const chosen = usableNeuron(neuron, current);
  const slowerRate = Number((config.learningRate / 10).toPrecision(6));
  const ofThisSession = (each: Snapshot | null): Snapshot | null =>
    each?.session === shown?.session ? each : shown;
  const diagram = useMemo(
    () =>
      shown && (
        <Diagram
          snapshot={shown}
          activations={config.layers.map(({ activation }) => activation)}
          edges={edges}
          chosen={chosen}
          onChoose={setNeuron}
        />
      ),
    [shown, edges, chosen.layer, chosen.unit, language.value],
  );

  useInspection(() => ({
    page: 'playground',
    config,
    problem,
    computing,
    ready: current !== null,
    running,
    step: current?.step ?? 0,
    furthest: current?.furthest ?? 0,
    loss: current?.loss ?? null,
    losses: current?.losses ?? [],
    train: current?.train ?? null,
    test: current?.test ?? null,
    alerts: current?.alerts ?? [],
    failed: current?.failed ?? false,
    deviceBytes: current?.deviceBytes ?? 0,
    pointAnswers: current?.pointAnswers ?? [],
    layers: current?.layers.map(({ weights, bias }) => ({ weights, bias })) ?? [],
    chosen,
    probe,
  }));

  const touch = (x: number, y: number, first: boolean) => {
    if (!painted) {
      setProbe([x, y]);
      ask(remote.look(x, y));
      return;
    }
    const last = draft.at(-1);
    const { domain } = shown!;
    const apart = (domain.x[1] - domain.x[0]) / 30;
    if (first || !last || Math.hypot(last.x - x, last.y - y) > apart) {
      setDraft([...draft, { x, y, target: brush }]);
    }
  };
  const save = async (name: string, type: string, bytes: Promise<Uint8Array | string | undefined>) => {
    const found = await bytes;
    if (found !== undefined) download(name, type, found);
  };

  return (
    <>
      <Explanation
        text={{
          en: 'A small network learns to tell points of the plane apart. Every square is a neuron and shows where in the plane it answers blue (high) or orange (low); every line is a weight. Train it, pause, go back to any earlier step, and click a neuron or a place in the plane to see the numbers behind it.',
          zh: '一个小网络学习区分平面上的点。每个方块是一个神经元，显示它在平面何处输出蓝色（高）或橙色（低）；每条线是一个权重。训练、暂停、回到任意先前的步；点击神经元或平面上的位置，查看背后的数字。',
        }}
      />
      <Settings config={config} />
      <div class="card row">
        <Button
          class="primary"
          data-testid="train"
          disabled={!current || current.failed}
          onClick={() => ask(running ? remote.pause() : remote.play())}
        >
          {running ? `❚❚ ${say({ en: 'Pause', zh: '暂停' })}` : `▶ ${say({ en: 'Train', zh: '训练' })}`}
        </Button>
        <Button
          data-testid="step"
          disabled={!current || current.failed || running}
          onClick={() => ask(remote.step())}
        >
          {say({ en: 'One step', zh: '一步' })}
        </Button>
        <Button data-testid="reset" disabled={!current} onClick={restart}>
          ⟲ {say({ en: 'Reset', zh: '重置' })}
        </Button>
        <Choice
          label={{ en: 'Speed', zh: '速度' }}
          testId="speed"
          value={speed}
          options={[
            ['full', { en: 'as fast as it goes', zh: '全速' }],
            ['fast', { en: '200 steps a second', zh: '每秒 200 步' }],
            ['medium', { en: '20 steps a second', zh: '每秒 20 步' }],
            ['slow', { en: '2 steps a second', zh: '每秒 2 步' }],
          ]}
          onChange={setSpeed}
        />
        {/* biome-ignore lint/a11y/noLabelWithoutControl: the entry is the control */}
        <label class="field" style={{ flex: '1 1 12rem' }}>
          <span>
            {say({ en: 'Go back to step', zh: '回到第几步' })}{' '}
            <span class="number">{current?.step ?? 0}</span>
          </span>
          <Entry
            type="range"
            data-testid="rewind"
            min={0}
            max={Math.max(1, current?.furthest ?? 0)}
            value={current?.step ?? 0}
            disabled={!current || current.furthest === 0}
            onCommit={(text) => ask(remote.rewind(Number(text)))}
          />
        </label>
      </div>
      {/* Not while it runs: nobody could listen to every step. */}
      <Status>
        {current && !running && current.step > 0
          ? say({
              en: `Step ${current.step}, loss of the batch ${current.loss === null ? 'not known' : short(current.loss)}.`,
              zh: `第 ${current.step} 步，本批损失${current.loss === null ? '未知' : ` ${short(current.loss)}`}。`,
            })
          : ''}
      </Status>
      {problem !== null && <Alarm testId="problem">{problem}</Alarm>}
      {current?.alerts.map((alert) => (
        <Alarm key={`${alert.kind}${alert.step}`} testId="anomaly">
          <strong>{alarmText(alert)}</strong> <span lang="en">{alert.message}.</span>
          <p class="row">
            <button
              type="button"
              data-testid="slower"
              onClick={() => {
                setParameters({ learningRate: slowerRate });
                restart();
              }}
            >
              {say({
                en: `Begin again with a rate of ${short(slowerRate)}`,
                zh: `以学习率 ${short(slowerRate)} 重新开始`,
              })}
            </button>
            <button type="button" onClick={() => ask(remote.rewind(Math.max(0, alert.step - 10)))}>
              {say({ en: 'Go back ten steps', zh: '回退十步' })}
            </button>
          </p>
        </Alarm>
      ))}
      {painted && (
        <Painting
          config={config}
          brush={brush}
          setBrush={setBrush}
          read={(text, regression) => remote.read(text, regression)}
        />
      )}
      {shown && (
        <div class={painted ? 'columns painted' : 'columns'}>
          {/* The places of network and curves are kept while there is nothing in them: a plane does not move under a brush. */}
          {shown.layers.length === 0 && (
            <div>
              <div class="card soft">
                {say({
                  en: 'The network stands here as soon as there are two points.',
                  zh: '有两个点之后，网络会出现在这里。',
                })}
              </div>
            </div>
          )}
          {shown.layers.length > 0 && (
            <div>
              <div class="card">
                <div class="row">
                  <Choice
                    label={{ en: 'Lines show', zh: '连线显示' }}
                    testId="edges"
                    value={edges}
                    options={[
                      ['value', { en: 'weights', zh: '权重' }],
                      ['gradient', { en: 'gradients', zh: '梯度' }],
                    ]}
                    onChange={(id) => setParameters({ edges: id })}
                  />
                  <span class="soft">
                    {say({ en: 'blue +, orange dashed −', zh: '蓝色为正，橙色虚线为负' })}
                  </span>
                </div>
                {diagram}
                <p class="soft">
                  {say({ en: `${shown.parameters} parameters`, zh: `${shown.parameters} 个参数` })}
                </p>
              </div>
              {current && <NeuronFormula snapshot={current} config={config} chosen={chosen} />}
            </div>
          )}
          <div class="canvas">
            <div class="card">
              <Plane
                paintable={painted}
                snapshot={ofThisSession(plane)!}
                testing={testing}
                probe={painted ? null : (probe ?? middleOf(shown))}
                points={draft.length > 0 || waiting ? [...config.points, ...draft] : null}
                onTouch={touch}
              />
              <div class="row">
                {shown.testPoints.length > 0 && (
                  <label>
                    <input
                      type="checkbox"
                      data-testid="testing"
                      checked={testing}
                      onChange={() => setTesting(!testing)}
                    />{' '}
                    {say({ en: 'show the test points', zh: '显示测试点' })}
                  </label>
                )}
                {!painted && shown.trainPoints.length + shown.testPoints.length <= maxPoints && (
                  <button
                    type="button"
                    data-testid="edit-points"
                    onClick={() =>
                      openPreset({
                        ...Object.fromEntries(route.peek().parameters),
                        data: 'points',
                        regression: String(shown.kind === 'value'),
                        points: writePoints([...shown.trainPoints, ...shown.testPoints]),
                      })
                    }
                  >
                    {say({ en: 'Paint on these points', zh: '在这些点上继续绘制' })}
                  </button>
                )}
              </div>
            </div>
            {current && current.pointAnswers.length > 0 && <Answers snapshot={current} />}
          </div>
          {!current && <div />}
          {current && (
            <div class="card">
              <Progress snapshot={current} chart={ofThisSession(chart)!} />
            </div>
          )}
        </div>
      )}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(shown || problem !== null) && (
        <>
          <div class="card row">
            <button
              type="button"
              data-testid="save-safetensors"
              disabled={!current}
              onClick={() =>
                void save('playground.safetensors', 'application/octet-stream', remote.safetensors())
              }
            >
              {say({ en: 'Save weights (safetensors)', zh: '保存权重（safetensors）' })}
            </button>
            <button
              type="button"
              data-testid="save-json"
              disabled={!current}
              onClick={() => void save('playground.json', 'application/json', remote.json())}
            >
              {say({ en: 'Save network and weights (JSON)', zh: '保存网络与权重（JSON）' })}
            </button>
          </div>
          <ComputingNote computing={computing} />
          {!waiting && <Code code={codeFor(config)} />}
        </>
      )}
    </>
  );
}

function alarmText({ kind, step }: Alert): string {
  const at = say({ en: `Step ${step}: `, zh: `第 ${step} 步：` });
  switch (kind) {
    case 'nonFiniteLoss':
      return at + say({ en: 'the loss is no number any more.', zh: '损失已不是有限数。学习率可能过大。' });
    case 'risingLoss':
      return (
        at + say({ en: 'the loss rises instead of falling.', zh: '损失在上升而不是下降。请减小学习率。' })
      );
    case 'vanishingGradient':
      return at + say({ en: 'gradients have vanished.', zh: '梯度消失。' });
    case 'explodingGradient':
    case 'nonFiniteGradient':
      return at + say({ en: 'gradients explode.', zh: '梯度爆炸。请减小学习率。' });
    case 'error':
      return at + say({ en: 'training stopped.', zh: '训练中断。' });
    default:
      return at + say({ en: 'something needs attention.', zh: '有情况需要注意。' });
  }
}

/** The chosen neuron, if the network has it; else the answer. */
function usableNeuron(neuron: Chosen | null, snapshot: Snapshot | null): Chosen {
  const last = { layer: (snapshot?.layers.length ?? 1) - 1, unit: 0 };
  if (!neuron || !snapshot) return last;
  return neuron.unit < (snapshot.layers[neuron.layer]?.units ?? 0) ? neuron : last;
}

function middleOf({ domain }: Snapshot): readonly [number, number] {
  return [(domain.x[0] + domain.x[1]) / 2, (domain.y[0] + domain.y[1]) / 2];
}

/** The plane before anything has been painted. */
const emptySnapshot: Snapshot = {
  session: -1,
  kind: 'binary',
  classes: 2,
  running: false,
  parameters: 0,
  step: 0,
  epoch: 0,
  furthest: 0,
  loss: null,
  train: null,
  test: null,
  losses: [],
  trainCurve: { x: [], y: [] },
  testCurve: { x: [], y: [] },
  alerts: [],
  failed: false,
  deviceBytes: 0,
  domain: paper,
  trainPoints: [],
  testPoints: [],
  inputs: new Float32Array(0),
  probe: [],
  layers: [],
  answers: new Float32Array(resolution ** 2).fill(Number.NaN),
  pointAnswers: [],
};
