/**
 * Keeps a busy worker from flooding its page with snapshots.
 *
 * They are sent at most every so many milliseconds, never while the page still draws the one before, and the
 * last one always arrives.
 */
export interface Publisher {
  /** Sends a snapshot of the state if one is due. Waits for its making, not for the page. */
  offer(): Promise<void>;
  /** Sends one now, after the one under way. */
  flush(): Promise<void>;
}

/**
 * @param make makes a snapshot of the present state; called only when it will be sent
 * @param send hands it to the page; the promise resolves when the page has taken it
 * @param interval least milliseconds between two
 */
export function publisher<T>(
  make: () => T | Promise<T>,
  send: (snapshot: T) => unknown,
  interval = 100,
): Publisher {
  let last = Number.NEGATIVE_INFINITY;
  let taken: Promise<unknown> | null = null;
  const publish = async (): Promise<void> => {
    last = performance.now();
    const sent = Promise.resolve(send(await make())).catch(() => undefined);
    taken = sent;
    void sent.then(() => {
      if (taken === sent) taken = null;
    });
  };
  return {
    async offer() {
      if (taken === null && performance.now() - last >= interval) await publish();
    },
    async flush() {
      await publish();
      await taken;
    },
  };
}
