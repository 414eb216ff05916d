/** Asks a worker again and again: of questions that come faster than answers, the last one. */
import { useEffect, useRef } from 'preact/hooks';
import { messageOf } from '../messageOf.ts';

/**
 * @param key what is asked, as a text: another key is another question
 * @param ask asks it
 * @param take gets the answer, unless the page was left meanwhile
 * @param fail gets the message of what went wrong
 */
export function useLatest<R>(
  key: string,
  ask: () => Promise<R>,
  take: (answer: R) => void,
  fail: (message: string) => void,
): void {
  const latest = useRef({ key, ask, take, fail });
  latest.current = { key, ask, take, fail };
  const state = useRef({ busy: false, left: false });
  const run = async () => {
    if (state.current.busy) return;
    state.current.busy = true;
    for (let asked: string | null = null; asked !== latest.current.key && !state.current.left; ) {
      asked = latest.current.key;
      try {
        const answer = await latest.current.ask();
        if (!state.current.left) latest.current.take(answer);
      } catch (error) {
        if (!state.current.left) latest.current.fail(messageOf(error));
      }
    }
    state.current.busy = false;
  };
  useEffect(() => void run(), [key]);
  useEffect(
    () => () => {
      state.current.left = true;
    },
    [],
  );
}
