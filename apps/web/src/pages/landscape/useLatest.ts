/** Asks a worker for what a page shows: of requests that come faster than answers, the last. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../service/messageOf.ts';

/** The last answer and what it answers, which may be older than what is asked for now. */
export interface Latest<Request, Result> {
  readonly shown: { readonly request: Request; readonly result: Result } | null;
  readonly problem: string | null;
  /** Whether what is shown answers the present request. */
  readonly current: boolean;
}

/** @param request plain data; null asks for nothing and shows nothing */
export function useLatest<Request, Result>(
  request: Request | null,
  ask: (request: Request) => Promise<Result>,
): Latest<Request, Result> {
  const [state, setState] = useState<{
    readonly text: string;
    readonly shown: Latest<Request, Result>['shown'];
    readonly problem: string | null;
  }>({ text: 'null', shown: null, problem: null });
  const text = JSON.stringify(request);
  const wanted = useRef(text);
  const busy = useRef(false);
  const run = async () => {
    if (busy.current) return;
    busy.current = true;
    for (let last: string | null = null; last !== wanted.current; ) {
      last = wanted.current;
      if (last === 'null') {
        setState({ text: last, shown: null, problem: null });
        continue;
      }
      const asked = JSON.parse(last) as Request;
      const answered = last;
      try {
        const result = await ask(asked);
        setState({ text: answered, shown: { request: asked, result }, problem: null });
      } catch (error) {
        setState(({ shown }) => ({ text: answered, shown, problem: messageOf(error) }));
      }
    }
    busy.current = false;
  };
  useEffect(() => {
    wanted.current = text;
    void run();
  }, [text]);
  return { shown: state.shown, problem: state.problem, current: state.text === text };
}
