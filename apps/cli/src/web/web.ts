/**
 * `agrad web`: serves the demo application from this machine and opens it. Its headers let it use threads. The
 * application is a part of the package: the build copies apps/web/dist into dist/web.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { eventVersion } from '@ag/train';
import openInBrowser from 'open';
import sirv from 'sirv';
import { type WebOptions, webPages } from '../commands/web.ts';
import { exitCodes, Failure } from '../failure.ts';
import { watchInterrupts } from '../interrupt.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';

/**
 * Serves until it is interrupted.
 *
 * @param folder where the built application is
 */
export async function web(
  options: Omit<WebOptions, 'settings'>,
  terminal: Terminal,
  folder = builtFolder(),
): Promise<number> {
  // A page with its parameters, as in the application's addresses: `playground?data=spirals`.
  const page = (options.positional[0] ?? '').replace(/^#?\/?/, '');
  const [name] = page.split('?');
  if (name !== '' && !(webPages as readonly string[]).includes(name)) {
    throw new Failure('usage', `web: there is no page '${name}'`, didYouMean(name, webPages, 'Pages'));
  }
  const headers = readHeaders(folder);
  const files = sirv(folder, {
    etag: true,
    setHeaders: (response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    },
  });
  const server = createServer((request, response) => {
    files(request, response, () => {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('No such file.\n');
    });
  });
  const address = `http://localhost:${await listen(server, options.port)}/${page === '' ? '' : `#/${page.replaceAll(' ', '%20')}`}`;
  const interrupt = watchInterrupts(() => server.closeAllConnections());
  try {
    terminal.print(address);
    terminal.note('Press Ctrl-C to stop.');
    terminal.event({ v: eventVersion, type: 'start', command: 'web', address });
    // A machine without a browser has the address at least.
    if (options.open) (await openInBrowser(address)).on('error', () => undefined);
    await aborted(interrupt.signal);
    terminal.event({ v: eventVersion, type: 'result', command: 'web', address });
    return interrupt.exitCode ?? exitCodes.done;
  } finally {
    interrupt.stop();
    server.close();
    server.closeAllConnections();
  }
}

/** Beside this file in the built command; in the repository where the application builds itself. */
function builtFolder(): string {
  const source = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(source ? '../../../web/dist/' : './web/', import.meta.url));
}

/** The headers that the application wants to be served with; its build writes them down. */
function readHeaders(folder: string): Record<string, string> {
  const file = `${folder.replace(/[\\/]$/, '')}/headers.json`;
  if (!existsSync(file)) {
    throw new Failure(
      'configuration',
      `the application is not built: there is no ${file}`,
      "In the repository 'npm run build' builds it; an installed agrad should have it: install it again.",
    );
  }
  return JSON.parse(readFileSync(file, 'utf8'));
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
