/** The state of the digits page: the address, the worker's snapshots, and the board. */
import { transfer } from 'comlink';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { download } from '../../components/download.ts';
import { clampInteger } from '../../components/numbers.ts';
import { messageOf } from '../../service/messageOf.ts';
import { nextFrame } from '../../service/page/nextFrame.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useTrainer } from '../../service/page/useTrainer.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, route, setParameters } from '../../shell/route.ts';
import { configFrom, type DigitsConfig, writeConfig } from './config.ts';
import type { Learned, Reading, Snapshot } from './snapshot.ts';
import type { Trainer } from './trainer.ts';
import type { Place } from './windowView.tsx';

export function useDigits() {
  const address = route.value.parameters.toString();
  const config = useMemo(() => configFrom(new URLSearchParams(address)), [address]);
  const epochs = Math.max(1, Math.round(numberParameter('epochs', 10)));
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  const [files, setFiles] = useState<{ train: number; test: number } | null>(null);
  const [pausing, setPausing] = useState(false);
  const [learned, setLearned] = useState<Learned | null>(null);
  const [learning, setLearning] = useState(false);
  const channel = clampInteger(numberParameter('channel', 1), 1, 64) - 1;
  const [place, setPlace] = useState<Place>({ row: 13, column: 13 });

  const trainer = useTrainer<DigitsConfig, Snapshot, Trainer>(
    () => pageWorker('digits'),
    config,
    async (next) => {
      setSnapshot(next);
      await nextFrame();
    },
    () => void board.read(),
  );
  const { remote, computing, problem, setProblem, ask, restart, isCurrent, adopt } = trainer;
  const current = isCurrent(snapshot) ? snapshot : null;
  const running = current?.running === true && !pausing;
  const board = useBoard(
    (drawing) => remote.read(drawing, channel),
    setProblem,
    `${current?.session} ${current?.epoch} ${current?.running} ${channel} ${current?.hash}`,
  );
  const { reading } = board;

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
    answering: board.isReading(),
    reading: reading && {
      probabilities: reading.probabilities,
      image: Array.from(reading.image),
      stages: reading.stages.map(({ name, shape }) => ({ name, shape })),
      saliency: Array.from(reading.saliency),
      neighbors: reading.neighbors.map(({ label, distance, pixels }) => ({
        label,
        distance,
        pixels: Array.from(pixels),
      })),
      window: reading.window && {
        channel: reading.window.channel,
        place,
        bias: reading.window.bias,
        products: Array.from(reading.window.products),
        sums: Array.from(reading.window.sums),
        activations: Array.from(
          reading.stages[0].values.subarray(784 * reading.window.channel, 784 * (reading.window.channel + 1)),
        ),
      },
    },
    learned,
  }));

  const loadFiles = async (list: readonly File[]) => {
    try {
      setProblem(null);
      const named = await Promise.all(
        list.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
      );
      const buffers = named.map(({ bytes }) => bytes.buffer);
      setFiles(await remote.files(transfer(named, buffers)));
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
  const teach = async (digit: number) => {
    const drawing = board.drawing();
    if (!drawing) return;
    setLearning(true);
    try {
      setLearned((await remote.learn(drawing, digit)) ?? null);
    } catch (error) {
      setProblem(messageOf(error));
    }
    setLearning(false);
  };
  const save = async (name: string, content: Promise<Uint8Array | undefined>) => {
    const bytes = await content;
    if (bytes) download(name, 'application/octet-stream', bytes);
  };

  return {
    config,
    epochs,
    problem,
    computing,
    /** Whether anything has been shown, be it of a configuration before this. */
    arrived: snapshot !== null,
    /** The snapshot of the present configuration; null until there is one. */
    current,
    files,
    loadFiles,
    restore,
    board,
    learned,
    learning,
    teach: (digit: number) => void teach(digit),
    place,
    setPlace,
    run: {
      ready: current !== null,
      running,
      ended: pausing || (current !== null && current.alert !== null),
      play: () => ask(remote.play(epochs)),
      pause: () => {
        setPausing(true);
        ask(remote.pause().finally(() => setPausing(false)));
      },
      reset: restart,
    },
    saveCheckpoint: () => void save('digits.checkpoint.safetensors', remote.save()),
    saveWeights: () => void save('digits.safetensors', remote.weights()),
  };
}

export type DigitsState = ReturnType<typeof useDigits>;

/**
 * What is on the board and what the network makes of it.
 *
 * @param learned another text when the network has learned something: the drawing is read again
 */
function useBoard(
  predict: (drawing: ImageData) => Promise<Reading | undefined>,
  onProblem: (message: string) => void,
  learned: string,
) {
  const [reading, setReading] = useState<Reading | null>(null);
  const drawing = useRef<ImageData | null>(null);
  const asked = useRef(false);

  /** Reads what is on the board; of drawings that come faster than answers, the last. */
  const read = async () => {
    if (asked.current) return;
    asked.current = true;
    try {
      for (let last: ImageData | null | undefined; drawing.current !== last; ) {
        last = drawing.current;
        setReading(last === null ? null : ((await predict(last)) ?? null));
      }
    } catch (error) {
      onProblem(messageOf(error));
    }
    asked.current = false;
  };
  useEffect(() => {
    if (!drawing.current) return;
    drawing.current = new ImageData(drawing.current.data.slice(), drawing.current.width);
    void read();
  }, [learned]);

  return {
    reading,
    read,
    isReading: () => asked.current,
    drawing: () => drawing.current,
    draw(image: ImageData | null): void {
      drawing.current = image;
      void read();
    },
  };
}
