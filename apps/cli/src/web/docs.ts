/**
 * `agrad docs`: serves the documentation as a site from this machine. A released agrad has it in dist/docs; in the repository
 * `pnpm docs:build` makes it, in apps/docs/dist.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DocsOptions } from '../commands/docs.ts';
import { explanations } from '../explain/codes.ts';
import { codeOf } from '../explain/explain.ts';
import { Failure } from '../failure.ts';
import { nearest } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { serve } from './serve.ts';

/**
 * Serves until it is interrupted.
 *
 * @param places where the built site may be, the first that is there counts
 */
export async function docs(
  options: Omit<DocsOptions, 'settings'>,
  terminal: Terminal,
  places = builtFolders(),
): Promise<number> {
  const folder = places.find((place) => existsSync(join(place, 'index.html')));
  if (folder === undefined) {
    throw new Failure(
      'configuration',
      `the documentation is not built: there is no index.html in ${places.join(' or ')}`,
      "In the repository 'pnpm docs:build' builds it. The same pages are Markdown in docs/guide; 'agrad explain CODE' explains errors without them.",
    );
  }
  const { port, open } = options;
  const page = pageOf(options.positional[0] ?? '', folder);
  return serve({ command: 'docs', folder, page, headers: {}, port, open }, terminal);
}

/** The file of a page, with its place: `guide/install#two-copies` → `guide/install.html#two-copies`. */
function pageOf(given: string, folder: string): string {
  const [name, anchor] = given.replace(/^\/|\.(?:html|md)(?=#|$)|\/$/g, '').split('#');
  if (name === '') return '';
  const code = codeOf(name);
  if (Object.hasOwn(explanations, code)) return `reference/errors.html#${code.toLowerCase()}`;
  const behind = anchor === undefined ? '' : `#${anchor}`;
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.html'));
  for (const file of [`${name}.html`, `${name}/index.html`])
    if (pages.includes(file)) return `${file}${behind}`;
  // `install` is enough where no other page ends so.
  const [only, ...more] = pages.filter((file) => file.endsWith(`/${name}.html`));
  if (only !== undefined && more.length === 0) return `${only}${behind}`;
  const names = pages.map((file) => file.replace(/(?:\/index)?\.html$/, ''));
  const near = nearest(name, names);
  throw new Failure(
    'usage',
    `docs: there is no page '${name}'`,
    near === undefined
      ? `There are ${names.length}; 'agrad docs' shows the first.`
      : `Did you mean '${near}'?`,
  );
}

/** Beside this file in a released command; else where the repository builds it. */
function builtFolders(): string[] {
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  if (import.meta.url.endsWith('.ts')) return [path('../../../docs/dist/')];
  return [path('./docs/'), path('../../docs/dist/')];
}
