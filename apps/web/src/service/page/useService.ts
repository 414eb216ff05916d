/** A worker for as long as a page is shown. */
import { type Remote, releaseProxy, wrap } from 'comlink';
import { useEffect, useMemo, useState } from 'preact/hooks';

/** A page's way to its worker. */
export interface Service<T> {
  readonly remote: Remote<T>;
  /** Why the worker could not be started, or null. */
  readonly failure: string | null;
}

/**
 * Starts a worker with the page and ends it with the page.
 *
 * ```ts
 * const { remote } = useService<TrainerService>(
 *   () => pageWorker('digits'),
 * );
 * ```
 *
 * @param create called once
 */
export function useService<T>(create: () => Worker): Service<T> {
  const [failure, setFailure] = useState<string | null>(null);
  const { worker, remote } = useMemo(() => {
    const worker = create();
    return { worker, remote: wrap<T>(worker) };
  }, []);
  useEffect(() => {
    worker.onerror = (event) => setFailure(event.message || 'the worker could not be started');
    return () => {
      // Comlink remembers the worker for as long as its proxy is in use, and a worker's listeners and unanswered calls
      // hold the page they answer to, which holds the proxy: a circle that no collector opens.
      worker.onerror = null;
      (remote as { [releaseProxy](): void })[releaseProxy]();
      worker.terminate();
    };
  }, [worker]);
  return { remote, failure };
}
