/** Links between documents of the repository, as links between pages of the site. */
import { dirname, extname, join, normalize } from 'node:path';
import type { Page } from './pages.ts';

const pictures = new Set(['.png', '.svg', '.jpg', '.gif']);

/** The address of a page: a folder ends in a slash. */
export function addressOf(path: string): string {
  return `/${path.replace(/(^|\/)index$/, '$1')}`;
}

/**
 * The text of a document with its links as the site has them. A picture is handed to `keep`, which answers its address; what
 * is no page (a source, a folder) links to the repository where that is known, else it is its words alone.
 *
 * @param repository `https://…/blob/main/`, or undefined
 */
export function relink(
  text: string,
  source: string,
  pages: ReadonlyMap<string, Page>,
  keep: (picture: string) => string,
  repository?: string,
): string {
  const parts = text.split(/(^```[\s\S]*?^```|^~~~[\s\S]*?^~~~)/m);
  return parts.map((part, i) => (i % 2 === 1 ? part : inProse(part))).join('');

  function inProse(prose: string): string {
    return prose
      .replace(
        /(!?)\[((?:!\[[^\]]*\]\([^)]*\)|`[^`]*`|[^[\]`])*)\]\(([^)\s]+)\)/g,
        (whole, mark, words, target) => {
          if (/^(?:[a-z]+:|#|\/)/.test(target)) return whole;
          const [file, anchor] = target.split('#');
          const path = normalize(join(dirname(source), file))
            .replaceAll('\\', '/')
            .replace(/\/$/, '');
          if (mark === '!') return `![${words}](${keep(path)})`;
          const page = pages.get(path) ?? pages.get(`${path}/README.md`);
          if (page) return `[${words}](${addressOf(page.path)}${anchor ? `#${anchor}` : ''})`;
          if (pictures.has(extname(path))) return `[${words}](${keep(path)})`;
          return repository ? `[${words}](${repository}${path})` : words;
        },
      )
      .replace(/\\([<>])/g, (_, sign) => (sign === '<' ? '&lt;' : '&gt;'));
  }
}

/** The anchor of a heading, as GitHub makes it: the same link works there and here. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
