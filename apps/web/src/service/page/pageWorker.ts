/**
 * Starts the worker of a page.
 *
 * All pages have the same script, `src/worker.ts`, which becomes the page's own `worker.ts` by the worker's name.
 *
 * @param page the folder of the page that has the `worker.ts`
 */
export function pageWorker(page: string): Worker {
  return new Worker(new URL('../../worker.ts', import.meta.url), { type: 'module', name: page });
}
