/** A program's worker: started, watched and ended. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Item, Message, RunnableProgram } from './items.ts';

export type Outcome = 'done' | 'failed' | 'stopped' | 'lost' | null;

/** Milliseconds without a sign of life: after the first it is said, after the second the program is ended. */
const silence = { said: 10_000, ended: 60_000 };

/** Milliseconds between two pictures of what a program shows: the page has to answer in between. */
const between = 100;

/** Items that are kept for the next picture. */
const mostWaiting = 500;

export interface Running {
  readonly running: boolean;
  /** How the last program ended; null where none has. */
  readonly outcome: Outcome;
  readonly milliseconds: number;
  /** Whether it has not answered for long. */
  readonly silent: boolean;
  start(program: RunnableProgram): void;
  stop(): void;
  /** Lets a program that does not answer go on. */
  allow(): void;
}

/**
 * @param show told what the program shows, and how much was too much to be sent
 */
export function useProgram(show: (items: readonly Item[], dropped: number) => void): Running {
  const worker = useRef<Worker | null>(null);
  const heard = useRef(0);
  const allowed = useRef(false);
  const began = useRef(0);
  const waiting = useRef<{ items: Item[]; dropped: number; timer: ReturnType<typeof setTimeout> | null }>({
    items: [],
    dropped: 0,
    timer: null,
  });
  const [running, setRunning] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>(null);
  const [milliseconds, setMilliseconds] = useState(0);
  const [silent, setSilent] = useState(false);

  const picture = (): void => {
    const { items, dropped, timer } = waiting.current;
    if (timer !== null) clearTimeout(timer);
    waiting.current = { items: [], dropped: 0, timer: null };
    if (items.length > 0) show(items, dropped);
  };
  const latestPicture = useRef(picture);
  latestPicture.current = picture;
  const take = (items: readonly Item[], dropped: number): void => {
    const before = waiting.current;
    const all = [...before.items, ...items];
    waiting.current = {
      items: all.slice(-mostWaiting),
      dropped: before.dropped + dropped + Math.max(0, all.length - mostWaiting),
      timer: before.timer ?? setTimeout(() => latestPicture.current(), between),
    };
  };
  const end = (how: Outcome): void => {
    picture();
    worker.current?.terminate();
    worker.current = null;
    setMilliseconds(performance.now() - began.current);
    setRunning(false);
    setSilent(false);
    setOutcome(how);
  };
  useEffect(
    () => () => {
      worker.current?.terminate();
      if (waiting.current.timer !== null) clearTimeout(waiting.current.timer);
    },
    [],
  );
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => {
      const quiet = performance.now() - heard.current;
      if (quiet > silence.ended && !allowed.current) end('lost');
      else setSilent(quiet > silence.said && !allowed.current);
    }, 500);
    return () => clearInterval(timer);
  }, [running]);

  return {
    running,
    outcome,
    milliseconds,
    silent,
    start(program) {
      worker.current?.terminate();
      picture();
      const mine = new Worker(new URL('./runner/program.ts', import.meta.url), { type: 'module' });
      worker.current = mine;
      began.current = performance.now();
      heard.current = began.current;
      allowed.current = false;
      setOutcome(null);
      setSilent(false);
      setRunning(true);
      mine.onmessage = ({ data }: MessageEvent<Message>) => {
        if (worker.current !== mine) return;
        heard.current = performance.now();
        if (data.type === 'items') take(data.items, data.dropped);
        if (data.type === 'end') end(data.failed ? 'failed' : 'done');
      };
      mine.onerror = ({ message }) => {
        if (worker.current !== mine) return;
        take(
          [{ line: 0, content: { kind: 'error', text: message || 'the worker could not be started' } }],
          0,
        );
        end('failed');
      };
      mine.postMessage(program);
    },
    stop() {
      if (worker.current) end('stopped');
    },
    allow() {
      allowed.current = true;
      setSilent(false);
    },
  };
}
