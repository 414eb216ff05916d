/**
 * What can be sent messages and sends some, in either world: Node's workers and ports, and those of the web.
 */
import { findNodeModule } from './platform.ts';

/** What can be sent messages and sends some: a `Worker` of either kind, a port, or a worker's own scope. */
export interface MessageEnd {
  postMessage(message: unknown): void;
  /** Node's. */
  on?(event: Heard, listener: Listener): unknown;
  off?(event: Heard, listener: Listener): unknown;
  /** The web's. */
  addEventListener?(event: Heard, listener: Listener): unknown;
  removeEventListener?(event: Heard, listener: Listener): unknown;
}

type Heard = 'message' | 'messageerror' | 'error' | 'exit' | 'close';

// biome-ignore lint/suspicious/noExplicitAny: with any other type neither the web's Worker nor Node's would fit
type Listener = (given: any) => void;

/**
 * Where a worker hears from its owner; null in what is no worker. Node's port comes first: Bun and Deno give a worker thread the
 * web's scope as well, which in Bun hears nothing.
 */
export function ownEnd(): MessageEnd | null {
  const port = findNodeModule('node:worker_threads')?.parentPort;
  if (port) return port as unknown as MessageEnd;
  const scope = globalThis as unknown as Partial<MessageEnd> & { document?: unknown };
  // A page has both functions too; what it posts goes to itself.
  const isPage = scope.document !== undefined;
  if (!isPage && typeof scope.postMessage === 'function' && typeof scope.addEventListener === 'function')
    return scope as MessageEnd;
  return null;
}

/** Listens in either world; the function returned ends it. */
export function listen<Value>(end: MessageEnd, event: Heard, listener: (value: Value) => void): () => void {
  if (end.on) {
    end.on(event, listener);
    return () => end.off?.(event, listener);
  }
  const unpack = (given: { data?: Value }): void =>
    listener((event === 'message' ? given.data : given) as Value);
  end.addEventListener?.(event, unpack);
  return () => end.removeEventListener?.(event, unpack);
}
