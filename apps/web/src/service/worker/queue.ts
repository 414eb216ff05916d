/**
 * Does jobs one after the other, in the order in which they were asked for.
 *
 * One that fails holds up none.
 */
export function queue(first: Promise<unknown> = Promise.resolve()): <T>(job: () => Promise<T>) => Promise<T> {
  let last = first;
  return (job) => {
    const result = last.then(job);
    last = result.catch(() => undefined);
    return result;
  };
}
