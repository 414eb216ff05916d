/**
 * The script of every page's worker.
 *
 * One entry for all of them, so that they share what they compute with: the library is built, loaded and kept for use
 * without a network once. The name of the worker says whose `worker.ts` it is to be.
 */
const modules = import.meta.glob<unknown>('./pages/*/worker.ts');

/** What arrives while the page's module is loaded, which has no listener yet. */
const early: MessageEvent[] = [];
const keep = (event: MessageEvent): void => {
  event.stopImmediatePropagation();
  early.push(event);
};
addEventListener('message', keep);

const load = modules[`./pages/${self.name}/worker.ts`];
if (!load) throw new Error(`no page has a worker of the name '${self.name}'`);
load().then(
  () => {
    removeEventListener('message', keep);
    for (const { data, ports } of early)
      dispatchEvent(new MessageEvent('message', { data, ports: [...ports] }));
  },
  // Rejections are not told to the page, errors are.
  (error: unknown) => setTimeout(() => reportError(error)),
);
