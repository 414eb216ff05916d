/**
 * The worker in which a program runs, one for each run, ended by the page.
 *
 * Its file is served with a policy of its own, the only one that lets text become code, and in exchange lets nothing
 * out: no network, no workers. What could reach the application's storage is taken away before the program begins, as a
 * program may come from a link that somebody else wrote.
 */
import type { Message, RunnableProgram } from '../items.ts';
import { run } from './run.ts';

/** What a program has no business with: the network, storage, other workers. Threads need workers, so no shared memory. */
const withheld = [
  ...[
    'fetch',
    'XMLHttpRequest',
    'WebSocket',
    'WebSocketStream',
    'WebTransport',
    'EventSource',
    'importScripts',
  ],
  ...[
    'indexedDB',
    'caches',
    'cookieStore',
    'BroadcastChannel',
    'Worker',
    'SharedWorker',
    'SharedArrayBuffer',
  ],
  ...['FileSystemFileHandle', 'FileSystemDirectoryHandle', 'RTCPeerConnection', 'Notification'],
];

function withhold(): void {
  for (const name of withheld)
    for (let owner: object | null = globalThis; owner; owner = Object.getPrototypeOf(owner))
      Reflect.deleteProperty(owner, name);
  const device = Object.getPrototypeOf(navigator) as object;
  for (const name of ['storage', 'locks', 'serviceWorker', 'sendBeacon', 'storageBuckets'])
    Reflect.deleteProperty(device, name);
}

const post = postMessage.bind(globalThis) as (message: Message) => void;

/** Indirect, so that the program sees globals and nothing of this file. */
// biome-ignore lint/security/noGlobalEval: what this worker is for; its policy allows it here alone
const compile = globalThis.eval as (code: string) => never;

addEventListener('message', async ({ data }: MessageEvent<RunnableProgram>) => {
  withhold();
  addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    const text = `not awaited: ${event.reason instanceof Error ? event.reason.message : event.reason}`;
    post({ type: 'items', items: [{ line: 0, content: { kind: 'error', text } }], dropped: 0 });
  });
  setInterval(() => post({ type: 'alive' }), 1000);
  post({ type: 'alive' });
  const done = await run(data, post, compile);
  post({ type: 'end', failed: !done });
});
