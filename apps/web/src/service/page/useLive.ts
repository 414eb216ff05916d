/**
 * The page's side of a session in a worker: one for each request, with updates while it runs.
 *
 * The other side is `serve` in `worker/serve.ts`.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../messageOf.ts';
import type { BackendName, Computing } from '../worker/computing.ts';
import type { LiveService } from '../worker/serve.ts';
import { nextFrame } from './nextFrame.ts';
import type { Run } from './run.ts';
import { useComputing } from './useComputing.ts';
import { useService } from './useService.ts';

/** How things stand. */
export interface Live<Update> {
  /** The last update; null until the first. Of an older request until the new one's first arrives. */
  readonly update: Update | null;
  /** Why it cannot go on, or null. */
  readonly problem: string | null;
  /** What computes; null until it is known. */
  readonly computing: Computing | null;
  /** Goes on and rests. Its step is one turn of work; its reset opens the same request again. */
  readonly run: Run;
}

/**
 * @param create makes the worker; called once
 * @param request what to open; a change of its content opens another session, but for the learning rate, with which the
 * session goes on. Null opens none
 * @param begin whether a session runs as soon as it is open
 * @param asked what is to compute; the reader's choice, unless the page knows better
 */
export function useLive<
  Request extends { readonly learningRate: number },
  Update extends { readonly done: boolean },
>(create: () => Worker, request: Request | null, begin: boolean, asked?: BackendName): Live<Update> {
  const [update, setUpdate] = useState<Update | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [running, setRunning] = useState(begin);
  const [round, setRound] = useState(0);
  const [opened, setOpened] = useState(0);
  const { remote, failure } = useService<LiveService<Request, Update>>(create);
  const service = remote as unknown as LiveService<Request, Update>;
  const latest = useRef(0);
  // Whoever presses the button while a session is being opened means that one.
  const intent = useRef(begin);

  const computing = useComputing(remote, service.computing, setProblem, asked);

  const content = JSON.stringify(request && { ...request, learningRate: null });
  const rate = request?.learningRate;
  const used = useRef(rate);
  useEffect(() => {
    used.current = rate;
    const mine = ++latest.current;
    intent.current = begin;
    setProblem(null);
    if (content === 'null') return;
    void service.open({ ...(JSON.parse(content) as Request), learningRate: rate! }).then(
      (first) => {
        if (mine !== latest.current) return;
        setUpdate(first);
        setRunning(intent.current);
        setOpened(mine);
      },
      (error: unknown) => {
        if (mine === latest.current) setProblem(messageOf(error));
      },
    );
  }, [content, round]);

  useEffect(() => {
    if (rate === undefined || used.current === rate) return;
    used.current = rate;
    // A session at its end has no steps to come.
    if (update?.done === true) {
      setRound((before) => before + 1);
      return;
    }
    service.setLearningRate(rate).catch((error: unknown) => setProblem(messageOf(error)));
  }, [rate]);

  const turn = async (mine: number): Promise<boolean> => {
    try {
      const next = await service.advance();
      if (mine !== latest.current) return false;
      setUpdate(next);
      return !next.done;
    } catch (error) {
      if (mine === latest.current) setProblem(messageOf(error));
      return false;
    }
  };

  useEffect(() => {
    if (!running || opened === 0 || opened !== latest.current) return;
    let wanted = true;
    void (async () => {
      while (wanted && (await turn(opened))) await nextFrame();
      if (wanted) setRunning(false);
    })();
    return () => {
      wanted = false;
    };
  }, [running, opened]);

  const intend = (on: boolean) => {
    intent.current = on;
    setRunning(on);
  };

  return {
    update,
    problem: problem ?? failure,
    computing,
    run: {
      ready: update !== null,
      running: running && problem === null && failure === null && update?.done !== true,
      ended: update?.done === true,
      play: () => intend(true),
      pause: () => intend(false),
      step: () => void turn(latest.current),
      reset: () => setRound((before) => before + 1),
    },
  };
}
