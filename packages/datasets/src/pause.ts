/**
 * Lets the event loop run during long work. Promises alone do not: timers, signals such as Ctrl-C, input and painting
 * wait until a task ends. A pause costs some microseconds, so it is taken only when the last one is a while ago.
 */

/** The longest time in milliseconds for which a running iteration keeps the event loop waiting. */
const patience = 10;

let lastPause = 0;

/** Resolves at once, or after other waiting tasks have run if the last pause is more than 10 ms ago. */
export async function pauseWhenDue(): Promise<void> {
  if (now() - lastPause < patience) return;
  await pause();
  lastPause = now();
}

/** Engines without `performance` have the time of day. */
const now = (): number => globalThis.performance?.now() ?? Date.now();

function pause(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  // Browsers delay nested timers by 4 ms, a message not.
  return new Promise((resolve) => {
    if (typeof MessageChannel === 'undefined') {
      if (typeof setTimeout === 'function') setTimeout(resolve, 0);
      else resolve();
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
