/**
 * Gives the event loop its turn within an epoch, so that Ctrl-C, timers and input work. Promises alone do not: they
 * all run before anything else gets its turn.
 */

import { now } from './clock.ts';

/** Milliseconds for which a loop may keep everything else waiting. */
const patience = 10;

let last = 0;

/** To be called where other tasks had their turn by other means, as by a message that was waited for. */
export function pausedNow(): void {
  last = now();
}

/** Lets other tasks run when the last pause is a while ago. */
export async function pauseWhenDue(): Promise<void> {
  if (now() - last < patience) return;
  await new Promise<void>((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    // A message arrives sooner than a browser's shortest timer.
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
  last = now();
}
