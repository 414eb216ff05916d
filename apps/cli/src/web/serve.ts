/**
 * Serves a folder from this machine and opens it: what `agrad web` and `agrad docs` share. Nothing beside the folder is served, and nobody
 * else is.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventVersion } from '@ag/train';
import openInBrowser from 'open';
import sirv from 'sirv';
import { exitCodes, Failure } from '../failure.ts';
import { watchInterrupts } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';
import { compressed } from './compressed.ts';

/** What is served, and how. */
export interface Serving {
  /** The command, for events. */
  readonly command: string;
  readonly folder: string;
  /** What of it is opened: `#/race`, `guide/install.html`. */
  readonly page: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers of single files, by their path in the folder, in the place of those of all. */
  readonly fileHeaders?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly port: number;
  readonly open: boolean;
}

/** Serves until it is interrupted; answers the exit code. */
export async function serve(serving: Serving, terminal: Terminal): Promise<number> {
  const { command, folder, page, headers, fileHeaders = {}, port, open } = serving;
  const files = sirv(folder, {
    etag: true,
    setHeaders: (response, path) => {
      const all = { ...headers, ...fileHeaders[path.replace(/^\//, '')] };
      for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
    },
  });
  const server = createServer((request, response) => {
    files(request, compressed(request, response), () => {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('No such file.\n');
    });
  });
  const address = `http://localhost:${await listen(server, port)}/${page}`;
  const interrupt = watchInterrupts(() => server.closeAllConnections());
  try {
    terminal.print(address);
    terminal.note('Press Ctrl-C to stop.');
    terminal.event({ v: eventVersion, type: 'start', command, address });
    // A machine without a browser has the address at least.
    if (open) (await openInBrowser(address)).on('error', () => undefined);
    await aborted(interrupt.signal);
    terminal.event({ v: eventVersion, type: 'result', command, address });
    return interrupt.exitCode ?? exitCodes.done;
  } finally {
    interrupt.stop();
    server.close();
    server.closeAllConnections();
  }
}

/** Begins to listen, for this machine only; answers the port. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reasons: Record<string, string> = {
        EADDRINUSE: 'another program has it',
        EACCES: 'this user may not use it',
      };
      const reason = reasons[error.code ?? ''];
      reject(
        reason
          ? new Failure(
              'configuration',
              `port ${port}: ${reason}`,
              'Give another one with --port; --port 0 takes any free one.',
              error,
            )
          : error,
      );
    });
    server.listen(port, 'localhost', () => resolve((server.address() as AddressInfo).port));
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
