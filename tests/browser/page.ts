/** Hands the suite to the test that opened the page. */
import { throughOnnx } from './onnx.ts';
import { type Outcome, runSuite, type Task } from './suite.ts';

/** As an application does that must not block its page. */
function inWorker(task: Task): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Outcome>) => {
      resolve(data);
      worker.terminate();
    };
    worker.onerror = (event) => reject(new Error(event.message || 'the worker could not be loaded'));
    worker.postMessage(task);
  });
}

Object.assign(window, { suite: { inPage: runSuite, inWorker }, throughOnnx });
