/** Has a worker choose what computes, and tells the page and the frame around it. */
import { proxy } from 'comlink';
import { useEffect, useState } from 'preact/hooks';
import { backend, computing as shown } from '../../shell/backend.ts';
import { messageOf } from '../messageOf.ts';
import type { BackendName, Computing } from '../worker/computing.ts';

/**
 * To be called before the worker is asked for anything else.
 *
 * @param choose of the worker
 * @param asked what is to compute; the reader's choice, unless the page knows better
 */
export function useComputing(
  remote: unknown,
  choose: (asked: BackendName, onChange?: (computing: Computing) => unknown) => Promise<Computing>,
  onProblem: (message: string) => void,
  asked: BackendName = backend.value,
): Computing | null {
  const [computing, setComputing] = useState<Computing | null>(null);
  useEffect(() => {
    // What cannot be lost has nothing to tell later.
    const answer = asked === 'wasm' ? choose(asked) : choose(asked, proxy(setComputing));
    answer.then(setComputing, (error: unknown) => onProblem(messageOf(error)));
  }, [remote]);
  useEffect(() => {
    shown.value = computing;
    return () => {
      shown.value = null;
    };
  }, [computing]);
  return computing;
}
