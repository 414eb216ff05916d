/**
 * The state of the transformer page.
 *
 * What the address asks for, what the worker trains as a service of the page, and what it answers.
 */
import { trainingService } from '@ag/train';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { clampInteger } from '../../components/numbers.ts';
import { messageOf } from '../../service/messageOf.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import type { Run } from '../../service/page/run.ts';
import { backend, computing as shown } from '../../shell/backend.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, oneOf, parameter } from '../../shell/route.ts';
import type {
  Answer,
  CorpusAnswer,
  LookAnswer,
  Question,
  Settings,
  UnseenAnswer,
  WritingAnswer,
} from './session.ts';
import { leastText, textOf } from './text.ts';

/** Milliseconds between two questions while it trains: training goes first. */
const pace = { look: 250, unseen: 1500, writing: 4000 };

/** Losses by step. */
export interface Curve {
  readonly steps: readonly number[];
  readonly losses: readonly number[];
}

const empty: Curve = { steps: [], losses: [] };
const grown = (curve: Curve, step: number, loss: number): Curve => ({
  steps: [...curve.steps, step],
  losses: [...curve.losses, loss],
});

/** How a run stands; everything of it begins anew with the run. */
interface Standing {
  readonly step: number;
  /** Seconds of training in this page. */
  readonly seconds: number;
  readonly loss: number | null;
  readonly unseen: Curve;
  /** Seconds after which the unseen text was foretold better than by three characters, or null. */
  readonly better: number | null;
  /** The step that was gone on from, or 0. */
  readonly resumed: number;
}

const beginning: Standing = { step: 0, seconds: 0, loss: null, unseen: empty, better: null, resumed: 0 };

export function useTransformer() {
  const context = clampInteger(numberParameter('context', 48), 16, 64);
  const heads = clampInteger(numberParameter('heads', 4), 1, 8);
  const settings: Settings = {
    text: oneOf(['sentences', 'brackets', 'own'] as const, 'text', 'sentences'),
    own: parameter('text', '') === 'own' ? parameter('own', '') : '',
    context,
    heads,
    // So that heads share it equally.
    width: heads * clampInteger(numberParameter('width', 48) / heads, 2, Math.floor(128 / heads)),
    layers: clampInteger(numberParameter('layers', 2), 1, 4),
    seed: clampInteger(numberParameter('seed', 1), 0, 1e6),
    backend: backend.value,
  };
  const rate = Math.max(0, numberParameter('rate', 0.003));
  const temperature = Math.max(0.05, numberParameter('temperature', 0.8));
  const least = leastText(context);
  const isShort = settings.text === 'own' && [...textOf(settings)].length < least;

  const [corpus, setCorpus] = useState<CorpusAnswer | null>(null);
  const [look, setLook] = useState<LookAnswer | null>(null);
  const [writing, setWriting] = useState<string | null>(null);
  const [standing, setStanding] = useState<Standing>(beginning);
  const [running, setRunning] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const prompt = parameter('prompt', corpus?.beginning ?? '');

  /** What the service's listener needs of the present, which is older than itself. */
  const now = useRef({ prompt, temperature, running, trigram: 0, seed: 0 });
  now.current = { ...now.current, prompt, temperature, running, trigram: corpus?.trigram ?? 0 };
  const asked = useRef({ look: 0, unseen: 0, writing: 0 });

  const service = useMemo(() => {
    const ask = async <A extends Answer>(
      question: Question,
      take: (answer: A, step: number) => void,
    ): Promise<void> => {
      try {
        const answer = await service.predict(question, question.about);
        if (answer !== null) take(answer.value as A, answer.step);
      } catch (error) {
        setProblem(messageOf(error));
      }
    };
    const questions = {
      corpus: () =>
        ask<CorpusAnswer>({ about: 'corpus' }, (answer) => {
          setCorpus(answer);
          shown.value = answer.computing;
          now.current.trigram = answer.trigram;
          now.current.prompt = parameter('prompt', answer.beginning);
          void questions.look();
          void questions.unseen();
        }),
      look: () => ask<LookAnswer>({ about: 'look', text: now.current.prompt }, setLook),
      unseen: () =>
        ask<UnseenAnswer>({ about: 'unseen' }, ({ loss }, step) =>
          setStanding((before) => ({
            ...before,
            unseen: before.unseen.steps.at(-1) === step ? before.unseen : grown(before.unseen, step, loss),
            better: before.better ?? (loss < now.current.trigram ? before.seconds : null),
          })),
        ),
      writing: () =>
        ask<WritingAnswer>(
          {
            about: 'writing',
            text: now.current.prompt,
            temperature: now.current.temperature,
            seed: now.current.seed++,
          },
          ({ text }) => setWriting(text),
        ),
    };
    /** Steps come many times a second; what is asked of them comes at its own pace. */
    const follow = () => {
      const time = performance.now();
      for (const about of ['look', 'unseen', 'writing'] as const) {
        if (time - asked.current[about] < pace[about]) continue;
        asked.current[about] = time;
        void questions[about]();
      }
    };
    let last = 0;
    const service = trainingService<Settings, Question, Answer>(() => pageWorker('transformer'), {
      settings,
      name: 'transformer',
      playing: false,
      onEvent(event) {
        if (event.type === 'start') {
          last = event.seconds;
          setStanding({ ...beginning, step: event.step, resumed: event.step });
          setProblem(null);
          void questions.corpus();
        } else if (event.type === 'step') {
          // Time at rest is none of training; a step never takes so long.
          const spent = Math.min(1, event.seconds - last);
          last = event.seconds;
          setStanding((before) => ({
            ...before,
            step: event.step,
            seconds: before.seconds + spent,
            loss: event.loss,
          }));
          follow();
        } else if (event.type === 'failed') setProblem(event.message);
      },
    });
    service.setLearningRate(rate);
    return Object.assign(service, { questions });
  }, []);
  useEffect(
    () => () => {
      service.close();
      shown.value = null;
    },
    [service],
  );

  const key = JSON.stringify(settings);
  const begun = useRef(key);
  useEffect(() => {
    if (begun.current === key || isShort) return;
    begun.current = key;
    setCorpus(null);
    setLook(null);
    setWriting(null);
    service.restart(settings);
    service.setLearningRate(rate);
  }, [key, isShort]);
  useEffect(() => service.setLearningRate(rate), [rate]);
  useEffect(() => {
    if (corpus) void service.questions.look();
  }, [prompt]);

  const run: Run = {
    ready: corpus !== null && !isShort,
    running,
    ended: false,
    play() {
      setRunning(true);
      service.play();
    },
    pause() {
      setRunning(false);
      void service.pause().then(() => service.questions.look());
    },
    reset() {
      setWriting(null);
      service.restart();
      service.setLearningRate(rate);
    },
  };
  useInspection(() => ({
    page: 'transformer',
    ...settings,
    rate,
    prompt,
    ready: run.ready,
    running,
    step: standing.step,
    seconds: standing.seconds,
    loss: standing.loss,
    unseen: standing.unseen.losses.at(-1) ?? null,
    trigram: corpus?.trigram ?? null,
    better: standing.better,
    resumed: standing.resumed,
    writing,
    look,
    problem,
    computing: corpus?.computing ?? null,
  }));
  return {
    settings,
    rate,
    temperature,
    prompt,
    corpus,
    look,
    writing,
    standing,
    problem,
    run,
    /** How many characters are missing, or 0. */
    missing: isShort ? least - [...settings.own].length : 0,
    write: () => void service.questions.writing(),
  };
}

export type TransformerState = ReturnType<typeof useTransformer>;
