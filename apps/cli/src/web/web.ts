/**
 * `agrad web`: serves the demo application from this machine and opens it. Its headers let it use threads. The
 * application is a part of the package: the build copies apps/web/dist into dist/web.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type WebOptions, webPages } from '../commands/web.ts';
import { Failure } from '../failure.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { serve } from './serve.ts';

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
  const { port, open } = options;
  const path = page === '' ? '' : `#/${page.replaceAll(' ', '%20')}`;
  const fileHeaders = readFileHeaders(folder);
  return serve({ command: 'web', folder, page: path, headers, fileHeaders, port, open }, terminal);
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

/** Headers of single files; an application that has none of its own has no such file. */
function readFileHeaders(folder: string): Record<string, Record<string, string>> {
  const file = `${folder.replace(/[\\/]$/, '')}/fileHeaders.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}
