/** Runs the suite in a worker, where the threads of the backend are workers of a worker. */
import { runSuite, type Task } from './suite.ts';

globalThis.onmessage = async ({ data }: MessageEvent<Task>) => {
  try {
    globalThis.postMessage(await runSuite(data));
  } catch (error) {
    // Not in a promise, so that the page hears of it.
    setTimeout(() => {
      throw error;
    });
  }
};
