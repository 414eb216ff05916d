/**
 * Functions that are run to see what they compute must give tensors, not promises of them: an async function would go on
 * after whoever called it has looked at its result and left the trace, the mapping or the hook behind.
 */
import { codedError } from './errors.ts';

/**
 * The result of a function that must not be async.
 *
 * @param where the operation that was given the function
 * @param what which of its functions it is
 * @throws TypeError for a promise, saying what to do

 */
export function synchronous<T>(where: string, result: T, what = 'the function'): T {
  if (typeof (result as { readonly then?: unknown } | null | undefined)?.then !== 'function') return result;
  // Its own failure would come later, with nobody to hear it.
  (result as unknown as PromiseLike<unknown>).then(undefined, () => {});
  throw codedError(
    TypeError,
    'AG_ASYNC_FUNCTION',
    `${where}: ${what} returned a promise; it must not be async, since it is run to see what it computes and nobody waits for it. ` +
      'Wait for data before the call and pass them as arguments; read results after it: await f(x).data().',
  );
}
