/** Hands the suite to the test that opened the page. */
import { browserStore } from '@ag/train';
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

/** What a store of checkpoints reads before, between and after its writes. */
async function keeping(by: 'files' | 'database'): Promise<(number[] | null)[]> {
  const store = browserStore(by);
  const name = 'a/b: c?';
  const read = async () => {
    const bytes = await store.read(name);
    return bytes && [...bytes];
  };
  const seen = [await read()];
  for (const bytes of [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]) {
    await store.write(name, bytes);
    seen.push(await read());
  }
  await store.remove(name);
  await store.remove(name);
  return [...seen, await read()];
}
Object.assign(window, { suite: { inPage: runSuite, inWorker }, throughOnnx, keeping });
