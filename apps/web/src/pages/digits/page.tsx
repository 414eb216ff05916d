import { transfer } from 'comlink';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { download } from '../../components/download.ts';
import { Alarm, Button, Choice, Code, Entry, Explanation, Field, Status } from '../../components/parts.tsx';
import { nextFrame } from '../../service/page/nextFrame.ts';
import { messageOf } from '../../service/page/useService.ts';
import { useTrainer } from '../../service/page/useTrainer.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say, type Text } from '../../shell/language.ts';
import { numberParameter, route, setParameters } from '../../shell/route.ts';
import { Board } from './board.tsx';
import { codeFor } from './code.ts';
import { configFrom, type DigitsConfig, modelTitles, writeConfig } from './config.ts';
import { droppedFiles } from './dropped.ts';
import './page.css';
import '../../components/figures.css';
import { Probabilities, Stages } from './reading.tsx';
import { Progress, percent, TestResults } from './results.tsx';
import type { Reading, Snapshot } from './snapshot.ts';
import type { Trainer } from './trainer.ts';

export default function Digits() {
  const address = route.value.parameters.toString();
  const config = useMemo(() => configFrom(new URLSearchParams(address)), [address]);
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  const [files, setFiles] = useState<{ train: number; test: number } | null>(null);
  const [pausing, setPausing] = useState(false);
  const [reading, setReading] = useState<Reading | null>(null);
  const drawing = useRef<ImageData | null>(null);
  const asked = useRef(false);
  const epochs = Math.max(1, Math.round(numberParameter('epochs', 10)));

  const { remote, computing, problem, setProblem, ask, restart, isCurrent, adopt } = useTrainer<
    DigitsConfig,
    Snapshot,
    Trainer
  >(
    () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
    config,
    async (next) => {
      setSnapshot(next);
      await nextFrame();
    },
    () => void read(),
  );
  const current = isCurrent(snapshot) ? snapshot : null;
  const running = current?.running === true && !pausing;

  useInspection(() => ({
    page: 'digits',
    config,
    problem,
    computing,
    ready: current !== null,
    running: current?.running === true,
    step: current?.step ?? 0,
    epoch: current?.epoch ?? 0,
    loss: current?.loss ?? null,
    epochs: current?.epochs ?? [],
    confusion: current?.confusion ?? null,
    mistakes:
      current?.mistakes.map(({ label, answer, probability }) => ({ label, answer, probability })) ?? [],
    trainImages: current?.trainImages ?? 0,
    testImages: current?.testImages ?? 0,
    deviceBytes: current?.deviceBytes ?? 0,
    hash: current?.hash ?? null,
    answering: asked.current,
    reading: reading && {
      probabilities: reading.probabilities,
      image: Array.from(reading.image),
      stages: reading.stages.map(({ name, shape }) => ({ name, shape })),
    },
  }));

  /** Reads what is on the board; of drawings that come faster than answers, the last. */
  const read = async () => {
    if (asked.current) return;
    asked.current = true;
    try {
      for (let last: ImageData | null | undefined; drawing.current !== last; ) {
        last = drawing.current;
        setReading(last === null ? null : ((await remote.read(last)) ?? null));
      }
    } catch (error) {
      setProblem(messageOf(error));
    }
    asked.current = false;
  };
  const draw = (image: ImageData | null) => {
    drawing.current = image;
    void read();
  };
  // The same drawing, read again by what has been learnt since.
  const learnt = `${current?.session} ${current?.epoch} ${current?.running}`;
  useEffect(() => {
    if (drawing.current) {
      drawing.current = new ImageData(drawing.current.data.slice(), drawing.current.width);
      void read();
    }
  }, [learnt]);

  const pause = () => {
    setPausing(true);
    ask(remote.pause().finally(() => setPausing(false)));
  };
  const takeFiles = async (list: readonly File[]) => {
    try {
      setProblem(null);
      const named = await Promise.all(
        list.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
      );
      const found = await remote.files(
        transfer(
          named,
          named.map(({ bytes }) => bytes.buffer),
        ),
      );
      setFiles(found);
      restart();
      setParameters({ data: 'files', count: 0, testCount: 0 });
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  const restore = async (file: File) => {
    const found = await adopt(async (number) => {
      const bytes = new Uint8Array(await file.arrayBuffer());
      return remote.restore(transfer(bytes, [bytes.buffer]), file.name, number);
    });
    if (!found) return;
    setParameters(writeConfig(found));
    setSnapshot((latest) => latest && { ...latest });
  };
  const save = async (name: string, content: Promise<Uint8Array | undefined>) => {
    const bytes = await content;
    if (bytes) download(name, 'application/octet-stream', bytes);
  };

  return (
    <>
      <Explanation
        text={{
          en: 'A network learns to read digits from images. After each epoch it is examined on images it has never seen: when the training curve goes on rising and the test curve does not, it learns by heart. Then draw a digit yourself; the network sees it centered, and scaled with the width of its lines, as the images of MNIST are.',
          zh: '网络从图像中学习识别数字。每轮之后用它从未见过的图像测验：若训练曲线继续上升而测试曲线停滞，它就在死记硬背。然后请自己写一个数字；网络看到的是像 MNIST 那样居中并缩放（连同笔画粗细）后的图像。',
        }}
      />
      <div class="card row">
        <Choice
          label={{ en: 'Network', zh: '网络' }}
          testId="model"
          value={config.model}
          options={modelTitles}
          onChange={(model) => setParameters({ model })}
        />
        <Choice
          label={{ en: 'Images', zh: '图像' }}
          testId="data"
          value={config.data}
          options={[
            ['generated', { en: 'drawn by a generator', zh: '程序生成' }],
            ['files', { en: 'my files (MNIST)', zh: '我的文件（MNIST）' }],
          ]}
          onChange={(data: DigitsConfig['data']) =>
            setParameters({
              data,
              count: data === 'files' ? 0 : null,
              testCount: data === 'files' ? 0 : null,
            })
          }
        />
        <Setting config={config} name="count" label={{ en: 'to learn from', zh: '训练张数' }} step={100} />
        <Setting config={config} name="testCount" label={{ en: 'to test on', zh: '测试张数' }} step={100} />
        <Setting
          config={config}
          name="learningRate"
          label={{ en: 'Learning rate', zh: '学习率' }}
          step="any"
        />
        <Setting config={config} name="batchSize" label={{ en: 'Batch', zh: '批大小' }} step={1} />
        <Setting config={config} name="dropout" label={{ en: 'Dropout', zh: 'Dropout' }} step={0.1} />
        <Setting config={config} name="seed" label={{ en: 'Seed', zh: '随机种子' }} step={1} />
      </div>
      {config.data === 'files' && <Drop take={takeFiles} files={files} />}
      <div class="card row">
        <Button
          class="primary"
          data-testid="train"
          disabled={!current || current.alert !== null || pausing}
          onClick={() => (running ? pause() : ask(remote.play(epochs)))}
        >
          {running ? `❚❚ ${say({ en: 'Pause', zh: '暂停' })}` : `▶ ${say({ en: 'Train', zh: '训练' })}`}
        </Button>
        <Field label={{ en: 'Epochs at a time', zh: '每次轮数' }}>
          <Entry
            type="number"
            style={{ width: '6rem' }}
            min={1}
            data-testid="epochs"
            value={epochs}
            onCommit={(text) => setParameters({ epochs: text })}
          />
        </Field>
        <Button data-testid="reset" disabled={!current} onClick={restart}>
          ⟲ {say({ en: 'Reset', zh: '重置' })}
        </Button>
        <button
          type="button"
          data-testid="save"
          disabled={!current}
          onClick={() => void save('digits.checkpoint.safetensors', remote.save())}
        >
          {say({ en: 'Save a checkpoint', zh: '保存检查点' })}
        </button>
        <button
          type="button"
          data-testid="weights"
          disabled={!current}
          onClick={() => void save('digits.safetensors', remote.weights())}
        >
          {say({ en: 'Save the weights', zh: '保存权重' })}
        </button>
        <Field label={{ en: 'Go on from a checkpoint', zh: '从检查点继续' }}>
          <input
            type="file"
            accept=".safetensors"
            data-testid="restore"
            onChange={(event) => {
              const [file] = event.currentTarget.files ?? [];
              if (file) void restore(file);
              event.currentTarget.value = '';
            }}
          />
        </Field>
      </div>
      <Status>
        {current && !running && current.step > 0
          ? say({
              en: `Step ${current.step}, ${current.epoch} whole epochs, test accuracy ${percent(current.epochs.at(-1)?.testAccuracy)}.`,
              zh: `第 ${current.step} 步，完整 ${current.epoch} 轮，测试准确率 ${percent(current.epochs.at(-1)?.testAccuracy)}。`,
            })
          : ''}
      </Status>
      {problem !== null && <Alarm testId="problem">{problem}</Alarm>}
      {current !== null && current.alert !== null && (
        <Alarm testId="anomaly">
          <strong>{say({ en: 'Training has stopped.', zh: '训练已停止。' })}</strong>{' '}
          <span lang="en">{current.alert}.</span>
        </Alarm>
      )}
      {current && <Progress snapshot={current} />}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(snapshot || problem !== null) && (
        <>
          <div class="card">
            <h2>{say({ en: 'Draw a digit', zh: '写一个数字' })}</h2>
            <div class="drawing">
              <Board onDraw={draw} />
              <Probabilities reading={reading} />
              {reading && <Stages reading={reading} />}
            </div>
            {current !== null && current.epoch === 0 && (
              <p class="soft">
                {say({
                  en: 'The network has not finished an epoch yet: its answers are little more than guesses.',
                  zh: '网络尚未完成一轮训练：它的回答几乎只是猜测。',
                })}
              </p>
            )}
          </div>
          {current?.confusion && <TestResults snapshot={current} />}
          <p class="soft hash">
            {say({ en: 'SHA-256 of the weights: ', zh: '权重的 SHA-256：' })}
            <span data-testid="hash">
              {current?.hash ??
                (current?.running ? say({ en: 'they change just now', zh: '正在变化' }) : '—')}
            </span>
          </p>
          <ComputingNote computing={computing} />
          <Code code={codeFor(config)} />
        </>
      )}
    </>
  );
}

/** A number of the configuration. What cannot be is corrected when it is read. */
function Setting({
  config,
  name,
  label,
  step,
}: {
  readonly config: DigitsConfig;
  readonly name: 'count' | 'testCount' | 'learningRate' | 'batchSize' | 'dropout' | 'seed';
  readonly label: Text;
  readonly step: number | 'any';
}) {
  return (
    <Field label={label}>
      <Entry
        type="number"
        style={{ width: '6rem' }}
        min={0}
        step={step}
        data-testid={name}
        value={config[name]}
        onCommit={(text) => setParameters({ [name]: text })}
      />
    </Field>
  );
}

/** Where the reader's files go. */
function Drop({
  take,
  files,
}: {
  readonly take: (list: readonly File[]) => Promise<void>;
  readonly files: { readonly train: number; readonly test: number } | null;
}) {
  const [over, setOver] = useState(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an addition to the button inside
    <div
      class={over ? 'card drop over' : 'card drop'}
      data-testid="drop"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(take);
      }}
    >
      <div class="row">
        <Field
          label={{
            en: 'Drop the folder or the four files of MNIST here (gzipped or not), or choose them',
            zh: '将 MNIST 的文件夹或四个文件拖到此处（可为 gzip），或选择文件',
          }}
        >
          <input
            type="file"
            multiple
            data-testid="files"
            onChange={(event) => void take([...(event.currentTarget.files ?? [])])}
          />
        </Field>
        {files && (
          <span data-testid="found">
            {say({
              en: `${files.train} images to learn from, ${files.test} to test on`,
              zh: `${files.train} 张训练图像，${files.test} 张测试图像`,
            })}
          </span>
        )}
      </div>
      <p class="soft">
        {say({
          en: 'They stay in this browser. Numbers of images of 0 take all there are.',
          zh: '文件只留在此浏览器中。张数为 0 表示全部使用。',
        })}
      </p>
    </div>
  );
}
